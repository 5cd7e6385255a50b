#!/usr/bin/python3
"""A Go program whose runtime lays its records out as no Go does: the goroutines cannot be read,
that is said, and the threads are listed all the same. Made of real cores: in each descriptor the
word before the id, which is the status in every Go, stands elsewhere, or all words behind what the
versions share stand in reverse order. Once more, the version is one that nobody has seen."""

import json
import os
import shutil
import struct

import gocore
import elfcore
import realcore
import tap

CASE, MODE = "many_threads", "plain"
INCOMPLETE = 3
# {stack.lo, stack.hi, guards, _panic, _defer, m, sched} come first (runtime/runtime2.go).
SHARED_SIZE, DESCRIPTOR_SIZE = 0x80, 440


def reverse(words):
    """Not even the list of goroutines can be told then: the id of the first is not where it was."""
    return words[::-1]


def exchange(words):
    """The word before goroutine 1's id and the first behind it that can be no status: the same two
    in all descriptors."""
    exchange.places = exchange.places or next(
        (at - 1, other) for at in range(1, len(words)) if words[at] == 1
        for other in range(at + 1, len(words)) if words[other] & 0xffffffff > 4096)
    first, second = exchange.places
    words[first], words[second] = words[second], words[first]
    return words


def spoil(path, addrs, order):
    """Another order of the fields, the same in all descriptors; goroutine 1 comes first."""
    exchange.places = None
    core = elfcore.Core(path)
    with open(path, "r+b") as file:
        for addr in addrs:
            low, _ = core.file_range(addr + SHARED_SIZE, addr + DESCRIPTOR_SIZE)
            file.seek(low)
            count = (DESCRIPTOR_SIZE - SHARED_SIZE) // 8
            words = list(struct.unpack("<%dQ" % count, file.read(8 * count)))
            file.seek(low)
            file.write(struct.pack("<%dQ" % count, *order(words)))


def rename(path, old, new):
    """The version, wherever it stands."""
    with open(path, "r+b") as file:
        content = file.read()
        at = content.find(old)
        tap.check("%s is in %s" % (old.decode(), os.path.basename(path)), at >= 0, path)
        while at >= 0:
            file.seek(at)
            file.write(new)
            at = content.find(old, at + 1)


def check(name, core, exe, said, threads):
    """The report of a spoilt core."""
    code, out, err = tap.run([realcore.tool(), "--json", "--all", "-e", exe, core])
    report = json.loads(out)
    tap.equal(name + "exit code and stderr", (code, err), (INCOMPLETE, ""))
    tap.equal(name + "the gap", [(gap["detail"], gap["incomplete"]) for gap in report["gaps"]
                                 if gap["kind"] == "go-layout"], [(said, True)])
    tap.equal(name + "no goroutine is made up",
              ([group for group in report["groups"] if group["kind"] == "goroutine"],
               report["summary"]["goroutines"]), ([], 0))
    members = sorted(number for group in report["groups"] for number in group["members"])
    tap.equal(name + "every thread of the core is in a group", members, sorted(threads))
    tap.check(name + "their stacks are named", any(
        frame["function"] == "syscall.Syscall" or frame["function"] == "runtime.futex"
        for group in report["groups"] for frame in group["frames"]), out[:3000])
    tap.check(name + "nothing is proved", report["summary"]["verdict"] not in ("proved", "likely")
              and report["core"]["complete"] is False, report["summary"])
    code, out, err = tap.run([realcore.tool(), "-e", exe, core])
    flat = " ".join(out.split())
    tap.check(name + "the text says so, and how many threads there are",
              (code, err) == (INCOMPLETE, "") and said in flat
              and "INCOMPLETE: " in flat and "total %d threads" % len(threads) in flat, out + err)
    code, out, err = tap.run([realcore.tool(), "check", "-e", exe, core])
    tap.check(name + "check does not pass it", code == INCOMPLETE and "PASS" not in out, out + err)
    code, out, err = tap.run([realcore.tool(), "-e", exe, "show", core, "goroutine:1"])
    tap.check(name + "show goroutine:1", code == 2 and out == "" and err.count("\n") == 1,
              out + err)


def main():
    for version in ("1.19", "1.27"):
        exe = gocore.build(CASE, version, MODE)
        try:
            whole, _ = gocore.dump(CASE, exe)
        except realcore.CannotDump as reason:
            tap.skip("a layout that is not known, Go " + version, str(reason))
            continue
        report = json.loads(tap.run([realcore.tool(), "--json", "--all", "-e", exe, whole])[1])
        tasks = sorted((task["id"], int(task["g"], 16)) for task in report["tasks"]
                       if task["kind"] == "goroutine")
        known = report["go"]["version"]
        tap.check(known + ": the whole core has its goroutines", len(tasks) > 60 and
                  tasks[0][0] == 1, tasks)
        threads = [thread["tid"] for thread in elfcore.Core(whole).threads]
        unseen = "go1.99" + known[len("go1.99"):]
        for order, said in ((exchange, "%s: layout not recognised: native threads only"),
                            (reverse, "%s: its list of goroutines was not found: native threads "
                                      "only")):
            with realcore.scratch() as cwd:
                core = shutil.copy(whole, os.path.join(cwd, "core"))
                spoil(core, [addr for _, addr in tasks], order)
                check("%s, %s: " % (known, order.__name__), core, exe, said % known, threads)
                program = shutil.copy(exe, os.path.join(cwd, CASE))
                for path in (core, program):
                    rename(path, known.encode(), unseen.encode())
                check("%s, %s: " % (unseen, order.__name__), core, program, said % unseen, threads)
    tap.done()


main()

"""What is known to be missing from a core may have what threads wait for: nothing is proved. A
thread, the vector registers of one that runs, a library's globals."""

import os
import shutil
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import elfcore
import expect
import realcore

NT_PRSTATUS, NT_X86_XSTATE = 1, 0x202
UNKNOWN = 0x7FFFFFFF  # a type that nobody reads
PT_NULL, PF_W, PHDR_SIZE, PAGE = 0, 2, 56, 4096


def without_notes(source, target, chosen):
    """A copy of the core in which the notes at these offsets are none of ours any more."""
    shutil.copyfile(source, target)
    with open(target, "r+b") as file:
        for off in chosen:
            file.seek(off)
            file.write(struct.pack("<I", UNKNOWN))


def by_thread(core):
    """[[(offset of its type, type)]] of each thread's notes."""
    threads = []
    for off, name, kind in core.note_types:
        if name == b"CORE" and kind == NT_PRSTATUS:
            threads.append([])
        if threads:
            threads[-1].append((off, kind))
    return threads


def spinner_of(core, report):
    """The notes of the thread that runs."""
    running, = [group["members"][0] for group in report["groups"]
                if group["state"] == "running"]
    tids = [thread["tid"] for thread in core.threads]
    return by_thread(core)[tids.index(running)]


def certainties(core):
    """How sure the report is of threads that wait for what nobody can reach; its gaps."""
    code, report, err = realcore.report([core])
    if not tap.check("%s gives a report" % os.path.basename(core), report is not None,
                     "%d\n%s" % (code, err)):
        return None, None
    return ([finding["certainty"] for finding in report["findings"]
             if finding["rule"] == "unreachable-wait"],
            " ".join(gap["detail"] for gap in report["gaps"]))


def check(case, name, chosen, words):
    """The sample's core without some notes of the thread that spins."""
    truth = expect.Expectation(case)
    path = realcore.make_core(realcore.build(case), truth.args, "kernel", truth.threads,
                              truth.busy)
    code, report, err = realcore.report([path])
    if not tap.check(case + " gives a report", report is not None, "%d\n%s" % (code, err)):
        return
    core = elfcore.Core(path)
    spinner = [(off, kind) for off, kind in spinner_of(core, report)
               if off < core.notes_off + core.notes_size]
    removed = [off for off, kind in spinner if chosen is None or kind in chosen]
    if not tap.check(name + ": there are such notes", bool(removed), core.note_types):
        return
    with realcore.scratch() as folder:
        target = os.path.join(folder, "core")
        without_notes(path, target, removed)
        found, gaps = certainties(target)
        tap.equal(name + ": nothing is found", found, [])
        tap.check(name + ": it is said why", gaps is not None and words in gaps, gaps)


def check_globals():
    """The sample's core without the segments that hold the program's globals."""
    name = "a core without the program's globals"
    truth = expect.Expectation("dropped_but_packed")
    exe = realcore.build("dropped_but_packed")
    path = realcore.make_core(exe, truth.args, "kernel", truth.threads, truth.busy)
    core = elfcore.Core(path)
    own = [(low, high) for low, high, _, file in core.files
           if file == os.path.realpath(exe)]
    low, high = min(part[0] for part in own), max(part[1] for part in own) + PAGE
    with realcore.scratch() as folder:
        target = os.path.join(folder, "core")
        shutil.copyfile(path, target)
        removed = 0
        with open(target, "r+b") as file:
            for index in range(core.phnum):
                off = core.phoff + index * PHDR_SIZE
                file.seek(off)
                kind, flags, _, addr = struct.unpack("<IIQQ", file.read(24))
                if kind == elfcore.PT_LOAD and flags & PF_W and low <= addr < high:
                    file.seek(off)
                    file.write(struct.pack("<I", PT_NULL))
                    removed += 1
        tap.check(name + ": there were such segments", removed > 0, core.segments)
        found, gaps = certainties(target)
        tap.equal(name + ": nothing is found", found, [])
        tap.check(name + ": it is said why", gaps is not None and
                  "globals of the program or a library are not in the core" in gaps, gaps)


def main():
    """All of them."""
    try:
        check("dropped_but_register", "a thread without registers", None,
              "the registers of a thread are not in the core")
        check_globals()
        if "avx" in realcore.read_text("/proc/cpuinfo"):
            check("dropped_but_ymm", "a thread without its upper vector registers",
                  (NT_X86_XSTATE,), "vector registers are not in the core")
        else:
            tap.skip("a thread without its upper vector registers", "this processor has none")
    except realcore.CannotDump as reason:
        tap.skip("cores without some notes", str(reason))
    tap.done()


main()

#!/usr/bin/python3
"""What groups keep: descriptors, timers, threads and locks, held against what the program counted
itself while it handed them out; and a lock of C's that a goroutine holds."""

import json
import os
import re
import signal
import time

import gocore
import realcore
import tap

SOURCE = os.path.join(tap.ROOT, "tests", "go", "holdings")
KEYS = ("descriptors", "timers", "threads", "locked_threads", "locks", "maybe_locks")


def at_rest(pid):
    """Until no thread runs, three looks in a row."""
    deadline, quiet = time.monotonic() + realcore.SETTLE_TIMEOUT_S, 0
    while quiet < 3:
        if time.monotonic() > deadline:
            raise RuntimeError("the program did not come to rest")
        time.sleep(0.01)
        states = [realcore.read_text("/proc/%d/task/%s/stat" % (pid, tid)).rpartition(")")[2][:2]
                  for tid in os.listdir("/proc/%d/task" % pid)]
        quiet = quiet + 1 if set(states) <= {" S", ""} else 0


def dumped(exe, cwd, how):
    """(core, {function: {key: number}}) of the program."""
    with realcore.started([exe], cwd) as process:
        truth = {}
        for line in process.said.splitlines()[:-1]:
            name, *numbers = line.split()
            truth[name] = dict(zip(KEYS, map(int, numbers)))
        at_rest(process.pid)
        return realcore.dump(process, cwd, how, signal.SIGXCPU), truth


def summed(report, kind="goroutine"):
    """{function: numbers}: groups of one function differ in what their members wait for."""
    found = {}
    for group in report["groups"]:
        names = [frame["function"] for frame in group["frames"]]
        for name in names if group["kind"] == kind else []:
            if name is not None and name.startswith("main.") and ".func" not in name:
                entry = found.setdefault(name, dict.fromkeys(KEYS, 0))
                for key in KEYS:
                    entry[key] += group["holds"][key]
                break
    return found


def check(version, how):
    name = "Go %s, %s: " % (version, how)
    exe = gocore.build_other(SOURCE, "keep", version)
    with realcore.scratch() as cwd:
        try:
            core, truth = dumped(exe, cwd, how)
        except realcore.CannotDump as reason:
            tap.skip(name + "what groups keep", str(reason))
            return
        code, out, err = tap.run([realcore.tool(), "--json", "-e", exe, core])
        report = json.loads(out)
        got = summed(report)
        for function, wanted in sorted(truth.items()):
            tap.equal(name + function, got.get(function), wanted)
        tap.check(name + "the program told of eleven functions", len(truth) == 11 and code == 0,
                  err)
        words = {"main.readSocket": "3 descriptors", "main.sleep": "4 timers",
                 "main.waitForTick": "1 timer", "main.selectContext": "1 timer",
                 "main.ownThread": "2 locked to threads of their own",
                 "main.holdLock": "2 locks, perhaps, that others wait for",
                 "main.inSystemCall": "5 threads"}
        for group in report["groups"]:
            functions = [frame["function"] for frame in group["frames"]]
            for function in set(words) & set(functions):
                _, out, _ = tap.run([realcore.tool(), "-e", exe, "show", core, group["id"]])
                if re.search(r"\b%s\b" % re.escape(words[function]), " ".join(out.split())):
                    del words[function]
        tap.equal(name + "the text says so", words, {})


def check_of_c():
    """Each goroutine holds the lock of C's that the other one wants: so does its thread."""
    exe = gocore.build("cgo_deadlock_and_leak", "1.27", "cgo")
    try:
        core, _ = gocore.dump("cgo_deadlock_and_leak", exe)
    except realcore.CannotDump as reason:
        tap.skip("locks of C", str(reason))
        return
    report = json.loads(tap.run([realcore.tool(), "--json", "-e", exe, core])[1])
    got = summed(report)
    tap.equal("locks of C that goroutines hold",
              [(got[name]["locks"], got[name]["threads"]) for name in
               ("main._Cfunc_debit", "main._Cfunc_post")], [(1, 1), (1, 1)])
    locks = [group["holds"]["locks"] for group in report["groups"]
             if group["kind"] == "thread" and group["reason"] == "mutex"]
    tap.equal("locks of C that threads hold", locks, [2])


for go, way in (("1.19", "kernel"), ("1.27", "kernel"), ("1.27", "gcore")):
    check(go, way)
check_of_c()
tap.done()

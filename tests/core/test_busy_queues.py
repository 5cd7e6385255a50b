"""Nothing is proved of a program whose threads hand each other what they wait for, caught anywhere.

    /usr/bin/python3 tests/core/test_busy_queues.py [SNAPSHOTS]

Each snapshot is a process of its own that the kernel dumps at a moment by chance. No thread of it
ever waits in vain, so that every finding that proves something would be a lie.
"""

import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import realcore

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "busy_queues.cc")
NUM_SNAPSHOTS = 25
WAITS = ("condition", "semaphore", "mutex", "atomic", "join")


def build(flags, name):
    """The program's path."""
    exe = os.path.join(realcore.PROGRAMS, name)
    os.makedirs(realcore.PROGRAMS, exist_ok=True)
    with realcore.locked(exe + ".lock"):
        code, _, err = tap.run(["g++", "-std=gnu++17", "-Wall", "-Wextra", "-pthread", SOURCE, "-o",
                                exe] + flags)
    if code:
        raise RuntimeError("%s does not compile:\n%s" % (SOURCE, err))
    return exe


def snapshot(exe, random_numbers, cwd):
    """(lies, threads that wait)"""
    with realcore.started([exe, str(random_numbers.randint(2, 12))], cwd) as process:
        time.sleep(random_numbers.random() * 0.02)
        core = realcore.kernel_core(process)
    report, err = realcore.report([core])[1:]
    os.unlink(core)
    if not report:
        return ["no report: " + err], 0
    lies = ["%s %s: %s" % (finding["certainty"], finding["rule"], finding["title"])
            for finding in report["findings"] if finding["certainty"] in ("proved", "likely")]
    waiting = sum(group["count"] for group in report["groups"] if group["reason"] in WAITS)
    return lies, waiting


def main():
    """So many snapshots of two builds."""
    count = int(sys.argv[1]) if sys.argv[1:] else NUM_SNAPSHOTS
    random_numbers = random.Random(20261127)
    exes = [build(["-O2"], "busy_queues"), build(["-O0", "-g"], "busy_queues-o0")]
    lies, waiting, made = [], 0, 0
    try:
        with realcore.scratch() as cwd:
            for i in range(count):
                found = snapshot(exes[i % len(exes)], random_numbers, cwd)
                lies, waiting, made = lies + found[0], waiting + found[1], made + 1
    except realcore.CannotDump as reason:
        tap.skip("snapshots of busy queues", str(reason))
        tap.done()
        return
    tap.check("nothing is proved in %d snapshots" % made, not lies, "\n".join(lies))
    tap.check("and threads did wait in them", waiting > 2 * made, waiting)
    print("# %d snapshots, %d waiting threads, %d lies" % (made, waiting, len(lies)))
    tap.done()


main()

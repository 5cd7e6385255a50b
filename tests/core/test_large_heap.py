#!/usr/bin/python3
"""A large heap is searched by two threads: what they find is what one finds, byte for byte.

In the heap a single chunk of 400,000 may lead to what a thread waits for: then it is not stuck. A
chunk that one of the two left out would be a false proof, so it is looked for many times.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import realcore

SOURCE = os.path.join(tap.ROOT, "tests", "bench", "large_heap.c")
NUM_CHUNKS = 400000
LIMIT = str(16 << 30)
NUM_TIMES = 10


def build():
    exe = os.path.join(realcore.PROGRAMS, "large_heap")
    os.makedirs(realcore.PROGRAMS, exist_ok=True)
    code, _, err = tap.run(["gcc", "-O2", "-Wall", "-pthread", SOURCE, "-o", exe])
    tap.check("it builds", code == 0, err)
    return exe


def one_processor():
    return ["taskset", "-c", str(min(os.sched_getaffinity(0)))]


def check_core(label, argv, is_stuck):
    with realcore.scratch() as cwd:
        with realcore.running(argv, cwd, 2) as process:
            core = realcore.kernel_core(process)
        alone = tap.run(one_processor() + [realcore.tool(), "--all", core])[1]
        limited = tap.run([realcore.tool(), "--all", "--max-memory", LIMIT, core])[1]
        together = [tap.run([realcore.tool(), "--all", core])[1] for _ in range(NUM_TIMES)]
        why = tap.run([realcore.tool(), "show", core, "1"])[1]
    tap.equal(label + ": is it proved?", "PROVED" in alone, is_stuck)
    tap.equal(label + ": with a limit of memory, the same", limited, alone)
    tap.equal(label + ": by two threads %d times, the same" % NUM_TIMES, set(together), {alone})
    tap.check(label + ": one thread explains it", len(why) > 100, why)


def main():
    exe = build()
    try:
        check_core("nothing leads to it", [exe, str(NUM_CHUNKS)], True)
        for holder in (0, NUM_CHUNKS // 3, NUM_CHUNKS - 1):
            check_core("chunk %d leads to it" % holder, [exe, str(NUM_CHUNKS), str(holder)], False)
    except realcore.CannotDump as reason:
        tap.skip("a large heap", str(reason))


main()
tap.done()

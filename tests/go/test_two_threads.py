#!/usr/bin/python3
"""Many goroutines are read by two threads, and the report is the one that a single thread makes.

A limit of memory, or one processor, keeps the analysis to one thread. The program's goroutines
leave dead records in both halves of the runtime's list.
"""

import json
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import tap

import gocore
import realcore

SOURCE = os.path.join(HERE, "many")
NUM_ALIVE, NUM_ENDED = 24000, 6000
LIMIT = str(16 << 30)


def report_of(core, exe, *words, before=()):
    """The report, but for what is said of the run itself."""
    code, out, err = tap.run(list(before) + [realcore.tool(), "--json", "--all"] + list(words)
                             + [core, exe])
    tap.check(" ".join(before + words) + ": no error", code in (0, 1), (code, err))
    report = json.loads(out)
    del report["tool"]
    return report


def one_version(version):
    exe = gocore.build_other(SOURCE, "parked", version)
    with realcore.scratch() as folder:
        with realcore.started([exe], folder) as process:
            core = realcore.kernel_core(process, signal.SIGXCPU)
        two = report_of(core, exe)
        facts = two["go"]
        tap.equal(version + ": the living", facts["num_goroutine"], NUM_ALIVE + 1)
        tap.check(version + ": the dead", facts["dead_goroutines"] >= NUM_ENDED, facts)
        # A few may still be on their way to where they wait.
        tap.check(version + ": eight ways of waiting",
                  sum(group["count"] >= NUM_ALIVE // 8 - 8 for group in two["groups"]) == 8,
                  [group["count"] for group in two["groups"]])
        one = report_of(core, exe, "--max-memory", LIMIT)
        tap.equal(version + ": the same with a limit of memory", two, one)
        alone = report_of(core, exe, before=("taskset", "-c", first_processor()))
        tap.equal(version + ": the same on one processor", two, alone)
        small = report_of(core, exe, "--no-proof")
        narrow = report_of(core, exe, "--no-proof", "--no-sandbox", "--max-memory", LIMIT)
        tap.equal(version + ": the same without proof", small, narrow)


def first_processor():
    return str(min(os.sched_getaffinity(0)))


def main():
    for version, _ in gocore.toolchains("--two")[0]:
        try:
            one_version(version)
        except realcore.CannotDump as reason:
            tap.skip("two threads, Go " + version, str(reason))


main()
tap.done()

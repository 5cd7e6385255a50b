#!/usr/bin/python3
"""Many goroutines are read by two threads, and the report is the one that a single thread makes.

A limit of memory, or one processor, keeps the analysis to one thread. The program's goroutines
leave dead records in both halves of the runtime's list. What only a leaf of a large tree leads to
is looked for many times: a part of it that both threads left out would be a false proof.
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
NUM_TIMES = 5


def report_of(core, exe, *words, before=()):
    """The report, but for what is said of the run itself."""
    code, out, err = tap.run(list(before) + [realcore.tool(), "--json", "--all"] + list(words)
                             + [core, exe])
    tap.check(" ".join(before + words) + ": no error", code in (0, 1), (code, err))
    report = json.loads(out)
    del report["tool"]
    return report


def check_proofs(version, report):
    """Nothing leads to what main.alone waits for; a leaf of the tree does to main.awaitHidden's."""
    verdicts = {"main.alone": {}, "main.awaitHidden": {}}
    for group in report["groups"]:
        for frame in group["frames"]:
            of = verdicts.get(frame["function"])
            if of is not None:
                of[group["verdict"]] = of.get(group["verdict"], 0) + group["count"]
    # One that has just been created may be in a thread's hands still.
    tap.check(version + ": nobody can reach those", verdicts["main.alone"].get("proved", 0)
              >= NUM_ALIVE // 8 - 8, verdicts)
    tap.equal(version + ": the leaf leads to one", (sum(verdicts["main.awaitHidden"].values()),
                                                    "proved" in verdicts["main.awaitHidden"]),
              (1, False))


def one_version(version):
    exe = gocore.build_other(SOURCE, "parked", version)
    with realcore.scratch() as folder:
        with realcore.started([exe], folder) as process:
            core = realcore.kernel_core(process, signal.SIGXCPU)
        two = report_of(core, exe)
        facts = two["go"]
        tap.equal(version + ": the living", facts["num_goroutine"], NUM_ALIVE + 2)
        tap.check(version + ": the dead", facts["dead_goroutines"] >= NUM_ENDED, facts)
        # A few may still be on their way to where they wait.
        tap.check(version + ": eight ways of waiting",
                  sum(group["count"] >= NUM_ALIVE // 8 - 8 for group in two["groups"]) == 8,
                  [group["count"] for group in two["groups"]])
        check_proofs(version, two)
        for _ in range(NUM_TIMES):
            tap.equal(version + ": the same once more", report_of(core, exe), two)
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

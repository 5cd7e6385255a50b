#!/usr/bin/python3
"""200 dumps of five programs through `coreleaks check`: the merged view is right, all processors
are busy, memory is bounded by what one dump takes and the number of processors."""

import json
import os
import resource
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import realcore
import tap

PROGRAMS = ["ab_ba", "self_deadlock", "three_way_deadlock_30_behind", "idle_pool",
            "queue_no_producer"]
EACH = 40


def num_red(sample):
    """How many groups its truth calls proved or likely."""
    with open(os.path.join(tap.ROOT, "samples", "native", sample + ".expect"),
              encoding="utf-8") as file:
        return sum(1 for line in file if line.startswith("group ") and
                   (" verdict=proved" in line or " verdict=likely" in line))


def threads_of(sample):
    words = realcore.expected_words(sample, "threads")
    return int(words[0])


def processor_seconds():
    """Seconds that all processors together have been busy, and idle, since the machine's start."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    idle = ticks[3] + ticks[4]
    tick = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - idle) / tick, idle / tick


def measure(arguments):
    """(exit code, stdout, seconds, seconds of processors, those of others, idle ones, peak MiB of
    the largest process)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy, idle = processor_seconds()
    start = time.monotonic()
    code, out, err = tap.run(arguments, timeout=1800)
    wall = time.monotonic() - start
    busy, idle = (now - then for now, then in zip(processor_seconds(), (busy, idle)))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if err:
        sys.stdout.write("# " + err)
    return code, out, wall, cpu, max(0, busy - cpu), idle, after.ru_maxrss / 1024


def main():
    processors = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(dir=tap.BUILD) as folder:
        names = []
        for sample in PROGRAMS:
            core = realcore.make_core(realcore.build(sample), threads=threads_of(sample))
            for number in range(EACH):
                name = "core.%s.%03d" % (sample, number)
                os.link(core, os.path.join(folder, name))
                names.append(name)
        one = measure([realcore.tool(), "check", os.path.join(folder, names[-1])])
        code, out, wall, cpu, others, idle, peak = measure(
            [realcore.tool(), "check", "--json", folder])
        report = json.loads(out)
        tap.equal("200 dumps are seen", report["summary"]["dumps"], len(names))
        tap.equal("red, none failed", (code, report["summary"]["by_outcome"]["failed"]), (1, 0))
        for sample in PROGRAMS:
            mine = {number for number, dump in enumerate(report["dumps"])
                    if "core.%s." % sample in dump["path"]}
            red = [group for group in report["groups"] if group["red"] and
                   {part["dump"] for part in group["dumps"]} & mine]
            tap.equal("%s: red signatures" % sample, len(red), num_red(sample))
            for group in red:
                tap.equal("%s: %s is in all of its dumps" % (sample, group["signature"]),
                          sum(1 for part in group["dumps"] if part["dump"] in mine), EACH)
        # What others that run here take is not ours to have.
        busy = cpu / (cpu + idle)
        print("# %d dumps: %.1f s, %.1f s of processors, %.1f s of others', %.1f s idle: %.0f %% "
              "busy of what was free on %d; largest process %.0f MiB (one dump alone %.0f MiB, "
              "%.2f s)" % (len(names), wall, cpu, others, idle, busy * 100, processors, peak,
                           one[6], one[2]))
        tap.check("the processors are busy", busy >= 0.9, "%.2f" % busy)
        tap.check("no process takes more than one dump needs", peak <= 2 * one[6],
                  "%.0f MiB" % peak)
    tap.done()


main()

"""`make bench`: what the GDB command takes for 10,000 goroutines, and adds to coreleaks for 10,001
threads. Each must say what it should; a disagreement, or a limit that is passed, ends with 1.

    bench_gdb.py [--runs N]
"""

import argparse
import os
import re
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core"),
                os.path.join(HERE, "..", "go")]
import gocore
import realcore
import tap

LOADER = os.path.join(tap.ROOT, "gdb", "leaks.py")
NUM_THREADS, NUM_GOROUTINES = 10001, 10001
# CPU time: the machine may have other work.
APPLY_LIMIT_S, ADDED_LIMIT_S = 10.0, 0.5
GO = "1.27"


CPU_TIME = "python import time; print('@', time.process_time())"


def gdb(files, *commands):
    """[(what a command has printed, seconds of GDB's own CPU time)]: not of its start, and not of
    coreleaks, which is another process."""
    argv = ["gdb", "-nx", "-q", "-batch", "-iex", "set auto-load python-scripts off"] + files
    argv += ["-ex", "source " + LOADER, "-ex", "set leaks analyzer-path " + realcore.tool()]
    for command in commands:
        argv += ["-ex", CPU_TIME, "-ex", command]
    code, out, err = tap.run(argv + ["-ex", CPU_TIME], timeout=600, errors="replace")
    parts = re.split(r"^@ ([\d.]+)\n", out, flags=re.MULTILINE)[1:]
    if len(parts) != 2 * len(commands) + 2:
        raise RuntimeError("GDB ended with %d: %s" % (code, err[-2000:]))
    moments = [float(part) for part in parts[0::2]]
    return [(said, after - before) for said, before, after in
            zip(parts[1::2], moments, moments[1:])]


def apply_all(mode, runs):
    exe = gocore.build("ten_thousand", GO, mode)
    core, _ = gocore.dump("ten_thousand", exe)
    times = []
    for _ in range(runs):
        (out, seconds), = gdb([exe, core], "leaks -limit 1", "leaks apply all bt")[1:]
        if len(re.findall(r"^Goroutine \d+ \(", out, re.MULTILINE)) != NUM_GOROUTINES or \
                len(re.findall(r" main\.work \(", out)) != NUM_GOROUTINES - 1:
            print("leaks apply all bt, %s: not every goroutine's stack" % mode)
            return False
        times.append(seconds)
    return told("leaks apply all bt, %s, %d goroutines" % (mode, NUM_GOROUTINES), times,
                APPLY_LIMIT_S)


def added(runs):
    exe = realcore.build("many_stacks")
    core = realcore.make_core(exe, [str(NUM_THREADS - 1)], "kernel", NUM_THREADS)
    times = []
    for _ in range(runs):
        (out, seconds), = gdb([exe, core], "leaks")
        if "total %s threads" % format(NUM_THREADS, ",") not in out:
            print("leaks in GDB: not all threads")
            return False
        times.append(seconds)
    return told("leaks, %d threads, besides coreleaks itself" % NUM_THREADS, times, ADDED_LIMIT_S)


def told(what, times, limit):
    # Other work on the machine only adds.
    best = min(times)
    print("%-55s %5.2f s of CPU time at best, %5.2f s in the middle; limit %.1f s%s" % (
        what, best, statistics.median(times), limit, "" if best <= limit else ": PASSED"))
    return best <= limit


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    print("GDB, %s" % time.strftime("%Y-%m-%d"))
    try:
        results = [apply_all("plain", runs), apply_all("stripped", runs), added(runs)]
    except realcore.CannotDump as reason:
        print("skipped: %s" % reason)
        return 0
    return 0 if all(results) else 1


sys.exit(main())

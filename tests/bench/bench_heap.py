"""How fast a native heap is searched: coreleaks with and without --no-proof on a large one.

    bench_heap.py [--chunks N] [--runs N]

The processor's time counts, so that the result holds on a busy machine: that of finding the chunks
and of looking through all of them, at every byte, by one thread. With more processors it takes less
time by the clock, which is told too. It must find the one thread that is stuck.
"""

import argparse
import os
import resource
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import tap

import realcore

CHUNK_SIZE = 112


def build():
    """The program's path."""
    exe = os.path.join(realcore.PROGRAMS, "large_heap")
    os.makedirs(realcore.PROGRAMS, exist_ok=True)
    code, _, err = tap.run(["gcc", "-O2", "-Wall", "-pthread", os.path.join(HERE, "large_heap.c"),
                            "-o", exe])
    if code:
        raise RuntimeError(err)
    return exe


def times_s(argv):
    """(processor's seconds, seconds by the clock, what it printed)"""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    out = tap.run(argv)[1]
    after, wall_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - begin
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall_s, out


def one_thread():
    """Words that keep a program to one processor."""
    return ["taskset", "-c", str(max(os.sched_getaffinity(0)))]


def main():
    """Prints megabytes a second."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chunks", type=int, default=2000000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with realcore.scratch() as cwd:
        try:
            with realcore.running([build(), str(options.chunks)], cwd, 2) as process:
                core = realcore.kernel_core(process)
        except realcore.CannotDump as reason:
            print("skipped: %s" % reason)
            return 0
        with_s, without_s, walls_s, walls_without_s = [], [], [], []
        for _ in range(options.runs):
            cpu_s, _, out = times_s(one_thread() + [realcore.tool(), core])
            with_s.append(cpu_s)
            without_s.append(times_s(one_thread() + [realcore.tool(), "--no-proof", core])[0])
            walls_s.append(times_s([realcore.tool(), core])[1])
            walls_without_s.append(times_s([realcore.tool(), "--no-proof", core])[1])
            if "PROVED" not in out:
                print("the stuck thread was not found:\n" + out)
                return 1
    size_mb = options.chunks * CHUNK_SIZE / 1e6
    seconds = statistics.median(with_s) - statistics.median(without_s)
    wall_s = statistics.median(walls_s) - statistics.median(walls_without_s)
    print("native heap: %d chunks, %.0f MB, looked through in %.2f s CPU by one thread: %.0f MB/s; "
          "in %.2f s by the clock on %d processors: %.0f MB/s; without --no-proof %.2f s, with it "
          "%.2f s" % (options.chunks, size_mb, seconds, size_mb / seconds, wall_s,
                      len(os.sched_getaffinity(0)), size_mb / wall_s, statistics.median(walls_s),
                      statistics.median(walls_without_s)))
    return 0


sys.exit(main())

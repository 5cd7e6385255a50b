#!/usr/bin/python3
"""A goroutine of 2^20 frames: cut at the limit, which is said, and whole where the limit allows."""

import os

import gocore
import realcore
import tap

SOURCE = os.path.join(tap.ROOT, "tests", "go", "deep")
VERSION, DEPTH = "1.27", 1 << 20


def run(core, exe, *options):
    """(exit code, output)"""
    code, out, err = tap.run([realcore.tool(), "-q", "-e", exe, "--kind=goroutine", *options,
                              core], timeout=300)
    return code, out if code == 0 else err


def main():
    """Of one core."""
    complaints = gocore.toolchains(VERSION)[1]
    try:
        if complaints:
            raise realcore.CannotDump(complaints)
        exe = gocore.build_other(SOURCE, "down", VERSION)
        with realcore.scratch() as folder:
            with realcore.started([exe, str(DEPTH)], folder) as process:
                core = realcore.dump(process, folder, "gcore")
            code, out = run(core, exe)
            tap.check("the usual limit: it is said", code == 0 and
                      "frame-limit: stacks were cut at 512 frames" in out, (code, out[-600:]))
            code, out = run(core, exe, "--max-frames=%d" % (2 * DEPTH), "--format=folded")
            tap.equal("whole: exit code, calls", (code, out.count("main.descend")), (0, DEPTH))
            code, out = run(core, exe, "--max-frames=%d" % (2 * DEPTH))
            tap.check("whole: no gap", code == 0 and "frame-limit" not in out, (code, out[-600:]))
    except realcore.CannotDump as reason:
        tap.skip("a deep goroutine", str(reason))
    tap.done()


main()

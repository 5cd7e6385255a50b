#!/usr/bin/python3
"""A stack of 2^20 frames: cut at the limit, which is said; whole where the limit allows,
and unwound by libdwfl to the same addresses."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import realcore

DEPTH = 1 << 20
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "deep_stack.c")
ENOUGH = "--max-frames=%d" % (2 * DEPTH)
FORMATS = ("sarif", "html")


def run(core, *options):
    """(exit code, output)"""
    code, out, err = tap.run([realcore.tool(), "-q", "--no-proof", *options, core], timeout=300)
    return code, out if code == 0 else err


def check_limits(core):
    """What the limit cuts, and that it says so."""
    for limit in (512, DEPTH):
        text = run(core, "--max-frames=%d" % limit)[1]
        tap.check("limit of %d: it is said" % limit,
                  "frame-limit: stacks were cut at %d frames" % limit in text, text[-600:])


def check_whole(core):
    """All frames, and no output that is out of proportion."""
    code, out = run(core, ENOUGH, "--format=folded")
    tap.equal("whole: exit code, calls", (code, out.count("descend")), (0, DEPTH))
    tap.check("whole: down to where the thread begins", "deep_main;descend;" in out, out[:200])
    for name in FORMATS:
        code, out = run(core, ENOUGH, "--format=" + name)
        tap.check("whole: %s" % name, code == 0 and len(out) < 40 * DEPTH,
                  "%d %d" % (code, len(out)))
        tap.check("whole: %s has no gap" % name, "frame-limit" not in out)
    code, out = run(core, ENOUGH, "--self-check")
    tap.check("whole: libdwfl has the same frames", code == 0 and "no disagreement" in out,
              out[-600:])
    tap.check("whole: text is for people", len(out) < 4000, len(out))


def main():
    """Of one core."""
    try:
        exe = realcore.build_beside(SOURCE, ["gcc", "-std=gnu11", "-O1"])
        core = realcore.make_core(exe, [str(DEPTH)], "kernel", 2)
    except realcore.CannotDump as reason:
        tap.skip("deep stacks", str(reason))
        tap.done()
    check_limits(core)
    check_whole(core)
    tap.done()


main()

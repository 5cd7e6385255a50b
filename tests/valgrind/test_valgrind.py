#!/usr/bin/python3
"""The command line program under Valgrind, over the cores of the native samples: no invalid read,
no use of what was never written, no memory lost.

    /usr/bin/python3 tests/valgrind/test_valgrind.py [CASE]...
"""

import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import tap

import expect
import realcore

FOUND = 99  # no exit code of coreleaks
COMMAND = ["valgrind", "-q", "--error-exitcode=%d" % FOUND, "--leak-check=full",
           "--errors-for-leak-kinds=definite,possible"]


def check(case):
    """Every part of the analysis, and a long and a short report, in one process."""
    truth = expect.Expectation(case)
    try:
        core = realcore.make_core(realcore.build(case), truth.args, "kernel", truth.threads,
                                  truth.busy)
    except realcore.CannotDump as reason:
        tap.skip(case, str(reason))
        return
    code, _, err = tap.run(COMMAND + [realcore.tool(), "--no-sandbox", "--self-check", "--all",
                                      "-o", "-", core], timeout=600)
    tap.check(case + ": clean", code in (0, 1, 3), "exit code %s\n%s" % (code, err[-3000:]))


def main():
    """The samples named, else all."""
    cases = sys.argv[1:] or sorted(name[:-len(".expect")] for name in
                                   os.listdir(realcore.SAMPLES) if name.endswith(".expect"))
    if not shutil.which("valgrind"):
        tap.skip("samples under Valgrind", "valgrind is not installed")
        tap.done()
    for case in cases:
        check(case)
    tap.done()


main()

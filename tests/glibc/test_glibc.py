"""`make check-glibc`: what holds for the system's glibc holds for old and new ones as well.

The zoos of waits and all C samples are linked against each version, and their kernel cores held
against the same truths as in tests/core.
"""

import glob
import os
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), part)
                for part in ("..", os.path.join("..", "core"))]
import tap

import expect
import glibcs
import realcore
import test_waits

# What a version does otherwise than the .expect files say: words of groups and blockers. Of these
# versions there is no debug information, and clone3(), which 2.31 lacks, is not exported.
OTHERWISE = {
    "2.31": {"syscall:clone3": "syscall:clone", "clone3": "pthread_create"},
    "2.41": {"clone3": "pthread_create"},
}


def zoo_rows(glibc):
    """(sample, variant, at least so many kinds, flags)"""
    name = "glibc-" + glibc.version
    # Also in libc since 2.34; message queues and timers lie in librt before.
    flags = glibc.linked() + test_waits.ZOO_SOURCES + ["-Wl,--no-as-needed", "-lrt"]
    rows = [("waits_zoo", name, 60, flags),
            ("waits_zoo", name + "-fast", 60, flags + ["-O2"]),
            ("waits_zoo", name + "-static", 60, flags + ["-static"])]
    # std::latch and std::barrier came with GCC 11's library.
    if glibc.gcc >= 11:
        rows.append(("waits_zoo_cpp", name, 17, glibc.linked_cxx() + ["-std=gnu++20"]))
    return rows


def check_zoos(glibc):
    """(waits that are right, waits)"""
    right = total = 0
    for sample, variant, at_least, flags in zoo_rows(glibc):
        counts = test_waits.check_zoo(sample, "kernel", at_least, flags, variant)
        right, total = right + counts[0], total + counts[1]
    return right, total


def truth_of(case, glibc):
    """The .expect file as it holds for this version."""
    truth, words = expect.Expectation(case), OTHERWISE[glibc.version]
    for item in truth.groups + truth.blockers:
        for key in ("reason", "holder"):
            if key in item:
                item[key] = words.get(item[key], item[key])
        item["frames"] = [words.get(name, name) for name in item["frames"]]
    return truth


def check_sample(case, glibc):
    """Whether the report is as written down; None: there is no core of it here."""
    truth, name = truth_of(case, glibc), "%s with glibc %s: " % (case, glibc.version)
    try:
        exe = realcore.build(case, glibc.linked(), "glibc-" + glibc.version)
        core = realcore.make_core(exe, truth.args, "kernel", truth.threads, truth.busy)
    except realcore.CannotDump as reason:
        tap.skip(name + "report", str(reason))
        return None
    except RuntimeError as error:
        return tap.check(name + "a core", False, error)
    code, report, err = realcore.report([core])
    wrong = expect.differences(truth, report) if report else [err]
    if code != truth.exit:
        wrong.append("exit code %d, want %d" % (code, truth.exit))
    return tap.check(name + "groups and findings as written down", not wrong, "\n".join(wrong))


def check_samples(glibc):
    """(samples that are as written down, samples)"""
    right = total = 0
    for path in sorted(glob.glob(os.path.join(realcore.SAMPLES, "*.expect"))):
        case = os.path.basename(path)[:-len(".expect")]
        source = (realcore.expected_words(case, "source") or [case])[0]
        if not os.path.exists(os.path.join(realcore.SAMPLES, source + ".c")):
            continue
        held = check_sample(case, glibc)
        right, total = right + (held is True), total + (held is not None)
    return right, total


def check_glibc(glibc):
    """One version: a line of the summary."""
    try:
        glibc.fetch()
    except realcore.CannotDump as reason:
        tap.skip("glibc %s" % glibc.version, str(reason))
        return "glibc %s: skipped, %s" % (glibc.version, reason)
    waits, samples = check_zoos(glibc), check_samples(glibc)
    tap.check("glibc %s has been looked at" % glibc.version, waits[1] > 100 and samples[1] > 20,
              "%s %s" % (waits, samples))
    return "glibc %s: %d of %d waits right, %d of %d samples right" % ((glibc.package,) + waits
                                                                       + samples)


def main():
    """All versions, or those named."""
    summary = [check_glibc(glibc) for glibc in glibcs.ALL
               if not sys.argv[1:] or glibc.version in sys.argv[1:]]
    for line in summary:
        print("# " + line)
    tap.done()


if __name__ == "__main__":
    main()

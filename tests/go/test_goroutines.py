"""Every goroutine of every Go sample, in cores of several Go versions, ways to build and ways to
dump, against the truth that the program itself wrote.

By default two Go versions and a choice of samples; with COREGO=all all of them.
usage: test_goroutines.py [VERSION|--two|--all]...
"""

import os
import sys

import compare
import debug2
import gocore
import goexpect
import realcore
import tap
import waits

# Where stripping, position independence and C make a difference: everything once, and these.
OFTEN = ["closures", "inlined", "leaky_handler", "panicking", "waits_channels", "waits_io",
         "waits_locks", "cgo_blocked", "cgo_callback"]
# Whose threads are in other places when Go's own handler has stopped them.
CRASHED = ["leaky_handler", "many_threads", "spinning", "waits_io", "cgo_callback"]
# Dumped by gcore too, which takes seconds each.
BY_GCORE = ["leaky_handler", "cgo_callback"]


def plan(versions, everything):
    """[(case, version, mode, how)]"""
    rows = []
    for version in versions:
        for case in gocore.cases():
            for mode in gocore.MODES:
                if gocore.exists_for(case, version, mode):
                    continue
                own = "cgo" if goexpect.Expectation(case).cgo else "plain"
                if everything or mode == own or mode == "cgo-pie-stripped" and case in OFTEN:
                    rows.append((case, version, mode, "kernel"))
                if mode == own and (everything or case in CRASHED):
                    rows.append((case, version, mode, "crash"))
                if case in BY_GCORE and (mode == own or everything):
                    rows.append((case, version, mode, "gcore"))
    return rows


def check(case, version, mode, how):
    """One core."""
    name = "%s by Go %s, %s, %s: " % (case, version, mode, how)
    exe = gocore.build(case, version, mode)
    try:
        core, text = gocore.dump(case, exe, how)
    except realcore.CannotDump as reason:
        tap.skip(name + "report", str(reason))
        return
    report = gocore.report_of(name, core, exe)
    if report is None:
        return
    wrong = compare.differences(report, text, how)
    tap.check(name + "every goroutine as the program saw it", not wrong, "\n".join(wrong[:20]))
    wrong = waits.differences(report, debug2.notes(text)) if how == "kernel" else []
    tap.check(name + "what each waits on, as it said itself", not wrong, "\n".join(wrong[:20]))
    # The runtime's threads sleep in Go's memory by design: that is no gap of the proof about C's.
    tap.equal(name + "no gap of glibc's heap",
              [gap for gap in report["gaps"] if gap["kind"] == "heap-unknown"], [])
    if how == "kernel":
        wrong = verdicts(case, version, report, text)
        tap.check(name + "verdicts as written down", not wrong, "\n".join(wrong))


def verdicts(case, version, report, text):
    """Lines that say which goroutines have another verdict than the .expect file says."""
    lines = []
    goroutines, _ = debug2.parse_truth(text)
    got = {number: group["verdict"] for group in report["groups"]
           if group["kind"] == "goroutine" for number in group["members"]}
    wanted = {goroutine.id: (None, goroutine) for goroutine in goroutines}
    for group in goexpect.Expectation(case).groups(version):
        for goroutine in goroutines:
            if goexpect.fits(goroutine, group):
                wanted[goroutine.id] = (group["verdict"], goroutine)
    for number, (want, goroutine) in sorted(wanted.items()):
        said = got.get(number)
        if (want or said) != said or (want is None and said in ("proved", "likely")):
            lines.append("goroutine %d: got %s, want %s" % (number, said, want or "no proof"))
    return lines


def main(words):
    """All rows of the plan."""
    everything = os.environ.get("COREGO") == "all"
    versions, complaints = gocore.toolchains(*words or ["--all" if everything else "--two"])
    if complaints:
        tap.check("all toolchains are to be had", False, complaints)
    for case, version, mode, how in plan([version for version, _ in versions], everything):
        check(case, version, mode, how)
    tap.done()


main(sys.argv[1:])

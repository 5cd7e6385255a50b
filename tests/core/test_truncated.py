"""A core that was cut: what is still in the file is reported, what is not is said."""

import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import elfcore
import expect
import realcore

NUM_THREADS = 1003


def thread_ends(report):
    """{thread id: group it is in}"""
    return {tid: group for group in report["groups"] for tid in group["members"]}


def check_cut(core, percent, folder):
    """One cut of the big core."""
    name = "cut at %d %%: " % percent
    size = os.path.getsize(core.path) * percent // 100
    path = os.path.join(folder, "core")
    shutil.copyfile(core.path, path)
    os.truncate(path, size)
    # On processors with large vector registers a tenth of the file is less than its notes.
    known = [thread for thread in core.threads if thread["end_off"] <= size]
    whole, gone = set(), set()
    for thread in known:
        low, high = core.file_range(*elfcore.used_stack(core, thread))
        if high <= size:
            whole.add(thread["tid"])
        elif low >= size:
            gone.add(thread["tid"])

    code, report, err = realcore.report([path], timeout=60)
    tap.equal(name + "exit code", code, 3)
    if not tap.check(name + "gives a report", report is not None, err):
        return
    groups = thread_ends(report)
    tap.equal(name + "every thread whose registers are in the file is in a group",
              sorted(groups), sorted(thread["tid"] for thread in known))
    if set(groups) != {thread["tid"] for thread in known}:
        return
    wrong = [tid for tid in whole if groups[tid]["stack_end"] != "complete"]
    tap.check(name + "the %d stacks still in the file are complete" % len(whole), not wrong,
              [(tid, expect.describe(groups[tid])) for tid in wrong[:5]])
    truth = expect.Expectation("many_stacks")
    nameless = [tid for tid in whole if not any(expect.has_frames(groups[tid], group["frames"])
                                                for group in truth.groups)]
    tap.check(name + "and named", not nameless,
              [(tid, expect.describe(groups[tid])) for tid in nameless[:5]])
    wrong = [tid for tid in gone if groups[tid]["stack_end"] != "unreadable"]
    tap.check(name + "the %d others are unreadable" % len(gone), not wrong,
              [(tid, expect.describe(groups[tid])) for tid in wrong[:5]])
    tap.check(name + "at most one stack is cut in two", len(whole) + len(gone) >= len(known) - 1)
    tap.check(name + "the core is not complete", report["core"]["complete"] is False)
    kinds = {gap["kind"]: gap for gap in report["gaps"]}
    if len(known) < NUM_THREADS:
        tap.check(name + "a gap tells of the notes that are missing",
                  any("note" in gap["kind"] + gap["detail"] for gap in report["gaps"]),
                  report["gaps"])
    tap.check(name + "a gap core-truncated makes it incomplete",
              kinds.get("core-truncated", {}).get("incomplete") is True, report["gaps"])
    if gone:
        num_unreadable = sum(gap["count"] for gap in report["gaps"]
                             if gap["kind"] == "stack-unreadable")
        tap.check(name + "the unreadable stacks are counted",
                  len(gone) <= num_unreadable <= len(gone) + 1,
                  "%d are gone\n%s" % (len(gone), report["gaps"]))
    text = tap.run([realcore.tool(), path])[1]
    detail = kinds.get("core-truncated", {}).get("detail", "?")
    tap.check(name + "the text report says what is missing",
              " ".join(detail.split()) in " ".join(text.split()), "%s\n%s" % (detail, text))


def check_near_notes(source, step, limit, name, folder):
    """Every cut in the headers and notes: an answer, never a crash."""
    path = os.path.join(folder, "core")
    size = os.path.getsize(source)
    shutil.copyfile(source, path)
    bad, codes, num = [], {}, 0
    for cut in sorted(range(0, min(limit, size), step), reverse=True):
        os.truncate(path, cut)
        code, out, err = tap.run([realcore.tool(), "--json", path], timeout=30)
        codes[cut], num = code, num + 1
        if code not in (2, 3):
            bad.append("%d bytes: exit %s, %s" % (cut, code, err[-300:]))
        elif code == 2 and (out or len(err.splitlines()) != 1):
            bad.append("%d bytes: exit 2 without one clear line: %r %r" % (cut, out[:80], err))
    tap.check("%s, cut every %d bytes to %d: exit 2 with one line, or 3" % (name, step, limit),
              not bad and num > 10, "\n".join(bad[:10]))
    return codes


def check_zero_tail(core, folder):
    """Full length, but the second half was never written."""
    path = os.path.join(folder, "core")
    shutil.copyfile(core.path, path)
    size = os.path.getsize(path)
    os.truncate(path, size // 2)
    os.truncate(path, size)
    code, report, err = realcore.report([path], timeout=60)
    if tap.check("second half zeros: a report", code == 3 and report, "exit %s\n%s" % (code, err)):
        groups = thread_ends(report)
        tap.equal("second half zeros: every thread is in a group", len(groups), NUM_THREADS)
        whole = [thread["tid"] for thread in core.threads
                 if core.file_range(*elfcore.used_stack(core, thread))[1] <= size // 2]
        wrong = [tid for tid in whole if groups[tid]["stack_end"] != "complete"]
        tap.check("second half zeros: the %d stacks of the first half are complete" % len(whole),
                  not wrong and whole, [expect.describe(groups[tid]) for tid in wrong[:5]])


def main():
    """All cuts."""
    reason = realcore.limits_allow(NUM_THREADS)
    if reason:
        tap.skip("truncated cores", reason)
        tap.done()
    exe = realcore.build("many_stacks")
    try:
        big = realcore.make_core(exe, [str(NUM_THREADS - 1)], "kernel", NUM_THREADS)
        small = realcore.make_core(exe, ["20"], "kernel", 21)
        gcore = realcore.make_core(exe, ["20"], "gcore", 21)
    except realcore.CannotDump as reason:
        tap.skip("truncated cores", str(reason))
        tap.done()
    core = elfcore.Core(big)
    tap.equal("the core has its threads", len(core.threads), NUM_THREADS)
    with realcore.scratch() as folder:
        for percent in (90, 50, 10):
            check_cut(core, percent, folder)
        check_zero_tail(core, folder)
        codes = check_near_notes(small, 4096, 128 << 10, "21 threads by the kernel", folder)
        small_core = elfcore.Core(small)
        notes_end = small_core.notes_off + small_core.notes_size
        late = [cut for cut, code in codes.items() if cut > notes_end and code != 3]
        tap.check("cuts behind the notes give a report", not late, late)
        check_near_notes(gcore, 4096, 128 << 10, "21 threads by gcore", folder)
        check_near_notes(big, 4096, 64 << 10, "1,003 threads", folder)
        check_near_notes(big, 128 << 10, core.notes_off + core.notes_size, "1,003 threads", folder)
    code, report, _ = realcore.report([big])
    tap.check("the whole core is complete", code == 0 and report
              and not re.search("truncated|unreadable", str(report["gaps"])))
    tap.done()


main()

#!/usr/bin/python3
"""The report as text: a listing written out by hand, and what must hold for any report."""

import copy
import json

import support
import tap

support.import_package()
from leaks import frames, render, report, waits, words

IDS = [100, 101, 102, 103, 104, 105]
ESC = "\x1b[31m\u202e\ud800"

LISTING = """\
SUSPECT: 3 threads share one stack (50.0 % of all 6)
worker.core · worker, pid 100 · SIGABRT · complete

!! #1  3 threads   50.0 %  █████       condition  suspect  t-aaaa00000001
        condition 0x10 (queue+16), held by thread 7; 3 wait for it
        … futex_wait  (libc.so.6)
        consume  worker.c:12
        … start_thread  (libc.so.6)
        threads 101 102 103

   #2  2 threads   33.3 %  ███▎        mutex      t-aaaa00000002
        produce  worker.c:20
        threads 104 105

   #3  1 thread    16.7 %  █▋          join       t-bbbb00000003
        main  worker.c:33
        thread 100

total 6 threads in 3 groups; shown 6 in 3 groups; hidden 0
gaps: none
next: leaks group 1
"""

GROUP = """\
!! #1  3 threads   50.0 %  █████       condition  suspect  t-aaaa00000001
SUSPECT: 3 threads share one stack (runaway-duplicates)
  the threshold is 2
state waiting; stacks in use 160 KiB
condition 0x10 (queue+16), held by thread 7; 3 wait for it

#0  futex_wait () from libc.so.6
#1  0x000055d0c0de1234 in consume () at /src/worker.c:12
#2  0x000055d0c0de1234 in start_thread () from libc.so.6

3 members:
  101 102 103
"""


def load(document, code=0):
    return report.load(json.dumps(document).encode(), code, "tool")


def plain(lines):
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines)


def listing(document, limit=None, width=None, code=0):
    return plain(render.report_lines(load(document, code), limit, width))


def folded():
    """The canned report with frames of libc marked as the runtime's."""
    document = support.canned(IDS)
    group = document["groups"][0]
    for number in (0, 2):
        group["frames"][number].update(runtime=True, module="libc.so.6", file=None)
    group["objects"] = [{"kind": "condition", "address": "0x10", "symbol": "queue+16",
                         "waiters": 3, "holder": {"kind": "thread", "id": 7}}]
    group["stack_bytes"] = 163840
    return document


def check_words():
    for number, whole, wanted in ((0, 0, "0.0 %"), (0, 9, "0.0 %"), (1, 3, "33.3 %"),
                                  (9999, 10000, "99.9 %"), (1, 10000, "<0.1 %"),
                                  (5, 5, "100.0 %")):
        tap.equal("share %d of %d" % (number, whole), words.share(number, whole), wanted)
    for fraction, wanted in ((0, ""), (0.0001, "▏"), (0.5, "█████"), (0.51, "█████"),
                             (0.52, "█████▏"), (1, "█" * 10), (7, "█" * 10), (-1, "")):
        tap.equal("bar %g" % fraction, words.bar(fraction), wanted.ljust(10))
    for number, wanted in ((0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"),
                           (163840, "160 KiB"), (1 << 50, "1024 TiB")):
        tap.equal("size %d" % number, words.size(number), wanted)
    tap.equal("signals", [words.signal_name(11), words.signal_name(999)],
              ["SIGSEGV", "signal 999"])
    tap.equal("a long name keeps its end", words.shorten("a" * 20 + "b" * 20, 10),
              "aaa…bbbbbb")
    tap.equal("a short name is kept", words.shorten("abcdefghij", 10), "abcdefghij")
    tap.equal("names are made harmless", words.clean("a\n\x7f\x9b" + ESC + "é→"),
              "a\\x0a\\x7f\\x9b\\x1b[31m\\u202e\\ud800é→")


def check_listing():
    tap.equal("the listing", listing(folded()), LISTING)
    shown = plain(render.group_lines(load(folded()).groups[0], load(folded()), True, None))
    tap.equal("one group", shown, GROUP)
    group = load(folded()).groups[0]
    tap.equal("the group of a thread", [plain(render.thread_lines(101, group, ranked))
                                        for ranked in (True, False)],
              ["In group #1 t-aaaa00000001: 3 threads, condition, suspect\n",
               "In group t-aaaa00000001: 3 threads, condition, suspect\n"])
    unfolded = listing(support.canned(IDS))
    tap.check("nothing is folded that the report does not mark",
              "futex_wait+31  libc.so.6" in unfolded and "…" not in unfolded, unfolded)
    cut = listing(folded(), limit=1)
    tap.check("a limit says what it leaves out",
              "… 2 groups more with 3 threads, at most 2 in one; -limit 0 shows all\n" in cut and
              "shown 3 in 1 group; hidden 0; beyond -limit 3\n" in cut and
              "produce" not in cut, cut)
    narrow = listing(folded(), width=80)
    tap.check("no bars on a narrow screen", "█" not in narrow, narrow)
    none = folded()
    none["findings"], none["summary"]["verdict"] = [], "unknown"
    tap.check("no finding is not called clean", listing(none).startswith(
        "nothing suspicious: 6 threads in 3 groups, at most 3 in one\n"), listing(none))
    none["groups"], none["summary"]["hidden"] = [], 6
    none["summary"].update(hidden_groups=3, hidden_by={"--focus": 4, "--min-count": 2})
    tap.check("all hidden", listing(none).startswith(
        "nothing to judge: all 6 threads are hidden\n"), listing(none))
    tap.check("hidden by what", "total 6 threads in 3 groups; shown 0 in 0 groups; hidden 6: "
              "4 by -focus, 2 by -min\n" in listing(none), listing(none))
    none["summary"]["threads"] = 0
    tap.check("no threads", listing(none).startswith("nothing to judge: the core holds no"))
    hidden = folded()
    hidden["findings"][0]["hidden"] = True
    tap.check("a hidden finding is counted, not told", "1 finding is about hidden groups only" in
              listing(hidden) and "SUSPECT" not in listing(hidden), listing(hidden))
    two = folded()
    two["groups"][1]["verdict"] = "suspect"
    tap.check("two suspect groups", listing(two).startswith(
        "SUSPECT: 5 of 6 threads (83.3 %) in 2 groups; largest: 3 threads share one stack\n"),
        listing(two))
    two["findings"].insert(0, {"rule": "population", "certainty": "suspect", "groups": [],
                               "title": "6 threads in all", "evidence": []})
    tap.check("a finding about no group is told too",
              "\nSUSPECT: 6 threads in all\n" in listing(two), listing(two))


def deadlock():
    """101 and 102 wait for each other, 103 for 101, 104 for a file."""
    def task(number, address, owner, **more):
        return dict({"kind": "thread", "id": number, "state": "waiting", "reason": "mutex",
                     "object": {"kind": "mutex", "address": address, "certain": True,
                                "type": None, "symbol": None},
                     "holder": {"kind": "thread", "id": owner, "state": "alive"},
                     "timeout": None, "waking": False}, **more)
    document = support.canned(IDS)
    document["tasks"] = [
        task(101, "0x10", 102), task(102, "0x20", 101), task(103, "0x20", 101),
        task(104, "0x5", 0, object={"kind": "fd", "address": "0x5"}, holder=None,
             timeout={"kind": "remaining", "ns": 1}),
        task(105, "0x30", 7, holder={"kind": "thread", "id": 7, "state": "exited"}, waking=True)]
    document["findings"] = [{
        "rule": "deadlock-cycle", "certainty": "likely", "title": "a circle", "groups": [],
        "members": [{"kind": "thread", "id": 101}, {"kind": "thread", "id": 102}],
        "caveats": ["it may be cancelled"], "evidence": [{"what": "w", "address": None}]}]
    return document


def check_waits():
    made = load(deadlock())
    tap.equal("why: the chain, the waiters, the finding", plain(waits.why_lines(101, made)), """\
thread 101 waits for mutex 0x10, held by thread 102, without a time limit
  and thread 102 waits for mutex 0x20, held by thread 101, without a time limit
  which is back at thread 101: a circle
2 threads wait for it: 102 103
LIKELY: a circle (deadlock-cycle)
  w
  not proved: it may be cancelled
""")
    tap.equal("why: a file and a time limit", plain(waits.why_lines(104, made)),
              "thread 104 waits for fd 5, with a time limit\nno finding about this thread\n")
    tap.equal("why: a holder that has ended", plain(waits.why_lines(105, made)).splitlines()[0],
              "thread 105 waits for mutex 0x30, held by thread 7, which has ended, without a time "
              "limit; its wake-up is under way")
    tap.equal("why: no such thread", plain(waits.why_lines(9, made)),
              "Thread 9 is not in the report.\n")
    tap.equal("the locks", plain(waits.lock_lines(made)), """\
mutex 0x20, held by thread 101
  2 waiters: 102 103
mutex 0x10, held by thread 102
  1 waiter: 101
mutex 0x30, held by thread 7, which has ended
  1 waiter: 105
""")
    tap.check("the findings", plain(waits.findings_lines(made)).startswith("LIKELY: a circle"))
    none = load(dict(deadlock(), tasks=[], findings=[]))
    tap.equal("no locks, no findings", plain(waits.lock_lines(none) + waits.findings_lines(none)),
              "No thread waits for a lock.\nNo findings.\n")


def check_gaps():
    document = folded()
    document["findings"], document["summary"]["verdict"] = [], "unknown"
    document["gaps"] = [{"kind": "stack-unreadable", "count": 1, "incomplete": True,
                         "detail": "thread %d" % number} for number in range(6)]
    document["gaps"].append({"kind": "file-missing", "count": 3, "incomplete": False,
                             "detail": "/lib/one is not there"})
    document["modules"] = [
        {"path": "/lib/one", "file": None, "verified": False, "problem": "not there"},
        {"path": "/lib/two", "file": None, "verified": False, "problem": "not there"},
        {"path": "/lib/three", "file": "/x", "verified": False, "problem": "no build-id"},
        {"path": "/lib/four", "file": "/y", "verified": True, "problem": None}]
    shown = listing(document)
    tap.check("an incomplete report says so first",
              shown.startswith("INCOMPLETE: nothing suspicious in what could be read: ") and
              "SIGABRT · INCOMPLETE, see below\n" in shown, shown)
    tap.check("and last", shown.endswith("""\
INCOMPLETE: threads or frames may be missing above; do not take this as clean
  stack-unreadable: thread 0
  stack-unreadable: thread 1
  stack-unreadable: thread 2
  stack-unreadable: thread 3
  stack-unreadable: 2 more
other gaps:
  file-missing: /lib/one is not there (3 times)
no file for /lib/two: not there
unverified /lib/three: no build-id
next: leaks group 1
"""), shown)
    document["gaps"] = document["gaps"][-1:]
    tap.check("gaps that do not matter", "\ngaps:\n  file-missing" in listing(document) and
              "INCOMPLETE" not in listing(document), listing(document))
    tap.check("exit code 3 alone says it too", "INCOMPLETE" in listing(document, code=3))


def stack(spec, **more):
    """A group whose frames are spelt: u the program's, r the runtime's, s a signal's."""
    document = support.canned(IDS)
    document["groups"][0].update(frames=[
        {"pc": hex(number), "function": "%s%d" % (letter, number), "line": 1, "file": "f.c",
         "module": "m", "runtime": letter == "r", "signal": letter == "s"}
        for number, letter in enumerate(spec)], **more)
    return load(document).groups[0]


def shape(spec, max_lines=99, **more):
    shown = plain(frames.short(stack(spec, **more), max_lines, None))
    return [line.strip() for line in shown.splitlines()]


def check_frames():
    tap.equal("both ends are folded", shape("rruurrr"), [
        "… r1  (2 frames, m)", "u2  f.c:1", "u3  f.c:1", "… r4  (3 frames, m)"])
    tap.equal("not what the program calls back from", shape("urru"), [
        "u0  f.c:1", "r1  f.c:1", "r2  f.c:1", "u3  f.c:1"])
    tap.equal("what a signal interrupted is folded", shape("rusrru"), [
        "… r0  (m)", "u1  f.c:1", "<signal handler called>", "… r4  (2 frames, m)", "u5  f.c:1"])
    tap.equal("nothing but the runtime", shape("rr"), ["r0  f.c:1", "r1  f.c:1"])
    tap.equal("no frames", shape(""), [])
    tap.equal("a long stack is cut in the middle", shape("uuuuuuuuuu", 5), [
        "u0  f.c:1", "u1  f.c:1", "u2  f.c:1", "… 5 more frames", "u8  f.c:1", "u9  f.c:1"])
    tap.equal("one frame is not replaced by a line", len(shape("uuuuuu", 5)), 6)
    tap.equal("why it ended", shape("u", stack_end="broken", stack_missing="no rules for x"),
              ["u0  f.c:1", "stack ends here: no rules for x"])
    tap.equal("that it ended", shape("u", stack_end="limit"),
              ["u0  f.c:1", "stack ends here: the limit of frames"])
    group = stack("uu")
    group.frames[0] = group.frames[0]._replace(function=None, file=None, line=0,
                                               module_offset="0x12")
    group.frames[1] = group.frames[1]._replace(function=None, file=None, line=0, module=None)
    tap.equal("frames without names", [line.strip() for line in plain(
        frames.short(group, 9, None)).splitlines()], ["?? m+0x12", "?? 0x1"])
    group = stack("u")
    group.frames[0] = group.frames[0]._replace(function="ns::" * 99 + "end", inlined=True)
    shown = plain(frames.short(group, 9, 60))
    tap.check("long names leave room for the place", "end" in shown and "f.c:1" in shown and
              "[inlined]" in shown and shown.index("f.c:1") < 60, shown)


def check_any_report():
    """Whatever a report says, it can be shown, and nothing of it reaches the terminal raw."""
    document, problems, num = folded(), [], 0
    document["gaps"] = [{"kind": "x", "count": 2, "incomplete": True, "detail": "y"}]
    document["tasks"] = deadlock()["tasks"]
    document["modules"] = [{"path": "p", "file": None, "verified": False, "problem": "q"}]

    def change(value, path):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for step, item in items:
            yield path + (step,)
            if isinstance(item, (dict, list)):
                yield from change(item, path + (step,))

    for path in list(change(document, ())):
        if path[0] == "schema" or path in (("core",), ("summary",), ("groups",)):
            continue
        for value in (None, -1.5, 10 ** 400, float("nan"), ESC, [], {}, [ESC], True):
            changed = copy.deepcopy(document)
            at = changed
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = value
            num += 1
            try:
                made = load(changed)
                for width in (None, 1, 100):
                    lines = render.report_lines(made, 2, width) + waits.lock_lines(made)
                    lines += waits.why_lines(101, made) + waits.findings_lines(made)
                    for group in made.groups:
                        lines += render.group_lines(group, made, True, width)
                        lines += render.thread_lines(1, group, False)
                if any(not text.isprintable() for line in lines for text, _ in line):
                    problems.append((path, value, "raw"))
            except Exception as error:
                problems.append((path, value, repr(error)))
    tap.check("%d reports with one odd value are shown" % num, not problems and num > 500,
              "\n".join(map(ascii, problems[:20])))


check_words()
check_listing()
check_waits()
check_gaps()
check_frames()
check_any_report()
tap.done()

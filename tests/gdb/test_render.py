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
worker.core · worker, pid 100 · SIGABRT · 1.0 MiB by the kernel · complete

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
state waiting; reason condition; stacks: 160 KiB in use
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
                         "waiters": 3, "holder": {"kind": "thread", "id": 7, "state": "alive"}}]
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
              "… 2 groups more with 3 threads, the largest of 2; -limit 0 shows all\n" in cut and
              "shown 3 in 1 group; hidden 0; beyond -limit 3\n" in cut and
              "produce" not in cut, cut)
    narrow = listing(folded(), width=80)
    tap.check("no bars on a narrow screen", "█" not in narrow, narrow)
    none = folded()
    none["findings"], none["summary"]["verdict"] = [], "unknown"
    tap.check("no finding is not called clean", listing(none).startswith(
        "nothing suspicious: 6 threads in 3 groups, the largest of 3\n"), listing(none))
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
        task(104, "0x5", 0, object={"kind": "fd", "address": "0x5"}, holder=None, reason="read",
             timeout={"kind": "remaining", "ns": 510000000}),
        task(105, "0x30", 7, holder={"kind": "thread", "id": 7, "state": "exited"}, waking=True)]
    document["findings"] = [{
        "rule": "deadlock-cycle", "certainty": "likely", "title": "a circle", "groups": [],
        "members": [{"kind": "thread", "id": 101}, {"kind": "thread", "id": 102}],
        "caveats": ["it may be cancelled"], "evidence": [{"what": "w", "address": None}]}]
    return document


def why(thread_id, made):
    return waits.why_lines(report.Key("thread", thread_id), made)


def check_waits():
    made = load(deadlock())
    tap.equal("why: the chain, the waiters, the finding", plain(why(101, made)), """\
thread 101 waits for mutex 0x10, held by thread 102, without a time limit
  and thread 102 waits for mutex 0x20, held by thread 101, without a time limit
  which is back at thread 101: a circle
2 threads wait for it: 102 103
LIKELY: a circle (deadlock-cycle)
  w
  not proved: it may be cancelled
""")
    tap.equal("why: a file and a time limit", plain(why(104, made)),
              "thread 104 waits for fd 5 (read), for at most 510 ms more\n"
              "no finding about this thread\n")
    tap.equal("why: a holder that has ended", plain(why(105, made)).splitlines()[0],
              "thread 105 waits for mutex 0x30, held by thread 7, which has ended, without a time "
              "limit; waking: its wake-up is under way")
    tap.equal("why: no such thread", plain(why(9, made)),
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
    both = deadlock()
    both["tasks"].insert(0, dict(both["tasks"][0], kind="goroutine", reason="select", object=None,
                                 holder={"kind": "goroutine", "id": 102, "state": "alive"}))
    both["findings"][0]["members"] = [{"kind": "goroutine", "id": 101}]
    shown = plain(why(101, load(both)))
    tap.check("a goroutine is no thread of the same id", shown.startswith(
        "thread 101 waits for mutex 0x10, held by thread 102") and
        "2 threads wait for it: 102 103" in shown and "no finding about this thread" in shown,
        shown)
    none = load(dict(deadlock(), tasks=[], findings=[]))
    tap.equal("no locks, no findings", plain(waits.lock_lines(none) + waits.findings_lines(none)),
              "No thread waits for a lock.\nNo findings.\n")


def timed(*limits):
    """What the listing says of a group whose members have these time limits."""
    document = support.canned(IDS)
    document["tasks"] = [
        {"kind": "thread", "id": number, "state": "waiting", "reason": "condition",
         "timeout": limit and {"kind": limit[0], "ns": limit[1]}, "waking": False}
        for number, limit in zip(IDS[1:], limits)]
    made = load(document)
    return waits.group_lines(made.groups[0]._replace(members=IDS[1:1 + len(limits)]), made)


def check_limits():
    for num_ns, wanted in ((0, "0 ms"), (1, "1 ms"), (510 * 10 ** 6, "510 ms"),
                           (3250 * 10 ** 6, "3.2 s"), (119990 * 10 ** 6, "119.9 s"),
                           (120 * 10 ** 9, "2 min"), (7199 * 10 ** 9, "119 min"),
                           (7200 * 10 ** 9, "2 h"), (172800 * 10 ** 9, "2 days"),
                           (86400 * 10 ** 13, "10,000 days")):
        tap.equal("%d ns" % num_ns, words.duration(num_ns), wanted)
    minute = 60 * 10 ** 9
    tap.equal("the longest limit", timed(("remaining", minute), ("remaining", 2 * minute)),
              ["for at most 2 min more"])
    tap.equal("not for all", timed(("remaining", minute), None), [])
    tap.equal("on different clocks", timed(("remaining", minute), ("monotonic", minute)), [])
    tap.equal("until a moment", timed(("realtime", 10 ** 18 + 1)),
              ["until 2001-09-09 01:46:40 UTC"])
    tap.equal("until a clock says so", timed(("monotonic", 12345 * 10 ** 8)),
              ["until 20 min after the machine's start"])
    report.Report.clocks = {"monotonic": 1230 * 10 ** 9}
    tap.equal("until a clock that can be read says so",
              timed(("monotonic", 12345 * 10 ** 8)) + timed(("monotonic", 1229 * 10 ** 9)),
              ["until 20 min after the machine's start (4.5 s from now)",
               "until 20 min after the machine's start (which has passed)"])
    report.Report.clocks = {}
    tap.equal("of an unknown length", timed(("remaining", 0)), ["with a time limit"])
    tap.equal("a moment beyond the calendar", timed(("realtime", 10 ** 40)),
              ["until %d.0 s on the realtime clock" % 10 ** 31])


def check_heads():
    document = deadlock()
    document["summary"]["verdict"] = "proved"
    circle = document["findings"][0]
    circle.update(certainty="proved", caveats=[], title="101 and 102 are in a circle")
    behind = dict(circle, rule="stuck-behind", title="101 and 102 block 103",
                  members=[{"kind": "thread", "id": 103}], caveats=["a timer may end it"])
    document["findings"] = [behind, circle]
    tap.check("a circle is told once, with who is behind it", listing(document).startswith("""\
PROVED: 101 and 102 block 103
  not proved: a timer may end it
  thread 101 waits for mutex 0x10, held by thread 102
  thread 102 waits for mutex 0x20, held by thread 101
worker.core ·"""), listing(document))
    left = dict(circle, rule="abandoned-lock", title="105 waits for an ended thread",
                members=[{"kind": "thread", "id": 105}])
    document["findings"] = [left, circle]
    tap.check("an abandoned lock says it in its title", listing(document).startswith("""\
PROVED: 105 waits for an ended thread
PROVED: 101 and 102 are in a circle
  thread 101 waits for mutex 0x10, held by thread 102
"""), listing(document))
    document["findings"] = [left] * 5
    tap.check("no more than three", listing(document).startswith(
        "PROVED: 105 waits for an ended thread\n" * 3 +
        "and 2 more; \"leaks findings\" shows all\nworker.core"), listing(document))
    document["findings"] = [dict(circle, members=[{"kind": "thread", "id": 101}] * 9)]
    tap.check("a long circle is cut", "  and so on: 9 threads in a circle\nworker.core" in
              listing(document) and listing(document).count("  thread 101 waits") == 5,
              listing(document))


def check_blockers():
    def blocker(number, count, **more):
        return dict({"title": "thread %d holds mutex 0x10 and blocks %d others" % (number, count),
                     "hidden": False, "id": number, "blocks": {
                         "direct": 1, "total": count, "members": list(range(101, 103))}}, **more)
    document = deadlock()
    document["findings"] = []
    document["blockers"] = [blocker(number, count) for number, count in (
        (100, 31), (101, 5), (102, 4), (103, 3), (104, 1))]
    tap.check("who blocks others stands below the verdict", """
thread 100 holds mutex 0x10 and blocks 31 others
thread 101 holds mutex 0x10 and blocks 5 others
thread 102 holds mutex 0x10 and blocks 4 others
2 more threads block 4 others; "leaks locks" lists them
worker.core""" in listing(document), listing(document))
    tap.check("leaks locks lists them all", plain(waits.lock_lines(load(document))).count(
        " and blocks ") == 5)
    tap.check("leaks why says whom", "\nit blocks 5 others, 1 of them directly: 101 102 and 3 more"
              "\n" in plain(why(101, load(document))))
    document["blockers"] = [blocker(100, 1), blocker(101, 9, hidden=True)]
    tap.check("one that blocks one is only counted, hidden ones too", """
1 thread blocks 1 other; "leaks locks" lists it
worker.core""" in listing(document) and "\n1 blocker is about hidden groups only\n" in
              listing(document), listing(document))


def check_facts():
    """What the analyzer may say of a group besides its objects."""
    document = dict(deadlock(), groups=folded()["groups"])
    group = dict(document["groups"][0], objects=[])

    def said(**more):
        made = load(dict(document, groups=[dict(group, **more)]))
        return waits.group_lines(made.groups[0], made)

    lock = {"kind": "rwlock", "address": "0x10", "certain": True, "waiters": 1, "holder": None,
            "holders_candidate": [
                {"kind": "thread", "id": 101, "function": "reader", "file": "/src/r.c", "line": 12},
                {"kind": "thread", "id": 102, "function": None, "file": None, "line": None}],
            "holders_candidate_count": 6, "detail": {"readers": 2}}
    tap.equal("who may hold it", said(objects=[lock]), [
        "rwlock 0x10", "2 read locks are held on it; glibc does not record whose; candidates: "
        "thread 101 (reader, r.c:12), thread 102 and 4 more"])
    tap.equal("nobody may", said(objects=[dict(
        lock, type="std::shared_mutex", holders_candidate=[], holders_candidate_count=0,
        detail={"readers": 1})])[1:],
              ["1 read lock is held on it; std::shared_mutex does not record whose; no candidate: "
               "no other thread has its address in use"])
    tap.equal("nobody looked", said(objects=[dict(lock, holders_candidate=None,
                                                  holders_candidate_count=None)])[1:], [])
    tap.equal("without a count", said(objects=[dict(lock, holders_candidate_count=None,
                                                    detail={})])[1:],
              ["its holder is not recorded; candidates: thread 101 (reader, r.c:12), thread 102"])
    tap.equal("who creates them", said(created_by={"function": "main", "file": "/a/m.c",
                                                   "line": 10, "inferred": True}),
              ["created by (inferred from the code): main (m.c:10)"])
    tap.equal("who creates them, without a line", said(created_by={
        "function": None, "file": None, "module": "libx.so", "module_offset": "0x12"}),
              ["created by (from the code): ?? libx.so+0x12"])
    tap.equal("several may create them", said(created_by=None, created_by_places=3),
              ["created at one of 3 places in the code"])
    was = {"count": 3, "reason": "mutex", "objects": [
        {"kind": "mutex", "address": "0x10", "certain": True, "count": 2,
         "holder": {"kind": "thread", "id": 7, "state": "alive"}},
        {"kind": "mutex", "address": "0x20", "certain": True, "count": 1, "holder": None}]}
    tap.equal("what a signal came into", said(interrupted=was),
              ["in signal handlers (were: mutex 0x10, held by thread 7; and 1 more)"])
    tap.equal("of some members", said(interrupted=dict(was, count=2, objects=[])),
              ["2 in signal handlers (were: mutex)"])
    document["tasks"][0].update(start="worker_main", detached=True, interrupted={
        "reason": "read", "object": {"kind": "fd", "address": "0x3"}, "mutex": None,
        "timeout": {"kind": "remaining", "ns": 10 ** 9}, "holder": None, "waking": True})
    text = ("in signal handler (was: read on fd 3, for at most 1.0 s more; the word it slept on "
            "has changed since)")
    tap.equal("what a signal came into, of one thread",
              said(members=[101], count=1, interrupted=was), [text, "started as worker_main"])
    document["core"].update(signal=11, signal_thread=101)
    tap.equal("leaks why says all of it", plain(why(101, load(document))).splitlines()
              [:3], ["it took SIGSEGV", "started as worker_main, detached", text])
    tap.check("and the listing who took the signal", "thread 101 took SIGSEGV in consume, group "
              "#1\n" in listing(document) and "        ← thread 101 took SIGSEGV\n" in
              listing(document), listing(document))
    keyed = dict(document, groups=[dict(document["groups"][0], key="no label x", count=2,
                                        members=[101, 102])] + document["groups"][1:])
    tap.check("but not where, when the group's stack may be another's",
              "thread 101 took SIGSEGV, group #1\n" in listing(keyed), listing(keyed))
    tap.equal("who holds it is not there", said(objects=[
        {"kind": "mutex", "address": "0x99", "holder": {"id": 7, "state": None}}]),
              ["mutex 0x99, held by thread 7, which the core does not have"])
    document["findings"] = [{"rule": "abandoned-lock", "certainty": "proved", "groups": [],
                             "members": [{"kind": "thread", "id": 102}]}]
    tap.equal("who holds it has ended, by a finding", said(objects=[
        {"kind": "mutex", "address": "0x20", "holder": {"id": 7, "state": None}}]),
              ["mutex 0x20, held by thread 7, which has ended"])
    tap.equal("who holds it has ended and has no id", said(objects=[
        {"kind": "mutex", "address": "0x20", "holder": {"id": None, "state": "exited"}}]),
              ["mutex 0x20, held by a thread that has ended"])


def check_finished():
    document = support.canned(IDS)
    document["groups"][0].update(
        count=1000, share=0.0, state="exited", reason=None, members=[],
        pthreads=["0x%d" % number for number in range(1000)], rules=["unjoined-thread"],
        stack_reserved_bytes=68 << 20, stack_resident_bytes=3 << 20,
        frames=[document["groups"][0]["frames"][1]])
    document["findings"][0].update(
        rule="unjoined-thread", title="1,000 finished threads were never joined",
        members=[{"kind": "thread", "id": None, "pthread": "0x1"}] * 1000)
    document["summary"].update(finished_threads=1000, threads=3, stack_reserved_bytes=70 << 20,
                               stack_resident_bytes=4 << 20, stack_bytes=1 << 20)
    shown = listing(document)
    tap.check("finished threads are none of the total", shown.startswith("""\
SUSPECT: 1,000 finished threads were never joined
worker.core""") and """
!! #1  1,000 threads                       exited  suspect  t-aaaa00000001
        finished, never joined: consume (worker.c:12)
        pthreads 0x0 0x1 0x2 0x3 and 996 more
        their stacks: 68 MiB reserved, 3.0 MiB resident

   #2      2 threads""" in shown and """
total 3 threads in 3 groups; shown 3 in 3 groups; hidden 0; besides 1,000 finished threads that \
nobody has joined
stacks: 70 MiB reserved, 4.0 MiB resident, 1.0 MiB in use
gaps: none
""" in shown, shown)
    whole = plain(render.group_lines(load(document).groups[0], load(document), True, 80))
    tap.check("one group of them", "state exited; reason unknown; stacks: 68 MiB reserved, 3.0 MiB "
              "resident\n" in whole and "\nfinished, never joined: pthreads\n  0x0 0x1" in whole
              and "0x999\n" in whole, whole)


def check_hints():
    document = folded()
    for group, runtime in zip(document["groups"], ("Java VM", "jemalloc", "Java VM")):
        group.update(runtime=runtime, runtime_hint="jstack" if runtime[0] == "J" else None)
    tap.check("another tool knows more", "\ngaps: none\nhint: 4 threads of the Java VM: jstack\n"
              "next:" in listing(document), listing(document))


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
              "by the kernel · INCOMPLETE, see below\n" in shown, shown)
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
    """A group whose frames are spelt: u the program's, r the runtime's, s a signal's; A, B the
    same of the program's each time."""
    document = support.canned(IDS)
    document["groups"][0].update(frames=[
        {"pc": hex(number), "line": 1, "file": "f.c",
         "function": letter if letter.isupper() else "%s%d" % (letter, number),
         "module": "m", "runtime": letter == "r", "signal": letter == "s"}
        for number, letter in enumerate(spec)], **more)
    return load(document).groups[0]


def shape(spec, max_lines=99, **more):
    shown = plain(frames.short(stack(spec, **more), max_lines, None))
    return [line.strip() for line in shown.splitlines()]


def check_frames():
    tap.equal("both ends are folded", shape("rruurrr"), [
        "… r1  (2 frames, m)", "u2  f.c:1", "u3  f.c:1", "… r6  (3 frames, m)"])
    tap.equal("not what the program calls back from", shape("urru"), [
        "u0  f.c:1", "r1  f.c:1", "r2  f.c:1", "u3  f.c:1"])
    tap.equal("what a signal interrupted is folded", shape("rusrru"), [
        "… r0  (m)", "u1  f.c:1", "<signal handler called>", "… r4  (2 frames, m)", "u5  f.c:1"])
    tap.equal("nothing but the runtime", shape("rr"), ["r0  f.c:1", "r1  f.c:1"])
    tap.equal("no frames", shape(""), [])
    tap.equal("a long stack is cut in the middle", shape("uuuuuuuuuu", 5), [
        "u0  f.c:1", "u1  f.c:1", "… 6 more frames", "u8  f.c:1", "u9  f.c:1"])
    tap.equal("one that just fits is not", len(shape("uuuuu", 5)), 5)
    tap.equal("a recursion is told once", shape("rAAAAu"),
              ["… r0  (m)", "A   f.c:1  × 4", "u5  f.c:1"])
    tap.equal("a recursion of two", shape("uABABABABAur"),
              ["u0   f.c:1", "A    f.c:1", "B    f.c:1", "these 2 frames × 4", "A    f.c:1",
               "u10  f.c:1", "… r11  (m)"])
    tap.equal("twice is none", shape("AAu"), ["A   f.c:1", "A   f.c:1", "u2  f.c:1"])
    tap.equal("a recursion that is left out is counted", shape("uuuuAAAAAuuu", 5),
              ["u0   f.c:1", "u1   f.c:1", "… 8 more frames", "u10  f.c:1", "u11  f.c:1"])
    tap.equal("and its rounds stay with it", shape("uAAAAuuuuu", 5),
              ["u0  f.c:1", "A   f.c:1  × 4", "… 3 more frames", "u8  f.c:1", "u9  f.c:1"])
    where = [plain(frames.short(stack("u"), 9, None, program)) for program in ("m", "other", None)]
    tap.equal("a library's frame says so", [text.split() for text in where],
              [["u0", "f.c:1"], ["u0", "f.c:1", "m"], ["u0", "f.c:1"]])
    tap.equal("why it ended", shape("u", stack_end="broken", stack_missing="no rules for x"),
              ["u0  f.c:1", "stack ends here: no rules for x"])
    tap.equal("that it ended", shape("u", stack_end="limit"),
              ["u0  f.c:1", "stack ends here: the limit of frames is reached"])
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
    document["tasks"][0]["interrupted"] = document["tasks"][1]
    document["blockers"] = [{"id": 101, "title": "t", "hidden": False, "blocks": {
        "direct": 1, "total": 2, "members": [102]}}]
    group = document["groups"][0]
    group["objects"][0].update(holders_candidate=[{"id": 101, "function": "f", "line": 1}],
                               holders_candidate_count=2, detail={"readers": 1})
    group.update(created_by={"function": "f", "file": "g", "line": 1, "inferred": True},
                 interrupted={"count": 1, "reason": "r", "objects": [dict(group["objects"][0])]},
                 created_by_places=2, stack_reserved_bytes=4096)
    document["groups"][1]["pthreads"] = ["0x1"]
    document["findings"].append(deadlock()["findings"][0])
    document["core"].update(signal_thread=101, captured_at="2026-11-20T20:20:00Z")
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
                    lines += why(101, made) + waits.findings_lines(made)
                    lines += why(102, made)
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
check_limits()
check_heads()
check_blockers()
check_facts()
check_finished()
check_hints()
check_gaps()
check_frames()
check_any_report()
tap.done()

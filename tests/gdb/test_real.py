#!/usr/bin/python3
"""The command "leaks" with the real coreleaks, on a real core."""

import os
import shutil

import support
import elfcore
import realcore
import tap

FRAMES = ["consume  worker.c", "produce  worker.c", "main  worker.c"]


def check_report(hunt):
    ids = hunt.ids
    listing, group, focus, least, none, again = hunt.gdb(
        ["leaks", "leaks group 1", "leaks -focus produce", "leaks -min 3", "leaks -focus nothing",
         "leaks -group-by function"], analyzer=support.TOOL)
    tap.equal("leaks says nothing on stderr", listing.err, "")
    places = [listing.out.find(name) for name in FRAMES]
    tap.check("groups with their names, largest first",
              -1 not in places and places == sorted(places), listing.out)
    for thread_id in ids:
        tap.check("thread %d is listed" % ids.index(thread_id), str(thread_id) in listing.out,
                  listing.out)
    tap.check("source lines", "worker.c:13" in listing.out and "worker.c:19" in listing.out,
              listing.out)
    tap.check("a group by rank", "consume" in group.out and
              all(str(thread_id) in group.out for thread_id in ids[1:4]), group.both)
    tap.check("-focus", "produce" in focus.out and "consume" not in focus.out, focus.both)
    tap.check("-min", "consume" in least.out and "produce" not in least.out, least.both)
    tap.check("nothing left is no error", none.err == "" and "consume" not in none.out, none.both)
    tap.check("-group-by", "consume" in again.out, again.both)
    refused, state, group_by = hunt.gdb(["leaks -focus (", "leaks -state nope",
                                         "leaks -group-by nope"], analyzer=support.TOOL)
    for name, answer in (("regex", refused), ("state", state), ("group-by", group_by)):
        tap.check("a wrong %s is one line" % name,
                  answer.out == "" and len(answer.err.splitlines()) == 1 and answer.err,
                  answer.both)


def check_threads(hunt):
    commands = []
    for thread_id in hunt.ids:
        commands += ["leaks thread %d" % thread_id, "bt"]
    answers = hunt.gdb(["leaks"] + commands, analyzer=support.TOOL)[1:]
    wanted = ["main"] + ["consume"] * 3 + ["produce"] * 2
    for number, name in enumerate(wanted):
        shown, stack = answers[2 * number:2 * number + 2]
        tap.check("leaks thread %d selects it and names its group" % number,
                  "(LWP %d)" % hunt.ids[number] in shown.out and "t-" in shown.out,
                  shown.both)
        tap.check("GDB's backtrace agrees about thread %d" % number, name in stack.out,
                  stack.both)


def check_waits(hunt):
    ids = hunt.ids
    produce, chosen, locks, findings, nobody, wrong, many = hunt.gdb(
        ["leaks why %d" % ids[4], "leaks why", "leaks locks", "leaks findings", "leaks why 99",
         "leaks why x", "leaks locks 1"], analyzer=support.TOOL)
    tap.check("leaks why names the lock and its holder", "thread %d waits for mutex" % ids[4] in
              produce.out and "(held)" in produce.out and "held by thread %d" % ids[0] in
              produce.out and "thread %d joins thread" % ids[0] in produce.out, produce.both)
    tap.check("leaks why is about the selected thread", chosen.out.startswith(
        "it took SIGABRT\nthread %d joins" % ids[0]), chosen.both)
    tap.check("leaks locks", "(held), held by thread %d" % ids[0] in locks.out and
              "3 waiters" in locks.out and "(filled)" in locks.out, locks.both)
    tap.check("leaks findings", findings.err == "" and findings.out, findings.both)
    tap.equal("leaks why: no such thread", (nobody.out, nobody.err),
              ("", "No thread 99 in this core; see \"info threads\"."))
    tap.equal("leaks why: no id", (wrong.out, wrong.err), ("", "Invalid thread ID: x"))
    tap.equal("leaks locks takes nothing", (many.out, many.err),
              ("", "\"leaks locks\" takes no arguments."))


def check_files(hunt):
    """The program has moved: GDB was told where it is, and so is the analyzer."""
    moved = os.path.join(hunt.folder, "moved")
    os.rename(hunt.exe, moved)
    with_it, = hunt.gdb(["leaks"], core=[moved, hunt.core], analyzer=support.TOOL)
    without, = hunt.gdb(["leaks"], core=["-c", hunt.core], analyzer=support.TOOL)
    os.rename(moved, hunt.exe)
    tap.check("the program GDB has is used", "consume" in with_it.out, with_it.both)
    tap.check("without it the report says so", "consume" not in without.out and
              without.err == "" and "worker" in without.out, without.both)


def check_incomplete(hunt):
    core = elfcore.Core(hunt.core)
    if core.notes_off > core.segments[0][2]:
        tap.skip("a cut core in GDB", "GDB writes a core's notes last and reads none without them")
        return
    cut = os.path.join(hunt.folder, "cut.core")
    shutil.copy(hunt.core, cut)
    os.truncate(cut, os.path.getsize(cut) * 3 // 5)
    answer = hunt.gdb(["leaks"], core=[hunt.exe, cut], analyzer=support.TOOL)[0]
    tap.check("a cut core is reported, and said to be incomplete",
              answer.err == "" and "6 threads" in answer.out and "INCOMPLETE" in answer.out,
              answer.both)


def check_many(hunt):
    sample = realcore.make_core(realcore.build("queue_no_producer"), ["2000"], threads=2001)
    exe = realcore.build("queue_no_producer")
    shown = hunt.gdb(["leaks"], core=[exe, sample], analyzer=support.TOOL)[0]
    tap.check("2,001 threads", "2,000 threads" in shown.out, shown.both)


if not os.access(support.TOOL, os.X_OK):
    tap.check("%s has been built" % support.TOOL, False)
    tap.done()
with support.hunt() as made:
    check_report(made)
    check_threads(made)
    check_waits(made)
    check_files(made)
    check_incomplete(made)
try:
    with support.hunt() as made:
        check_many(made)
except realcore.CannotDump as reason:
    tap.skip("many threads", str(reason))
tap.done()

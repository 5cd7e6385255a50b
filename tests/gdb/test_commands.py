#!/usr/bin/python3
"""The command "leaks" in GDB on a real core, with analyzers that print what the test wants."""

import os
import shutil

import support
import tap

SELECTED = "python print(gdb.selected_thread().num, gdb.selected_thread().ptid[1])"

NO_CORE = ("No core file and no program. Use \"core-file FILE\" or \"attach PID\" "
           "first.")


def check_clean(name, answer, message):
    """A failure is one line on stderr, and no Python error."""
    tap.equal(name, (answer.err, answer.out), (message, ""))


def check_listing(hunt):
    full, short, pipe, text = hunt.gdb([
        "leaks", "leaks -limit 1", "| leaks | head -1",
        "python print(len(gdb.execute('leaks', to_string=True).splitlines()))"],
        analyzer=hunt.fake)
    tap.equal("leaks says nothing on stderr", full.err, "")
    places = [full.out.find(word) for word in ("worker", "suspect", "consume", "produce", "main")]
    tap.check("leaks prints the report in its order",
              -1 not in places and places == sorted(places), full.out)
    for thread_id in hunt.ids:
        tap.check("thread %d is listed" % hunt.ids.index(thread_id), str(thread_id) in full.out,
                  full.out)
    tap.check("no styles without a terminal", "\x1b" not in full.out, full.out)
    tap.check("-limit cuts and says so", "consume" in short.out and "produce" not in short.out and
              "2 groups more" in short.out, short.out)
    tap.equal("leaks in a pipe", pipe.out, full.out.splitlines(True)[0])
    tap.equal("leaks as text", text.out.strip(), str(len(full.out.splitlines())))
    tap.equal("one analysis serves them all", len(hunt.calls()), 1)


def check_analyzer_arguments(hunt):
    answers = hunt.gdb([
        "leaks -focus \"a b\" --min 2 -group-by function -all", "leaks -min 2", "leaks --min=2",
        "set leaks threshold 7", "leaks -min 2", "leaks -min 2 -threshold 9",
        "set sysroot /some/where", "set debug-file-directory /debug:/more", "leaks",
        "set leaks timeout unlimited", "leaks", "set leaks timeout 0", "leaks"],
        analyzer=hunt.fake)
    tap.equal("no errors", [answer.err for answer in answers if answer.err], [])
    common = ["report", "--json", "--progress=never", "--debug-dir=/usr/lib/debug",
              "--executable=" + hunt.exe, "--timeout=300s"]
    moved = common[:3] + ["--sysroot=/some/where", "--debug-dir=/debug:/more", common[4]]
    tap.equal("the analyzer's arguments", hunt.calls(), [
        common + ["--all", "--focus=a b", "--group-by=function", "--min-count=2",
                  "--threshold=100", hunt.core],
        common + ["--min-count=2", "--threshold=100", hunt.core],
        common + ["--min-count=2", "--threshold=7", hunt.core],
        common + ["--min-count=2", "--threshold=9", hunt.core],
        moved + ["--timeout=300s", "--threshold=7", hunt.core],
        moved + ["--threshold=7", hunt.core]])


def check_group(hunt):
    ids = hunt.ids
    by_rank, by_id, by_prefix, *failed = hunt.gdb([
        "leaks group 1", "leaks group t-aaaa00000001", "leaks group t-b", "leaks group t-a",
        "leaks group t-c", "leaks group 4", "leaks group", "leaks group 1 2"],
        analyzer=hunt.fake)
    tap.equal("a group by rank is the group by id", by_rank.out, by_id.out)
    tap.check("its frames and members", all(word in by_rank.out for word in [
        "futex_wait", "consume", "worker.c:12", "start_thread"] + list(map(str, ids[1:4]))) and
        str(ids[4]) not in by_rank.out, by_rank.out)
    tap.check("a group by prefix", "main" in by_prefix.out and str(ids[0]) in by_prefix.out,
              by_prefix.out)
    check_clean("an ambiguous group", failed[0],
                "\"t-a\" is ambiguous: t-aaaa00000001, t-aaaa00000002.")
    check_clean("no such group", failed[1], "No group \"t-c\"; see \"leaks\".")
    check_clean("no such rank", failed[2], "No group \"4\"; see \"leaks\".")
    check_clean("no group named", failed[3], "Argument required (a group's ID).")
    check_clean("two groups named", failed[4], "Only one argument is taken: a group's ID.")
    hunt.calls()


def check_ranks(hunt):
    """Ranks count in the last listing; ids and threads are found outside of it."""
    report = support.canned(hunt.ids)
    filtered = dict(report, groups=report["groups"][1:2])
    for name, document in (("all.json", report), ("filtered.json", filtered)):
        hunt.write(name, support.json.dumps(document), 0o644)
    both = hunt.script("both", "case \"$*\" in *focus*) cat filtered.json;; *) cat all.json;; esac")
    rank, other, thread, second = hunt.gdb(
        ["leaks -focus produce", "leaks group 1", "leaks group t-b", "leaks thread %d" %
         hunt.ids[1], "leaks group 2"], analyzer=both)[1:]
    tap.check("a rank is of the last listing", "produce" in rank.out, rank.both)
    tap.check("a hidden group is found by id", "main" in other.out, other.both)
    tap.check("a hidden thread has its group", "t-aaaa00000001" in thread.out, thread.both)
    check_clean("a rank that the last listing has not", second, "No group \"2\"; see \"leaks\".")


def check_selection(hunt):
    wanted = hunt.ids[4]
    commands = ["thread 3", "frame 1", SELECTED, "leaks", "leaks group 1", "leaks -nope",
                "complete leaks thread ", SELECTED, "frame",
                "leaks thread %d" % wanted, SELECTED, "frame"]
    answers = hunt.gdb(commands, analyzer=hunt.fake)
    tap.equal("the selected thread stays", answers[7].out, answers[2].out)
    tap.equal("the selected frame stays", answers[8].out.splitlines()[0],
              answers[1].out.splitlines()[0])
    moved = answers[9].out
    tap.check("leaks thread says which thread", "(LWP %d)" % wanted in moved, moved)
    tap.check("leaks thread prints frame 0", "#0 " in moved, moved)
    tap.check("leaks thread prints the group", "t-aaaa00000002" in moved, moved)
    tap.equal("leaks thread selects", answers[10].out.split()[1], str(wanted))
    tap.check("frame 0 is selected", answers[11].out.startswith("#0 "), answers[11].out)
    before, unknown, own, word, none, after = hunt.gdb(
        [SELECTED, "leaks thread 9", "leaks thread 2", "leaks thread x", "leaks thread", SELECTED],
        analyzer=hunt.fake)
    check_clean("no such thread", unknown, "No thread 9 in this core; see \"info threads\".")
    check_clean("a number of GDB's", own, "No thread 2 in this core: GDB's thread 2 is LWP %d; "
                "see \"info threads\"." % hunt.own_ids[2])
    check_clean("no thread id", word, "Invalid thread ID: x")
    check_clean("no thread named", none, "Argument required (a thread's ID).")
    tap.equal("a failure selects nothing", after.out, before.out)
    failing = hunt.script("failing", "echo broken >&2; exit 2")
    before, failed, after = hunt.gdb([SELECTED, "leaks thread %d" % wanted, SELECTED],
                                     analyzer=failing)
    check_clean("leaks thread without a report", failed, "broken")
    tap.equal("selects nothing", after.out, before.out)
    report = support.canned(hunt.ids)
    del report["groups"][1]
    answers = hunt.gdb(["leaks thread %d" % wanted, SELECTED], analyzer=hunt.fake,
                       env=hunt.environment(report))
    tap.check("a thread that the report has not is selected, and said",
              "Thread %d is in no group" % wanted in answers[0].out and
              str(wanted) in answers[1].out, answers[0].both)
    hunt.calls()


def check_failures(hunt):
    good = support.canned(hunt.ids)
    other = hunt.script("other", "echo not a report")
    garbage = hunt.script("garbage", "head -c 100000 /dev/urandom")
    silent = hunt.script("silent", "exit 7")
    refusing = hunt.script("refusing", "echo coreleaks: core: not a core file >&2; exit 2")
    usage = hunt.script("usage", "echo 'coreleaks: --state: no such word' >&2; exit 64")
    crashing = hunt.script("crashing", "kill -SEGV $$")
    hanging = hunt.script("hanging", "exec sleep 1000")
    newer = hunt.script("newer", "echo '{\"schema\":\"coreleaks/2\"}'")
    none = os.path.join(hunt.folder, "none")
    expected = [
        (other, other + " did not print a report; is it coreleaks?"),
        (garbage, garbage + " did not print a report; is it coreleaks?"),
        (silent, silent + " failed with exit code 7 and gave no reason."),
        (refusing, "coreleaks: core: not a core file"),
        (usage, "coreleaks: --state: no such word"),
        (crashing, crashing + " was killed by SIGSEGV."),
        (newer, newer + " prints reports of version \"coreleaks/2\", this command reads "
                "coreleaks/1: install both from the same release."),
        (none, "\"%s\", the setting \"leaks analyzer-path\", is no program." % none),
        (hanging, hanging + " took longer than 1 second; see \"help set leaks timeout\"."),
    ]
    commands = ["set leaks timeout 1"]
    for path, _ in expected:
        commands += ["set leaks analyzer-path " + path, "leaks"]
    answers = hunt.gdb(commands + ["set leaks analyzer-path " + hunt.fake, "leaks"])
    for (path, message), answer in zip(expected, answers[2::2]):
        check_clean("analyzer: " + os.path.basename(path), answer, message)
    tap.check("and then it works", "consume" in answers[-1].out, answers[-1].both)
    check_texts(hunt, (other, garbage, silent, crashing, none))
    check_clean("an option that is none", hunt.gdb(["leaks -nope"])[0],
                "Unrecognized option at: -nope")
    check_clean("a word that is no subcommand", hunt.gdb(["leaks nope"])[0],
                "\"nope\" is no option or subcommand of leaks; see \"help leaks\".")
    answer, = hunt.gdb(["leaks"], analyzer=hunt.fake, env=hunt.environment(code=3))
    tap.check("exit code 3 is a report that says it is incomplete",
              "consume" in answer.out and "INCOMPLETE" in answer.out, answer.both)
    answer, = hunt.gdb(["leaks"], analyzer=hunt.fake, env=hunt.environment(code=1))
    tap.check("exit code 1 is a report", "consume" in answer.out, answer.both)
    strange = support.canned([1, 2, 3, 4, 5, 6])
    answer, = hunt.gdb(["leaks"], analyzer=hunt.fake, env=hunt.environment(strange))
    check_clean("a report of another process", answer, "\"%s\" is no longer the core that GDB "
                "has loaded. Use \"core-file FILE\" to load it again." % hunt.core)
    good["core"]["command"] = "w\x1b[31m\xf6rk\u202eer\ud800"
    answer, = hunt.gdb(["leaks"], analyzer=hunt.fake,
                       env=hunt.environment(good, LC_ALL="C", PYTHONUTF8="0"))
    tap.check("names from the core are made harmless",
              "w\\x1b[31m\\xf6rk\\u202eer\\ud800" in answer.out and not answer.err, answer.both)
    bug = "python import sys; sys.modules['leaks.commands'].render.report_lines = None"
    answer = hunt.gdb([bug, "leaks"], analyzer=hunt.fake)[1]
    check_clean("a mistake of ours is one line too", answer, "Internal error in leaks: "
                "TypeError: 'NoneType' object is not callable")
    hunt.calls()


def check_texts(hunt, programs):
    """What is shown as the analyzer writes it comes from coreleaks alone, and files too."""
    file = os.path.join(hunt.folder, "written.json")
    words = ("leaks tree", "leaks graph", "leaks compare " + hunt.core, "leaks export " + file)
    for path in programs:
        for word, answer in zip(words, hunt.gdb(words, analyzer=path)):
            tap.check("%s by %s is one line that names it" % (word.split()[1], path),
                      not answer.out and len(answer.err.splitlines()) == 1 and path in answer.err,
                      answer.both)
    tap.check("nothing is said to be written, nor is it", not os.path.exists(file))
    tap.check("leaks doctor names it", "problem: %s is not coreleaks" % programs[0] in
              hunt.gdb(["leaks doctor"], analyzer=programs[0])[0].out)


def check_backtrace(hunt):
    """What the settings do to "bt", once there is a report."""
    waiting = dict(kind="thread", group="t-aaaa00000001", state="waiting", reason="condition")
    report = support.canned(hunt.ids)
    report["groups"][0]["frames"][0]["runtime"] = True
    report["groups"][0]["frames"][2]["runtime"] = True
    report["tasks"] = [dict(waiting, id=number, object={
        "kind": "condition", "address": "0x55d0", "certain": True}) for number in hunt.ids]
    report["groups"][0]["frames"][1:1] = [
        dict(report["groups"][0]["frames"][0], function=name)
        for name in ("__futex_abstimed_wait_common", "__futex_abstimed_wait_common64",
                     "__GI___futex_abstimed_wait_cancelable64", "__pthread_cond_wait_common",
                     "___pthread_cond_wait", "clone3")]
    before, early, noted, hidden, after, both = _backtraces(hunt, report)
    tap.check("a note before there is a report", "[" not in early and "#0 " in early, early)
    tap.check("a note at the innermost frame", noted.splitlines()[0].count(
        " [waits for condition 0x55d0] (") == 1 and noted.count("[waits") == 1, noted)
    tap.check("frames that wait or start are left out", "consume" in hidden.splitlines()[0] and
              len(hidden.splitlines()) == 1 and len(before.splitlines()) > 3, hidden)
    tap.equal("and are there again", after, before)
    tap.check("the note stands at the first that is left", "consume [waits for condition 0x55d0] ("
              in both and len(both.splitlines()) == 1, both)


def check_nameless(hunt):
    """A stack without names is shown as GDB shows it, and with a note it is the same but for that.
    """
    files = ["-iex", "set sysroot /nowhere", "-c", hunt.core]
    plain, = hunt.gdb(["bt 5"], load=False, core=files)
    loaded, filters, _, _, noted, _, off = hunt.gdb(
        ["bt 5", "info frame-filter", "set leaks frame-notes on", "leaks", "bt 5",
         "disable frame-filter global leaks-report", "bt 5"], core=files, analyzer=support.TOOL)
    tap.check("a stack without names", " in ?? ()" in plain.out, plain.out)
    tap.equal("loading the command does not change it", loaded.out, plain.out)
    tap.check("as no filter is at work", "  Yes " not in filters.out and
              "leaks-report" in filters.out, filters.out)
    tap.check("a note stands in it", " in ?? [" in noted.out.splitlines()[0], noted.out)
    tap.equal("and nothing else is new", noted.out.splitlines()[1:], plain.out.splitlines()[1:])
    tap.equal("GDB's own command switches that off", off.out, plain.out)


def _backtraces(hunt, report):
    answers = hunt.gdb([
        "python [t.switch() for t in "
        "gdb.selected_inferior().threads() if t.ptid[1] == %d]" % hunt.ids[1], "bt",
        "set leaks frame-notes on", "bt", "leaks", "bt", "set leaks frame-notes off",
        "set leaks hide-runtime-frames on", "bt", "set leaks hide-runtime-frames off", "bt",
        "set leaks hide-runtime-frames on", "set leaks frame-notes on", "bt"],
        analyzer=hunt.fake, env=hunt.environment(report))
    return [answers[number].out for number in (1, 3, 5, 8, 10, 13)]


def check_no_core(hunt):
    message = NO_CORE
    check_clean("no core", hunt.gdb(["leaks"], core=False)[0], message)
    check_clean("a program that does not run", hunt.gdb(["leaks"], core=[hunt.exe])[0], message)
    check_clean("no core: group", hunt.gdb(["leaks group 1"], core=False)[0], message)
    check_clean("no core: thread", hunt.gdb(["leaks thread 1"], core=False)[0], message)
    tap.equal("no core: completion", hunt.gdb(["complete leaks thread "], core=False)[0].both, "")
    live = hunt.gdb(["starti", "leaks", "kill", "leaks"], core=[hunt.exe])
    if "ptrace" in live[0].err:
        tap.skip("a running program", "GDB may not start programs here")
        return
    tap.check("a program that is stopped", "1 thread in 1 group" in live[1].out, live[1].both)
    check_clean("a program that was killed", live[3], message)


def check_replaced(hunt):
    moving = os.path.join(hunt.folder, "moving.core")
    shutil.copy(hunt.core, moving)
    message = ("\"%s\" has changed since GDB loaded it. Use \"core-file FILE\" to load it again." %
               moving)
    again = "core-file " + moving
    replace = "shell cp %s %s.new && mv %s.new %s" % (hunt.core, moving, moving, moving)
    answers = hunt.gdb([again, "leaks", replace, "leaks", "leaks group 1", again, "leaks",
                        "shell rm " + moving, "leaks", "core-file " + hunt.core, "leaks",
                        "core-file", "leaks"], analyzer=hunt.fake)
    tap.check("before", "consume" in answers[1].out, answers[1].both)
    check_clean("the core was replaced", answers[3], message)
    check_clean("groups of a core that was replaced", answers[4], message)
    tap.check("loaded again", "consume" in answers[6].out, answers[6].both)
    check_clean("the core is gone", answers[8],
                "\"%s\": the core file is gone or cannot be read." % moving)
    tap.check("another core", "consume" in answers[10].out, answers[10].both)
    check_clean("no core any more", answers[12], NO_CORE)
    hunt.calls()


def check_places(hunt):
    """From another folder, with relative names, and loaded twice."""
    away = os.path.join(hunt.folder, "a b'c\"d")
    os.mkdir(away)
    strange = os.path.join(away, "core, file type x.")
    os.link(hunt.core, strange)
    relative = os.path.relpath(support.LOADER, away)
    # Since GDB 16 "core-file" wants quotes around such a name, before it did not take any.
    answers = hunt.gdb(["source " + relative, "set leaks analyzer-path " + hunt.fake, "cd /",
                        "leaks"], load=False, core=[hunt.exe, "core, file type x."], cwd=away)
    tap.check("relative names, strange names", "consume" in answers[3].out, answers[3].both)
    tap.equal("the core is named absolutely", hunt.calls()[0][-1], strange)
    answers = hunt.gdb(["leaks -focus x", "set leaks limit 1", "set leaks timeout unlimited",
                        "source " + support.LOADER, "show leaks", "leaks", "help leaks"],
                       analyzer=hunt.fake)
    tap.check("loaded twice, settings stay", answers[3].both == "" and hunt.fake in answers[4].out
              and "prints is 1." in answers[4].out and "take is unlimited." in answers[4].out,
              answers[3].both + answers[4].both)
    tap.check("loaded twice, leaks works", "consume" in answers[5].out and not answers[5].err,
              answers[5].both)
    prefix = os.path.join(hunt.folder, "prefix")
    shutil.copytree(os.path.dirname(support.LOADER), os.path.join(prefix, "share/coreleaks/gdb"))
    os.mkdir(os.path.join(prefix, "bin"))
    os.link(hunt.fake, os.path.join(prefix, "bin", "coreleaks"))
    hunt.calls()
    answers = hunt.gdb(["source %s/share/coreleaks/gdb/leaks.py" % prefix, "leaks"], load=False)
    tap.check("an installed copy finds its own analyzer", "consume" in answers[1].out and
              len(hunt.calls()) == 1, answers[1].both)
    path = hunt.gdb(["python import sys; print([p for p in sys.path if p.startswith('%s/gdb')])" %
                     tap.ROOT])[0]
    tap.equal("loading adds nothing to Python's path", path.out.strip(), "[]")
    hunt.calls()


with support.hunt() as made:
    check_listing(made)
    check_analyzer_arguments(made)
    check_group(made)
    check_ranks(made)
    check_selection(made)
    check_backtrace(made)
    check_nameless(made)
    check_failures(made)
    check_no_core(made)
    check_replaced(made)
    check_places(made)
tap.done()

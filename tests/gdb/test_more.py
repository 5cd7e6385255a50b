#!/usr/bin/python3
"""The commands around the report: objects, files, what is missing; convenience functions; GDB/MI
through a terminal; watching a program."""

import json
import os
import re
import shutil

import support
import realcore
import tap

SELECTED = "python print(gdb.selected_thread().num, gdb.selected_frame().level())"
CIRCLE = "three_way_deadlock_30_behind"

# One more thread is stuck each time that the program gets a byte.
GROWING = r"""
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *stick(void *unused)
{
	pthread_mutex_lock(&held);
	return unused;
}

int main(void)
{
	pthread_t thread;
	pthread_mutex_lock(&held);
	puts("ready");
	fflush(stdout);
	for (;;) {
		usleep(20000);
		pthread_create(&thread, NULL, stick, NULL);
	}
}
"""


def deadlocked():
    exe = realcore.build(CIRCLE)
    return [exe, realcore.make_core(exe, [], "kernel", 34)]


def check_object():
    by_name, by_address, nobody, none, wrong = support.run_gdb(deadlocked(), [
        "leaks object departments[0]", "leaks object &departments[0]", "leaks object 5",
        "leaks object", "leaks object nosuch"], analyzer=support.TOOL)
    # Twelve threads of 31 want the first of three: see the sample.
    tap.check("an object by its name", re.match(
        r"mutex 0x[0-9a-f]+ \(departments\), held by thread \d+\n  11 waiters: (\d+ ?){11}\n"
        r"PROVED: threads ", by_name.out), by_name.both)
    tap.equal("an object by its address", by_address.out, by_name.out)
    tap.equal("an object that nobody wants", nobody.out,
              "Nobody waits for an object at 0x5.\n")
    tap.equal("no object named", none.err, "Argument required (an object, or its address).")
    tap.equal("no such object", wrong.err, "No symbol \"nosuch\" in current context.")


def check_files(folder):
    files = deadlocked()
    packed = os.path.join(folder, "pack ed.core.zst")
    if tap.run(["zstd", "-q", files[1], "-o", packed])[0]:
        tap.skip("a compressed core", "zstd is not installed")
        return
    os.utime(packed, (10**9, 10**9))
    damaged = os.path.join(folder, "damaged.zst")
    with open(packed, "rb") as file, open(damaged, "wb") as cut:
        cut.write(file.read(2000))
    temporary = os.path.join(folder, "temporary")
    os.mkdir(temporary)
    answers = support.run_gdb(files[:1], [
        "set leaks temporary-directory " + temporary, "leaks open '%s'" % packed, "leaks -limit 1",
        "info leaks", "shell du -k --apparent-size %s/*/* | cut -f1; du -k %s/*/* | cut -f1" % (
            temporary, temporary), "leaks open " + damaged, "leaks open " + folder + "/none",
        "shell ls " + temporary, "leaks export -force %s/out.json" % folder,
        "leaks export %s/out.json" % folder, "leaks export %s/out.nosuch" % folder,
        "leaks export %s/none/out.txt" % folder, "leaks refresh", "info leaks",
        "set leaks temporary-directory %s/none" % folder, "leaks open '%s'" % packed],
        analyzer=support.TOOL, cwd=folder)
    tap.check("a compressed core is unpacked and loaded", "PROVED" in answers[2].out,
              answers[1].both + answers[2].both)
    tap.check("the time when it was written stays", "2001-09-09 01:46:40 UTC" in answers[2].out,
              answers[2].out)
    tap.check("info leaks tells of it", "Last listing: leaks -limit 1\n" in answers[3].out and
              "Core: %s/" % temporary in answers[3].out and
              "Found: 34 threads in 3 groups shown, 2 findings" in answers[3].out, answers[3].both)
    sizes = [int(word) for word in answers[4].out.split()]
    tap.check("its zeros take no room", len(sizes) == 2 and sizes[1] < sizes[0] // 20, sizes)
    tap.check("a damaged one", answers[5].err.startswith("Cannot unpack \"%s\": " % damaged),
              answers[5].both)
    tap.equal("none", answers[6].err,
              "Cannot read \"%s/none\": No such file or directory." % folder)
    tap.equal("what failed left nothing", len(answers[7].out.split()), 1)
    tap.equal("an export", answers[8].out, "Wrote %s/out.json.\n" % folder)
    with open(os.path.join(folder, "out.json"), encoding="utf-8") as file:
        tap.equal("is the report", json.load(file)["summary"]["verdict"], "proved")
    for number, what in ((9, "it exists"), (10, "no format for this suffix; use one of .txt,"),
                         (11, "No such file or directory")):
        tap.check("no export: " + what, what in answers[number].err and
                  len(answers[number].err.splitlines()) == 1 and
                  "--" not in answers[number].err, answers[number].both)
    tap.check("refresh forgets", "Core: none analysed yet" in answers[13].out, answers[13].both)
    tap.check("no folder", "Cannot write to \"%s/none\"" % folder in answers[15].err,
              answers[15].both)
    tap.equal("nothing is left when GDB ends", os.listdir(temporary), [])


def check_compare(folder):
    """Two dumps of one program: 20 threads more are stuck in the second one."""
    exe = realcore.build("queue_no_producer")
    before, after = (realcore.make_core(exe, [str(number)], "kernel", number + 1)
                     for number in (120, 140))
    answers = support.run_gdb([exe, after], [
        "leaks compare", "leaks baseline", "leaks compare " + before, "leaks baseline " + before,
        "leaks compare", "leaks baseline off", "leaks compare " + folder + "/none",
        "leaks -focus nothing", "leaks export %s/after.json" % folder, "leaks refresh",
        "leaks compare %s/after.json" % folder, "leaks compare -v " + before,
        "leaks compare -x"], analyzer=support.TOOL)
    tap.equal("nothing to compare with", answers[0].err, "Argument required (an earlier dump), or "
              "set one by \"leaks baseline\".")
    tap.equal("no baseline", answers[1].out, "No baseline is set.\n")
    tap.check("what has grown", "before=121 after=141 delta=20" in answers[2].out and
              re.search(r"GROWN +\+20  120 -> 140  threads  condition", answers[2].out),
              answers[2].both)
    tap.equal("a baseline", answers[3].out, "\"leaks compare\" compares with %s.\n" % before)
    tap.equal("is what is compared with", answers[4].out, answers[2].out)
    tap.equal("no such dump", answers[6].err,
              "Cannot read \"%s/none\": No such file or directory." % folder)
    tap.check("with what stays the same", re.search(r"^   SAME +\+0  1 -> 1 ", answers[11].out,
              re.MULTILINE) and "-v lists" not in answers[11].out and "-v lists" in answers[2].out,
              answers[11].both)
    tap.check("no option", "Cannot read" in answers[12].err, answers[12].both)
    tap.check("a report is a dump", "after=141" in answers[10].out, answers[10].both)


def check_graph(folder):
    dot, file, again, other = support.run_gdb(deadlocked(), [
        "leaks graph", "leaks graph %s/x.dot" % folder, "leaks graph %s/x.dot" % folder,
        "leaks graph -force %s/x.dot" % folder], analyzer=support.TOOL)
    tap.check("a graph", dot.out.startswith("digraph ") and dot.out.rstrip().endswith("}") and
              "departments" in dot.out, dot.both)
    tap.equal("a graph in a file", realcore.read_text(os.path.join(folder, "x.dot")), dot.out)
    tap.check("which is kept", "it exists" in again.err and other.out == file.out ==
              "Wrote %s/x.dot.\n" % folder, again.both)


def check_doctor(hunt):
    good, bad, none = (hunt.gdb(["leaks doctor"], analyzer=support.TOOL)[0],
                       hunt.gdb(["set leaks analyzer-path /nowhere", "leaks doctor"])[1],
                       hunt.gdb(["leaks doctor"], core=False, analyzer=support.TOOL)[0])
    tap.check("all is well", "problem:" not in good.out and "ok: coreleaks " in good.out and
              "ok: GDB " in good.out and "ok: core " + hunt.core in good.out, good.both)
    tap.check("no analyzer", "problem: \"/nowhere\", the setting \"leaks analyzer-path\", is no "
              "program." in bad.out, bad.both)
    tap.check("no core", "problem: No core file and no program." in none.out, none.both)
    bare, = hunt.gdb(["leaks doctor"], core=["-c", hunt.core], analyzer=support.TOOL)
    tap.check("a program that GDB was not given", "note: GDB has no program for it; use \"file %s\""
              % hunt.exe in bare.out or "GDB has no program" not in bare.out, bare.both)
    moved = os.path.join(hunt.folder, "moved")
    os.rename(hunt.exe, moved)
    gone, = hunt.gdb(["leaks doctor"], core=["-c", hunt.core], analyzer=support.TOOL)
    os.rename(moved, hunt.exe)
    tap.check("a program that is gone", "problem: " + hunt.exe in gone.out and
              "note: GDB has no program for it; use \"file PROGRAM\"" in gone.out and
              "set sysroot" in gone.out, gone.both)


FUNCTIONS = [
    ("print $_leaks_count(\"proved\")", "$1 = 34"),
    ("print $_leaks_count(\"mutex\")", "$2 = 33"),
    ("print $_leaks_count() - $_leaks_count(\"join\")", "$3 = 33"),
    ("print $_leaks_count(\"nosuch\")", "$4 = 0"),
    ("print $_leaks_member(1, 29) > $_leaks_member(1, 0)", "$5 = 1"),
    ("print $_leaks_member(1, 30)", "Group t-"),
    ("print $_leaks_member(\"t-zzz\", 0)", "No group \"t-zzz\"; see "),
    ("print $_goroutine(1)", "No goroutine 1 in this core."),
    ("print $_goroutine()", "Wrong number of arguments for $_goroutine; see "),
]


def check_functions():
    answers = support.run_gdb(deadlocked(), [command for command, _ in FUNCTIONS],
                              analyzer=support.TOOL)
    for (command, wanted), answer in zip(FUNCTIONS, answers):
        tap.check(command, (answer.out + answer.err).startswith(wanted) and
                  "Traceback" not in answer.both, answer.both)


class MI(support.Terminal):
    """GDB's machine interface on a terminal of its own."""

    PROMPT = r"\(gdb\) \r?\n$"

    def ask(self, command):
        """The result record."""
        text = self.command(command, self.PROMPT)
        return [line for line in text.splitlines() if line.startswith("^")][-1].rstrip()


def check_mi(folder):
    exe, core = deadlocked()
    mi = MI([support.GDB, "-nx", "-q", "--interpreter=mi2", exe, core, "-ex",
             "source " + support.LOADER, "-ex", "set leaks analyzer-path " + support.TOOL],
            dict(os.environ, LC_ALL="C.UTF-8"), folder)
    mi.ask("-gdb-set pagination off")
    before = mi.ask("-thread-info 3")
    listed = mi.ask("-leaks-list -limit 1")
    tap.check("-leaks-list", listed.startswith("^done,summary={verdict=\"proved\",threads=\"34\"")
              and listed.count("rank=") == 1 and "count=\"30\"" in listed and
              "rule=\"deadlock-cycle\"" in listed, listed)
    group = mi.ask("-leaks-group 1")
    tap.check("-leaks-group", group.startswith("^done,group={rank=\"1\"") and
              "func=\"count_files\"" in group, group)
    found = re.search(r"members=\[\"(\d+)\"", group)
    why = mi.ask("-leaks-why thread:%s" % found[1])
    tap.check("-leaks-why", why.startswith("^done,kind=\"thread\",id=\"%s\",why=[" % found[1]) and
              "a circle" in why, why)
    for command, message in (("-leaks-group", "-leaks-group: Usage: ID"),
                             ("-leaks-group 99", "No group \\\"99\\\"; see -leaks-list."),
                             ("-leaks-why 99",
                              "No thread 99 in this core; see \\\"info threads\\\"."),
                             ("-leaks-list -nope", "Unrecognized option at: -nope"),
                             ("-leaks-goroutine-select 7", "No goroutine 7 in this core; see "
                              "\\\"leaks goroutines\\\".")):
        tap.equal(command, mi.ask(command), "^error,msg=\"%s\"" % message)
    tap.equal("the selection stays", mi.ask("-thread-info 3"), before)
    mi.send("-gdb-exit\n")
    mi.close()


def check_watch(folder):
    exe = os.path.join(folder, "growing")
    source = os.path.join(folder, "growing.c")
    with open(source, "w", encoding="ascii") as file:
        file.write(GROWING)
    code, _, err = tap.run(["gcc", "-g", "-O1", "-pthread", source, "-o", exe])
    tap.check("the program compiles", code == 0, err)
    with realcore.started([exe], folder) as process:
        answers = support.run_gdb([exe, "-p", str(process.pid)], [
            "leaks watch 1 2", "thread apply 1 frame function main", "leaks watch",
            "leaks watch 0", "break stick", "leaks watch 100", "delete",
            "show suppress-cli-notifications", "detach"],
            analyzer=support.TOOL)
        if "ptrace" in answers[0].both or "No core file" in answers[0].both:
            tap.skip("watching a program", "GDB may not attach here")
            return
        alive = process.poll() is None
    grown = [list(map(int, row)) for row in re.findall(
        r"^after (\d) s: (\d+) threads \(\+(\d+)\)\n  \+(\d+) t-\S+  mutex  stick$",
        answers[0].out, re.MULTILINE)]
    # One thread may not have come so far yet.
    tap.check("watch tells what grows", [row[0] for row in grown] == [1, 2] and
              0 < grown[0][2] < grown[1][2] and
              all(abs(row[2] - row[3]) <= 1 for row in grown) and "Warning" not in
              answers[0].both, answers[0].both)
    tap.check("the program is stopped again", "main" in answers[1].out, answers[1].both)
    tap.check("wrong arguments", [answer.err for answer in answers[2:4]] ==
              ["Usage: leaks watch SECONDS [N]"] * 2, answers[2].both)
    tap.check("a breakpoint ends it", "The program has stopped at breakpoint 1." in
              answers[5].out and "in stick (" in answers[5].out.replace("#0  stick", "in stick"),
              answers[5].both)
    tap.check("where each sample stopped is not told", "clock_nanosleep" not in answers[0].out and
              "main (" not in answers[0].out, answers[0].out)
    tap.check("GDB tells again afterwards", " is off" in answers[7].out, answers[7].both)
    tap.check("the program lives on", alive)


def check_containers(hunt):
    """A core of another host: its files lie below another root."""
    root = os.path.join(hunt.folder, "root")
    inside = root + hunt.exe
    os.makedirs(os.path.dirname(inside))
    shutil.copy(hunt.exe, inside)
    libraries = [line.split()[-1] for line in hunt.gdb(["info sharedlibrary"])[0].out.splitlines()
                 if line.rstrip().endswith((".so.6", ".so.2"))]
    for path in map(os.path.realpath, libraries):
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        shutil.copy(path, root + path)
    moved = hunt.exe + ".moved"
    os.rename(hunt.exe, moved)
    with_root, = hunt.gdb(["leaks"], core=["-iex", "set sysroot " + root, inside, hunt.core],
                          analyzer=support.TOOL)
    os.rename(moved, hunt.exe)
    tap.check("with its sysroot the core of another host is whole", "consume" in with_root.out and
              "pthread_cond_wait" in with_root.out and "INCOMPLETE" not in with_root.out and
              len(libraries) >= 2, with_root.both)


def check_chroot(hunt):
    """A core of a program that had another root: its files have names that are none here."""
    root = os.path.join(hunt.folder, "cage")
    needed = tap.run(["ldd", hunt.exe])[1]
    for path in re.findall(r"(/\S+) \(0x", needed):
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        shutil.copy(path, root + path)
    shutil.copy(hunt.exe, os.path.join(root, "caged"))
    enter = ["chroot"] if os.geteuid() == 0 else ["unshare", "-r", "chroot"]
    if tap.run(enter + ["/", "true"])[0]:
        tap.skip("a program with another root", "no other root may be had here")
        return
    core = os.path.join(hunt.folder, "caged.core")
    with realcore.running(enter + [root, "/caged"], hunt.folder, support.NUM_THREADS) as process:
        os.replace(realcore.dump(process, hunt.folder, "kernel"), core)
    without, = hunt.gdb(["leaks"], core=["-c", core], analyzer=support.TOOL)
    _, given, _ = hunt.gdb(["set sysroot " + root, "leaks", "leaks doctor"],
                           core=["-c", core], analyzer=support.TOOL)
    tap.check("without its root the program is not there", "worker.c:" not in without.out and
              "file-missing: /caged: " in without.out, without.both)
    tap.check("with its root a chroot's core is whole", "worker.c:13" in given.out and
              "pthread_cond_wait" in given.out and "INCOMPLETE" not in given.out and
              "file-missing" not in given.out, given.both)


def check_run_again(hunt):
    """The program is started anew: what is known of the one before is forgotten."""
    answers = hunt.gdb([
        "set startup-with-shell off", "break pthread_join", "run", "leaks -limit 1", "leaks why",
        "run", "info leaks", SELECTED, "leaks", SELECTED, "kill", "leaks", "run", "leaks", "kill"],
        core=[hunt.exe], analyzer=support.TOOL)
    if "ptrace" in answers[2].both or "warning: Error disabling" in answers[2].both:
        tap.skip("a program that is run again", "GDB may not run programs here")
        return
    pids = [re.search(r"worker, pid (\d+)", answers[at].out) for at in (3, 8, 13)]
    tap.check("each run is analysed", all(pids) and len({pid[1] for pid in pids}) == 3,
              [answers[at].both for at in (3, 8, 13)])
    tap.check("run again: the report is forgotten", "none analysed yet" in answers[6].out and
              "Last listing" not in answers[6].out, answers[6].both)
    tap.equal("run again: the selection is left alone", answers[9].out, answers[7].out)
    tap.equal("run again: no process is left", (answers[11].out, answers[11].err),
              ("", "No core file and no program. Use \"core-file FILE\" or \"attach PID\" first."))
    tap.equal("run again: no complaint", [answers[at].err for at in (3, 4, 6, 8, 13)], [""] * 5)


def check_two_inferiors(hunt):
    answers = hunt.gdb([
        "leaks -limit 1", "add-inferior -no-connection", "inferior 2", "leaks", "file " + hunt.exe,
        "core-file %s" % hunt.core, "leaks -limit 2", "info leaks", "inferior 1", "info leaks",
        "leaks group 1", SELECTED], analyzer=support.TOOL)
    tap.equal("an inferior without a core", answers[3].err,
              "No core file and no program. Use \"core-file FILE\" or \"attach PID\" first.")
    tap.check("two inferiors, two listings", "leaks -limit 2" in answers[7].out and
              "leaks -limit 1" in answers[9].out, answers[7].both + answers[9].both)
    tap.check("and the first is what it was", "consume" in answers[10].out, answers[10].both)


with support.hunt() as made:
    check_doctor(made)
    check_containers(made)
    check_run_again(made)
    try:
        check_chroot(made)
    except realcore.CannotDump as reason:
        tap.skip("a program with another root", str(reason))
    check_two_inferiors(made)
try:
    check_object()
    check_functions()
    with realcore.scratch() as scratch:
        check_files(scratch)
    with realcore.scratch() as scratch:
        check_compare(scratch)
    with realcore.scratch() as scratch:
        check_graph(scratch)
    with realcore.scratch() as scratch:
        check_mi(scratch)
    with realcore.scratch() as scratch:
        check_watch(scratch)
except realcore.CannotDump as reason:
    tap.skip("a core of a deadlock", str(reason))
tap.done()

"""What creates threads: lines, stripped programs, libraries, --group-by creator, `show`."""

import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import expect
import realcore

MARKED = {"creators": ["pool_main", "timer_main", "flush_main", "tail_main", "listener_main"],
          "creators_o0": ["pool_main", "timer_main", "flush_main", "tail_main", "listener_main"],
          "creators_static": ["pool_main", "timer_main", "tail_main", "listener_main"],
          "creators_cpp": ["read_all", "work", "calculate"],
          "creators_cpp_o0": ["read_all", "work", "calculate"]}


def core_of(case):
    """A kernel core of the sample."""
    truth = expect.Expectation(case)
    exe = realcore.build(case)
    return exe, realcore.make_core(exe, truth.args, "kernel", truth.threads)


def source_of(case):
    """The sample's source file."""
    name = (realcore.expected_words(case, "source") or [case])[0]
    return next(path for path in (os.path.join(realcore.SAMPLES, name + ending)
                                  for ending in (".c", ".cc")) if os.path.exists(path))


def line_of(path, mark):
    """The line with this mark."""
    with open(path, encoding="utf-8") as file:
        return next(number for number, line in enumerate(file, 1)
                    if line.rstrip(" */\n").endswith("@" + mark))


def group_with(report, function):
    """The group with that function on its stack."""
    return next(group for group in report["groups"] if expect.has_frames(group, [function]))


def check_lines(case, functions):
    """Each creator is known by its line."""
    _, core = core_of(case)
    _, report, _ = realcore.report([core])
    path = source_of(case)
    for function in functions:
        created_by = group_with(report, function)["created_by"]
        got = created_by and (os.path.basename(created_by["file"]), created_by["line"])
        tap.equal("%s: the line that creates %s" % (case, function), got,
                  (os.path.basename(path), line_of(path, function)))


def check_twins(core):
    """Two lines of one function: the function without a line."""
    _, report, _ = realcore.report([core])
    created_by = group_with(report, "twin_main")["created_by"]
    tap.equal("two lines of one function", (created_by["function"], created_by["line"]),
              ("start_twins", None))
    _, text, _ = tap.run([realcore.tool(), core])
    tap.check("text: the function alone",
              "created by (from the code): start_twins (creators.c)\n" in text, text)
    tap.check("text: a wrapper's caller",
              "created by (inferred from the code): start_timer (creators.c:" in text, text)
    tap.check("text: one of two", "created at one of 2 places in the code\n" in text, text)


def check_show(core):
    """A task's creator, in text and JSON."""
    _, report, _ = realcore.report([core])
    tid = group_with(report, "listener_main")["members"][0]
    _, text, _ = tap.run([realcore.tool(), "show", core, "thread:%d" % tid])
    tap.check("show: a thread's creator", "\ncreated by (from the code): main (" in text, text)
    _, shown, _ = realcore.report(["show", core, "thread:%d" % tid])
    tap.equal("show --json: the same as its group's", shown["task"]["created_by"],
              group_with(report, "listener_main")["created_by"])


def check_group_by(core):
    """All that one function creates is one group."""
    code, report, err = realcore.report(["--group-by", "creator", core])
    if not tap.check("--group-by creator: a report", code == 0 and report, err):
        return
    counts = {}
    for group in report["groups"]:
        words = expect.creator_words(group)
        tap.check("--group-by creator: %s is one group" % words, words not in counts, counts)
        counts[words] = group["count"]
    tap.equal("--group-by creator: counts", counts, {
        "start_pool": 4, "2-places": 3, "start_twins": 2, "none": 2, "inferred:start_timer": 1,
        "inferred:start_flush": 1, "start_tail": 1, "main": 1})
    again = realcore.report(["--group-by", "creator", core])[1]
    tap.equal("--group-by creator: the same signatures", [g["id"] for g in again["groups"]],
              [g["id"] for g in report["groups"]])
    by_line = {group["id"] for group in realcore.report([core])[1]["groups"]}
    tap.check("--group-by creator: signatures of its own",
              not by_line & {group["id"] for group in report["groups"]})
    code, report, _ = realcore.report(["--group-by", "creator", "--threshold", "4", core])
    titles = [finding["title"] for finding in report["findings"]]
    tap.check("--group-by creator: runaway duplicates name the place",
              len(titles) == 1 and re.match(r"4 threads are created in the same place: "
                                            r"start_pool \(creators\.c:\d+\)$", titles[0]), titles)
    code, report, _ = realcore.report(["--group-by", "creator", "--threshold", "2", core])
    named = {report["groups"][i]["created_by_places"] for i in range(len(report["groups"]))
             if report["groups"][i]["rules"]}
    tap.equal("--group-by creator: what has no known creator is no group to judge", named, {1})


def check_stripped(case):
    """Without symbols the function around is not named, but it is the same one."""
    exe = realcore.build(case)
    _, symbols, _ = tap.run(["nm", "-S", exe])
    sizes = {}
    for line in symbols.splitlines():
        words = line.split()
        if len(words) == 4:
            sizes[words[3]] = (int(words[0], 16), int(words[1], 16))
    with realcore.scratch() as folder:
        stripped = os.path.join(folder, os.path.basename(exe) + "-stripped")
        code, _, err = tap.run(["strip", "-o", stripped, exe])
        if not tap.check(case + " stripped", code == 0, err):
            return
        core = realcore.make_core(stripped, [], "kernel", 15)
        _, report, err = realcore.report([core])
        _, text, _ = tap.run([realcore.tool(), core])
    creators = [group["created_by"] for group in report["groups"] if group["created_by"]]
    found = {}
    for created_by in creators:
        offset = int(created_by["module_offset"], 16)
        found[created_by["module_offset"]] = [
            name for name, (low, size) in sizes.items() if low < offset <= low + size]
        tap.equal("%s stripped: no name and no line" % case,
                  (created_by["function"], created_by["file"], created_by["line"]),
                  (None, None, None))
    tap.equal(case + " stripped: the calls lie in these functions",
              sorted(name for names in found.values() for name in names),
              sorted(["main", "start_pool", "start_twins", "start_tail", "start_timer",
                      "start_flush"]))
    tap.check(case + " stripped: text", re.search(
        r"created by \(from the code\): \?\? \S+-stripped\+0x[0-9a-f]+\n", text), text)


LIBRARY = """
#include <pthread.h>
#include <unistd.h>
void *library_main(void *arg) { for (;;) pause(); return arg; }
void *library_own_main(void *arg) { for (;;) pause(); return arg; }
void library_start(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, library_own_main, NULL);
}
"""
PROGRAM = """
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
void *library_main(void *arg);
void library_start(void);
static void __attribute__((noipa)) start_imported(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, library_main, NULL);
	puts("started");
}
int main(void)
{
	start_imported();
	library_start();
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
"""


def check_library():
    """A library's routine that the program starts, and one that the library starts itself."""
    with realcore.scratch() as folder:
        for name, text in (("library.c", LIBRARY), ("program.c", PROGRAM)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        for command in (["-shared", "-fPIC", "-o", "libthreads.so", "library.c"],
                        ["-o", "program", "program.c", "./libthreads.so"]):
            code, _, err = tap.run(["gcc", "-g", "-O1", "-pthread"] + command, cwd=folder)
            if not tap.check("library: compiled", code == 0, err):
                return
        with realcore.running(["./program"], folder, 3) as process:
            core = realcore.dump(process, folder, "kernel")
        _, report, _ = realcore.report([core])
    for function, want in (("library_main", ("start_imported", "program")),
                           ("library_own_main", ("library_start", "libthreads.so"))):
        created_by = group_with(report, function)["created_by"]
        tap.equal("library: what creates " + function,
                  created_by and (created_by["function"], created_by["module"]), want)


def main():
    """All of it; skipped where no core can be made."""
    try:
        core = core_of("creators")[1]
    except realcore.CannotDump as reason:
        tap.skip("creators", str(reason))
        tap.done()
    for case, functions in MARKED.items():
        check_lines(case, functions)
    check_twins(core)
    check_show(core)
    check_group_by(core)
    if shutil.which("strip") and shutil.which("nm"):
        check_stripped("creators")
    else:
        tap.skip("stripped", "strip or nm is not installed")
    check_library()
    tap.done()


main()

#!/usr/bin/python3
"""Prints how many stacks each tool still finds in cores cut at each 10 %: a native program's of
1,003 threads and a Go program's of 10,000 goroutines.

A stack is found when it reaches the program's own outermost function: thread_main or main, for
goroutines (of which Delve lists one place each) any of package main. Present are those of which the
file still holds the registers, or the descriptor, and all of the stack in use. `-`: the tool is not
installed, or is of no use for such cores.
"""

import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", name) for name in ("", "core", "go")]
import elfcore
import gocore
import realcore
import tap

NUM_THREADS, GO_VERSION, GO_CASE = 1003, "1.19", "ten_thousand"  # Delve 1.20 knows Go 1.19
TIMEOUT_S = 600
OUTERMOST = re.compile(r"\b(thread_main|main)\b")


def with_coreleaks(core, exe, kind):
    _, report, _ = realcore.report(["--all", "-e", exe, core], timeout=TIMEOUT_S)
    inside = OUTERMOST.fullmatch if kind == "thread" else re.compile(r"main\..*").fullmatch
    return sum(group["count"] for group in report["groups"] if group["kind"] == kind and any(
        inside(frame["function"] or "") for frame in group["frames"])) if report else 0


def blocks(text, head):
    """The number of parts, each begun by a line that head matches, with an outermost function."""
    parts = re.split(head, text, flags=re.MULTILINE)[1:]
    return sum(1 for part in parts if OUTERMOST.search(part))


def with_gdb(core, exe):
    out = tap.run(["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex",
                   "thread apply all backtrace", exe, core], timeout=TIMEOUT_S)[1]
    return blocks(out, r"^Thread \d+ .*$")


def with_eu_stack(core, exe):
    out = tap.run(["eu-stack", "-n", "0", "--core=" + core, "-e", exe], timeout=TIMEOUT_S)[1]
    return blocks(out, r"^TID \d+:$")


def with_delve(core, exe):
    with open("delve.script", "w", encoding="ascii") as file:
        file.write("goroutines\nexit\n")
    out = tap.run(["dlv", "core", exe, core, "--init", "delve.script",
                   "--check-go-version=false", "--allow-non-terminal-interactive=true"],
                  timeout=TIMEOUT_S)[1]
    return len(re.findall(r"^[* ] Goroutine \d+ - User: \S+ main\.", out, re.MULTILINE))


def table(title, path, present_at, tools):
    """One line a cut. present_at: of a size, the number of stacks in the file."""
    print("\n" + title)
    print("%8s %8s" % ("cut at", "present") + "".join("%11s" % name for name, _ in tools))
    size = os.path.getsize(path)
    shutil.copyfile(path, "core")
    for percent in range(100, 0, -10):
        os.truncate("core", size * percent // 100)
        row = "%6d %% %8d" % (percent, present_at(size * percent // 100))
        for name, count in tools:
            program = {"coreleaks": "true"}.get(name, name)
            row += "%11s" % (count("core") if shutil.which(program) else "-")
        print(row, flush=True)


def native():
    exe = realcore.build("many_stacks")
    path = realcore.make_core(exe, [str(NUM_THREADS - 1)], "kernel", NUM_THREADS)
    core = elfcore.Core(path)
    known = [(thread["end_off"], core.file_range(*elfcore.used_stack(core, thread))[1])
             for thread in core.threads]
    table("%d threads" % NUM_THREADS, path,
          lambda size: sum(1 for ends in known if max(ends) <= size),
          [("coreleaks", lambda cut: with_coreleaks(cut, exe, "thread")),
           ("gdb", lambda cut: with_gdb(cut, exe)),
           ("eu-stack", lambda cut: with_eu_stack(cut, exe))])


def go():
    exe = gocore.build(GO_CASE, GO_VERSION, "plain")
    path = gocore.dump(GO_CASE, exe)[0]
    _, report, _ = realcore.report(["--all", path], timeout=TIMEOUT_S)
    ours = {member for group in report["groups"] if group["kind"] == "goroutine"
            for member in group["members"]
            if any((frame["function"] or "").startswith("main.") for frame in group["frames"])}
    goroutines = [task for task in report["tasks"]
                  if task["kind"] == "goroutine" and task["id"] in ours]
    core = elfcore.Core(path)
    table("goroutines, %d in package main, Go %s" % (len(goroutines), GO_VERSION), path,
          lambda size: len(gocore.whole_at(core, goroutines, size)),
          [("coreleaks", lambda cut: with_coreleaks(cut, exe, "goroutine")),
           ("dlv", lambda cut: with_delve(cut, exe))])


with realcore.scratch() as FOLDER:
    os.chdir(FOLDER)
    try:
        native()
        go()
    except realcore.CannotDump as reason:
        sys.exit("no core can be made here: %s" % reason)
    finally:
        os.chdir("/")

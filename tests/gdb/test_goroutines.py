#!/usr/bin/python3
"""Goroutines in GDB: from "leaks" to the line that leaks and its variables, and every goroutine of
several programs against the report."""

import json
import os
import re
import sys

import support
import elfcore
import tap

sys.path.append(os.path.join(support.TESTS, "go"))
import gocore
import realcore

# With all variables in memory.
gocore.MODES["debug"] = (0, ["-gcflags=-N -l"])
EVERY = os.path.join(support.TESTS, "gdb", "every_goroutine.py")
TOP = ["runtime.gopark", "runtime.chanrecv", "runtime.chanrecv2"]
FRAME = re.compile(r"^(?:#\d+ +|    )(?:0x[0-9a-f]+ in )?(\S+) \(.*?\)(?: at \S*?([^/\n]+))?$",
                   re.MULTILINE)


def rows(text):
    """[(function, file and line)] of a backtrace."""
    return [(match[1], match[2]) for match in FRAME.finditer(text)]


def names(text):
    return [name for name, _ in rows(text)]


def made(case, version, mode, how="kernel"):
    exe = gocore.build(case, version, mode)
    core, truth = gocore.dump(case, exe, how)
    return [exe, core], truth


def first_leaked(truth):
    """The number of a goroutine that waits in consume, as the program itself says."""
    return int(re.search(r"^goroutine (\d+) \[chan receive.*\]:\nmain\.consume\(", truth,
                         re.MULTILINE)[1])


def check_hunt(version, mode):
    """Five commands."""
    name = "leaky_handler by Go %s, %s: " % (version, mode)
    files, truth = made("leaky_handler", version, mode)
    number = first_leaked(truth)
    listing, group, chosen, stack, variables = support.run_gdb(files, [
        "leaks", "leaks group 1", "leaks goroutine %d" % number, "bt", "info locals"],
        analyzer=support.TOOL)
    tap.check(name + "1. leaks", "40 goroutines" in listing.out and "main.consume" in listing.out
              and "created by main.handle (main.go:27)" in listing.out, listing.both)
    tap.check(name + "2. leaks group 1", re.search(r"40 members:\s+%d " % number, group.out) or
              " %d" % number in group.out, group.both)
    tap.check(name + "3. leaks goroutine N: the line", chosen.out.startswith(
        "[Current goroutine is %d (chan receive)]\n#4 " % number) and
        re.search(r" in main\.consume \(.*\) at .*/main\.go:18$", chosen.out, re.MULTILINE) and
        not chosen.err, chosen.both)
    wrapper = {"1.19": "main.handle.func2", "1.27": "main.handle.gowrap2"}[version]
    want = TOP + ["main.consume", wrapper, "runtime.goexit"]
    # Without inlining the wrapper is there all the same.
    tap.equal(name + "4. bt", names(stack.out), want)
    tap.equal(name + "4. bt: the lines", [place for _, place in rows(stack.out)][3:5],
              ["main.go:18", "main.go:27"])
    if "stripped" not in mode:
        tap.check(name + "5. info locals", re.search(r"^item = ", variables.out, re.MULTILINE),
                  variables.both)


def check_variables(version):
    files, truth = made("leaky_handler", version, "debug")
    answers = support.run_gdb(files, [
        "leaks goroutine %d" % first_leaked(truth), "print sum", "print items.dataqsiz",
        "info args", "frame function runtime.chanrecv", "print block", "up 2", "frame"],
        analyzer=support.TOOL)
    said = [answer.out.strip() for answer in answers]
    # It has received 0, 1 and 2.
    tap.equal("variables, Go %s" % version, [said[1], said[2], said[5]],
              ["$1 = 3", "$2 = 0", "$3 = true"])
    tap.check("arguments, Go %s" % version, said[3].startswith("items = 0x") and
              "sum = 3" in said[3], said[3])
    tap.check("up, Go %s" % version, " in main.consume (" in said[7], said[7])


SELECTED = "python print(gdb.selected_thread().num, gdb.selected_frame().level())"


def in_rest(truth):
    """The numbers of the goroutines that are in C's function rest."""
    return re.findall(r"^goroutine (\d+) \[syscall.*\]:\nmain\._Cfunc_rest", truth, re.MULTILINE)


def check_selection(version, mode):
    """What the commands leave alone."""
    files, truth = made("cgo_blocked", version, mode)
    number = int(in_rest(truth)[0])
    threads, infos = "thread apply all bt 4", "info threads"
    commands = [threads, infos, "thread 3", "frame 1", SELECTED, "bt 3",
                "leaks goroutine %d bt" % number, SELECTED, "bt 3", "leaks goroutine %d" % number,
                threads, "bt -3", "leaks goroutine", "leaks goroutine 1 frame",
                "leaks goroutine", "leaks apply all bt 1", "leaks goroutine", "thread",
                "leaks goroutine off", "bt 3", infos, "leaks goroutine"]
    answers = [answer.out for answer in support.run_gdb(files, commands, analyzer=support.TOOL)]
    name = "cgo_blocked by Go %s, %s: " % (version, mode)
    tap.equal(name + "one command leaves the selection", answers[7], answers[4])
    tap.equal(name + "and the thread's stack", answers[8], answers[5])
    tap.equal(name + "threads are threads for \"thread apply\"", answers[10], answers[0])
    tap.equal(name + "then the goroutine is there again", names(answers[11])[-1], "runtime.goexit")
    tap.check(name + "which is selected", answers[12].startswith(
        "[Current goroutine is %d (" % number), answers[12])
    # Not the source line, which GDB says differently the second time.
    selected = [answer.splitlines()[:2] for answer in answers]
    tap.equal(name + "another one in between", selected[14], selected[12])
    tap.equal(name + "and all of them", selected[16], selected[12])
    tap.equal(name + "with a heading each", len(re.findall(r"^(?:Goroutine|Thread) \d+ \(.*\):$",
                                                          answers[15], re.MULTILINE)), 7)
    tap.check(name + "it is off", "No goroutine is selected" in answers[21], answers[21])


def check_c(version, mode):
    """A goroutine in a call of C: C's frames, then Go's."""
    files, truth = made("cgo_blocked", version, mode)
    numbers = in_rest(truth)
    stack, variable = support.run_gdb(files, [
        "leaks goroutine %s bt" % numbers[0],
        "leaks goroutine %s frame function main._Cfunc_rest" % numbers[0]], analyzer=support.TOOL)
    got = names(stack.out)
    go = got[got.index("runtime.cgocall"):] if "runtime.cgocall" in got else []
    c_names = [name for name in got[:len(got) - len(go)] if not name.startswith("_cgo_")]
    name = "%s, %s" % (version, mode)
    tap.check("C's frames, then Go's, " + name, go[1:3] == ["main._Cfunc_rest", "main.inC"] and
              go[-1] == "runtime.goexit" and "pause" in c_names[0], stack.both)
    # A stripped program has no names of C's but libc's.
    want = {"??"} if "stripped" in mode else {"rest"}
    tap.equal("C's names, " + name, set(c_names[1:]), want)
    if "stripped" not in mode:
        tap.check("an argument of Go's behind C, " + name,
                  re.search(r"in main\._Cfunc_rest \(p0=(?:[05]|<optimized out>), r1=0",
                            variable.out), variable.both)


def check_every(case, version, mode, how, least_frames=40):
    files, _ = made(case, version, mode, how)
    said, = support.run_gdb(files, ["source " + EVERY], analyzer=support.TOOL, timeout=300)
    numbers = re.search(r"^goroutines (\d+) frames (\d+)$", said.out, re.MULTILINE)
    tap.check("every goroutine of %s by Go %s, %s, %s" % (case, version, mode, how),
              numbers and int(numbers[1]) >= 8 and int(numbers[2]) >= least_frames and
              "DIFFERS" not in said.out, said.both)


def check_interrupted(version):
    """Selected, too: at the first instruction of its function, which no call led to."""
    files, truth = made("spinning", version, "plain", "crash")
    numbers = re.findall(r"^goroutine (\d+) \[run", truth, re.MULTILINE)
    answers = support.run_gdb(files, ["leaks goroutine " + number for number in numbers],
                              analyzer=support.TOOL)
    shown = [answer.out for answer in answers if " in main.spinEmpty () at " in answer.out and
             answer.out.rstrip().endswith("/main.go:13")]
    tap.equal("where it was interrupted, Go " + version, len(shown), 1)


def check_many():
    """None is left out, and those of one stack take no more runs of the analyzer."""
    files, _ = made("ten_thousand", "1.27", "plain")
    count, = support.run_gdb(files, ["| leaks apply -q 1 frame | grep -c ' main.work '"],
                             analyzer=support.TOOL, timeout=300)
    tap.equal("10,000 goroutines", count.out.strip(), "10000")
    check_apply_all("plain")
    check_apply_all("stripped")
    files, _ = made("leaky_handler", "1.27", "stripped")
    counter = os.path.join(tap.BUILD, "gdb-calls.%d" % os.getpid())
    with realcore.scratch() as folder:
        script = os.path.join(folder, "analyzer")
        with open(script, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho >>%s\nexec %s \"$@\"\n" % (counter, support.TOOL))
        os.chmod(script, 0o755)
        count, = support.run_gdb(files, ["| leaks apply -q 1 bt | grep -c ' main.consume '"],
                                 analyzer=script)
    calls = realcore.read_text(counter)
    os.unlink(counter)
    tap.equal("40 goroutines of a stripped program", count.out.strip(), "40")
    tap.check("and few runs of the analyzer", 2 <= len(calls) <= 4, len(calls))


def blocks(text):
    """{goroutine's number: what a command has printed of it}"""
    parts = re.split(r"^\n(Goroutine|Thread) (\d+) \(.*\):\n", text, flags=re.MULTILINE)
    return {number: said for kind, number, said in zip(*[iter(parts[1:])] * 3)
            if kind == "Goroutine"}


LEVEL = re.compile(r"^#\d+ +", re.MULTILINE)
CPU = "python import time; print(time.process_time())"


def check_apply_all(mode):
    """How long it takes is printed; "make bench" has a limit."""
    files, truth = made("ten_thousand", "1.27", mode)
    numbers = re.findall(r"^goroutine (\d+) \[chan receive", truth, re.MULTILINE)
    some = numbers[:2] + numbers[5000:5002] + numbers[-2:]
    before, every, after, *one_by_one = support.run_gdb(
        files, [CPU, "leaks apply all bt", CPU] + ["leaks goroutine %s bt" % each for each in some],
        analyzer=support.TOOL, timeout=600)
    print("# leaks apply all bt, %s: %.1f s of CPU time" % (
        mode, float(after.out) - float(before.out)))
    stacks = blocks(every.out)
    tap.check("apply all bt, %s: every goroutine" % mode, len(stacks) == 10001 and
              stacks.keys() == set(numbers) | {"1"} and every.out.count("\nGoroutine ") == 10001,
              (len(stacks), every.err))
    want = [TOP + ["main.work", "main.main.gowrap1", "runtime.goexit"]]
    got = {tuple(names(stacks[each])) for each in numbers if each in stacks}
    tap.equal("apply all bt, %s: their stacks" % mode, [list(each) for each in got], want)
    tap.equal("apply all bt, %s: the same as one by one" % mode,
              [stacks.get(each) for each in some], [answer.out for answer in one_by_one])


def check_apply_settings(case, mode):
    """What "bt" is set to show, it shows of many as of one."""
    files, truth = made(case, "1.27", mode)
    some = re.findall(r"^goroutine (\d+) \[", truth, re.MULTILINE)[:8]
    settings = ("print frame-arguments all", "print frame-arguments scalars",
                "print frame-arguments none", "print entry-values both",
                "print entry-values default")
    one_by_one = ["leaks goroutine %s bt" % each for each in some]
    commands = [["set " + setting, "leaks apply all bt"] + one_by_one for setting in settings]
    answers = support.run_gdb(files, ["leaks -all"] + sum(commands, []), analyzer=support.TOOL)[1:]
    for setting in settings:
        (_, every, *each), answers = answers[:2 + len(some)], answers[2 + len(some):]
        got = blocks(every.out)
        # Frames count from the thread's own, and several of that may be inlined.
        tap.equal("%s, %s: \"apply\" as one by one" % (case, setting),
                  [LEVEL.sub("#", got.get(number, "")) for number in some],
                  [LEVEL.sub("#", answer.out) for answer in each])
        tap.check("of several goroutines", len(some) >= 5, truth)


def check_family():
    """Who made whom, in the analyzer's own words; and those of one family alone."""
    (exe, core), truth = made("creation_tree", "1.27", "plain")
    first = re.search(r"^goroutine (\d+) .*(?:\n.+)*\ncreated by main\.main in goroutine 1$", truth,
                      re.MULTILINE)[1]
    for words in ("", " -root-goid " + first, " -ancestor ^main.branch$", " -focus nothing"):
        argv = re.sub(r" -(\S+) (\S+)", r" --\1=\2", words).split()
        _, own, err = tap.run([support.TOOL, "show", "--color=never", "--executable=" + exe] +
                              argv + [core, "tree"])
        shown, listed = support.run_gdb([exe, core], ["leaks tree" + words, "leaks" + words],
                                        analyzer=support.TOOL)
        tap.equal("leaks tree" + words, shown.out.split(), own.replace(" --", " -").split())
        tap.equal("leaks tree%s: no complaint" % words, (shown.err, err), ("", ""))
        tap.check("leaks%s: only of that family" % words, ("main.branch" in listed.out) is
                  ("nothing" not in words), listed.both)
    tap.check("the tree names goroutines that have ended", "(ended), which ran main.branch" in
              support.run_gdb([exe, core], ["leaks tree"], analyzer=support.TOOL)[0].out)


def check_labels():
    files, truth = made("labels", "1.27", "plain")
    wanted = re.findall(r"^# label (\d+) handler=users$", truth, re.MULTILINE)
    every, some, listed, none, long = support.run_gdb(files, [
        "leaks goroutines", "leaks goroutines -label handler=users", "leaks -label handler=users",
        "leaks goroutines -label no=such", "leaks goroutines -min-age 1000h"],
        analyzer=support.TOOL)
    row = re.compile(r"^[ *] (\d+) ", re.MULTILINE)
    tap.check("there are others", wanted and len(row.findall(every.out)) > len(wanted), every.both)
    tap.equal("leaks goroutines -label", row.findall(some.out), wanted)
    tap.check("leaks -label", re.search(r"^ +goroutine %s$" % wanted[0], listed.out, re.MULTILINE)
              and "by -label" in listed.out, listed.both)
    tap.equal("-label and -min-age that nobody has", (none.out, long.out),
              ("No goroutines.\n", "No goroutines.\n"))


def check_taas():
    """Commands where they say something."""
    files, truth = made("leaky_handler", "1.27", "plain")
    _, taas, apply, first, frames = support.run_gdb(files, [
        "leaks", "leaks taas print items", "leaks apply all -s print items",
        "leaks apply -s all print items", "leaks taas nosuch"], analyzer=support.TOOL)
    numbers = re.findall(r"^goroutine (\d+) \[chan receive.*\]:\nmain\.consume\(", truth,
                         re.MULTILINE)
    tap.equal("leaks taas: those that have the variable", sorted(blocks(taas.out)), sorted(numbers))
    values = re.compile(r"^\$\d+", re.MULTILINE)
    tap.check("leaks taas: with its value", all(
        re.match(r"\$\d+ = .*0x[0-9a-f]+\n", said) for said in blocks(taas.out).values()),
        taas.both)
    tap.equal("leaks apply all -s", values.sub("", apply.out), values.sub("", taas.out))
    tap.equal("leaks apply -s all", values.sub("", first.out), values.sub("", taas.out))
    tap.equal("leaks taas: errors are silent", (frames.out, frames.err, taas.err), ("", "", ""))


def check_hint():
    """What usually helps."""
    files, _ = made("leaky_handler", "1.27", "plain")
    _, own, _ = tap.run([support.TOOL, "show", "--json", files[1], "1"])
    hints = {finding["hint"] for finding in json.loads(own)["findings"]} - {None}
    answers = support.run_gdb(files, ["leaks group 1", "leaks findings"], analyzer=support.TOOL)
    for answer in answers:
        tap.equal("the hint is told", set(re.findall(r"^  hint: (.*)$", answer.out, re.MULTILINE)),
                  hints)
    tap.check("and there is one", "close" in "".join(hints), own)


def check_behind_end(mode):
    """A stack that was another goroutine's before has old words above its end."""
    (exe, core), truth = made("leaky_handler", "1.27", mode)
    number = first_leaked(truth)
    code, out, err = tap.run([support.TOOL, "show", "--json", core, "goroutine:%d" % number])
    frames = json.loads(out)["task"]["frames"] if code in (0, 1) else [{"function": err}]
    tap.equal("the last frame, %s" % mode, frames[-1]["function"], "runtime.goexit")
    with realcore.scratch() as folder:
        copy = os.path.join(folder, "core")
        tap.run(["cp", "--sparse=always", core, copy])
        sp, word = int(frames[-1]["sp"], 16), int(frames[-2]["pc"], 16).to_bytes(8, "little")
        with open(copy, "r+b") as file:
            file.seek(elfcore.Core(copy).file_range(sp, sp + 24)[0])
            file.write(word * 3)
        stack, every = support.run_gdb([exe, copy], [
            "leaks goroutine %d bt" % number, "leaks apply all bt"], analyzer=support.TOOL)
    tap.equal("it ends there, %s" % mode, names(stack.out)[-2:],
              ["main.handle.gowrap2", "runtime.goexit"])
    tap.equal("by \"apply\", too, %s" % mode, blocks(every.out).get(str(number)), stack.out)


def check_live(version):
    """A goroutine of a program that is stopped, until that goes on."""
    exe = gocore.build("leaky_handler", version, "plain")
    with realcore.scratch() as cwd, gocore.running("leaky_handler", exe, cwd) as (process, truth):
        number = first_leaked(truth)
        answers = support.run_gdb([exe, "-p", str(process.pid)], [
            "leaks goroutine %d" % number, "bt", "leaks watch 1 1", "leaks goroutine",
            "leaks goroutine %d print items.dataqsiz" % number, "detach"], analyzer=support.TOOL)
        alive = process.poll() is None
    if "ptrace" in answers[0].both or "No core file" in answers[0].both:
        tap.skip("goroutines of a stopped program", "GDB may not attach here")
        return
    tap.check("a goroutine of a stopped program", "main.consume" in answers[0].out and
              names(answers[1].out)[:4] == TOP + ["main.consume"], answers[1].both)
    tap.check("is not selected once that goes on", "No goroutine is selected" in answers[3].out,
              answers[2].both + answers[3].both)
    tap.check("and is there again", "$1 = 0" in answers[4].out and alive, answers[4].both)


def check_failures():
    files, _ = made("leaky_handler", "1.27", "plain")
    for command, wanted in (
            ("leaks goroutine 999999", "No goroutine 999999 in this core; see \"leaks "
                                       "goroutines\"."),
            ("leaks goroutine x", "Invalid goroutine number: x"),
            ("leaks goroutine off bt", "\"leaks goroutine off\" takes no command."),
            ("leaks apply", "Argument required (a group's ID, goroutine:N, thread:TID or all)."),
            ("leaks apply all", "Please specify a command at the end of \"leaks apply all\"."),
            ("leaks apply 99 bt", "No group \"99\"; see \"leaks\"."),
            ("leaks apply thread:x bt", "Invalid thread ID: thread:x"),
            ("leaks apply -x all bt", "Unrecognized option at: -x"),
            ("leaks apply 1 nosuch", "Undefined command: \"nosuch\".  Try \"help\".")):
        answer, after = support.run_gdb(files, [command, "leaks goroutine"], analyzer=support.TOOL)
        tap.equal(command, answer.err, wanted)
        tap.check(command + ": nothing is selected", "No goroutine is selected" in after.out,
                  after.both)


def main():
    versions, complaints = gocore.toolchains("--two")
    if complaints:
        tap.check("the toolchains are to be had", False, complaints)
    try:
        for version, _ in versions:
            for mode in ("plain", "cgo", "stripped"):
                check_hunt(version, mode)
            check_variables(version)
            for mode in ("cgo", "cgo-stripped"):
                check_c(version, mode)
            check_every("panicking", version, "plain", "kernel")
            # Interrupted at the first instruction of a function and of a line.
            check_every("spinning", version, "plain", "crash", 35)
            check_every("waits_locks", version, "stripped", "kernel")
            check_every("cgo_blocked", version, "cgo", "crash")
            check_every("cgo_callback", version, "cgo-pie-stripped", "kernel")
        check_selection("1.27", "cgo")
        check_interrupted("1.27")
        check_many()
        check_apply_settings("leaky_handler", "debug")
        check_apply_settings("cgo_blocked", "cgo")
        for mode in ("plain", "stripped"):
            check_behind_end(mode)
        check_family()
        check_labels()
        check_taas()
        check_hint()
        check_live("1.27")
        check_failures()
    except realcore.CannotDump as reason:
        tap.skip("goroutines in GDB", str(reason))
    tap.done()


main()

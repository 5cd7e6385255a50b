#!/usr/bin/python3
"""gdb/HUNTS.md: every command is run on a core of the named program, and answers what stands there,
but for addresses, numbers of threads, times and folders."""

import os
import re
import sys

import support
import tap

sys.path.append(os.path.join(support.TESTS, "go"))
import gocore
import realcore

HUNTS = os.path.join(tap.ROOT, "gdb", "HUNTS.md")
LEFT_OUT = "…"


def hunts():
    """[(title, words of its program, [(command, lines of its answer)])]"""
    found = []
    for part in realcore.read_text(HUNTS).split("\n## ")[1:]:
        title = part.splitlines()[0]
        program = re.search(r"<!-- (.*) -->", part)[1].split()
        commands = []
        for block in re.findall(r"```text\n(.*?)```", part, re.DOTALL):
            for line in block.splitlines():
                if line.startswith("(gdb) "):
                    commands.append((line[len("(gdb) "):], []))
                else:
                    commands[-1][1].append(line)
        found.append((title, program, commands))
    return found


def core_of(program):
    if program[0] == "native":
        exe = realcore.build(program[1])
        return [exe, realcore.make_core(exe, [], "kernel", int(program[2]))]
    exe = gocore.build(*program[1:4])
    return [exe, gocore.dump(program[1], exe)[0]]


class Numbers:
    """Threads have other numbers in each run: those of the text by their order in it."""

    def __init__(self, text, core):
        self.of_text = sorted({int(word) for word in re.findall(r"\b[1-9]\d{4}\b", text)})
        self.of_core = core

    def in_core(self, command):
        """The command with the core's numbers: the same place counted from the first thread."""
        return re.sub(r"\b[1-9]\d{4}\b", lambda match: str(
            int(match[0]) - self.of_text[0] + self.of_core), command)


def plain(line):
    """The line without what differs from run to run, from machine to machine."""
    line = re.sub(r"0x[0-9a-f]+", "ADDRESS", line)
    line = re.sub(r"\b[tg]-[0-9a-f]{12}\b", "GROUP", line)
    line = re.sub(r"(at )\S*/", r"\1", line)
    line = re.sub(r"[█▏▎▍▌▋▊▉]+ *", "BAR ", line)
    line = re.sub(r"\d+\.\d %", "SHARE", line)
    line = re.sub(r"(of all )[\d,]+", r"\1ALL", line)
    line = re.sub(r"(goroutine is |goroutine:?|^ {2}) ?\d+", r"\1 N", line)
    line = re.sub(r"Thread \w+|\(LWP \d+\)|thread \d+ \(|\b[1-9]\d{4}\b", "N", line)
    return " ".join(line.split())


def differs(want, got):
    """What is missing, or None. A line that is LEFT_OUT stands for any number of lines."""
    want, got = [plain(line) for line in want], [plain(line) for line in got]
    at = 0
    for number, line in enumerate(want):
        if line == LEFT_OUT:
            continue
        ends = len(got) if number and want[number - 1] == LEFT_OUT else at + 1
        places = [place for place in range(at, min(ends, len(got))) if got[place] == line]
        if not places:
            return line
        at = places[0] + 1
    if at < len(got) and want[-1:] != [LEFT_OUT]:
        return "the end, not: " + got[at]
    return None


def first_thread(files):
    out = support.run_gdb(files, ["python print(gdb.selected_inferior().pid)"], load=False)[0].out
    return int(out)


def goroutines(files, words):
    """{number in the text: in the core} of the words NUMBER=FUNCTION."""
    found = {}
    for number, function in (word.split("=") for word in words):
        listed = support.run_gdb(files, ["leaks goroutines -focus ^%s$" % function],
                                 analyzer=support.TOOL)[0].out
        found[number] = listed.splitlines()[1].split()[0]
    return found


def check(title, program, commands):
    files = core_of(program)
    text = "\n".join(line for command, lines in commands for line in [command] + lines)
    numbers = Numbers(text, first_thread(files))
    # The text's first number is the process's own, or two more where that does not occur.
    if program[0] == "go":
        numbers.of_core += 2
    known = goroutines(files, program[4:])
    asked = [re.sub(r"(?<=goroutine )\d+", lambda match: known[match[0]],
                    numbers.in_core(command)) for command, _ in commands]
    answers = support.run_gdb(files, ["set width 0"] + asked, analyzer=support.TOOL)
    for (command, want), answer in zip(commands, answers[1:]):
        missing = differs(want, answer.out.splitlines())
        tap.check("%s: %s" % (title, command), missing is None,
                  "missing: %s\nin:\n%s" % (missing, answer.both))


def main():
    versions, complaints = gocore.toolchains("--two")
    tap.check("the toolchains are to be had", len(versions) == 2, complaints)
    found = hunts()
    tap.check("three hunts", len(found) == 3 and all(len(hunt[2]) > 2 for hunt in found))
    try:
        for hunt in found:
            check(*hunt)
    except realcore.CannotDump as reason:
        tap.skip("hunts", str(reason))
    tap.done()


main()

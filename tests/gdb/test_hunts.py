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
    line = re.sub(r"goroutine (is )?\d+", "goroutine N", line)
    line = re.sub(r"^  \d+ +(?=syscall |chan |select |sleep )", "N ", line)
    line = re.sub(r"Thread \w+|\(LWP \d+\)|thread \d+ \(|\b[1-9]\d{2,6}\b", "N", line)
    return " ".join(line.split())


def differs(want, got):
    """What is missing, or None. A line that is LEFT_OUT stands for any number of lines; those
    between two of them may come in another order, as threads do."""
    runs = [[]]
    for line in map(plain, want):
        if line == LEFT_OUT:
            runs.append([])
        elif line:
            runs[-1].append(line)
    got, at = [plain(line) for line in got if line.strip()], 0
    for number, run in enumerate(runs):
        last = len(got) - len(run) if number else 0
        if number == len(runs) - 1 and run:
            at = max(at, last)
        place = next((place for place in range(at, last + 1)
                      if sorted(got[place:place + len(run)]) == sorted(run)), None)
        if place is None:
            return run
        at = place + len(run)
    if at < len(got) and len(runs) == 1:
        return "the end, not: " + got[at]
    return None


def first_thread(files):
    out = support.run_gdb(files, ["python print(gdb.selected_inferior().pid)"], load=False)[0].out
    return int(out)


FIND = """python exec('''
import sys
report = sys.modules["leaks.commands"].CONTEXT.report({})
found = [number for group in report.groups if group.kind == "goroutine" for number in group.members
         if any(frame.function == %r for frame in group.frames)][0]
print(found, report.goroutine(found).goroutine.thread)
''')"""


def known_numbers(files, words):
    """{number in the text: in the core} of the words NUMBER=FUNCTION, of a goroutine, and
    NUMBER=thread:FUNCTION, of its thread."""
    known = {}
    for number, function in (word.split("=") for word in words):
        code = FIND % function.split(":")[-1]
        out = support.run_gdb(files, [code.replace("\n", "\\n")], analyzer=support.TOOL)[0].out
        known[number] = out.split()[function.startswith("thread:")]
    return known


def check(title, program, commands):
    files = core_of(program)
    text = "\n".join(line for command, lines in commands for line in [command] + lines)
    numbers = Numbers(text, first_thread(files))
    known = known_numbers(files, program[4:])
    asked = [re.sub(r"\b\d+\b", lambda match: known.get(match[0], match[0]), command)
             if known else numbers.in_core(command) for command, _ in commands]
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

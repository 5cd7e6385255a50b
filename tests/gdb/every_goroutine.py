"""Run by GDB: the frames of every goroutine as GDB shows them, with lines, against the report.

Prints "DIFFERS ..." for each that differs, and last "goroutines N frames M".
"""

import os
import re
import sys

import gdb

LINE = re.compile(r"^(?:#\d+ +|    )(?:0x[0-9a-f]+ in )?(.*?) \(.*?(?:\) (?:at|from) (.*)|\))$")


def shown(number):
    """[(function, file name and line)] by "bt"."""
    rows = []
    for line in gdb.execute("leaks goroutine %d bt" % number, to_string=True).splitlines():
        match = LINE.match(line)
        if match is None:
            raise RuntimeError("goroutine %d: what is this line? %s" % (number, line))
        rows.append((match[1], (match[2] or "").rpartition("/")[2]))
    return rows


def plain(name):
    # GDB has Go's own spelling of generic names, and C's without what its compiler adds.
    return re.sub(r"\[.*\]", "[...]", re.sub(r"\.abi0$", "", (name or "??").split("@")[0]))


def place(raw):
    return "%s:%d" % (os.path.basename(raw["file"]), raw["line"]) if raw["file"] else ""


def main():
    commands = sys.modules["leaks.commands"]
    report = commands.CONTEXT.report({"all": True, "kind": "goroutine"})
    num = num_frames = 0
    for group in report.groups:
        for number in group.members[:3]:
            shown_task = commands.CONTEXT.shown_task("goroutine", number)[0]
            wanted = [(plain(raw["function"]), place(raw)) for raw in shown_task["frames"]]
            got = [(plain(name), where) for name, where in shown(number)]
            # GDB ends the main goroutine's stack in main.main by itself.
            if got and got[-1][0] == "main.main" and [name for name, _ in wanted[-2:]] == [
                    "runtime.main", "runtime.goexit"]:
                wanted = wanted[:-2]
            # Where a call is inlined in a cgo program, Go 1.19 writes the line of the file that cgo
            # makes of it into DW_AT_call_line.
            inlined = [False] + [raw["inlined"] for raw in shown_task["frames"]]
            compared = [[(name, None if into else where)
                         for (name, where), into in zip(rows, inlined)] for rows in (got, wanted)]
            if len(got) != len(wanted) or compared[0] != compared[1]:
                print("DIFFERS goroutine %d: got %s, want %s" % (number, got, wanted))
            num += 1
            num_frames += len(got)
    print("goroutines %d frames %d" % (num, num_frames))


main()

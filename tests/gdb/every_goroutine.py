"""Run by GDB: the frames of every goroutine as GDB shows them, against those of the report.

Prints "DIFFERS ..." for each that differs, and last "goroutines N frames M".
"""

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


def main():
    commands = sys.modules["leaks.commands"]
    report = commands.CONTEXT.report({"all": True, "kind": "goroutine"})
    num = num_frames = 0
    for group in report.groups:
        for number in group.members[:3]:
            shown_task = commands.CONTEXT.shown_task("goroutine", number)[0]
            wanted = [plain(raw["function"]) for raw in shown_task["frames"]]
            got = [plain(name) for name, _ in shown(number)]
            # GDB ends the main goroutine's stack in main.main by itself.
            if got and got[-1] == "main.main" and wanted[-2:] == ["runtime.main",
                                                                  "runtime.goexit"]:
                wanted = wanted[:-2]
            if got != wanted:
                print("DIFFERS goroutine %d: got %s, want %s" % (number, got, wanted))
            num += 1
            num_frames += len(got)
    print("goroutines %d frames %d" % (num, num_frames))


main()

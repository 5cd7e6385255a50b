#!/usr/bin/python3
"""What is remembered between commands, and when it is forgotten."""

import os

import support
import realcore
import tap

support.import_package()
from leaks import session
from leaks.errors import LeaksError


class Made:
    """Counts how often a report was asked for."""

    def __init__(self):
        self.number = 0
        self.groups = []

    def __call__(self):
        self.number += 1
        return self


def refusal(call, *args):
    try:
        call(*args)
    except LeaksError as error:
        return str(error)
    return None


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


with realcore.scratch() as folder:
    core = write(os.path.join(folder, "core"), "one")
    tap.equal("the same file is the same", session.file_identity(core),
              session.file_identity(os.path.join(folder, ".", "core")))
    tap.equal("no file", session.file_identity(core + "x"), None)

    current = session.Session(core, lambda: True)
    made = Made()
    current.report(("a",), made)
    current.report(("a",), made)
    tap.equal("made once", made.number, 1)
    current.report(("b",), made)
    tap.equal("once for each set of options", made.number, 2)
    for number in range(session.MAX_REPORTS):
        current.report((number,), Made())
    current.report(("a",), made)
    tap.equal("old reports are dropped", made.number, 3)

    def fail():
        raise LeaksError("no")
    refusal(current.report, ("c",), fail)
    current.report(("c",), made)
    tap.equal("a failure is not remembered", made.number, 4)

    changed = "\"%s\" has changed since GDB loaded it. Use \"core-file FILE\" to load it again."
    before = os.stat(core)
    write(core, "two")
    os.utime(core, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    tap.equal("rewritten", refusal(current.report, ("a",), made), changed % core)
    current = session.Session(core, lambda: True)
    os.replace(write(core + ".new", "two"), core)
    tap.equal("replaced", refusal(current.report, ("a",), made), changed % core)
    current = session.Session(core, lambda: True)
    said = refusal(current.report, ("a",), lambda: write(core, "three, while it was read"))
    tap.equal("changed during the analysis", said, changed % core)
    current = session.Session(core, lambda: True)
    os.unlink(core)
    tap.equal("gone", refusal(current.report, ("a",), made),
              "\"%s\": the core file is gone or cannot be read." % core)
tap.done()

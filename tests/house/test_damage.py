#!/usr/bin/python3
"""tests/damage.md: each test it names is there, and runs."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap


def missing(text):
    """The tests that a table names and that are not there, the number of its rows and of tests."""
    lost, rows, num = [], 0, 0
    for line in text.splitlines():
        if not line.startswith("| ") or line.startswith("| Damage"):
            continue
        rows += 1
        named = re.findall(r"`([^`:]+\.(?:c|py)): ([^`]+)`", line.rpartition(" | ")[2])
        if not named:
            lost.append("no test: " + line)
        for file, tests in named:
            path = os.path.join(tap.ROOT, "tests", file)
            source = ""
            if os.path.exists(path):
                with open(path, encoding="utf-8") as stream:
                    source = stream.read()
            for name in tests.split(", "):
                num += 1
                if not is_there(source, name, file.endswith(".c")):
                    lost.append("%s: %s" % (file, name))
    return lost, rows, num


def is_there(source, name, is_unit):
    """Whether a file runs that test: by its name as a function, or as the text of a check."""
    word = re.escape(name)
    if is_unit:
        return re.search(r"START_TEST\(%s\)" % word, source) is not None and re.search(
            r"\b(tcase_add_(loop_)?test|add)\(\s*\w+,\s*(\"\w+\",\s*)?%s\b" % word,
            source) is not None
    if re.search(r"^def %s\(" % word, source, re.M):
        return len(re.findall(r"\b%s\(" % word, source)) > 1
    return '"%s"' % name in source


with open(os.path.join(tap.ROOT, "tests", "damage.md"), encoding="utf-8") as table:
    TEXT = table.read()
LOST, ROWS, NUM = missing(TEXT)
tap.check("each of the %d tests of %d rows is there" % (NUM, ROWS), not LOST, "\n".join(LOST))
tap.check("the table was read", ROWS > 20 and NUM > 2 * ROWS, (ROWS, NUM))
tap.equal("a test that is not there is noticed", missing(
    "| a | `unit/test_dump.c: cut_file, no_such`; `cli/test_inputs.py: no_cores, no_such` |")[0],
    ["unit/test_dump.c: no_such", "cli/test_inputs.py: no_such"])
tap.equal("a file that is not there is noticed", missing("| a | `unit/no.c: cut_file` |")[0],
          ["unit/no.c: cut_file"])
tap.equal("a row without a test is noticed", len(missing("| a | - |")[0]), 1)
tap.done()

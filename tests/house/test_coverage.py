#!/usr/bin/python3
"""`make cov`: what is counted, and what it takes to fail. Of a small program with known lines, not
of a whole run."""

import importlib.machinery
import importlib.util
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import tap

SCRIPT = os.path.join(HERE, "coverage")
LIST = os.path.join(tap.ROOT, "tests", "coverage.md")
HEAD = "| File | Reached | What does not run, and why |\n|---|---|---|\n"
# A function's own line, its statements and its closing brace count.
USED = """#include "part/used.h"
int twice(int n)
{
	return half(n) * 4;
}
"""
HEADER = """static inline int half(int n)
{
	if (n < 0)
		return -1;
	return n / 2;
}
"""
PARTLY = """int used(int n)
{
	return n + 1;
}
int unused(int n)
{
	return n - 1;
}
"""
IDLE = "int idle(void)\n{\n\treturn 1;\n}\n"
TABLE = "extern const int table[];\nconst int table[] = {1, 2};\n"
MAIN = """int twice(int n);
int used(int n);
int main(void)
{
	return twice(2) + used(3) != 8;
}
"""


def loaded():
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("coverage_of_lines", SCRIPT)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def build(work):
    """A tree with counters as a cov build leaves them."""
    files = {"used": USED, "partly": PARTLY, "idle": IDLE, "table": TABLE, "main": MAIN}
    write(os.path.join(work, "part", "used.h"), HEADER)
    os.makedirs(os.path.join(work, "out", "obj", "part"))
    for name, text in files.items():
        write(os.path.join(work, "part", name + ".c"), text)
        code, _, err = tap.run(["gcc", "-O0", "--coverage", "-I.", "-c", "part/%s.c" % name, "-o",
                                "out/obj/part/%s.o" % name], cwd=work)
        tap.check("%s.c compiles" % name, code == 0, err)
    objects = ["out/obj/part/%s.o" % name for name in files if name != "idle"]
    code, _, err = tap.run(["gcc", "--coverage", *objects, "-o", "main"], cwd=work)
    tap.check("the program links", code == 0, err)
    tap.equal("the program runs", tap.run(["./main"], cwd=work)[0], 0)


def counting(coverage, work):
    sources = ["part/%s.c" % name for name in ("used", "partly", "idle", "table")]
    os.chdir(work)
    counts = coverage.measure("out", sources)
    found = coverage.shares(counts)
    tap.equal("what has lines", sorted(found), ["part/idle.c", "part/partly.c", "part/used.c",
                                                "part/used.h"])
    tap.equal("shares: all, half and nothing", [found[name][0] / found[name][1] for name in (
        "part/used.c", "part/partly.c", "part/idle.c")], [1, 0.5, 0])
    lost = {name: {line for line, count in lines.items() if count == 0}
            for name, lines in counts.items()}
    tap.equal("a header's line that did not run", lost["part/used.h"], {4})
    tap.check("a function that was not called", {5, 7} <= lost["part/partly.c"] <= {5, 6, 7, 8},
              lost)
    ran, lines = found["part/used.h"]
    write("lists/all.md", HEAD + "| `part/idle.c` | 0 % | never called |\n"
          + "| `part/used.h` | %d %% | never negative |\n" % (100 * ran // lines))
    code, out, err = tap.run([SCRIPT, "--list", "lists/all.md", "out", *sources], cwd=work)
    tap.equal("too little ran: exit code", (code, err), (1, ""))
    tap.equal("too little ran: lines", [line for line in out.splitlines() if "failed" in line], [
        "coverage: failed: part/partly.c: 50.0 % of its lines ran, less than 90 %",
        "coverage: failed: less than 90 % of all lines ran"])
    ran, lines = (sum(pair[i] for pair in found.values()) for i in (0, 1))
    tap.check("the sum", "%6.1f %%  %5d lines  in all\n" % (100 * ran / lines, lines) in out, out)
    code, out, _ = tap.run([SCRIPT, "--missed", "out", *sources], cwd=work)
    tap.check("--missed", code == 0 and out.startswith("part/idle.c: 1 3")
              and "\npart/used.c: -\npart/used.h: 4\n" in out, out)
    write("lists/empty.md", HEAD)
    code, out, _ = tap.run([SCRIPT, "--list", "lists/empty.md", "out", "part/main.c",
                            "part/table.c"], cwd=work)
    tap.check("all ran: exit code 0", code == 0 and "failed" not in out, out)


def judging(coverage):
    for name, found, named, want in (
            ("90 % is enough", {"a.c": (9, 10)}, {}, []),
            ("899 of 1,000 is not", {"a.c": (899, 1000), "b.c": (9999, 10000)}, {}, ["a.c"]),
            ("what is named may be lower", {"a.c": (5, 10), "b.c": (999, 1000)}, {"a.c": 50}, []),
            ("... but not lower than it says", {"a.c": (49, 100), "b.c": (9999, 10000)},
             {"a.c": 50}, ["a.c"]),
            ("a name with more than 90 % asks for no more", {"a.c": (91, 100)}, {"a.c": 95}, []),
            ("all named, and still too little", {"a.c": (5, 10)}, {"a.c": 50}, ["less than 90 %"]),
            ("a name of nothing", {"a.c": (9, 10)}, {"gone.c": 10}, ["gone.c"]),
            ("nothing was measured", {}, {}, ["less than 90 %"])):
        wrong, _ = coverage.judge(found, named)
        tap.check(name, len(wrong) == len(want) and all(
            line.startswith(start) for line, start in zip(wrong, want)), wrong)
    tap.equal("a name that need not be there is said",
              [note.split(":")[0] for note in coverage.judge({"a.c": (95, 100)}, {"a.c": 80})[1]],
              ["a.c"])
    tap.equal("numbers as ranges", coverage.ranges_of([9, 1, 2, 3, 7, 8]), "1-3 7-9")


def lists(coverage):
    good = "| `a/b.c` | 85 % | `start`: no memory |\n"
    tap.equal("a row", coverage.read_list(HEAD + good), ({"a/b.c": 85}, []))
    for name, text in (("without a reason", "| `a.c` | 85 % | - |"),
                       ("without a percentage", "| `a.c` | - | no memory |"),
                       ("without a file", "| a.c | 85 % | no memory |"),
                       ("twice", good + good)):
        tap.equal("a row %s is a fault" % name, len(coverage.read_list(HEAD + text)[1]), 1)
    with open(LIST, encoding="utf-8") as file:
        named, wrong = coverage.read_list(file.read())
    tap.equal("tests/coverage.md has no fault", wrong, [])
    tap.equal("tests/coverage.md names files that are there, below 90 %", [
        name for name, least in named.items()
        if least >= coverage.LEAST or not os.path.exists(os.path.join(tap.ROOT, name))], [])


COVERAGE = loaded()
judging(COVERAGE)
lists(COVERAGE)
with tempfile.TemporaryDirectory(prefix="coreleaks-house-") as WORK:
    build(WORK)
    counting(COVERAGE, WORK)
    os.chdir(tap.ROOT)
tap.done()

#!/usr/bin/python3
"""coreleaks compare: dumps of a leaking and of a bursty program; a dump against a report, a profile
and Go's own text; builds, incomplete dumps, order, levels."""

import json
import os
import re
import shutil
import subprocess

import cli
import realcore
import tap

CLEAN, FINDINGS, FAILED, INCOMPLETE, USAGE = 0, 1, 2, 3, 64
SCHEMA = os.path.join(tap.ROOT, "analyzer", "report", "coreleaks-compare-1.schema.json")
GO_PROGRAM = """
package main

import (
	"fmt"
	"os"
	"runtime/pprof"
	"time"
)

func receive(c chan int) { <-c }
func send(c chan int)    { c <- 1 }

func write(name string, debug int) {
	file, _ := os.Create(name)
	pprof.Lookup("goroutine").WriteTo(file, debug)
	file.Close()
}

func main() {
	for i := 0; i < 5; i++ {
		go receive(make(chan int))
	}
	time.Sleep(300 * time.Millisecond)
	write("before.pb.gz", 0)
	write("before.debug1", 1)
	write("before.debug2", 2)
	for i := 0; i < 7; i++ {
		go receive(make(chan int))
	}
	for i := 0; i < 3; i++ {
		go send(make(chan int))
	}
	time.Sleep(300 * time.Millisecond)
	fmt.Println("ready")
	time.Sleep(time.Hour)
}
"""


def compare(*arguments, **kw):
    return cli.run("compare", *arguments, **kw)


def compared(*arguments):
    """(exit code, the JSON document)."""
    code, out, err = compare("--json", *arguments)
    try:
        document = json.loads(out)
    except ValueError:
        tap.check("JSON of compare " + " ".join(arguments), False, out + err)
        return code, {"summary": {}, "groups": [], "dumps": [], "findings": []}
    import jsonschema
    with open(SCHEMA, encoding="utf-8") as file:
        jsonschema.validate(document, json.load(file))
    return code, document


def build(name, text, flags=()):
    exe = os.path.join(os.getcwd(), name)
    with open(name + ".c", "w", encoding="utf-8") as file:
        file.write(text)
    code, _, err = tap.run(["gcc", "-std=gnu11", "-g", "-O1", "-pthread", *flags, name + ".c",
                            "-o", exe])
    if code:
        raise RuntimeError("the program does not compile:\n" + err)
    return exe


def series(exe, rounds, name):
    """A dump after each of the rounds, a list of lines for the program each: their paths."""
    paths = []
    with subprocess.Popen([exe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          preexec_fn=realcore.before_exec) as process:
        try:
            process.stdout.readline()
            for number, lines in enumerate(rounds):
                threads = 1
                for line in lines:
                    process.stdin.write(line + "\n")
                    process.stdin.flush()
                    if process.stdout.readline() != "done\n":
                        raise RuntimeError("the program does not answer")
                threads = len(os.listdir("/proc/%d/task" % process.pid))
                realcore.wait_until_settled(process.pid, threads)
                paths.append(realcore.gcore(process.pid, "%s/%s.%d" % (os.getcwd(), name, number)))
        finally:
            process.kill()
    for number, path in enumerate(paths):
        os.utime(path, (1780000000 + 60 * number, 1780000000 + 60 * number))
    return paths


def rules(document):
    return sorted(finding["rule"] for finding in document["findings"])


def group(document, function):
    found = [item for item in document["groups"]
             if any(frame["function"] == function for frame in item["frames"])]
    return found[0] if found else {}


def leaking(exe):
    paths = series(exe, [["leak 5"], ["leak 10", "burst 4", "rest 0"], ["leak 10"]], "leak")
    code, document = compared(*paths)
    row = group(document, "wait_for_connection")
    tap.equal("three dumps of a leaking program: growth",
              (code, rules(document), row["counts"], row["change"], row["growth"], row["delta"]),
              (FINDINGS, ["growth"], [5, 15, 25], "GROWN", True, 20))
    tap.equal("ten a minute", row["per_minute_milli"], 10000)
    tap.equal("one process: those of the first dump wait there still",
              (document["summary"]["one_process"], row["stuck"]), (True, 5))
    tap.check("stacks are counted", row["stack_bytes"][2] > row["stack_bytes"][0] > 0, row)
    code, out, _ = compare(*paths)
    tap.check("the sum in the words of a test", "threads leak: before=6 after=26 leaked=20, "
              "10.0 a minute" in out, out)
    tap.check("a monitor's line for each dump", re.search(
        r"(?m)^\[\d\d:\d\d:\d\d\] Threads: 26 \(baseline: 6, delta: \+20\), blocked: 26", out), out)
    tap.check("a sparkline", re.search(r"GROWN +\+20  5 -> 15 -> 25 ▃▅█ ", out), out)
    tap.check("the text says what makes groups the same",
              "\ncompared by signature, dumps of one process\n" in out, out)
    _, out, _ = compare("--iterations", "10", *paths)
    tap.check("--iterations", "2.0 an iteration (10 of them)" in out, out)
    tap.equal("two dumps: grown, and no finding",
              [compared(*paths[:2])[0], rules(compared(*paths[:2])[1]),
               group(compared(*paths[:2])[1], "wait_for_connection")["change"]],
              [CLEAN, [], "GROWN"])
    code, document = compared("--max-delta", "9", *paths[:2])
    tap.equal("... but for --max-delta", (code, rules(document)), (FINDINGS, ["over-baseline"]))
    tap.check("and the warning", "WARNING: 10 threads above baseline" in
              compare("--max-delta", "9", *paths[:2])[1])
    tap.equal("--max-delta is a limit that may be reached",
              compare("--max-delta", "10", *paths[:2])[0], CLEAN)
    tap.equal("--allow: a rise by so many is none", compare("--allow", "20", *paths)[0], CLEAN)
    tap.equal("... and by one more it is one", compare("--allow", "19", *paths)[0], FINDINGS)
    for level, want in (("none", CLEAN), ("likely", CLEAN), ("proved", CLEAN), ("new", FINDINGS),
                        ("suspect", FINDINGS), ("growth", FINDINGS)):
        tap.equal("--fail-on %s" % level, compare("--fail-on", level, *paths)[0], want)
    code, _, err = compare("-o", "growth.html", *paths)
    with open("growth.html", encoding="utf-8") as file:
        page = cli.Page(file.read())
    tap.check("a page: the verdict first", (code, err) == (FINDINGS, "") and page.text.startswith(
        "WORSE threads: 6 before, 26 after, +20 "), page.text[:300])
    tap.check("... a chart without scripts, a point a dump and line", page.tags.count("circle") ==
              3 * 2 and page.tags.count("script") == 1, page.tags)
    tap.equal("... and a row with a column a dump",
              [[cell.split()[-1] for cell in row[-3:]] for row in page.rows
               if "wait_for_connection" in " ".join(row)], [["5", "15", "25"]])
    code, document = compared(*reversed(paths))
    tap.equal("backwards it shrinks", (code, group(document, "wait_for_connection")["change"],
                                       group(document, "wait_for_connection")["per_minute_milli"]),
              (CLEAN, "SHRUNK", None))
    tap.equal("--idle: the number has not fallen", rules(compared("--idle", *paths[:2])[1]),
              ["growth"])
    tap.equal("--idle: it has", rules(compared("--idle", paths[1], paths[0])[1]), [])
    os.mkdir("folder")
    for number, path in enumerate(paths):
        shutil.copyfile(path, "folder/x%d.core" % (9 - number))
        os.utime("folder/x%d.core" % (9 - number), (1780000000 + number, 1780000000 + number))
    tap.equal("a folder: in the order of time", group(
        compared("folder")[1], "wait_for_connection")["counts"], [5, 15, 25])
    for number in range(3):
        os.utime("folder/x%d.core" % (9 - number), ns=(0, 1780000000 * 10**9 + number))
    tap.equal("... to the nanosecond", group(
        compared("folder")[1], "wait_for_connection")["counts"], [5, 15, 25])
    for number in range(3):
        os.utime("folder/x%d.core" % (9 - number), (1780000000, 1780000000))
    tap.equal("... and of one moment by their names", group(
        compared("folder")[1], "wait_for_connection")["counts"], [25, 15, 5])
    for number in range(3):
        os.rename("folder/x%d.core" % (9 - number),
                  "folder/core-20260102-15040%d" % (2 - number))
    tap.equal("... which stands in the names", group(
        compared("folder")[1], "wait_for_connection")["counts"], [25, 15, 5])
    return paths


def bursty(exe):
    paths = series(exe, [["burst 5"], ["burst 20"], ["rest 0", "burst 8"]], "burst")
    code, document = compared(*paths)
    row = group(document, "serve_request")
    tap.equal("three dumps of a bursty program: no growth",
              (code, rules(document), row["counts"], row["growth"]), (CLEAN, [], [5, 25, 8], False))


def changes(exe, paths):
    # Not without a thread: glibc's read() has another stack while there is only one.
    rest = series(exe, [["burst 3"]], "rest")
    code, document = compared(paths[2], rest[0])
    tap.equal("what is gone is resolved: exit 0",
              (code, group(document, "wait_for_connection")["change"],
               document["summary"]["one_process"]), (CLEAN, "RESOLVED", False))
    code, document = compared(rest[0], paths[2])
    tap.equal("what is new is no finding below --fail-on new",
              (code, rules(document), group(document, "wait_for_connection")["change"]),
              (CLEAN, ["new-group"], "NEW"))
    tap.equal("... and one with it", compare("--fail-on", "new", rest[0], paths[2])[0], FINDINGS)
    code, document = compared(paths[0], paths[0])
    tap.equal("the same dump twice", (code, {item["change"] for item in document["groups"]}),
              (CLEAN, {"SAME"}))


def builds(text, paths):
    """Another build, with its lines moved: by loose signatures."""
    os.mkdir("other")
    other = build("other/growing", "\n\n/* moved */\n" + text)
    moved = series(other, [["leak 7"]], "moved")
    code, document = compared(paths[0], moved[0])
    row = group(document, "wait_for_connection")
    tap.equal("another build: loose signatures", (code, document["summary"]["compared_by"],
                                                  row["counts"], row["change"]),
              (CLEAN, "loose_signature", [5, 7], "GROWN"))


def reports(paths):
    for number in (0, 1):
        cli.run("-q", "--json", "-o", "report%d.json" % number, paths[number])
    code, document = compared("report0.json", "report1.json", paths[2])
    tap.equal("JSON reports stand for their dumps",
              (code, rules(document), group(document, "wait_for_connection")["counts"],
               document["summary"]["compared_by"]),
              (FINDINGS, ["growth"], [5, 15, 25], "signature"))
    cli.run("-q", "-o", "profile.pb.gz", paths[0])
    code, document = compared("profile.pb.gz", paths[1])
    tap.equal("so does a profile: by functions",
              (code, group(document, "wait_for_connection")["counts"],
               document["summary"]["compared_by"]), (CLEAN, [5, 15], "functions"))


def incomplete(paths):
    """A cut dump may have had more: no growth from it."""
    with open(paths[0], "rb") as file, open("cut.core", "wb") as cut:
        cut.write(file.read(os.path.getsize(paths[0]) // 2))
    code, document = compared("cut.core", paths[1], paths[2])
    tap.check("no growth from a cut dump, and never clean",
              code == INCOMPLETE and rules(document) == [], document["findings"])
    with open("none.core", "w", encoding="ascii") as file:
        file.write("no core")
    code, document = compared(paths[0], "none.core", paths[1])
    tap.equal("one that cannot be read is left out and said",
              (code, [bool(dump["error"]) for dump in document["dumps"]]),
              (FAILED, [False, False, True]))
    code, out, err = compare(paths[0], "none.core")
    tap.check("two are needed", code == FAILED and out == "" and "none.core" in err, err)


def page_of_hostile_names(paths):
    """Names that look like markup stay names."""
    name = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    report = {"schema": "coreleaks/1", "core": {"path": name, "complete": True, "command": name},
              "summary": {"threads": 3}, "findings": [], "gaps": [],
              "groups": [{"id": "t-1", "signature": name, "loose_signature": name, "count": 3,
                          "kind": "thread", "state": name, "reason": name, "verdict": "unknown",
                          "members": [1, 2, 3], "frames": [{"function": name, "file": name,
                                                            "line": 3, "module": name}]}]}
    with open("markup.json", "w", encoding="utf-8") as file:
        json.dump(report, file)
    compare("-o", "markup.html", paths[0], "markup.json")
    with open("markup.html", encoding="utf-8") as file:
        page = cli.Page(file.read())
    tap.check("a page of hostile names has no element of theirs",
              page.tags.count("script") == 1 and "img" not in page.tags, page.tags)
    tap.check("... and has the names", page.text.count("onerror=alert(1)>") >= 3, page.text[:500])


def hostile(paths):
    """What is neither a core nor a report, or only begins like one."""
    cases = {
        "empty.json": b"{", "list.json": b"{\"a\":[[[[", "other.json": b'{"schema":"x"}',
        "deep.json": b"{\"a\":" * 5000, "nul.json": b'{"schema":"\x00"}',
        "half.json": b'{"schema":"coreleaks/1","core":{},"summary":{',
        "cut.gz": b"\x1f\x8b\x08\x00", "text": b"goroutine \n", "noise": os.urandom(5000),
        "big.gz": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + b"\x00" * 20 + b"\xff" * 4,
    }
    for name, content in cases.items():
        with open(name, "wb") as file:
            file.write(content)
        code, out, err = compare(paths[0], name)
        tap.check("%s is refused" % name, code == FAILED and out == "" and name in err, err)
    report = {"schema": "coreleaks/1", "core": {"path": "x\x1b[31m", "complete": True},
              "summary": {"threads": -5}, "groups": [{"signature": 7, "frames": 3,
              "members": {"a": 1}, "count": 1e300}, {}, [], None], "findings": [{"groups": [1]}],
              "gaps": 4}
    with open("odd.json", "w", encoding="utf-8") as file:
        json.dump(report, file)
    code, out, err = compare("odd.json", paths[0])
    page_of_hostile_names(paths)
    tap.check("a report with odd types does no harm", code in (CLEAN, FINDINGS, INCOMPLETE)
              and "\x1b" not in out, out + err)


def go():
    """Go's own profiles and text, of the process that is dumped afterwards."""
    if not shutil.which("go"):
        tap.skip("Go's own profiles", "there is no go")
        return
    with open("main.go", "w", encoding="utf-8") as file:
        file.write(GO_PROGRAM)
    code, _, err = tap.run(["go", "build", "-o", "goprogram", "main.go"], env=cli.environment(
        HOME=os.getcwd(), GOCACHE=os.path.join(tap.BUILD, "go-cache", "tests"), GOFLAGS="-mod=mod",
        GO111MODULE="off"))
    if code:
        tap.skip("Go's own profiles", "go build: " + err)
        return
    with realcore.started([os.path.abspath("goprogram")], os.getcwd()) as process:
        core = realcore.gcore(process.dumped_pid, os.path.abspath("go.core"))
    for name, key in (("before.pb.gz", "functions"), ("before.debug1", "functions"),
                      ("before.debug2", "functions, creator and reason")):
        code, document = compared(name, core)
        receive, send = group(document, "main.receive"), group(document, "main.send")
        tap.equal("%s against the core" % name,
                  (document["summary"]["compared_by"], document["summary"]["compared"],
                   receive.get("counts"), receive.get("change"), send.get("counts"),
                   send.get("change")),
                  (key, "goroutines", [5, 12], "GROWN", [0, 3], "NEW"))
    for name in ("ours.pb.gz", "ours.debug1", "ours.debug2"):
        cli.run("-q", "-o", name, core)
        _, document = compared(name, core)
        receive, send = group(document, "main.receive"), group(document, "main.send")
        tap.equal("%s, which coreleaks made of the core, against it" % name,
                  (receive.get("counts"), receive.get("change"), send.get("counts"),
                   send.get("change")), ([12, 12], "SAME", [3, 3], "SAME"))
    code, out, _ = compare("before.debug2", core)
    tap.check("the words of a goroutine monitor", re.search(
        r"Goroutines: 16 \(baseline: 6, delta: \+10\), blocked: 16", out), out)


def usage(paths):
    for arguments in ([], [paths[0]], ["--write-baseline", "x", *paths], ["-o", "x.folded", *paths],
                      ["--max-delta", "x", *paths]):
        code, out, err = compare(*arguments)
        tap.check("usage: compare %s" % [os.path.basename(name) for name in arguments],
                  code == USAGE and out == "" and err, err)


with cli.Scratch():
    with open(os.path.join(tap.ROOT, "samples", "ci", "growing.c"), encoding="utf-8") as source:
        TEXT = source.read()
    EXE = build("growing", TEXT)
    try:
        PATHS = leaking(EXE)
    except realcore.CannotDump as reason:
        tap.skip("dumps of a running program", str(reason))
        tap.done()
    bursty(EXE)
    changes(EXE, PATHS)
    reports(PATHS)
    incomplete(PATHS)
    hostile(PATHS)
    usage(PATHS)
    builds(TEXT, PATHS)
    go()
tap.done()

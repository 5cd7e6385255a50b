#!/usr/bin/python3
"""The formats other tools read: each of a real core, and read by the tool it is made for."""

import os
import pty
import re
import shutil
import subprocess

import cli
import realcore
import tap

CLEAN, USAGE = 0, 64
FORMATS = {"debug2": ".debug2", "debug1": ".debug1", "goleak": ".goleak", "pprof": ".pb.gz",
           "folded": ".folded", "prometheus": ".prom", "logfmt": ".logfmt"}
# Names that mean something to the readers; assembler takes any but quotes and line ends.
HOSTILE = ["a;b;c", "created by main.main", "goroutine 7 [running]:", "percent%zz%2",
           "red\x1b[31m", "path/without/dot", "operator+", "...12 frames elided...", "# comment",
           "7 @ 0x1", "two words 9", "back\\\\slash"]

GO_PROGRAM = """
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

var lock sync.Mutex

func receive(c chan int)  { <-c }
func acquire()            { lock.Lock() }
func forever()            { select {} }
func locked(c chan<- int) { runtime.LockOSThread(); c <- 1 }

func main() {
	lock.Lock()
	for i := 0; i < 5; i++ {
		go receive(make(chan int))
	}
	for i := 0; i < 3; i++ {
		go acquire()
	}
	pprof.Do(context.Background(), pprof.Labels("user", "ann"), func(context.Context) {
		go forever()
	})
	go locked(make(chan int))
	go time.Sleep(time.Hour)
	time.Sleep(300 * time.Millisecond)
	pprof.Lookup("goroutine").WriteTo(os.Stdout, 2)
	fmt.Println("ready")
	time.Sleep(time.Hour)
}
"""


def read(path):
    with open(path, "rb") as file:
        return file.read()


def pprof(*arguments):
    """go tool pprof's output."""
    code, out, err = tap.run(["go", "tool", "pprof", *arguments],
                             env=cli.environment(HOME=os.getcwd(), PPROF_BINARY_PATH="/nowhere"))
    tap.check("go tool pprof " + " ".join(arguments), code == 0 and out, err)
    return out


def total_of(top):
    """The sum that `pprof -top` or `-raw` counted."""
    found = re.search(r"accounting for \d+, \S+ of (\d+) total", top)
    return int(found.group(1)) if found else None


def all_at_once(core):
    arguments = []
    for name, suffix in FORMATS.items():
        arguments += ["-o", name + suffix]
    tap.equal("-o of every format at once", cli.run(*arguments, core), (CLEAN, "", ""))
    for name, suffix in FORMATS.items():
        code, out, err = cli.run("--format", name, core, text=False)
        tap.equal("--format %s: exit code, nothing on stderr" % name, (code, err), (CLEAN, b""))
        tap.check("-o x%s is the same as --format %s" % (suffix, name),
                  out == read(name + suffix) and out, out[:300])
        tap.check("%s again: the same bytes" % name,
                  cli.run("--format", name, core, text=False)[1] == out)
        code, out, err = cli.run("show", "--format", name, core, "1")
        tap.check("show --format %s is refused" % name, code == USAGE and out == ""
                  and cli.one_line(err) and name in err, err)
    tap.equal("-o x.pprof", cli.run("-o", "x.pprof", core)[0], CLEAN)
    tap.check("... is pprof as well", read("x.pprof") == read("pprof.pb.gz"))
    tap.equal("a file's own suffix wins over --format",
              cli.run("--format", "json", "-o", "y.folded", core)[0], CLEAN)
    tap.check("... and decides", read("y.folded") == read("folded.folded"))
    ours, theirs = pty.openpty()
    ran = subprocess.run([cli.CORELEAKS, "--format", "pprof", core], stdout=theirs, check=False,
                         stderr=subprocess.PIPE, env=cli.environment(), text=True)
    os.close(ours)
    os.close(theirs)
    tap.check("pprof is not written to a terminal", ran.returncode == USAGE
              and cli.one_line(ran.stderr), ran.stderr)


def pprof_reads(core, other):
    """pprof and debug1, by the tool that made them the formats they are."""
    cli.run("-o", "other.pb.gz", other)
    top = pprof("-top", "pprof.pb.gz")
    tap.equal("pprof counts all threads", total_of(top), cli.NUM_THREADS)
    tap.check("the profile's type is thread", "Type: thread\n" in top, top)
    raw = pprof("-raw", "pprof.pb.gz")
    tap.check("sample and period types", "PeriodType: thread count\nPeriod: 1\n" in raw
              and "thread/count[dflt]" in raw, raw)
    rows = re.findall(r"(?m)^ +(\d+): [\d ]+\n +(reason:.*)$", raw)
    tap.check("labels of each sample", ("6", "reason:[condition] state:[waiting] "
                                             "verdict:[unknown]") in rows, raw)
    code, report, _ = cli.report(core)
    build_id = report["core"]["executable"]["build_id"]
    tap.check("mappings with build-ids", code == CLEAN and build_id
              and re.search(r"(?m)^1: 0x\w+/0x\w+/0x0 .*/cli-program %s" % build_id, raw), raw)
    traces = pprof("-traces", "pprof.pb.gz")
    naps = re.search(r"(?s)\n +4   (\S+)\n((?: +\S+.*?\n)+)", traces)
    tap.check("the stacks are the report's", naps and [naps.group(1)] + [
        line.split()[0] for line in naps.group(2).splitlines()] ==
        cli.frames_of(cli.groups_with(report, "nap")[0]), traces)
    tap.equal("-base: two dumps of the same threads cancel out, wherever they were loaded",
              total_of(pprof("-top", "-base", "pprof.pb.gz", "other.pb.gz")), 0)
    tap.equal("-base: what is new stays", total_of(pprof(
        "-top", "-base", "pprof.pb.gz", "other.pb.gz", "other.pb.gz")), cli.NUM_THREADS)
    top = pprof("-top", "debug1.debug1")
    tap.equal("debug1: pprof counts all threads", total_of(top), cli.NUM_THREADS)
    code, out, _ = cli.run("--format", "debug1", "--reason", "sleep", core)
    tap.check("debug1: what is hidden is said", code == CLEAN
              and out.startswith("thread profile: total 5\n") and re.search(
                  r"(?m)^# left out: 8 by .*reason", out), out)


def panicparse(path):
    """[(count, state, functions)] as panicparse reads them, and the lines it did not take."""
    code, out, err = tap.run(["panicparse", "-full-path", path], env=cli.environment(TERM=None))
    tap.check("panicparse %s" % path, code == 0 and not err.strip(), err)
    buckets, rest = [], []
    for line in out.splitlines():
        head = re.match(r"(\d+): (.*)$", line)
        # A frame is a place, blanks, and the function with its arguments.
        frame = re.match(r"    .*:\d+ +(.*)\(\.\.\.\)$", line)
        if head and not frame:
            buckets.append((int(head.group(1)), head.group(2), []))
        elif frame and buckets:
            buckets[-1][2].append(frame.group(1))
        elif line and not line.startswith("To see all goroutines, visit "):
            rest.append(line)  # that one is advice which comes with a single goroutine
    return buckets, rest


def panicparse_reads(core):
    code, out, _ = cli.run("--format", "debug2", core)
    tap.equal("debug2 has no threads unless asked", (code, out),
              (CLEAN, "# left out: 13 threads; --kind thread writes them\n\n"))
    cli.run("-o", "threads.debug2", "--kind", "thread", core)
    buckets, rest = panicparse("threads.debug2")
    _, report, _ = cli.report(core)
    tap.equal("panicparse finds the groups that the report has",
              sorted((count, state, functions) for count, state, functions in buckets),
              sorted((group["count"], group["reason"], cli.frames_of(group))
                     for group in report["groups"]))
    tap.check("... and leaves nothing over but the heading",
              len(rest) == 1 and rest[0].startswith("# threads of "), rest)


def many_threads():
    """More than the writers keep in memory at once, also when nobody reads it to its end."""
    num = 1001
    try:
        core = realcore.make_core(realcore.build("many_stacks"), [str(num - 1)], threads=num)
    except realcore.CannotDump as reason:
        tap.skip("the formats of many threads", str(reason))
        return
    _, report, _ = cli.report(core)
    ids = {member for group in report["groups"] for member in group["members"]}
    for name, pattern in (("debug2", r"(?m)^goroutine (\d+) \["),
                          ("goleak", r"(?m)^[\[ ]Thread (\d+) in state ")):
        arguments = ["--format", name, "--kind", "thread", "--threshold", "2"]
        code, out, err = cli.run(*arguments, core)
        found = [int(digits) for digits in re.findall(pattern, out)]
        shown = ids if name == "debug2" else {
            member for group in cli.report("--threshold", "2", core)[1]["groups"]
            for member in group["members"] if group["verdict"] == "suspect"}
        tap.check("%s is longer than a piece" % name, len(out) > 300 * 1024, len(out))
        tap.equal("%s has every thread once" % name, (code, sorted(found), err),
                  (CLEAN, sorted(shown), ""))
        with open("/dev/full", "wb") as full:
            code, _, err = cli.run(*arguments, core, stdout=full)
        tap.check("%s to a full disk" % name, code == 2 and cli.one_line(err), err)


def other_formats(core):
    folded = read("folded.folded").decode()
    tap.check("folded: root first, then the count", re.search(
        r"(?m)^\S*clone3?;start_thread;consume;\S* 6$", folded), folded)
    tap.equal("folded counts all threads", sum(int(line.rpartition(" ")[2])
                                               for line in folded.splitlines()), cli.NUM_THREADS)
    metrics = read("prometheus.prom").decode()
    check_metrics("the program's core", metrics)
    tap.check("prometheus: all threads", 'coreleaks_tasks{kind="thread",state="waiting",'
              'verdict="unknown"} 13\n' in metrics, metrics)
    tap.check("prometheus: a native program has no go_ families", "go_" not in metrics, metrics)
    line = read("logfmt.logfmt").decode()
    tap.check("logfmt", re.match(r"goroutines=0 threads=13 stack_inuse_mb=0\.\d\d proved=0 "
                                 r'.* command="cli-program" core="[^"]*"\n$', line), line)
    tap.equal("goleak finds nothing", read("goleak.goleak").decode(),
              "no unexpected threads were found\n")
    out = cli.run("--format", "goleak", "--threshold", "4", "--members", "2", core)[1]
    tap.check("goleak: what is suspect, in goleak's words", re.match(
        r"found unexpected threads:\n\[Thread \d+ in state condition, with consume on top of the "
        r"stack:\nconsume\(\.\.\.\)\n\t.*cli-program\.c:\d+ \+0x\w+\n Thread \d+ in state "
        r"condition, "
        r"with consume on top of the stack:\n(.*\n){2}\.\.\. and 4 threads like it\n Thread \d+ in "
        r"state sleep, with sleep_long on top", out) and out.endswith("\n]\n"), out)


def check_metrics(name, text):
    """The text format, version 0.0.4: one HELP and TYPE a family, then its samples."""
    family, seen, wrong = None, set(), []
    for line in text.splitlines():
        comment = re.fullmatch(r"# (HELP|TYPE) ([a-z_]+) (.+)", line)
        sample = re.fullmatch(r'([a-z_]+)(\{[a-z]+="(?:[^"\\]|\\["\\n])*"'
                              r'(?:,[a-z]+="(?:[^"\\]|\\["\\n])*")*\})? \d+(\.\d+)?', line)
        if comment and comment.group(1) == "HELP" and comment.group(2) not in seen:
            family = comment.group(2)
            seen.add(family)
        elif comment and comment.groups()[1:] == (family, "gauge"):
            continue
        elif not sample or sample.group(1) != family:
            wrong.append(line)
    tap.check("metrics of %s keep to the format" % name, not wrong and seen, "\n".join(wrong))


def deadlock():
    """A proved finding, in every format that names verdicts."""
    try:
        core = realcore.make_core(realcore.build("ab_ba"),
                                  realcore.expected_words("ab_ba", "args"), threads=3)
    except realcore.CannotDump as reason:
        tap.skip("formats of a deadlock", str(reason))
        return
    _, report, _ = cli.report(core)
    proved = [group for group in report["groups"] if group["verdict"] == "proved"]
    num = sum(group["count"] for group in proved)
    tap.check("the sample has a proved deadlock", num >= 2, report["groups"])
    cli.run("-o", "l.goleak", "-o", "l.pb.gz", "-o", "l.prom", "-o", "l.logfmt", "-o", "l.debug2",
            "--kind", "thread", core)
    leaks = read("l.goleak").decode()
    tap.equal("goleak: the deadlocked threads", len(re.findall(
        r"(?m)^[\[ ]Thread \d+ in state mutex \(leaked\), with ", leaks)), num)
    raw = pprof("-raw", "l.pb.gz")
    tap.check("pprof: label verdict", "verdict:[proved]" in raw, raw)
    metrics = read("l.prom").decode()
    check_metrics("a deadlock", metrics)
    tap.check("prometheus: the rule", 'coreleaks_findings{rule="deadlock-cycle"} 1\n' in metrics,
              metrics)
    tap.check("logfmt: proved", b" proved=%d " % num in read("l.logfmt"))
    buckets, _ = panicparse("l.debug2")
    tap.equal("debug2: they are marked as Go marks leaked goroutines",
              sum(count for count, state, _ in buckets if state == "mutex (leaked)"), num)


def hostile():
    """Symbols with names that the formats' grammars give a meaning."""
    with open("hostile.c", "w", encoding="latin-1") as file:
        file.write("#include <stdio.h>\n#include <unistd.h>\n")
        file.write("static int step(int n);\n")
        for i, name in enumerate(HOSTILE):
            symbol = name.replace("\x1b", "\\033")
            file.write('int f%d(int n) __asm__("\\"%s\\"");\n' % (
                i, symbol.replace("\\\\", "\\\\\\\\")))
            file.write("__attribute__((noinline)) int f%d(int n)\n{\n\tint r = %s(n + 1);\n"
                       "\t__asm__ volatile(\"\");\n\treturn r + 1;\n}\n" % (
                           i, "f%d" % (i - 1) if i else "step"))
        file.write("__attribute__((noinline)) static int step(int n)\n{\n\tpause();\n"
                   "\treturn n;\n}\n")
        file.write('int main(void)\n{\n\tputs("ready");\n\tfflush(stdout);\n'
                   "\treturn f%d(0);\n}\n" % (len(HOSTILE) - 1))
    code, _, err = tap.run(["gcc", "-O1", "-fno-optimize-sibling-calls", "-Wall", "hostile.c",
                            "-o", "hostile"])
    if not tap.check("the hostile program compiles", code == 0, err):
        return
    try:
        core = realcore.make_core(os.path.abspath("hostile"))
    except realcore.CannotDump as reason:
        tap.skip("hostile names", str(reason))
        return
    _, report, _ = cli.report(core)
    names = cli.frames_of(report["groups"][0])
    tap.check("the report has these names", "a;b;c" in names and "red\x1b[31m" in names, names)
    cli.run("-o", "h.debug2", "-o", "h.debug1", "-o", "h.pb.gz", "-o", "h.folded", "-o", "h.prom",
            "--kind", "thread", core)
    for name in ("h.debug2", "h.debug1", "h.folded", "h.prom"):
        tap.check("%s has no control bytes" % name,
                  not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", read(name)), read(name))
    buckets, rest = panicparse("h.debug2")
    tap.equal("panicparse: one task with all its frames",
              [(count, len(functions)) for count, _, functions in buckets], [(1, len(names))])
    tap.check("panicparse: nothing left over but the heading", len(rest) == 1, rest)
    tap.equal("pprof reads debug1", total_of(pprof("-top", "h.debug1")), 1)
    traces = pprof("-traces", "h.pb.gz")
    tap.check("pprof reads the profile", "a;b;c" in traces and "red\\x1b[31m" in traces
              and "\x1b" not in traces, traces)
    folded = read("h.folded").decode()
    tap.check("folded: one line, as many names as frames", folded.count("\n") == 1
              and folded.count(";") == len(names) - 1 and "a\\x3bb\\x3bc" in folded, folded)


def dumps_of(text):
    """{id: (bracket, lines without arguments)} of a goroutine dump."""
    found = {}
    for part in re.split(r"\n\n", text):
        head = re.match(r"goroutine (\d+) \[(.*)\]:\n", part)
        if head:
            lines = part[head.end():].rstrip("\n").split("\n")
            found[int(head.group(1))] = (head.group(2), [
                re.sub(r"\([^()]*\)$", "(...)", line) for line in lines])
    return found


def goroutines():
    """A Go program's own dump of itself against ours of its core, line by line."""
    with open("main.go", "w", encoding="utf-8") as file:
        file.write(GO_PROGRAM)
    code, _, err = tap.run(["go", "build", "-o", "program", "main.go"],
                           env=cli.environment(GOCACHE=os.path.abspath("cache")))
    if not tap.check("the Go program compiles", code == 0, err):
        return
    try:
        with realcore.started([os.path.abspath("program")], os.getcwd(),
                              cli.environment(GOTRACEBACK="crash")) as process:
            core = realcore.dump(process, os.getcwd(), "kernel")
    except realcore.CannotDump as reason:
        tap.skip("a Go program's formats", str(reason))
        return
    said = process.said if isinstance(process.said, str) else process.said.decode()
    theirs = dumps_of(said.replace("ready\n", ""))
    code, out, err = cli.run("-o", "g.debug2", "-o", "g.pb.gz", "-o", "g.debug1", "-o", "g.prom",
                             core)
    tap.equal("a Go core in four formats", (code, out, err), (CLEAN, "", ""))
    ours = dumps_of(read("g.debug2").decode())
    # Goroutine 1 was running then, and sleeps now.
    del theirs[1]
    tap.check("the program's dump has all its goroutines", len(theirs) == 11, theirs)
    proved = {member for group in cli.report(core)[1]["groups"]
              if group["kind"] == "goroutine" and group["verdict"] == "proved"
              for member in group["members"]}
    tap.equal("what is proved is marked as leaked, and nothing else",
              {number for number, dump in ours.items() if " (leaked)" in dump[0]}, proved)
    for number, dump in sorted(theirs.items()):
        bracket, lines = ours.get(number, ("", None))
        tap.equal("goroutine %d is dumped as Go does" % number,
                  (bracket.replace(" (leaked)", ""), lines), dump)
    buckets, rest = panicparse("g.debug2")
    tap.check("panicparse leaves nothing over but what is left out",
              all(line.startswith("# left out: ") for line in rest), rest)
    tap.equal("panicparse: as many goroutines", sum(bucket[0] for bucket in buckets), len(ours))
    raw = pprof("-raw", "g.pb.gz")
    tap.check("pprof: the types of goroutine profiles",
              "PeriodType: goroutine count\n" in raw
              and "goroutine/count[dflt] stack/bytes wait/nanoseconds\n" in raw, raw)
    tap.check("pprof: the program's label and the creator", re.search(
        r"created_by:\[main\.main\.func1\] .*user:\[ann\]", raw), raw)
    top = pprof("-top", "program", "g.debug1")
    tap.check("debug1: pprof finds names in the program", "main.receive" in top, top)
    metrics = read("g.prom").decode()
    check_metrics("a Go program", metrics)
    tap.check("prometheus: NumGoroutine()", "\ngo_goroutines 12\n" in "\n" + metrics, metrics)


with cli.Scratch():
    tap.equal("the readers are installed", [name for name in ("go", "panicparse")
                                            if not shutil.which(name)], [])
    CORE, OTHER = cli.core(), cli.core("gcore")
    all_at_once(CORE)
    pprof_reads(CORE, OTHER)
    panicparse_reads(CORE)
    other_formats(CORE)
    deadlock()
    many_threads()
    hostile()
    goroutines()
tap.done()

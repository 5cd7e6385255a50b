"""What the tests of the GDB command share: a real core, GDB runs, fake analyzers.

The core is of a small program with six threads: main joins, three wait in consume, two in produce.
"""

import ast
import contextlib
import json
import os
import pty
import re
import select
import sys
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS, os.path.join(TESTS, "core")]
import realcore
import tap

LOADER = os.path.join(tap.ROOT, "gdb", "leaks.py")
TOOL = realcore.tool()
# Which GDB is tested: its file.
GDB = os.environ.get("COREGDB") or "gdb"
NUM_THREADS = 6
MARK = "@@@"

PROGRAM = r"""
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;

static void *consume(void *unused)
{
	pthread_mutex_lock(&lock);
	for (;;)
		pthread_cond_wait(&filled, &lock);
	return unused;
}

static void *produce(void *unused)
{
	pthread_mutex_lock(&held);
	return unused;
}

int main(void)
{
	pthread_t threads[5];
	pthread_mutex_lock(&held);
	for (int i = 0; i < 5; i++)
		pthread_create(&threads[i], NULL, i < 3 ? consume : produce, NULL);
	puts("ready");
	fflush(stdout);
	pthread_join(threads[0], NULL);
	return 0;
}
"""

# Prints FAKE_REPORT with the core's own thread ids, and writes down how it was called.
FAKE = """#!/usr/bin/python3
import os, sys
with open(os.environ["FAKE_LOG"], "a") as log:
    log.write("\\n".join(sys.argv[1:]) + "\\n\\n")
sys.stdout.write(os.environ["FAKE_REPORT"])
sys.exit(int(os.environ.get("FAKE_CODE", "0")))
"""


def import_package():
    """The package gdb/leaks on the path of this Python, for the modules without GDB."""
    sys.path.insert(0, os.path.join(tap.ROOT, "gdb"))


class Hunt:
    """A scratch folder with the program, its core, and the ids of its threads, main first."""

    def __init__(self, folder):
        self.folder = folder
        self.exe = os.path.join(folder, "worker")
        self.core = os.path.join(folder, "worker.core")
        self.log = os.path.join(folder, "calls")
        source = self.write("worker.c", PROGRAM, 0o644)
        code, _, err = tap.run(["gcc", "-g", "-O1", "-pthread", source, "-o", self.exe])
        if code:
            raise RuntimeError("the test program does not compile:\n" + err)
        self.dump(self.core)
        self.ids = [0] * NUM_THREADS
        listed = self.gdb([
            "python print([(t.num, t.ptid[1]) for t in gdb.selected_inferior().threads()])"],
            load=False)
        # By GDB's own numbers.
        self.own_ids = dict(ast.literal_eval(listed[0].out))
        self.ids = sorted(self.own_ids.values())
        self.fake = self.write("fake", FAKE)

    def dump(self, path):
        """Writes a core of a new run of the program to path."""
        with realcore.running([self.exe], self.folder, NUM_THREADS) as process:
            try:
                made = realcore.dump(process, self.folder, "kernel")
            except realcore.CannotDump:
                made = realcore.dump(process, self.folder, "gcore")
        os.replace(made, path)

    def write(self, name, text, mode=0o755):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def script(self, name, body):
        """An analyzer that is a shell script."""
        return self.write(name, "#!/bin/sh\n" + body + "\n")

    def environment(self, report=None, code=0, **more):
        env = dict(os.environ, FAKE_LOG=self.log, FAKE_CODE=str(code),
                   FAKE_REPORT=json.dumps(report if report is not None else canned(self.ids)))
        return dict(env, **more)

    def calls(self):
        """The argument lists with which the fake analyzer was called; forgets them."""
        text = realcore.read_text(self.log)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.log)
        return [call.split("\n") for call in text.split("\n\n") if call]

    def gdb(self, commands, load=True, core=True, analyzer=None, env=None, cwd=None):
        """Runs the commands in GDB; returns an Answer for each."""
        files = [self.exe, self.core] if core is True else core or []
        return run_gdb(files, commands, load, analyzer, env=env or self.environment(),
                       cwd=cwd or self.folder)


def run_gdb(files, commands, load=True, analyzer=None, **kw):
    """Runs the commands in GDB on a program and its core; returns an Answer for each."""
    argv = [GDB, "-nx", "-q", "-batch", "-iex", "set auto-load python-scripts off"] + files
    if load:
        argv += ["-ex", "source " + LOADER]
    if analyzer:
        argv += ["-ex", "set leaks analyzer-path " + analyzer]
    for command in commands:
        argv += ["-ex", _mark(), "-ex", command]
    code, out, err = tap.run(argv + ["-ex", _mark()], **kw)
    outs, errs = (text.split(MARK + "\n")[1:-1] for text in (out, err))
    if not len(outs) == len(errs) == len(commands):
        raise RuntimeError("GDB ended with %d:\n%s\n%s" % (code, out, err))
    return [Answer(*pair) for pair in zip(outs, errs)]


class Answer:
    """What one command wrote. err: to stderr, without GDB's own warnings."""

    def __init__(self, out, err):
        self.out = out
        self.err = "\n".join(line for line in err.splitlines()
                             if line and not line.startswith("warning: "))
        self.both = out + err


def _mark():
    return ("python gdb.write(\"%s\\n\"); gdb.flush(); gdb.write(\"%s\\n\", gdb.STDERR); "
            "gdb.flush(gdb.STDERR)" % (MARK, MARK))


@contextlib.contextmanager
def hunt():
    with realcore.scratch() as folder:
        yield Hunt(folder)


def canned(ids):
    """A report as the analyzer would print it, by hand."""
    def frame(function, line, **more):
        return dict({"pc": "0x55d0c0de1234", "function": function, "offset": 31,
                     "file": "/src/worker.c", "line": line, "module": "worker",
                     "inlined": False, "trust": "cfi"}, **more)

    def group(group_id, members, reason, verdict, frames, **more):
        return dict({"id": group_id, "signature": group_id, "kind": "thread",
                     "count": len(members), "share": len(members) / len(ids),
                     "state": "waiting", "reason": reason, "verdict": verdict, "rules": [],
                     "frames": frames, "stack_end": "complete", "objects": [],
                     "members": members, "members_truncated": False}, **more)

    return {
        "schema": "coreleaks/1",
        "core": {"path": "worker.core", "size": 1 << 20, "pid": ids[0], "command": "worker",
                 "signal": 6, "dumper": "kernel", "complete": True},
        "summary": {"verdict": "suspect", "threads": len(ids), "goroutines": 0, "hidden": 0,
                    "groups": 3},
        "groups": [
            group("t-aaaa00000001", ids[1:4], "condition", "suspect",
                  [frame("futex_wait", 0, file=None, module="libc.so.6"), frame("consume", 12),
                   frame("start_thread", 442)], rules=["runaway-duplicates"]),
            group("t-aaaa00000002", ids[4:], "mutex", "unknown", [frame("produce", 20)]),
            group("t-bbbb00000003", ids[:1], "join", "unknown", [frame("main", 33)]),
        ],
        "findings": [{"rule": "runaway-duplicates", "certainty": "suspect",
                      "title": "3 threads share one stack", "groups": ["t-aaaa00000001"],
                      "members": [], "evidence": [{"what": "the threshold is 2",
                                                   "address": None}]}],
        "gaps": [],
        "modules": [],
    }


class Terminal:
    """GDB on a terminal of its own, as a user has it. Waits for its prompt, never for time."""

    PROMPT = r"\(gdb\) (?:\x1b\[[?0-9;]*[a-zA-Z])*$"

    def __init__(self, argv, env, cwd):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(argv[0], argv, dict(env, TERM="xterm"))
        self.output = ""
        self.expect(self.PROMPT)

    def expect(self, pattern, timeout_s=60):
        """Reads until what was printed since the last call matches; returns that text."""
        text, deadline = "", time.monotonic() + timeout_s
        while not re.search(pattern, text):
            ready = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]
            try:
                part = os.read(self.fd, 65536) if ready else b""
            except OSError:
                part = b""
            if not part:
                raise RuntimeError("no %r in:\n%s" % (pattern, self.output + text))
            text += part.decode("utf-8", "replace")
        self.output += text
        return text

    def send(self, text):
        os.write(self.fd, text.encode())

    def command(self, line, until=PROMPT):
        self.send(line + "\n")
        return self.expect(until)

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)

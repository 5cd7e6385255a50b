#!/usr/bin/python3
"""Ctrl-C and --timeout: what is known so far is reported, once, as incomplete; here in one process,
in the next test in a confined one.

GDB stops coreleaks at a known place, so that nothing depends on how fast the machine is.
"""

import json
import os
import shutil
import signal
import subprocess
import time

import cli
import realcore
import tap

FAILED, INCOMPLETE = 2, 3


def under_gdb(arguments, *commands):
    """Runs coreleaks under GDB, stopped at coreleaks_run(): (exit code or signal, report)."""
    script = ["set pagination off", "set debuginfod enabled off", "set startup-with-shell off",
              "handle SIGINT SIGBUS nostop noprint pass", "break coreleaks_run", "run"]
    script += list(commands) + ["print $_exitcode", "print $_siginfo.si_signo"]
    command = ["gdb", "-nx", "-batch"]
    for line in script:
        command += ["-ex", line]
    code, out, err = tap.run(command + ["--args", cli.CORELEAKS, "--no-sandbox", "-o",
                                        "report.json", *arguments],
                             env=cli.environment(ASAN_OPTIONS="detect_leaks=0"),
                             timeout=60)
    found = [line for line in out.splitlines() if line.startswith("$1 = ")]
    report = None
    if os.path.exists("report.json"):
        with open("report.json", encoding="utf-8") as file:
            report = json.load(file)
        os.unlink("report.json")
    return found[0][5:] if found else "?", report, out + err


def partial(core):
    code, report, log = under_gdb([core], "signal SIGINT", "continue")
    tap.equal("Ctrl-C in the analysis: exit code", code, str(INCOMPLETE))
    tap.check("Ctrl-C: a report that says it is partial", report
              and not report["core"]["complete"]
              and any(gap["incomplete"] for gap in report["gaps"]), log)
    code, report, log = under_gdb([core], "continue")
    tap.equal("the same without Ctrl-C is complete",
              (code, report and report["summary"]["threads"], report and report["gaps"]),
              ("0", cli.NUM_THREADS, []))
    code, report, log = under_gdb(["--timeout=1s500ms", core], "shell sleep 1.6", "continue")
    tap.equal("--timeout in the analysis: exit code", code, str(INCOMPLETE))
    tap.check("--timeout: a report that says it is partial", report
              and any(gap["incomplete"] for gap in report["gaps"]), log)


def before_results(core):
    code, out, err = cli.run("--timeout=1ns", core)
    tap.check("no time at all: exit 2 and a line, or exit 3 and a report",
              (code == FAILED and cli.one_line(err) and out == "")
              or (code == INCOMPLETE and out != ""), "%d %s%s" % (code, out, err))
    tap.equal("--timeout that is long enough", cli.run("--timeout=1h", core), cli.run(core))


def shrinking_file(core):
    """A program that becomes shorter while it is read."""
    shutil.copy2(cli.program(), "program")
    code, report, log = under_gdb(["--executable=program", core], "continue")
    tap.equal("a given program: exit code", code, "0")
    code, report, log = under_gdb(["--executable=program", core], "shell truncate -s 4096 program",
                                  "continue")
    tap.equal("the program is cut while it is read: exit code", code, str(FAILED))
    said = [line for line in log.splitlines() if line.startswith("coreleaks: ")]
    tap.check("one line names the file", len(said) == 1 and "/program: became shorter" in said[0],
              log)
    tap.check("and no report is left", report is None and os.listdir(".") == ["program"],
              os.listdir("."))
    os.unlink("program")


def changing_core(core):
    """A core that becomes shorter, or whose name goes away, after it was opened."""
    shutil.copyfile(core, "copy")
    code, report, log = under_gdb(["copy"], "shell truncate -s %d copy"
                                  % (os.path.getsize(core) // 2), "continue")
    tap.equal("the core is cut while it is read: exit code", code, str(INCOMPLETE))
    tap.check("all threads, and what is missing", report
              and report["summary"]["threads"] == cli.NUM_THREADS
              and any(gap["incomplete"] for gap in report["gaps"])
              and not report["core"]["complete"], log)
    shutil.copyfile(core, "copy")
    code, report, log = under_gdb(["copy"], "shell rm copy", "continue")
    tap.equal("the core is deleted while it is read: it is still there to who has it open",
              (code, report and report["summary"]["threads"], report and report["gaps"]),
              ("0", cli.NUM_THREADS, []))


def read_blocks(pid):
    """Waits until the process sleeps in read()."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if realcore.read_text("/proc/%d/syscall" % pid).startswith("0 0x"):
            return True
        time.sleep(0.01)
    return False


def interrupt_while_reading(num_signals, **kw):
    """Ctrl-C while standard input gives nothing: (return code, stdout, stderr)."""
    with subprocess.Popen([cli.CORELEAKS, "--no-sandbox", "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=cli.environment(), **kw) as process:
        waits = read_blocks(process.pid)
        for _ in range(num_signals):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
        return waits, process.wait(), process.stdout.read(), process.stderr.read()


def while_reading():
    waits, code, out, err = interrupt_while_reading(2)
    tap.check("standard input is waited for", waits)
    tap.check("two Ctrl-C end it at the latest", code in (FAILED, -signal.SIGINT) and out == b"",
              "%d %r" % (code, err))
    ignore = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, code, _, _ = interrupt_while_reading(2, preexec_fn=ignore)
    tap.equal("an ignored SIGINT stays ignored", code, -signal.SIGKILL)


with cli.Scratch():
    CORE = cli.core()
    if shutil.which("gdb"):
        partial(CORE)
        shrinking_file(CORE)
        changing_core(CORE)
    else:
        tap.skip("Ctrl-C in the analysis", "gdb is not installed")
    before_results(CORE)
    while_reading()
tap.done()

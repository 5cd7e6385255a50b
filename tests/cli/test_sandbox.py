#!/usr/bin/python3
"""The confined process in which a core is read: what it cannot do, and what becomes of a report
when it dies, hangs or is interrupted."""

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
READING, OPENING = "1", "0"
ALLOWED = {"read a file", "map a file", "thread"}
# Without a filter these fail for other reasons: what they need is gone, or the kernel refuses.
UNSURE = {"ptrace", "process_vm_readv", "setrlimit", "rename", "chmod", "ftruncate", "read a file",
          "map a file"}


# ---- The filter ---------------------------------------------------------------------------------


def probe():
    """The program of trials; None where it cannot be built."""
    here = os.path.join(tap.ROOT, "tests", "cli")
    exe = os.path.abspath("probe")
    code, _, err = tap.run(["gcc", "-std=gnu11", "-pthread", "-D_GNU_SOURCE",
                            "-I" + tap.ROOT + "/analyzer",
                            os.path.join(here, "sandbox_probe.c"),
                            os.path.join(tap.ROOT, "analyzer", "cli", "sandbox.c"), "-o", exe])
    tap.check("the trials compile", code == 0, err)
    return exe


def trials(exe, stage, user=None):
    """What became of each: a dict."""
    os.makedirs("trials", exist_ok=True)
    os.chmod("trials", 0o777)
    os.chmod(".", 0o755)
    with open("trials/there", "w", encoding="ascii") as file:
        file.write("text")
    os.chmod("trials/there", 0o666)
    code, out, err = tap.run([exe, stage], cwd="trials", **({"user": user} if user else {}))
    tap.check("the trials end", code == 0, err)
    shutil.rmtree("trials")
    return dict(line.split(": ", 1) for line in out.splitlines())


def refusals(exe):
    free = trials(exe, "-1")
    unable = {name for name, text in free.items() if not text.startswith("done")}
    tap.check("without a filter nearly all succeeds", unable <= UNSURE, free)
    for name, user in ("root", None), ("an ordinary user", 65534):
        if user and os.geteuid() != 0:
            continue
        got = trials(exe, READING, user)
        if any(text.startswith("no filter") for text in got.values()):
            tap.skip("the filter for " + name, str(got))
            continue
        for trial, text in got.items():
            if trial in ALLOWED:
                tap.check("%s may: %s" % (name, trial), text.startswith("done"), text)
            else:
                tap.equal("%s may not: %s" % (name, trial), text, "refused")
        got = trials(exe, OPENING, user)
        tap.check("%s: a core is unpacked into a file without a name" % name,
                  got["unpack"].startswith("done") and got["unpack and name"] == "refused", got)
        for trial in ("execve", "socket", "create", "open to write", "write", "dup2", "unlink"):
            tap.equal("%s, while unpacking, may not: %s" % (name, trial), got[trial], "refused")


def facts(core):
    _, report, _ = cli.report(core)
    _, bare, _ = cli.report("--no-sandbox", core)
    tap.check("tool.sandbox", report["tool"]["sandbox"] in ("seccomp", "process")
              and bare["tool"]["sandbox"] == "none", (report["tool"], bare["tool"]))
    del report["tool"], bare["tool"]
    tap.equal("the report is the same without", report, bare)
    _, preloaded, _ = cli.report(core, env={"LD_PRELOAD": "/nowhere/vgpreload_none.so"})
    tap.equal("under Valgrind there is no filter", preloaded["tool"]["sandbox"], "process")
    err = cli.run("-v", core, env={"LD_PRELOAD": "/nowhere/vgpreload_none.so"})[2]
    tap.check("and -v says why", "runs under Valgrind" in err, err)


# ---- When it dies -------------------------------------------------------------------------------


def descendants(pid):
    for child in realcore.read_text("/proc/%d/task/%d/children" % (pid, pid)).split():
        yield int(child)
        yield from descendants(int(child))


def child_of(pid):
    """The confined process, as soon as it waits for its input."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for child in descendants(pid):
            if realcore.read_text("/proc/%d/syscall" % child).startswith("0 0x"):
                return child
        time.sleep(0.01)
    return None


def is_left(pid):
    """Whether the process is still there, a while after it should have been killed."""
    deadline = time.monotonic() + 20
    while os.path.exists("/proc/%d" % pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return os.path.exists("/proc/%d" % pid)


def while_reading(act, *arguments, **kw):
    """Does act(parent, child) while standard input gives nothing: (code, stdout, stderr)."""
    with subprocess.Popen([cli.CORELEAKS, *arguments, "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=cli.environment(), **kw) as process:
        child = child_of(process.pid)
        if tap.check("the confined process reads", child is not None):
            act(process, child)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        left = child and is_left(child)
        return process.wait(), process.stdout.read(), process.stderr.read(), left


def deaths():
    for number in signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT, signal.SIGSYS:
        code, out, err, _ = while_reading(lambda _, child, n=number: os.kill(child, n))
        tap.check("%s while the core is opened: exit 2 and a line" % number.name,
                  code == FAILED and out == "" and cli.one_line(err)
                  and "died of signal %d (" % number in err and "opening" in err,
                  "%d %s%s" % (code, out, err))
    code, out, err, _ = while_reading(lambda _, child: os.kill(child, signal.SIGSEGV), "check")
    tap.check("check: the dump could not be analysed", code == FAILED
              and "ERROR -: the analysis died of signal 11" in out, "%d %s%s" % (code, out, err))

    code, out, err, left = while_reading(
        lambda process, _: os.kill(next(descendants(process.pid)), signal.SIGKILL), "check")
    tap.check("check: the process that reads one dump dies", code == FAILED and not left
              and "ERROR -: the analysis ended unexpectedly (signal 9)" in out,
              "%d %s%s" % (code, out, err))

    def interrupt(process, _):
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)

    code, out, err, left = while_reading(interrupt)
    tap.check("two Ctrl-C end both processes", code in (FAILED, -signal.SIGINT) and out == ""
              and not left, "%d %s%s %s" % (code, out, err, left))
    code, out, err, left = while_reading(lambda _, child: os.kill(child, signal.SIGSTOP),
                                         "--timeout=1s")
    tap.check("silent past --timeout while the core is opened: exit 2, a line, no process",
              code == FAILED and out == "" and cli.one_line(err) and not left
              and "did not stop when its time was over" in err and "opening" in err,
              "%d %s%s %s" % (code, out, err, left))
    code, out, err, left = while_reading(lambda process, _: process.kill())
    tap.equal("no process is left when the parent is killed", left, False)
    ignore = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)

    def try_then_kill(process, _):
        interrupt(process, None)
        process.kill()

    code, _, _, _ = while_reading(try_then_kill, preexec_fn=ignore)
    tap.equal("an ignored SIGINT stays ignored", code, -signal.SIGKILL)


def has_handled(pid):
    """Waits until Ctrl-C has been handled: it would kill now, and the process waits again."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        caught = [int(line.split()[1], 16) for line in realcore.read_text(
            "/proc/%d/status" % pid).splitlines() if line.startswith("SigCgt:")]
        if caught and not caught[0] >> (signal.SIGINT - 1) & 1 and realcore.read_text(
                "/proc/%d/stat" % pid).rpartition(")")[2].split()[:1] == ["S"]:
            return True
        time.sleep(0.01)
    return False


def interrupted_once(core):
    """Ctrl-C while the core comes in: what is known once it is there, and that this is not all."""
    with subprocess.Popen([cli.CORELEAKS, "--json", "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=cli.environment()) as process:
        tap.check("the confined process reads", child_of(process.pid) is not None)
        process.send_signal(signal.SIGINT)
        tap.check("the parent tells it", has_handled(process.pid))
        with open(core, "rb") as file:
            out, err = process.communicate(file.read(), timeout=60)
    tap.check("one Ctrl-C: exit 2 and a line, or exit 3 and a report that says it is partial",
              (process.returncode == FAILED and out == b"" and cli.one_line(err.decode()))
              or (process.returncode == INCOMPLETE
                  and not json.loads(out)["core"]["complete"]),
              "%d %r %r" % (process.returncode, out, err))


def under_gdb(arguments, *commands):
    """Both processes under GDB, the confined one stopped at coreleaks_run(): (exit code, report,
    all that was said)."""
    script = ["set pagination off", "set debuginfod enabled off", "set startup-with-shell off",
              "handle SIGINT SIGBUS SIGUSR1 nostop noprint pass", "set detach-on-fork off",
              "set schedule-multiple on", "break coreleaks_run", "run", *commands]
    # Whichever of the two stops, both go on; the parent is the last to end.
    script += ["delete"] + ["inferior 1", "continue"] * 6 + ["print $_exitcode"]
    command = ["gdb", "-nx", "-batch"]
    for line in script:
        command += ["-ex", line]
    _, out, err = tap.run(command + ["--args", cli.CORELEAKS, "-o", "report.json", *arguments],
                          env=cli.environment(ASAN_OPTIONS="detect_leaks=0"), timeout=110)
    codes = [line.rpartition("code ")[2].rstrip("]") if "with code" in line else "0"
             for line in out.splitlines() if line.startswith("[Inferior 1 ") and "exited" in line]
    report = None
    if os.path.exists("report.json"):
        with open("report.json", encoding="utf-8") as file:
            report = json.load(file)
        os.unlink("report.json")
    return int(codes[0], 8) if codes else None, report, out + err


def lines_of(log):
    return [line for line in log.splitlines() if line.startswith("coreleaks: ")]


def partial(core):
    code, report, log = under_gdb([core])
    tap.equal("undisturbed", (code, report and report["summary"]["threads"],
                              report and report["gaps"]), (0, cli.NUM_THREADS, []))
    code, report, log = under_gdb([core], "signal SIGUSR1")
    tap.equal("asked to stop: exit code", code, INCOMPLETE)
    tap.check("asked to stop: a report that says it is partial", report
              and not report["core"]["complete"], log)
    code, report, log = under_gdb([core], "signal SIGSEGV")
    tap.equal("dying in the analysis: exit code", code, FAILED)
    tap.check("one line names core and signal", len(lines_of(log)) == 1
              and core in lines_of(log)[0] and "died of signal 11" in lines_of(log)[0], log)
    tap.check("what the floors below find is reported", report
              and report["summary"]["threads"] == cli.NUM_THREADS
              and [gap["kind"] for gap in report["gaps"]] == ["analysis-died"]
              and "died of signal 11" in report["gaps"][0]["detail"]
              and not report["core"]["complete"], log)


def writing(core):
    """The process dies of one report: the others are still written."""
    code, report, log = under_gdb(["-o", "report.txt", core], "break coreleaks_write", "continue",
                                  "signal SIGSEGV")
    tap.equal("dying of a report: exit code", code, FAILED)
    tap.check("one line names core, signal and what it did", len(lines_of(log)) == 1
              and core in lines_of(log)[0] and "died of signal 11" in lines_of(log)[0]
              and "writing a report" in lines_of(log)[0], log)
    tap.check("that report is not there", report is None)
    tap.check("the other one is", os.path.exists("report.txt")
              and "consume" in realcore.read_text("report.txt"), os.listdir("."))


def silent(core):
    """The confined process says nothing any more, long after its time was over: it is stopped as
    soon as GDB lets go of it."""
    stop = "python import os, signal; os.kill(gdb.selected_inferior().pid, signal.SIGSTOP)"
    code, report, log = under_gdb(["--timeout=4s", core], stop, "detach")
    tap.equal("silent past --timeout: exit code", code, FAILED)
    tap.check("one line names core and cause", len(lines_of(log)) == 1 and core in lines_of(log)[0]
              and "did not stop when its time was over" in lines_of(log)[0], log)
    tap.check("the tasks are reported, and why no more", report
              and report["summary"]["threads"] == cli.NUM_THREADS
              and [gap["kind"] for gap in report["gaps"]] == ["analysis-died", "stack-unreadable"]
              and "did not stop when its time was over" in report["gaps"][0]["detail"]
              and not report["core"]["complete"], log)


def shrinking_file(core):
    """A program that becomes shorter while it is read."""
    shutil.copy2(cli.program(), "program")
    code, report, log = under_gdb(["--executable=program", core], "shell truncate -s 4096 program")
    tap.equal("the program is cut while it is read: exit code", code, FAILED)
    tap.check("one line names the file", len(lines_of(log)) == 1
              and "/program: became shorter" in lines_of(log)[0], log)


with cli.Scratch():
    CORE = cli.core()
    refusals(probe())
    facts(CORE)
    if cli.report(CORE)[1]["tool"]["sandbox"] == "seccomp":
        deaths()
        interrupted_once(CORE)
        if shutil.which("gdb"):
            partial(CORE)
            writing(CORE)
            silent(CORE)
            shrinking_file(CORE)
        else:
            tap.skip("dying in the analysis", "gdb is not installed")
    else:
        tap.skip("dying", "this build, or system, has no filter")
tap.done()

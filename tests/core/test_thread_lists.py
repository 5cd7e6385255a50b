"""Threads that are being made or are ending when the core is taken, and those that have ended."""

import ctypes
import os
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import realcore

NUM_MOMENTS = 12
SEED = 20261120

# linux/ptrace.h, linux/wait.h
PTRACE_TRACEME, PTRACE_CONT, PTRACE_DETACH = 0, 7, 17
PTRACE_SETOPTIONS, PTRACE_GETEVENTMSG = 0x4200, 0x4201
PTRACE_O_TRACECLONE, PTRACE_EVENT_CLONE = 8, 3
WALL = 0x40000000


def dump_at_once(exe, how, delay_s):
    """The report of a core taken that long after the program was ready; None: not here."""
    with realcore.scratch() as cwd:
        with realcore.started([exe], cwd) as process:
            time.sleep(delay_s)
            core = realcore.dump(process, cwd, how)
        return realcore.report([core])


def check_moments(how):
    """No thread that is being made or torn down counts as finished, and nothing is proved."""
    exe = realcore.build("threads_come_and_go")
    moments = random.Random(SEED)
    wrong, seen = [], set()
    for _ in range(NUM_MOMENTS):
        delay_s = moments.uniform(0.0, 0.05)
        try:
            code, report, err = dump_at_once(exe, how, delay_s)
        except realcore.CannotDump as reason:
            tap.skip("threads come and go, by %s" % how, str(reason))
            return
        if code not in (0, 3) or not report:
            wrong.append("after %f s: exit code %d\n%s" % (delay_s, code, err))
            continue
        seen.add(report["summary"]["threads"])
        rules = [finding["rule"] for finding in report["findings"]]
        if report["summary"]["finished_threads"] or rules:
            wrong.append("after %f s: %d finished, findings %s"
                         % (delay_s, report["summary"]["finished_threads"], rules))
    tap.check("threads come and go, by %s: none is finished, nothing is found" % how, not wrong,
              "\n".join(wrong))
    tap.check("threads come and go, by %s: their number differs from moment to moment" % how,
              len(seen) > 1, seen)


def stop_at_birth(pid):
    """Stops a program that was started under ptrace(2) when its first thread is new."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long] * 2 + [ctypes.c_void_p] * 2

    def ptrace(request, tid, data=0):
        if libc.ptrace(request, tid, None, data) != 0:
            raise realcore.CannotDump("ptrace: " + os.strerror(ctypes.get_errno()))

    # That of exec.
    os.waitpid(pid, 0)
    ptrace(PTRACE_SETOPTIONS, pid, PTRACE_O_TRACECLONE)
    ptrace(PTRACE_CONT, pid)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status) or status >> 8 != signal.SIGTRAP | PTRACE_EVENT_CLONE << 8:
        raise RuntimeError("the program did not make a thread: status %#x" % status)
    tid = ctypes.c_ulong()
    ptrace(PTRACE_GETEVENTMSG, pid, ctypes.addressof(tid))
    os.waitpid(tid.value, WALL)
    ptrace(PTRACE_DETACH, tid.value, signal.SIGSTOP)
    ptrace(PTRACE_DETACH, pid, signal.SIGSTOP)


def birth_core(exe, cwd):
    """A core of the program with a thread that has not run its first instruction.

    By gcore alone: glibc blocks all signals in both threads meanwhile.
    """
    def traced():
        realcore.before_exec()
        ctypes.CDLL(None).ptrace(PTRACE_TRACEME, 0, None, None)

    with subprocess.Popen([exe], cwd=cwd, stdout=subprocess.DEVNULL,
                          preexec_fn=traced) as process:
        try:
            stop_at_birth(process.pid)
            return realcore.gcore(process.pid, os.path.join(cwd, "core"))
        finally:
            process.kill()


def check_birth():
    """A thread that has not run its first instruction, and its creator, still in clone."""
    name = "a thread at its first instruction: "
    try:
        with realcore.scratch() as cwd:
            core = birth_core(realcore.build("join_chain"), cwd)
            code, report, err = realcore.report([core])
    except realcore.CannotDump as reason:
        tap.skip(name + "report", str(reason))
        return
    if not tap.check(name + "report", code == 0 and report, err):
        return
    ends = {group["stack_end"] for group in report["groups"]}
    tap.equal(name + "both stacks are complete, and differ", (len(report["groups"]), ends),
              (2, {"complete"}))
    stacks = [[frame["function"] for frame in group["frames"]] for group in report["groups"]]
    tap.equal(name + "only the creator's leads to main", sorted("main" in s for s in stacks),
              [False, True])
    tap.equal(name + "the new one's has one frame", min(map(len, stacks)), 1)


def check_finished(num):
    """All of so many finished threads are found; each once, with its start routine."""
    name = "%d finished threads: " % num
    try:
        core = realcore.make_core(realcore.build("zombies"), [str(num)], "kernel", 1)
    except realcore.CannotDump as reason:
        tap.skip(name + "report", str(reason))
        return
    code, report, err = realcore.report([core])
    if not tap.check(name + "a report", code == 0 and report, err):
        return
    tap.equal(name + "counted", report["summary"]["finished_threads"], num)
    pthreads = [pthread for group in report["groups"] if group["state"] == "exited"
                for pthread in group["pthreads"]]
    tap.equal(name + "each once", (len(pthreads), len(set(pthreads))), (num, num))
    members = [member for finding in report["findings"] for member in finding["members"]]
    # 64 KiB each, as the program asked for, and the guard page that glibc adds.
    said = [evidence["what"] for finding in report["findings"]
            for evidence in finding["evidence"] if "reserve" in evidence["what"]]
    words = [re.match(r"their stacks reserve ([\d,]+) KiB of address space, ([\d,]+) KiB of "
                      r"them in memory$", what) for what in said]
    sizes = [sum(int(found.group(part).replace(",", "")) for found in words if found)
             for part in (1, 2)]
    # The last one, whose pthread_t main still has in a variable, is a finding of its own.
    tap.equal(name + "what their stacks reserve", (len(said), sizes[0]), (min(num, 2), 68 * num))
    # Each has used a page or two for its descriptor and its few calls.
    tap.check(name + "what of them is in memory", 4 * num <= sizes[1] <= 24 * num, said)
    tap.equal(name + "their start routine", {member["start"] for member in members},
              {"send_mail_main"} if num else set())


def main():
    """Cores at random moments, at a thread's birth, and of finished threads."""
    for how in ("kernel", "gcore"):
        check_moments(how)
    check_birth()
    for num in (0, 1, 2, 37):
        check_finished(num)
    tap.done()


main()

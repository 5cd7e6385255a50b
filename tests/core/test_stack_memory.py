"""What stacks reserve, and what of them is in memory: on cores with holes and without."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import realcore

KIB = 1024
# samples/native/touched_stacks.c: 1 MiB each and glibc's guard page.
RESERVED = 3 * (1024 + 4) * KIB
# What is used besides: the frames of the program and of libc, the descriptor, thread-local data.
SLACK = 3 * 40 * KIB


def check_report(name, arguments, **kw):
    """The sizes of one core's stacks are those that the program made."""
    code, report, err = realcore.report(arguments, **kw)
    if not tap.check(name + "a report", code == 0 and report, err):
        return
    # The least there can be: MUCH of the sample, times how often; each one's descriptor.
    wanted = {"exited ended_main": 3 * 4 * KIB, "waiting waiter_main": 512 * KIB}
    total = 0
    for group in report["groups"]:
        key = "%s %s" % (group["state"], next(
            frame["function"] for frame in group["frames"] if not frame["runtime"]))
        resident = group["stack_resident_bytes"]
        total += resident
        if key == "waiting main":
            tap.check(name + "main uses a part of its stack",
                      0 < resident <= group["stack_reserved_bytes"], group)
            continue
        tap.equal(name + key + " reserve", group["stack_reserved_bytes"], RESERVED)
        tap.check(name + key + " are in memory",
                  wanted[key] <= resident <= wanted[key] + SLACK, (resident, wanted[key]))
        tap.check(name + key + ": whole pages", resident % 4096 == 0, resident)
    summary = report["summary"]
    tap.equal(name + "the sum is that of the groups", summary["stack_resident_bytes"], total)
    tap.equal(name + "so is what is reserved", summary["stack_reserved_bytes"],
              sum(group["stack_reserved_bytes"] for group in report["groups"]))


def check_text(core):
    """The text says the same."""
    _, text, _ = tap.run([realcore.tool(), core])
    tap.check("text: the sum", "\n  stacks: " in text or "\nstacks: " in text, text)
    tap.check("text: what finished threads' stacks keep",
              "their stacks: 3.0 MiB reserved, " in text, text)
    _, text, _ = tap.run([realcore.tool(), "show", core, "1"])
    tap.check("show: a group's stacks", "stacks: 3.0 MiB reserved, " in text, text)
    _, report, _ = realcore.report([core])
    waiter = next(group["members"][0] for group in report["groups"]
                  if group["state"] == "waiting" and group["count"] == 3)
    _, text, _ = tap.run([realcore.tool(), "show", core, "thread:%d" % waiter])
    tap.check("show: a thread's stack", "its stack: 1.0 MiB reserved, " in text, text)


def main():
    """Kernel and gcore, sparse, filled, through a pipe and compressed."""
    exe = realcore.build("touched_stacks")
    for how in ("kernel", "gcore"):
        name = "by %s, " % how
        try:
            core = realcore.make_core(exe, [], how, 4)
        except realcore.CannotDump as reason:
            tap.skip(name + "report", str(reason))
            continue
        check_report(name + "with holes: ", [core])
        with realcore.scratch() as folder:
            filled = os.path.join(folder, "filled")
            tap.run(["cp", "--sparse=never", core, filled])
            tap.check(name + "a copy without holes",
                      os.stat(filled).st_blocks * 512 >= os.path.getsize(filled))
            check_report(name + "without holes: ", [filled])
            subprocess.run(["gzip", "-1", "-k", filled], check=True)
            check_report(name + "compressed: ", [filled + ".gz"])
        with open(core, "rb") as file:
            check_report(name + "through a pipe: ", ["-"], text=False, input=file.read())
        if how == "kernel":
            check_text(core)
    tap.done()


main()

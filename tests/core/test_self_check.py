#!/usr/bin/python3
"""--self-check: libdwfl unwinds the stacks of real cores as coreleaks does; where it does not,
every output says so."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import expect
import realcore

INCOMPLETE = 3
# Signal handlers, exceptions, inlined code, other stacks, other languages' and runtimes' threads.
CASES = ("ab_ba", "nested_signals", "cpp_exceptions", "many_stacks", "openmp_pool",
         "coroutine_parked", "cloned_by_hand", "rust_mutex_deadlock")


def check_agreement(case):
    """Every frame of ours is libdwfl's."""
    truth = expect.Expectation(case)
    exe, threads = realcore.build(case), truth.threads
    for how in ("kernel", "gcore"):
        name = "%s by %s: " % (case, how)
        try:
            core = realcore.make_core(exe, truth.args, how, threads)
        except realcore.CannotDump as reason:
            tap.skip(name + "self-check", str(reason))
            continue
        code, report, err = realcore.report(["--self-check", "--all", core])
        if not tap.check(name + "a report", report is not None, err):
            continue
        found = report["self_check"]
        tap.equal(name + "no disagreement", found["disagreements"], [])
        tap.equal(name + "every thread is taken", (found["threads"], found["stacks"]),
                  (threads, min(threads, 256)))
        frames = {member: len([frame for frame in group["frames"] if not frame["inlined"]])
                  for group in report["groups"] for member in group["members"]}
        if threads <= 256:
            tap.equal(name + "all frames are compared", found["frames"], sum(frames.values()))
        tap.check(name + "not incomplete for it",
                  not any(gap["kind"] == "self-check" for gap in report["gaps"]), report["gaps"])
        plain = realcore.report(["--all", core])
        tap.equal(name + "the exit code is the same", code, plain[0])
        tap.equal(name + "null unless asked for", plain[1]["self_check"], None)


def check_disagreement():
    """A stack that libdwfl can follow, and we do not."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "long_expression.c")
    try:
        exe = realcore.build_beside(source, ["gcc", "-std=gnu11", "-O1"])
        core = realcore.make_core(exe, [], "kernel", 4)
    except realcore.CannotDump as reason:
        tap.skip("a disagreement is reported", str(reason))
        return
    _, report, err = realcore.report(["--all", core])
    callers = [group for group in report["groups"]
               if any(frame["function"] == "call" for frame in group["frames"])]
    if not tap.check("one thread calls", len(callers) == 1 and callers[0]["count"] == 1, report):
        return
    thread = callers[0]["members"][0]
    num_frames = len([frame for frame in callers[0]["frames"] if not frame["inlined"]])
    code, report, err = realcore.report(["--self-check", "--all", core])
    tap.equal("the report is incomplete", code, INCOMPLETE)
    found = report["self_check"]
    tap.equal("one disagreement, of four threads",
              (len(found["disagreements"]), found["stacks"]), (1, 4))
    one = found["disagreements"][0]
    tap.equal("it names the thread and the frame, where our stack ends",
              (one["kind"], one["id"], one["frame"], one["pc"]),
              ("thread", thread, num_frames, None))
    place = [module for module in report["modules"] if one["libdwfl_pc"] is not None and
             int(module["low"], 16) <= int(one["libdwfl_pc"], 16) < int(module["high"], 16)]
    tap.equal("libdwfl is still in the program", [os.path.basename(module["path"])
                                                  for module in place], ["long_expression"])
    gaps = [gap for gap in report["gaps"] if gap["kind"] == "self-check"]
    tap.equal("a gap says the same", [(gap["incomplete"], gap["detail"]) for gap in gaps],
              [(True, "thread %d, frame %d: the end of the stack; by libdwfl %s"
                % (thread, num_frames, one["libdwfl_pc"]))])
    code, out, err = tap.run([realcore.tool(), "--self-check", "--color=never", core])
    text = " ".join(out.split())
    tap.equal("text: incomplete too", code, INCOMPLETE)
    tap.check("text: counts it", "DISAGREEMENTS: 1" in text, out)
    tap.check("text: says where", "self-check: thread %d, frame %d:" % (thread, num_frames) in text,
              out)
    code, out, err = tap.run([realcore.tool(), "check", "--self-check", core])
    tap.equal("check is not clean", code, INCOMPLETE)
    lines = tap.run([realcore.tool(), "--self-check", "--format=ndjson", core])[1].splitlines()
    tap.equal("ndjson has it", [json.loads(line)["self_check"] for line in lines
                                if "self_check" in json.loads(line)], [found])


def main():
    """Samples that agree, and one that does not."""
    for case in CASES:
        check_agreement(case)
    check_disagreement()
    tap.done()


main()

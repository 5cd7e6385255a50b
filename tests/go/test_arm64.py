#!/usr/bin/python3
"""Cores of Go programs on AArch64: cross-built, run and dumped by qemu-user. Every goroutine
against what the program itself wrote before.

By default two samples on the newest Go; with COREGO=all all of them, on all versions.
usage: test_arm64.py [VERSION|--two|--all]...
"""

import json
import os
import sys

import compare
import debug2
import gocore
import goexpect
import realcore
import tap
import waits

FEW = {"1.27": ["leaky_handler", "waits_locks"]}


def plan(versions, everything):
    """[(case, version, mode)]"""
    for version in versions:
        for case in gocore.cases() if everything else FEW.get(version, []):
            if goexpect.Expectation(case).cgo or gocore.exists_for(case, version, "plain"):
                continue
            yield case, version, "arm64"
            if everything:
                yield case, version, "arm64-stripped"


def check(case, version, mode):
    name = "%s by Go %s, %s: " % (case, version, mode)
    exe = gocore.build(case, version, mode)
    core, text = gocore.dump(case, exe, "qemu")
    report = gocore.report_of(name, core, exe)
    if report is None:
        return
    # A program that ends itself has no time to rest.
    wrong = compare.differences(report, text, "crash")
    tap.check(name + "every goroutine as the program saw it", not wrong, "\n".join(wrong[:20]))
    wrong = waits.differences(report, debug2.notes(text))
    tap.check(name + "what each waits on, as it said itself", not wrong, "\n".join(wrong[:20]))
    tap.equal(name + "the machine", report["core"]["machine"], "aarch64")
    tap.equal(name + "what is not searched for is said",
              [gap["incomplete"] for gap in report["gaps"] if gap["kind"] == "no-proof"], [False])
    tap.equal(name + "threads in the runtime's code have whole stacks",
              [group["stack_missing"] for group in report["groups"] if group["kind"] == "thread"
               and group["stack_end"] != "complete"], [])


def check_without_program():
    """Where nothing tells which code is Go's, the report says what it cannot do."""
    core, _ = gocore.dump("leaky_handler", gocore.build("leaky_handler", "1.27", "arm64"), "qemu")
    with realcore.scratch() as folder:
        other = os.path.join(folder, "core")
        os.symlink(core, other)
        code, out, _ = tap.run([realcore.tool(), "--json", other, "/bin/true"])
    report = json.loads(out)
    kinds = {gap["kind"]: gap for gap in report["gaps"]}
    tap.check("a program of another machine is refused", "executable-unused" in kinds and
              "another machine" in kinds["executable-unused"]["detail"], report["gaps"])


def main(words):
    everything = os.environ.get("COREGO") == "all"
    versions, complaints = gocore.toolchains(*words or ["--all" if everything else "--two"])
    if complaints:
        tap.check("all toolchains are to be had", False, complaints)
    try:
        for row in plan([version for version, _ in versions], everything):
            check(*row)
        check_without_program()
    except realcore.CannotDump as reason:
        tap.skip("cores of AArch64", str(reason))
    tap.done()


main(sys.argv[1:])

#!/usr/bin/python3
"""--root-goid and --ancestor where many dumps are judged: `check` and `compare` of a program with
two handlers, of which one leaves goroutines behind; and numbers that no goroutine has."""

import json
import os
import subprocess

import gocore
import realcore
import tap

SOURCE = os.path.join(tap.ROOT, "tests", "go", "requests")
CLEAN, FINDINGS, FAILED = 0, 1, 2


def dumps(exe, cwd):
    """(paths of three cores, the handlers' numbers, that of one which has ended): before, after the
    second handler left one goroutine behind, and after the first left three."""
    paths = []
    with subprocess.Popen([exe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=cwd,
                          preexec_fn=realcore.before_exec) as process:
        try:
            numbers = process.stdout.readline().split()[1:]
            for number, line in enumerate((None, "b 1", "a 3")):
                if line:
                    process.stdin.write(line + "\n")
                    process.stdin.flush()
                    if process.stdout.readline() != "done\n":
                        raise RuntimeError("the program does not answer")
                paths.append(realcore.gcore(process.pid, "%s/%d" % (cwd, number)))
        finally:
            process.kill()
    return paths, numbers


def run(*arguments):
    return tap.run([realcore.tool(), *arguments])


def check_gate(version, paths, first, second):
    """What of the last dump leaks for one handler leaks not for the other."""
    name = "check by Go %s " % version
    for options, code, words in (
            (["--root-goid", first], FINDINGS, ": 3 of 4 tasks in 1 group\nnote: the options"),
            (["--root-goid", first], FINDINGS, "(1 proved)"),
            (["--root-goid", first, "--allow", "3"], CLEAN, "PASS"),
            (["--root-goid", second, "--allow", "1"], CLEAN, "PASS"),
            (["--root-goid", second], FINDINGS, "(1 proved)"),
            (["--ancestor", r"^main\.handle$"], FINDINGS, ": 4 of 4 tasks in 1 group\n"),
            (["--ancestor", r"^main\.handle$", "--allow", "3"], FINDINGS, "(1 proved)"),
            (["--ancestor", r"^main\.handle$", "--allow", "4"], CLEAN, "PASS"),
            (["--ancestor", r"^main\.nobody$"], CLEAN, "PASS")):
        got, out, err = run("check", *options, paths[2])
        tap.check(name + " ".join(options).replace(first, "A").replace(second, "B"),
                  got == code and words in out and not err, "%d %s %s" % (got, out, err))
    for handler, count in ((first, 3), (second, 1)):
        _, out, _ = run("check", "--json", "--root-goid", handler, paths[2])
        groups = json.loads(out)["groups"]
        counts = [group["count"] for group in groups if group["verdict"] == "proved"]
        tap.equal(name + "--root-goid: how many", counts, [count])


def check_comparison(version, paths, first, second):
    """Growth is told of the handler that grew."""
    name = "compare by Go %s " % version
    # A handler is one of its own.
    for options, dump, at_first, grown in (
            (["--root-goid", first], 1, 1, 0), (["--root-goid", first], 2, 1, 3),
            (["--root-goid", second], 1, 1, 1), (["--root-goid", second], 2, 1, 1),
            (["--ancestor", r"^main\.handle$"], 1, 0, 1),
            (["--ancestor", r"^main\.handle$"], 2, 0, 4),
            (["--ancestor", r"^main\.nobody$"], 2, 0, 0)):
        code, out, err = run("compare", "--json", *options, paths[0], paths[dump])
        document = json.loads(out)
        rises = sum(group["counts"][-1] - group["counts"][0] for group in document["groups"])
        tap.check(name + "%s, dump %d" % (
            " ".join(options).replace(first, "A").replace(second, "B"), dump),
                  (code, rises) == (FINDINGS if grown else CLEAN, grown), "%d %s %s"
                  % (code, out, err))
        summary = document["summary"]
        tap.equal(name + "and no others are counted", (summary["before"], summary["after"]),
                  (at_first, at_first + grown))


def check_unknown(version, core, ended):
    """A number that nobody has: one clear line."""
    name = "Go %s: --root-goid " % version
    for command in ([], ["check"]):
        code, out, err = run(*command, "--root-goid", "999999", core)
        said = out + err if command else err
        tap.check(name + "with a number that was never given %s" % " ".join(command),
                  code == FAILED and said.count("999999") == 1
                  and "--root-goid: the program never had a goroutine 999999" in said
                  and core in said, "%d %s %s" % (code, out, err))
    code, out, err = run("compare", "--root-goid", "999999", core, core)
    tap.check(name + "in compare", code == FAILED and "never had a goroutine 999999" in out + err,
              "%d %s %s" % (code, out, err))
    code, out, err = run("--root-goid", ended, core)
    tap.check(name + "of one that has ended", code == CLEAN and not err
              and "goroutine %s of --root-goid has ended" % ended in " ".join(out.split()),
              "%d %s %s" % (code, out, err))
    code, out, err = run("check", "--root-goid", ended, core)
    tap.check(name + "of one that has ended, in check", code == CLEAN and "PASS" in out, out + err)


def check_others():
    """A core without goroutines, and a Go that does not keep parents."""
    core = realcore.make_core(realcore.build("self_deadlock"), threads=4)
    code, out, err = run("--root-goid", "1", core)
    tap.check("--root-goid of a core of C", code == FAILED and out == ""
              and "%s: --root-goid: the core shows no goroutines" % core in err, out + err)
    exe = gocore.build("creation_tree", "1.19", "plain")
    try:
        core, _ = gocore.dump("creation_tree", exe)
    except realcore.CannotDump as reason:
        tap.skip("--root-goid by Go 1.19", str(reason))
        return
    code, out, err = run("--root-goid", "1", core)
    # 22 of the program, 4 of the runtime.
    tap.check("--root-goid by Go 1.19 says whom it leaves out", code == CLEAN
              and "of 26 goroutines only the function that made them is known"
              in " ".join(out.split()), out + err)


for go in ("1.22", "1.27"):
    program = gocore.build_other(SOURCE, "serve", go)
    with realcore.scratch() as folder:
        cores, (handler_a, handler_b, gone) = dumps(program, folder)
        check_gate(go, cores, handler_a, handler_b)
        check_comparison(go, cores, handler_a, handler_b)
        check_unknown(go, cores[0], gone)
check_others()
tap.done()

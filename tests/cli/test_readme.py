#!/usr/bin/python3
"""Every command that README.md and CONTRIBUTING.md show works as it stands there.

The ```sh blocks of README.md run in order, each in a shell that stops at the first failure, in a
scratch folder that looks like the built tree after `make demo`. Lines that begin with make only
have to name targets that exist.
"""

import os
import re
import resource
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap

PRODUCTS = ["coreleaks", "libcoreleaks.so", "libcoreleaks.so.0", "libcoreleaks.a"]
DEMO = "queue_no_producer"


def blocks_of(path):
    with open(os.path.join(tap.ROOT, path), encoding="utf-8") as file:
        return re.findall(r"^```sh\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)


def make_scratch(work):
    """A tree with links to the sources, the products, and the core that make demo leaves."""
    for name in os.listdir(tap.ROOT):
        if name not in ("build", ".git"):
            os.symlink(os.path.join(tap.ROOT, name), os.path.join(work, name))
    samples = os.path.join(work, "build", "samples", "native")
    os.makedirs(samples)
    for name in PRODUCTS:
        os.symlink(os.path.join(tap.BUILD, name), os.path.join(work, "build", name))
    # What links with a library of the asan or cov flavour needs that flavour's flags.
    os.mkdir(os.path.join(work, "bin"))
    compiler = os.path.join(work, "bin", "cc")
    with open(compiler, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nexec gcc \"$@\" %s\n" % os.environ.get("CORELDFLAGS", ""))
    os.chmod(compiler, 0o755)
    program = os.path.join(samples, DEMO)
    code, out, err = tap.run(["gcc", "-std=gnu11", "-O1", "-g", "-pthread", "-o", program,
                              os.path.join(tap.ROOT, "samples", "native", DEMO + ".c")])
    tap.check("the demo's sample builds", code == 0, out + err)
    code, out, err = tap.run([os.path.join(tap.ROOT, "samples", "dump"), program,
                              os.path.join(work, "build", "demo")])
    return tap.check("the demo's core is written", code == 0, out + err)


def is_make(line):
    return line.startswith(("make ", "sudo make "))


def check_make(path, line):
    words = [word for word in line.partition("#")[0].split() if word != "sudo"]
    assignments = [word for word in words[1:] if "=" in word]
    targets = [word for word in words[1:] if "=" not in word]
    for target in targets:
        code, out, err = tap.run(["make", "-n", *assignments, target], cwd=tap.ROOT)
        tap.check("%s: make knows %s" % (path, target), code == 0, out + err)


def cannot_dump():
    """Why the block that dumps a program cannot work on this machine, or None."""
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
        return "the hard limit of ulimit -c is set"
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope", encoding="ascii") as file:
            scope = int(file.read())
    except OSError:
        return None
    return "ptrace_scope forbids gcore" if scope > (0 if os.geteuid() else 2) else None


def run_block(work, name, lines):
    shown = lines[0] + (" ..." if len(lines) > 1 else "")
    if any(line.startswith("gcore ") for line in lines) and cannot_dump():
        tap.skip("%s: %s" % (name, shown), cannot_dump())
        return
    path = os.pathsep.join([os.path.join(work, "bin"), os.environ["PATH"]])
    code, out, err = tap.run(["bash", "-euc", "\n".join(lines)], cwd=work,
                             env=dict(os.environ, PATH=path, LD_LIBRARY_PATH="build"))
    tap.check("%s: %s" % (name, shown), code == 0, "exit code %d\n%s%s" % (code, out, err))


def main():
    blocks = blocks_of("README.md")
    tap.check("README.md has commands", len(blocks) >= 5, "%d blocks" % len(blocks))
    setup = [line.split("#")[0].strip() for line in blocks[0].splitlines()] if blocks else []
    tap.equal("README.md: the two set-up commands", setup, ["make demo", "make check"])

    work = tempfile.mkdtemp(prefix="coreleaks-readme-")
    try:
        if not make_scratch(work):
            return
        for path, runs in (("README.md", True), ("CONTRIBUTING.md", False)):
            for block in blocks_of(path):
                lines = [line for line in block.splitlines() if line.strip()]
                for line in filter(is_make, lines):
                    check_make(path, line)
                lines = [line for line in lines if not is_make(line)]
                if runs and lines:
                    run_block(work, path, lines)
    finally:
        shutil.rmtree(work)


main()
tap.done()

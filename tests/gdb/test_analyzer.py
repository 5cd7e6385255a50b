#!/usr/bin/python3
"""Finding and running the analyzer, without GDB."""

import os
import subprocess
import time

import support
import realcore
import tap

support.import_package()
from leaks import analyzer
from leaks.errors import LeaksError


def refusal(call, *args):
    try:
        call(*args)
    except LeaksError as error:
        return str(error)
    return None


def program(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n")
    os.chmod(path, 0o755)
    return path


def check_find(folder):
    source = os.path.join(folder, "source", "gdb", "leaks")
    installed = os.path.join(folder, "usr", "share", "coreleaks", "gdb", "leaks")
    on_path = os.path.join(folder, "path")
    for place in (source, installed, on_path):
        os.makedirs(place)
    old_path = os.environ["PATH"]
    os.environ["PATH"] = on_path
    said = refusal(analyzer.find, "", source)
    tap.check("no analyzer: how to get one",
              said and "make" in said and "set leaks analyzer-path" in said, said)
    last = program(os.path.join(on_path, "coreleaks"))
    tap.equal("from PATH", analyzer.find(None, source), last)
    beside = program(os.path.join(folder, "usr", "bin", "coreleaks"))
    tap.equal("from the installation", analyzer.find("", installed), beside)
    built = program(os.path.join(folder, "source", "build", "coreleaks"))
    tap.equal("from the source tree", analyzer.find("", source), built)
    os.symlink(source, os.path.join(folder, "link"))
    tap.equal("from the source tree by a link", analyzer.find(
        "", os.path.join(folder, "link")), built)
    tap.equal("as set", analyzer.find(beside, source), beside)
    tap.equal("as set by name", analyzer.find("coreleaks", source), last)
    tap.equal("set to nothing that runs", refusal(analyzer.find, folder + "/none", source),
              "\"%s/none\", the setting \"leaks analyzer-path\", is no program." % folder)
    os.chmod(built, 0o644)
    tap.equal("what cannot be run is passed over", analyzer.find("", source), last)
    os.environ["PATH"] = old_path


def check_arguments():
    tap.equal("GDB's defaults", analyzer.arguments(
        "report", "/c", "/e", "target:", "/usr/lib/debug", 300, ["--all"]),
        ["report", "--json", "--progress=never", "--debug-dir=/usr/lib/debug", "--executable=/e",
         "--timeout=300s", "--all", "/c"])
    tap.equal("no executable, no limit, no folders", analyzer.arguments(
        "report", "/c", None, "/", "", None, []), ["report", "--json", "--progress=never", "/c"])
    for value, wanted in (("/sys", "/sys"), ("target:/sys", "/sys")):
        tap.check("sysroot %s" % value, "--sysroot=" + wanted in analyzer.arguments(
            "report", "/c", None, value, "", None, []))


def check_run(folder):
    def script(body):
        path = os.path.join(folder, "analyzer")
        with open(path, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\n" + body + "\n")
        os.chmod(path, 0o755)
        return path

    for code in (0, 1, 3):
        path = script("echo out; echo err >&2; exit %d" % code)
        tap.equal("exit code %d is a result" % code, analyzer.run([path], 20), (code, b"out\n"))
    for code in (2, 64, 127):
        path = script("echo; echo tool: no such core >&2; echo more >&2; exit %d" % code)
        tap.equal("exit code %d is its own message" % code, refusal(analyzer.run, [path], 20),
                  "tool: no such core")
    path = script("exit 5")
    tap.equal("no message", refusal(analyzer.run, [path], 20),
              path + " failed with exit code 5 and gave no reason.")
    path = script("kill -SEGV $$")
    tap.equal("killed", refusal(analyzer.run, [path], 20), path + " was killed by SIGSEGV.")
    path = script("echo tool: bad >&2; kill -ABRT $$")
    tap.equal("killed with a last word", refusal(analyzer.run, [path], 20),
              path + " was killed by SIGABRT: tool: bad")
    path = os.path.join(folder, "gone")
    tap.equal("no such program", refusal(analyzer.run, [path], 20),
              "Cannot run %s: No such file or directory." % path)
    with open(script(""), "w", encoding="ascii") as file:
        file.write("no script")
    said = refusal(analyzer.run, [file.name], 20)
    tap.check("no program at all", said and "Exec format error" in said, said)
    check_version(script)
    check_size(folder, script)
    check_long(folder, script)


def check_version(script):
    """What it says of itself, and what becomes of an option that it does not have."""
    path = script("echo coreleaks 0.1.0")
    tap.equal("its version", analyzer.version(path), "coreleaks 0.1.0")
    for number in ("0.1.12", "0.10.0", "1.0.0"):
        tap.equal("version " + number, analyzer.version(script("echo coreleaks " + number)),
                  "coreleaks " + number)
    old = "%s is coreleaks 0.0.9, which is too old: this command needs 0.1.0 or later." % path
    tap.equal("too old", refusal(analyzer.version, script("echo coreleaks 0.0.9")), old)
    for text, said in (("", "nothing"), ("tool 1.2.3", "\"tool 1.2.3\""),
                       ("coreleaks 1.x", "\"coreleaks 1.x\""),
                       ("xcoreleaks 1.0.0", "\"xcoreleaks 1.0.0\""),
                       ("coreleaks 0.1.0\nand more", "\"coreleaks 0.1.0\"")):
        tap.equal("no version: %r" % text, refusal(analyzer.version, script("echo '%s'" % text)),
                  "%s is not coreleaks: asked for its version, it says %s." % (path, said))
    refuses = ("if [ $1 = --version ]; then echo coreleaks %s; exit; fi\n"
               "echo \"coreleaks: unrecognized option '$1'\" >&2; exit 64")
    script(refuses % "0.0.9")
    tap.equal("an option that one had not yet", refusal(analyzer.run, [path, "--new"], 20), old)
    script(refuses % "0.1.0")
    tap.equal("an option that this one has not", refusal(analyzer.run, [path, "--new"], 20),
              "coreleaks: unrecognized option '--new' (coreleaks 0.1.0: install both from the "
              "same release)")
    script("echo \"unrecognized option '$1'\" >&2; exit 64")
    tap.equal("not even that one", refusal(analyzer.run, [path, "--new"], 20),
              "unrecognized option '--version'")


def check_size(folder, script):
    path = script("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2")
    code, out = analyzer.run([path], 60)
    tap.equal("much on both pipes does not block", (code, len(out)), (0, 3000000))
    limit, analyzer.MAX_OUTPUT_SIZE = analyzer.MAX_OUTPUT_SIZE, 5 << 20
    said = refusal(analyzer.run, [script("exec yes")], 60)
    analyzer.MAX_OUTPUT_SIZE = limit
    tap.check("what never stops printing is stopped", said and "printed over 5 MiB" in said, said)


def check_long(folder, script):
    pid_file = os.path.join(folder, "pid")
    path = script("sleep 1000 & echo $! > %s; wait" % pid_file)
    began = time.monotonic()
    grace, analyzer.GRACE_S = analyzer.GRACE_S, 0
    said = refusal(analyzer.run, [path], 1)
    analyzer.GRACE_S = grace
    tap.check("a time limit", said and "took longer than 1 second;" in said, said)
    tap.check("and not much longer", time.monotonic() - began < 20)
    tap.check("its own children are ended too", is_gone(pid_file))
    os.unlink(pid_file)

    # Not a thread: that could take the signal while the main one has it blocked.
    with subprocess.Popen(["sh", "-c", "until grep -q . %s; do sleep 0.01; done; kill -INT %d" % (
            pid_file, os.getpid())], stderr=subprocess.DEVNULL):
        try:
            analyzer.run([path], 60)
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
    tap.check("an interrupt comes through", interrupted)
    tap.check("and ends the analyzer's children", is_gone(pid_file))
    path = script("exec >&- 2>&-; sleep 0.2; exit 3")
    tap.equal("closed pipes before its end", analyzer.run([path], 20), (3, b""))


def is_gone(pid_file):
    """Waits until the process of that number is gone, or a zombie."""
    status = "/proc/%s/status" % realcore.read_text(pid_file).strip()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        text = realcore.read_text(status)
        if not text or "\nState:\tZ" in text:
            return True
        time.sleep(0.01)
    return False


check_arguments()
with realcore.scratch() as scratch:
    check_find(scratch)
with realcore.scratch() as scratch:
    check_run(scratch)
tap.done()

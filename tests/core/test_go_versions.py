"""A Go version that coreleaks does not know: what the memory itself shows gives the same report.

The program is the same but for the version that its build info states, which is all that is
looked up in the table of versions.
"""

import collections
import json
import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import realcore

SOURCE = os.path.join(tap.ROOT, "tests", "core", "go_versions.go")
MAGIC = b"\xff Go buildinf:"
# What is said of the version, and the facts about the process that content does not confirm; the
# words are made of them.
UNSURE = ("version", "gomaxprocs", "created_goroutines", "uptime_ns", "heap_bytes", "stack_bytes",
          "gc_cycles", "last_gc_age_ns", "goroutine_bytes", "words")
SETTLE_S = 0.5


def build(folder):
    """The program's path; None without a Go toolchain."""
    exe = os.path.join(folder, "go_versions")
    env = dict(os.environ, GOTOOLCHAIN="local", GOPROXY="off", GO111MODULE="off", GOFLAGS="",
               GOCACHE=os.path.join(tap.BUILD, "go-cache"), CGO_ENABLED="0")
    code, _, err = tap.run(["go", "build", "-o", exe, SOURCE], env=env, cwd=folder, timeout=300)
    if code:
        raise RuntimeError("%s does not compile:\n%s" % (SOURCE, err))
    return exe


def stated_version(data):
    """(where it stands, the version)"""
    at = data.index(MAGIC) + 32
    return at + 1, bytes(data[at + 1:at + 1 + data[at]])


def restate(exe, minor):
    """A copy of the program that says it is of go1.MINOR."""
    with open(exe, "rb") as file:
        data = bytearray(file.read())
    at, version = stated_version(data)
    other = b"go1.%d" % minor
    data[at:at + len(version)] = (other + b".999999999")[:len(version)]
    path = "%s-%d" % (exe, minor)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o755)
    return path


def report_of(exe, folder):
    """The report on a core of the program."""
    cwd = os.path.join(folder, "cwd-" + os.path.basename(exe))
    os.mkdir(cwd)
    with realcore.started([exe], cwd, dict(os.environ, GOTRACEBACK="crash", GOMAXPROCS="2",
                                           GOGC="off")) as process:
        # It still returns from printing, and the runtime's threads come to rest.
        time.sleep(SETTLE_S)
        core = realcore.kernel_core(process, signal.SIGABRT)
    code, out, err = tap.run([os.path.join(tap.BUILD, "coreleaks"), "--json", "--all", core, exe])
    report = json.loads(out)
    # Without the runtime's lists, whose places are the version's, nothing is proved: not complete.
    gaps = [gap["kind"] for gap in report["gaps"] if gap["incomplete"]]
    tap.check("%s: no error" % os.path.basename(exe),
              code == (3 if gaps else 0) and gaps in ([], ["proof"]), (code, gaps, err))
    return report


def goroutines(report):
    """What is said of goroutines, whatever their addresses, but what is proved.

    Equal ones of different verdicts are groups of their own, and a goroutine that a thread still
    has in a register, be it a stale one of a vector, is not proved to be stuck: so the parts of a
    group are added up.
    """
    counts = collections.Counter()
    for group in report["groups"]:
        if group["kind"] == "goroutine":
            creator = group["created_by"] or {}
            counts[(group["state"], group["reason"], str(group["hidden_by"]),
                    str([(frame["function"], frame["line"]) for frame in group["frames"]]),
                    creator.get("function"), creator.get("line"))] += group["count"]
    return sorted(counts.items(), key=str)


def main():
    """Compares the table's report with those that calibration gives."""
    if not shutil.which("go"):
        tap.skip("versions of Go", "go is not installed")
        return
    with realcore.scratch() as folder:
        exe = build(folder)
        known = report_of(exe, folder)
        tap.check("the version is known", not [gap for gap in known["gaps"]
                                               if gap["kind"] == "go-layout"], known["gaps"])
        tap.check("its goroutines are read", known["go"]["num_goroutine"] >= 25, known["go"])
        for minor in (31, 20, 18):
            other = report_of(restate(exe, minor), folder)
            gaps = [gap["detail"] for gap in other["gaps"] if gap["kind"] == "go-layout"]
            tap.check("1.%d: it is said" % minor,
                      len(gaps) == 1 and "not in the table" in gaps[0], gaps)
            tap.equal("1.%d: the same goroutines" % minor, goroutines(other), goroutines(known))
            tap.check("1.%d: nothing is proved by guessed places" % minor,
                      not other["summary"]["by_verdict"]["proved"], other["summary"])
            tap.equal("1.%d: no channel is read at wrong places" % minor,
                      [item for group in other["groups"] for item in group["objects"]
                       if item["kind"] == "channel"
                       and item["detail"]["capacity"] not in (None, 0)], [])
            for name, value in other["go"].items():
                tap.check("1.%d: %s" % (minor, name),
                          name in UNSURE or name.endswith("threads")
                          or value == known["go"][name], (value, known["go"][name]))


try:
    main()
except realcore.CannotDump as reason:
    tap.skip("versions of Go", str(reason))
tap.done()

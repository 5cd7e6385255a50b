#!/usr/bin/python3
"""Tools that read goroutine profiles and dumps, on a Go server: `go tool pprof` with -base between
our profile of a core and the program's own, taken over HTTP before and after;
panicparse; promtool."""

import os
import re
import shutil
import urllib.request

import gocore
import realcore
import tap

SOURCE = os.path.join(tap.ROOT, "tests", "go", "live")
POOL = 4
# The program's own profiles have one type of sample, ours three. Until Go 1.20 pprof refuses to
# compare these ("inconsistent samples type count"); since 1.21 it takes what they have in common
# (profile.CompatibilizeSampleTypes of github.com/google/pprof).
NEWEST = "1.27"


def ask(address, path):
    with urllib.request.urlopen("http://%s/%s" % (address, path), timeout=60) as answer:
        return answer.read().decode()


def pprof(name, home, *arguments):
    """{function: number} that `go tool pprof -top` prints as flat or cumulative, and the total."""
    root = os.path.join(gocore.TOOLCHAINS, NEWEST, "usr", "lib", "go-" + NEWEST)
    env = {**gocore.build_env(root, NEWEST, 0, ""), "HOME": home, "PPROF_BINARY_PATH": "/nowhere",
           "PPROF_TMPDIR": home}
    code, out, err = tap.run([os.path.join(root, "bin", "go"), "tool", "pprof", "-top", "-cum",
                              "-nodecount=1000", *arguments], env=env, timeout=300)
    tap.check(name + "pprof reads both", code == 0 and "Type: goroutine\n" in out, out + err)
    rows = {}
    for line in out.splitlines():
        row = re.match(r"\s+-?\d+\s+\S+%\s+\S+%\s+(-?\d+)\s+\S+%\s+(\S+)", line)
        if row:
            rows[row[2]] = int(row[1])
    return rows


def check_pprof(name, exe, cwd):
    """Live, core, live: what was leaked in between stands in the difference, and nothing else of
    the program's own."""
    with realcore.started([exe], cwd) as process:
        address = process.said.split()[1]
        live = "http://%s/debug/pprof/goroutine" % address
        tap.equal(name + "the server leaks", ask(address, "leak?n=3"), "done\n")
        before = os.path.join(cwd, "before.pb.gz")
        urllib.request.urlretrieve(live, before)
        ask(address, "leak?n=7")
        core = realcore.gcore(process.pid, os.path.join(cwd, "core"))
        profile = os.path.join(cwd, "core.pb.gz")
        code, _, err = tap.run([realcore.tool(), "-q", "-o", profile, "-e", exe, core])
        tap.equal(name + "the profile is written", (code, err), (0, ""))
        rows = pprof(name + "alone: ", cwd, profile)
        tap.equal(name + "what the profile counts", (rows.get("main.leak"), rows.get("main.pool")),
                  (10, POOL))
        rows = pprof(name + "-base of a live one: ", cwd, "-base", before, profile)
        tap.equal(name + "-base: what was leaked since the live profile",
                  (rows.get("main.leak"), rows.get("main.pool", 0)), (7, 0))
        rows = pprof(name + "-base of ours, then live: ", cwd, "-base", profile, live)
        tap.equal(name + "-base: nothing was leaked since the core",
                  (rows.get("main.leak", 0), rows.get("main.pool", 0)), (0, 0))
        ask(address, "leak?n=2")
        rows = pprof(name + "-base of ours, then live again: ", cwd, "-base", profile, live)
        tap.equal(name + "-base: what was leaked since the core",
                  (rows.get("main.leak"), rows.get("main.pool", 0)), (2, 0))
        return core


def check_panicparse(name, exe, core, cwd):
    """All goroutines, in as many buckets as there are stacks."""
    path = os.path.join(cwd, "dump")
    tap.run([realcore.tool(), "--format", "debug2", "-e", exe, "-o", path, core])
    code, out, err = tap.run(["panicparse", "-full-path", path], env={"PATH": os.environ["PATH"]})
    buckets = [(int(number), state) for number, state in
               re.findall(r"(?m)^(\d+): (chan receive(?: \(leaked\))?)", out)]
    tap.check(name + "panicparse reads the dump", code == 0 and not err.strip(), out + err)
    tap.check(name + "panicparse counts the leaked and the pool's",
              sum(number for number, state in buckets if state == "chan receive (leaked)") == 10
              and (POOL, "chan receive") in buckets, out)


def check_metrics(name, exe, core):
    """Prometheus' own checker, where it is installed, has no complaint."""
    _, metrics, _ = tap.run([realcore.tool(), "--format", "prometheus", "-e", exe, core])
    tap.check(name + "metrics of the leak",
              'coreleaks_tasks{kind="goroutine",state="waiting",verdict="proved"} 10\n' in metrics
              and "\ngo_goroutines " in metrics, metrics)
    if not shutil.which("promtool"):
        tap.skip(name + "promtool check metrics", "prometheus is not installed")
        return
    code, out, err = tap.run(["promtool", "check", "metrics"], input=metrics)
    tap.check(name + "promtool check metrics", code == 0 and not out and not err, out + err)


for version in ("1.19", "1.27"):
    title = "Go %s: " % version
    program = gocore.build_other(SOURCE, "serve", version)
    with realcore.scratch() as folder:
        dumped = check_pprof(title, program, folder)
        check_panicparse(title, program, dumped, folder)
        check_metrics(title, program, dumped)
tap.done()

"""`make bench`: the proof that goroutines are stuck beside the profile of leaked goroutines that Go
1.27 can take of itself, for 100,000 of them (or BENCH_LEAKED).

The same process answers both: its core is written first, then it takes the profile, in turns with
reports of the core, so that the ratio holds whatever else the machine does. Both must find all that
were leaked; a disagreement ends with 1.

    bench_leaked.py [--runs N] [--goroutines N] [--go GO]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import tap

import realcore

SOURCE = os.path.join(HERE, "leaked_goroutines", "main.go")
# Profiles of leaked goroutines are there without an experiment.
VERSION = "1.27"
LIMIT_S = 300


def toolchain():
    """That Go's program, or None."""
    code, out, err = tap.run([os.path.join(ROOT, "tests", "go", "toolchains"), VERSION],
                             timeout=LIMIT_S)
    if code:
        print("leaked goroutines: not run: %s" % err.strip())
        return None
    return os.path.join(out.strip(), "bin", "go")


def build(go, folder):
    """The program, built by this Go; its path."""
    exe = os.path.join(folder, "leaked_goroutines")
    env = dict(os.environ, GO111MODULE="off", GOFLAGS="", GOTOOLCHAIN="local", CGO_ENABLED="0")
    code, out, err = tap.run([go, "build", "-o", exe, SOURCE], env=env, timeout=LIMIT_S)
    if code:
        raise RuntimeError("%s does not compile:\n%s%s" % (SOURCE, out, err))
    return exe


def profile(process):
    """(goroutines, seconds) of one of its profiles."""
    process.stdin.write(b"\n")
    process.stdin.flush()
    said = process.stdout.readline().decode().split()
    if len(said) != 2:
        raise RuntimeError("the program says %s" % " ".join(said))
    return int(said[0]), float(said[1])


def report(*options):
    """(wall, CPU, text) of one run of the tool."""
    begin = time.monotonic()
    process = subprocess.Popen([realcore.tool(), *options], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - begin
    # 3: there is a finding.
    if process.returncode not in (0, 3):
        raise RuntimeError("code %d" % process.returncode)
    return wall_s, usage.ru_utime + usage.ru_stime, out


def num_proved(out):
    """Goroutines that a JSON report's findings prove stuck."""
    proved = set()
    for finding in json.loads(out)["findings"]:
        if finding["certainty"] == "proved":
            proved.update(member["id"] for member in finding["members"]
                          if member["kind"] == "goroutine")
    return len(proved)


def main():
    """Makes the core, takes turns, prints the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--goroutines", type=int,
                        default=int(os.environ.get("BENCH_LEAKED") or "100000"))
    parser.add_argument("--go")
    arguments = parser.parse_args()
    num = arguments.goroutines // 10 * 10
    go = arguments.go or toolchain()
    if go is None:
        sys.exit(0)
    with realcore.scratch() as folder:
        exe = build(go, folder)
        process = subprocess.Popen([exe, str(num)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            process.stdout.readline()
            core = realcore.gcore(process.pid, os.path.join(folder, "gcore"))
            proved = num_proved(report("--json", core, exe)[2])
            walls, cpus, theirs = [], [], []
            found = set()
            for _ in range(arguments.runs):
                wall_s, cpu_s, _ = report(core, exe)
                walls.append(wall_s)
                cpus.append(cpu_s)
                count, took_s = profile(process)
                found.add(count)
                theirs.append(took_s)
        except realcore.CannotDump as reason:
            print("no core: %s" % reason)
            sys.exit(1)
        finally:
            process.kill()
            process.wait()
    print("\n%d leaked goroutines, Go %s (medians of %d warm runs in turns)"
          % (num, VERSION, arguments.runs))
    print("%-32s %9s %9s  %s" % ("", "wall s", "CPU s", "found"))
    print("%-32s %9.3f %9.3f  %d" % ("coreleaks, the whole report", statistics.median(walls),
                                     statistics.median(cpus), proved))
    print("%-32s %9.3f %9s  %s" % ("Go's profile in the process", statistics.median(theirs), "",
                                   ", ".join(map(str, sorted(found)))))
    agree = proved == num and found == {num}
    print("both find all: %s" % ("yes" if agree else "NO"))
    sys.exit(0 if agree else 1)


main()

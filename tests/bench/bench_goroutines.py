"""`make bench`: coreleaks against Delve on cores of 10,001 and 100,001 goroutines, or of as many as
`make bench BENCH_GOROUTINES=1000000` says (a few minutes and 3 GB of disk).

Both run in turns in one run, so that the ratio holds whatever else the machine does, and must
find the five ways of waiting of many_goroutines and main's; a disagreement ends with 1. Delve
groups by one place of the user's code, coreleaks by whole stacks.

    bench_goroutines.py [--runs N] [--goroutines N,N] [--go GO]
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import tap

import realcore

SOURCE = os.path.join(HERE, "many_goroutines", "main.go")
PEER_LIMIT_S = 150
SAMPLE_PAUSE_S = 0.001
# A function on each of the stacks and on no other: (its reasons, from Go 1.19 on; its creator).
WAYS = {
    "takeOrder": (("chan receive",), "main.startOrders"),
    "bookOrder": (("semacquire", "sync.Mutex.Lock"), "main.startBookings"),
    "awaitFinish": (("semacquire", "sync.WaitGroup.Wait"), "main.startFinishers"),
    "sleepLong": (("sleep",), "main.startTimers"),
    "chooseReply": (("select",), "main.startRepliers"),
}
# Where Delve's "user location" is, in the standard library for some: its one key of a group.
DELVE_PLACES = {
    "main.(*server).takeOrder": "takeOrder", "main.(*server).chooseReply": "chooseReply",
    "time.Sleep": "sleepLong", "main.main": "main",
    "sync.runtime_SemacquireMutex": "bookOrder", "sync.(*Mutex).Lock": "bookOrder",
    "internal/sync.runtime_SemacquireMutex": "bookOrder",
    "sync.runtime_Semacquire": "awaitFinish", "sync.runtime_SemacquireWaitGroup": "awaitFinish",
}
# Demands: goroutines, what, limit.
WALL_LIMIT_S = {1000000: {"coreleaks text": 2.0, "coreleaks no proof": 1.0}}
ANONYMOUS_LIMIT_MIB = {1000000: 400 * 10**6 / 2**20}
RATIO_LIMIT = {100000: 20}


# ---- What each program prints, as [(way, goroutines)] ------------------------------------------


def way_of(functions):
    """The way of waiting of a stack, main's, or the functions themselves."""
    for way in WAYS:
        if "main.(*server)." + way in functions:
            return way
    return "main" if "main.main" in functions else " ".join(functions)


def read_json(out):
    """Groups of the JSON report; what is wrong with the rest of each."""
    groups, wrong = [], []
    for group in json.loads(out)["groups"]:
        if group["kind"] != "goroutine":
            continue
        way = way_of([frame["function"] for frame in group["frames"]])
        groups.append((way, group["count"]))
        if way not in WAYS:
            continue
        reasons, creator = WAYS[way]
        if group["reason"] not in reasons:
            wrong.append("%s: reason %s" % (way, group["reason"]))
        if (group["created_by"] or {}).get("function") != creator:
            wrong.append("%s: creator %s" % (way, group["created_by"]))
        if not group["wait_ns"] or not 0 < group["wait_ns"]["min"] <= group["wait_ns"]["max"]:
            wrong.append("%s: age %s" % (way, group["wait_ns"]))
        if len(set(group["members"])) != group["count"]:
            wrong.append("%s: %d members" % (way, len(group["members"])))
    return sorted(groups), wrong


def read_text(out):
    """Groups of the text report: a line `#1  200 goroutines …`, then a line a frame."""
    groups, count, functions = [], 0, []
    for line in out.splitlines() + ["#0 0 goroutines"]:
        match = re.match(r"\W*#\d+\s+([\d,]+) (goroutine|thread)s?\b", line)
        if match:
            if functions:
                groups.append((way_of(functions), count))
            count, functions = int(match.group(1).replace(",", "")), []
            if match.group(2) == "thread":
                count = 0
        elif line.startswith("  ") and count:
            functions += line.split()[:1]
    return sorted(groups), []


def read_delve(out):
    """Groups of `goroutines -group userloc`: a place, five goroutines, and `Total: N`."""
    groups, place = [], None
    for line in out.splitlines():
        match = re.match(r"\S.*:\d+ in (\S+)$", line)
        if match:
            place = match.group(1)
        match = re.match(r"\s+Total: (\d+)$", line)
        # The runtime's own stand in runtime.gopark.
        if match and place != "runtime.gopark":
            groups.append((DELVE_PLACES.get(place, place), int(match.group(1))))
    return sorted(groups), []


def programs(folder):
    """[(name, argv with CORE and EXE in it, reader of the output)] of what is installed."""
    tool = realcore.tool()
    found = [("coreleaks text", [tool, "CORE", "EXE"], read_text),
             ("coreleaks no proof", [tool, "--no-proof", "CORE", "EXE"], read_text),
             ("coreleaks json", [tool, "--json", "CORE", "EXE"], read_json)]
    if shutil.which("dlv"):
        script = os.path.join(folder, "group")
        with open(script, "w", encoding="utf-8") as file:
            file.write("goroutines -group userloc\nexit\n")
        found.append(("dlv -group userloc",
                      ["dlv", "core", "EXE", "CORE", "--init", script,
                       "--allow-non-terminal-interactive=true"], read_delve))
    else:
        print("not installed: dlv")
    return found


# ---- Measuring --------------------------------------------------------------------------------


def anonymous_size(pid):
    """MiB of memory that no file backs, now: of a process and of those it started."""
    found = re.search(r"^RssAnon:\s+(\d+) kB$", realcore.read_text("/proc/%d/status" % pid),
                      re.MULTILINE)
    children = realcore.read_text("/proc/%d/task/%d/children" % (pid, pid)).split()
    return (int(found.group(1)) / 1024 if found else 0) + sum(map(anonymous_size,
                                                                  map(int, children)))


def measure(argv, folder, sampled=False):
    """{wall, CPU, peak, anonymous, code, out}; code None when the limit was reached.

    Memory is only sampled when asked for: the looks take time of the run.
    """
    with open(os.path.join(folder, "out"), "w+b") as output:
        begin = time.monotonic()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        killer = threading.Timer(PEER_LIMIT_S, process.kill)
        killer.start()
        ended, anonymous = 0, 0
        while sampled and not ended:
            anonymous = max(anonymous, anonymous_size(process.pid))
            time.sleep(SAMPLE_PAUSE_S)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if not ended:
            _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - begin
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    return {"wall": wall_s, "cpu": usage.ru_utime + usage.ru_stime,
            "peak": usage.ru_maxrss / 1024, "anonymous": anonymous,
            "code": None if wall_s >= PEER_LIMIT_S else process.returncode, "out": text}


def compare(num, exe, core, folder, num_runs):
    """{name: {wall, cpu, peak, anonymous, agrees, runs}}; medians over runs that take turns."""
    truth = sorted([(way, num // 5) for way in WAYS] + [("main", 1)])
    todo, results, table = programs(folder), {}, {}
    # The first run reads the core from the disk; it also samples memory and checks the answer.
    for name, argv, reader in todo:
        argv[:] = [{"CORE": core, "EXE": exe}.get(word, word) for word in argv]
        first = measure(argv, folder, sampled=True)
        table[name] = {"anonymous": first["anonymous"], "agrees": None}
        results[name] = []
        if first["code"] is None:
            results[name].append(first)
            continue
        groups, wrong = reader(first["out"]) if first["code"] == 0 else ([], [])
        table[name]["agrees"] = groups == truth and not wrong
        if not table[name]["agrees"]:
            print("%s (exit code %d): groups are %s\n  want %s\n  %s"
                  % (name, first["code"], groups, truth, "\n  ".join(wrong)))
    for _ in range(num_runs):
        for name, argv, _ in todo:
            last = results[name][-1:]
            # Slow ones are steady enough after one run.
            if not last or (last[0]["code"] is not None and last[0]["wall"] < 30):
                results[name].append(measure(argv, folder))
    for name, runs in results.items():
        table[name]["runs"] = len(runs)
        for column in ("wall", "cpu", "peak"):
            table[name][column] = statistics.median(run[column] for run in runs)
    return table


def print_table(num, table):
    """One core's rows, with the ratio of Delve's time to ours."""
    # One that cannot read this version of Go is soon done, and no measure.
    delve = next((row for name, row in table.items()
                  if name.startswith("dlv") and row["agrees"] is not False), None)
    print("\n%d goroutines (medians of warm runs)" % (num + 1))
    print("%-20s %9s %9s %9s %9s %5s  %-8s  %s" % (
        "program", "wall s", "CPU s", "peak MiB", "anon MiB", "runs", "groups",
        "Delve / this: wall, CPU"))
    for name, row in table.items():
        groups = {True: "equal", False: "DIFFER", None: "time-out"}[row["agrees"]]
        ratio = ("%9.1f %9.1f" % (delve["wall"] / row["wall"], delve["cpu"] / row["cpu"])
                 if delve else "")
        print("%-20s %9.3f %9.3f %9.1f %9.1f %5d  %-8s  %s"
              % (name, row["wall"], row["cpu"], row["peak"], row["anonymous"], row["runs"],
                 groups, ratio))
    for name, row in table.items():
        if not name.startswith("coreleaks"):
            continue
        demands = []
        limit_s = WALL_LIMIT_S.get(num, {}).get(name)
        if limit_s:
            demands.append(("at most %.1f s" % limit_s, row["wall"] <= limit_s))
        if num in ANONYMOUS_LIMIT_MIB:
            demands.append(("at most %.0f MiB anonymous" % ANONYMOUS_LIMIT_MIB[num],
                            row["anonymous"] <= ANONYMOUS_LIMIT_MIB[num]))
        if num in RATIO_LIMIT and delve:
            demands.append(("%d times as fast as Delve" % RATIO_LIMIT[num],
                            delve["wall"] >= RATIO_LIMIT[num] * row["wall"]))
        for what, met in demands:
            print("%s: %s: %s" % (name, what, "met" if met else "MISSED"))


# ---- The cores --------------------------------------------------------------------------------


def build(go, folder):
    """The program, built by this Go; its path."""
    exe = os.path.join(folder, "many_goroutines")
    env = dict(os.environ, GO111MODULE="off", GOFLAGS="", GOTOOLCHAIN="local", CGO_ENABLED="0")
    code, out, err = tap.run([go, "build", "-o", exe, SOURCE], env=env, timeout=PEER_LIMIT_S)
    if code:
        raise RuntimeError("%s does not compile:\n%s%s" % (SOURCE, out, err))
    print(tap.run([go, "version"])[1].strip())
    return exe


def dump(exe, num, folder):
    """A kernel core of num goroutines."""
    begin = time.monotonic()
    with realcore.started([exe, str(num)], folder) as process:
        # main has still to get from its last words to where it waits.
        realcore.wait_until_settled(process.pid, len(os.listdir("/proc/%d/task" % process.pid)))
        core = realcore.dump(process, folder, "kernel", signal.SIGXCPU)
    size = os.stat(core)
    print("\ncore of %d goroutines: %d MB, %d MB on disk, made in %.1f s"
          % (num + 1, size.st_size // 10**6, size.st_blocks * 512 // 10**6,
             time.monotonic() - begin), flush=True)
    return core


def main():
    """Makes the cores, runs everybody, prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--goroutines",
                        default=os.environ.get("BENCH_GOROUTINES") or "10000,100000")
    parser.add_argument("--go", default="go")
    arguments = parser.parse_args()
    if not shutil.which(arguments.go):
        print("goroutines: not run: %s is not installed" % arguments.go)
        sys.exit(0)
    failed = False
    with realcore.scratch() as folder:
        exe = build(arguments.go, folder)
        for num in map(int, arguments.goroutines.split(",")):
            try:
                core = dump(exe, num // 5 * 5, folder)
            except realcore.CannotDump as reason:
                print("no core: %s" % reason)
                sys.exit(1)
            table = compare(num // 5 * 5, exe, core, folder, arguments.runs)
            os.unlink(core)
            print_table(num, table)
            failed = failed or any(row["agrees"] is False for row in table.values())
    sys.exit(1 if failed else 0)


main()

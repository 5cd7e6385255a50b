#!/usr/bin/python3
"""How long goroutines have waited: never more than the truth, which the program tells by its clock,
and not less than since the end of the garbage collection that first met them; and --min-age."""

import json
import os
import re
import signal
import time

import gocore
import realcore
import tap

SOURCE = os.path.join(tap.ROOT, "tests", "go", "ages")
MS = 1000000


class Truth:
    """What the program said: collections, waits in their order, and since when it is noted."""

    def __init__(self, said):
        self.collections, self.waits, self.noted = [], [], 0
        for line in said.splitlines()[:-1]:
            what, *words = line.split()
            if what == "gc":
                self.collections.append(tuple(map(int, words)))
            elif what == "wait":
                self.waits.append((words[0], int(words[1]), int(words[2]), int(words[3])))
            else:
                self.noted = int(words[0])

    def meeting(self, after):
        """The first collection that began after the wait, and left its mark: not the first of
        all. None: there was none."""
        return next((one for one in self.collections[1:] if one[1] >= after), None)


def stop(pid):
    """Until every thread has stopped: the signal alone takes a while."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + realcore.SETTLE_TIMEOUT_S
    while {realcore.read_text("/proc/%d/task/%s/stat" % (pid, tid)).rpartition(")")[2][:2]
           for tid in os.listdir("/proc/%d/task" % pid)} != {" T"}:
        if time.monotonic() > deadline:
            raise RuntimeError("the program did not stop")
        time.sleep(0.005)


def dumped(exe, cwd, how):
    """(core, truth, the clock just before the dump)."""
    with realcore.started([exe], cwd) as process:
        # gcore takes its time; the program must not go on meanwhile.
        if how == "gcore":
            stop(process.pid)
        latest = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        core = realcore.dump(process, cwd, how, signal.SIGXCPU)
        if how == "kernel":
            latest = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        return core, Truth(process.said), latest


def run(core, exe, *options):
    code, out, err = tap.run([realcore.tool(), "-e", exe, "--no-proof", *options, core])
    if code:
        raise RuntimeError("%s: %d: %s" % (options, code, err))
    return out


def ages_of(report, function):
    """Ages of the goroutines in that function, in ascending order of their ids; None unknown."""
    tasks = {task["id"]: task for task in report["tasks"] if task["kind"] == "goroutine"}
    members = sorted(number for group in report["groups"] for number in group["members"]
                     if group["kind"] == "goroutine"
                     and function in [frame["function"] for frame in group["frames"]])
    return [tasks[number]["wait_ns"] for number in members]


def check_bounds(name, report, truth, latest):
    """Each goroutine's age lies between what is known and what is true."""
    wrong, left = [], {function: ages_of(report, function) for function, *_ in truth.waits}
    for function, number, before, after in truth.waits:
        # Ids ascend, all but by processor: a kind that is older never comes later in one function.
        ages = sorted((age for age in left[function] if age is not None), reverse=True)
        met = truth.meeting(after)
        if met is None:
            continue
        mine, rest = ages[:number], ages[number:]
        left[function] = rest
        low, high = truth.noted - met[2], latest - before
        if len(mine) != number or not all(low <= age <= high for age in mine):
            wrong.append("%s: %s, want %d of %d..%d" % (function, mine, number, low, high))
        # What the rule is for: not from the end of the collection before, when it may have run.
        if not all(age <= latest - met[1] for age in mine):
            wrong.append("%s: %s: more than since the collection %s" % (function, mine, met))
    tap.check(name + "never more than the truth, and at least since the collection that met them",
              not wrong, "\n".join(wrong))
    unmet = [(function, number) for function, number, _, after in truth.waits
             if truth.meeting(after) is None]
    got = {function: sum(age is None for age in ages_of(report, function))
           for function, _ in unmet}
    tap.equal(name + "none was made up for those that no collection has met", got, dict(unmet))


def check_words(name, core, exe, truth):
    """The number of the collection, and how many none has met."""
    out = " ".join(run(core, exe, "--focus", "main\\.first").split())
    met = truth.meeting(truth.waits[0][3])
    tap.check(name + "since before which collection", re.search(
        r"for at least [\d.]+ s, since before GC #%d\b" % met[0], out), out)
    out = " ".join(run(core, exe, "--focus", "main\\.mixed").split())
    met = truth.meeting(truth.waits[1][3])
    tap.check(name + "the youngest, and those that none has met", re.search(
        r"for at least [\d.]+ s \(the youngest [\d.]+ m?s\), since before GC #%d; 2 of them not "
        r"seen blocked by a GC" % met[0], out), out)


def check_min_age(name, core, exe, truth, report):
    """What is kept, what is left out, and how many that are: between the first three of one
    function and the others lie two seconds."""
    oldest = sorted((age for age in ages_of(report, "main.mixed") if age is not None), reverse=True)
    limit = (oldest[2] + oldest[3]) // 2 // MS
    everything = sum(group["count"] for group in report["groups"])
    for option, wanted in (("--min-age=%dms" % limit, {"main.first": 5, "main.mixed": 3}),
                           ("--min-age=1ms", {"main.first": 5, "main.mixed": 7}),
                           ("--min-age=1h", {})):
        found = json.loads(run(core, exe, "--all", "--json", option))
        shown = {}
        for group in found["groups"]:
            functions = [frame["function"] for frame in group["frames"]]
            mine = next((one for one in ("main.first", "main.mixed", "main.last")
                         if one in functions), None)
            if mine and group["hidden_by"] is None:
                shown[mine] = shown.get(mine, 0) + group["count"]
        kept = sum(group["count"] for group in found["groups"])
        words = option.replace(str(limit), "N")
        tap.equal(name + words + ": what is kept", shown, wanted)
        tap.equal(name + words + ": all others are counted", found["summary"]["hidden_by"],
                  {"--min-age": everything - kept})
        out = " ".join(run(core, exe, "--all", option).split())
        told = re.search(r"hidden (\d+) in \d+ groups? by --min-age", out)
        tap.check(name + words + ": the text counts them",
                  told and int(told[1]) == everything - kept, out)


def check(version, how):
    name = "Go %s, %s: " % (version, how)
    exe = gocore.build_other(SOURCE, "age", version)
    with realcore.scratch() as cwd:
        try:
            core, truth, latest = dumped(exe, cwd, how)
        except realcore.CannotDump as reason:
            tap.skip(name + "ages", str(reason))
            return
        report = json.loads(run(core, exe, "--all", "--json"))
        check_bounds(name, report, truth, latest)
        check_words(name, core, exe, truth)
        check_min_age(name, core, exe, truth, report)


for go in ("1.19", "1.27"):
    for way in ("kernel", "gcore"):
        check(go, way)
tap.done()

"""Random graphs of waiting threads: exactly what is stuck is found, and nothing else.

    /usr/bin/python3 tests/core/test_wait_graphs.py [SEEDS [FIRST]]

The program wait_graphs.c builds a graph and tells the truth of each thread. What follows from
that is worked out here from the definitions alone: tasks that wait for each other without a
timeout, locks whose owner has ended, and who stands behind either; and, for those who are not
stuck, at whom their waiting ends.
"""

import collections
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import realcore

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wait_graphs.c")
NUM_SEEDS = 12
OBJECT_KINDS = {"mutex": "mutex", "rwlock-read": "rwlock", "rwlock-write": "rwlock",
                "join": "thread"}

Thread = collections.namedtuple("Thread", "tid reason kind object holder clock")


# ---- The truth --------------------------------------------------------------------------------


def parse(text):
    """The program's lines as {id: Thread}."""
    threads = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 6:
            holder = None if words[4] == "-" else int(words[4])
            threads[int(words[0])] = Thread(int(words[0]), words[1], words[2], words[3], holder,
                                            words[5])
    return threads


def root_of(tid, threads):
    """Where waiting ends for this thread: (rule, tasks or lock), or None when it may end."""
    path = []
    while tid not in path:
        path.append(tid)
        thread = threads[tid]
        if thread.holder is None or thread.clock != "forever":
            return None
        if threads[thread.holder].reason == "exited":
            return "abandoned-lock", thread.object
        tid = thread.holder
    cycle = frozenset(path[path.index(tid):])
    return "self-deadlock" if len(cycle) == 1 else "deadlock-cycle", cycle


def expected_findings(threads):
    """[(rule, ids)] of all that is proved, and the ids."""
    stuck = collections.defaultdict(set)
    for thread in threads.values():
        root = root_of(thread.tid, threads) if thread.reason != "exited" else None
        if root:
            stuck[root].add(thread.tid)
    findings = []
    for (rule, what), tids in stuck.items():
        if rule == "abandoned-lock":
            direct = {tid for tid in tids if threads[tid].object == what}
        else:
            direct = what
        findings.append((rule, sorted(direct)))
        if tids - direct:
            findings.append(("stuck-behind", sorted(tids - direct)))
    return sorted(findings), set().union(*stuck.values()) if stuck else set()


def end_of(tid, threads, stuck):
    """The thread at which this one's waiting ends, whatever its time limits."""
    path = []
    while tid not in path:
        path.append(tid)
        holder = threads[tid].holder
        if holder is None or threads[holder].reason == "exited" or holder in stuck:
            return tid
        tid = holder
    return min(member for member in path[path.index(tid):] if threads[member].clock == "timed")


def expected_blockers(threads):
    """{id: ({all that it blocks}, {those that wait for it alone})}"""
    _, stuck = expected_findings(threads)
    blockers = collections.defaultdict(lambda: (set(), set()))
    for thread in threads.values():
        if thread.reason == "exited" or thread.tid in stuck:
            continue
        end = end_of(thread.tid, threads, stuck)
        if end != thread.tid:
            blockers[end][0].add(thread.tid)
            if thread.holder == end:
                blockers[end][1].add(thread.tid)
    return blockers


# ---- The report -------------------------------------------------------------------------------


def wrong_findings(threads, report):
    """What is claimed too much and too little."""
    expected, _ = expected_findings(threads)
    expected = collections.Counter((rule, "proved", tuple(ids)) for rule, ids in expected)
    found = collections.Counter(
        (finding["rule"], finding["certainty"],
         tuple(sorted(member["id"] for member in finding["members"])))
        for finding in report["findings"] if finding["certainty"] != "suspect")
    wrong = ["missing: %s %s %s" % item for item in sorted(expected - found)]
    wrong += ["not so: %s %s %s" % item for item in sorted(found - expected)]

    ended = sum(thread.kind == "unjoined" for thread in threads.values())
    listed = [member for finding in report["findings"] if finding["rule"] == "unjoined-thread"
              for member in finding["members"]]
    if report["summary"]["finished_threads"] != ended or len(listed) != ended:
        wrong.append("%d threads ended unjoined; finished_threads %d, in findings %d"
                     % (ended, report["summary"]["finished_threads"], len(listed)))
    return wrong


def wrong_verdicts(threads, report):
    """Groups must be proved exactly where their members are."""
    _, stuck = expected_findings(threads)
    wrong, seen = [], []
    for group in report["groups"]:
        seen += group["members"]
        for tid in group["members"]:
            if (group["verdict"] in ("proved", "likely")) != (tid in stuck):
                wrong.append("thread %d stands in group %s: %s" % (tid, group["id"],
                                                                  group["verdict"]))
    alive = sorted(tid for tid, thread in threads.items() if thread.reason != "exited")
    if sorted(seen) != alive:
        wrong.append("the groups' members are %s, threads %s" % (sorted(seen), alive))
    return wrong


def wrong_blockers(threads, report):
    """Whom the report says to keep others waiting."""
    tasks = {task["id"]: task for task in report["tasks"]}
    known = dict(threads)
    for tid, thread in threads.items():
        # See wrong_waits().
        if (thread.kind, thread.clock) == ("inherit", "timed") and not tasks[tid]["holder"]:
            known[tid] = thread._replace(holder=None)
    expected = expected_blockers(known)
    order = sorted(expected, key=lambda tid: (-len(expected[tid][0]), tid))
    wrong = []
    if [blocker["id"] for blocker in report["blockers"]] != order:
        wrong.append("got %s, want %s" % ([blocker["id"] for blocker in report["blockers"]],
                                          order))
    for blocker in report["blockers"]:
        behind, direct = expected[blocker["id"]]
        objects = {threads[tid].object for tid in direct}
        if blocker["blocks"]["members"] != sorted(behind):
            wrong.append("%s, not %s" % (blocker["title"], sorted(behind)))
        if blocker["blocks"]["direct"] != len(direct):
            wrong.append("%s, %d directly" % (blocker["title"], len(direct)))
        if {int(item["address"], 16) for item in blocker["objects"]} != {
                int(addr, 16) for addr in objects}:
            wrong.append("%s, for %s" % (blocker["title"], objects))
    return wrong


def wrong_waits(threads, report):
    """Reason, object, holder and timeout of every thread."""
    wrong = []
    tasks = {task["id"]: task for task in report["tasks"]}
    for thread in threads.values():
        if thread.reason == "exited":
            if thread.tid in tasks:
                wrong.append("thread %d has ended" % thread.tid)
            continue
        task = tasks[thread.tid]
        got = [task["reason"], task["timeout"] is not None, task["waking"]]
        want = [thread.reason, thread.clock == "timed", False]
        # Of a mutex that the kernel refused (EDEADLK) glibc may keep no address while time runs.
        if thread.reason in OBJECT_KINDS and (thread.kind, thread.clock) != ("inherit", "timed"):
            holder = task["holder"] or {"id": None, "state": None}
            got += [task["object"] and task["object"]["kind"], holder["state"]]
            got += [task["object"] and task["object"]["certain"]]
            got += [task["object"] and int(task["object"]["address"], 16)]
            state = None
            if thread.holder is not None:
                state = "exited" if threads[thread.holder].reason == "exited" else "alive"
            want += [OBJECT_KINDS[thread.reason], state, True, int(thread.object, 16)]
            if state == "alive":
                got.append(holder["id"])
                want.append(thread.holder)
        if got != want:
            wrong.append("%s: got %s, want %s" % (" ".join(map(str, thread)), got, want))
    return wrong


# ---- One seed ---------------------------------------------------------------------------------


def make_core(exe, seed, num_threads, how, folder):
    """Runs and dumps one graph; returns its truth and the core's path."""
    with realcore.started([exe, str(seed), str(num_threads)], folder) as process:
        threads = parse(process.said)
        alive = [thread for thread in threads.values() if thread.reason != "exited"]
        busy = sum(thread.reason == "running" for thread in alive)
        realcore.wait_until_settled(process.pid, len(alive), busy)
        return threads, realcore.dump(process, folder, how)


def check_seed(exe, seed):
    """One graph; every tenth is dumped by gcore."""
    how = "gcore" if seed % 10 == 0 else "kernel"
    choice = random.Random(seed)
    num_threads = choice.randint(2, choice.choice([8, 40, 40, 150, 500]))
    name = "seed %d, %d threads by %s: " % (seed, num_threads, how)
    with realcore.scratch() as folder:
        try:
            threads, core = make_core(exe, seed, num_threads, how, folder)
        except realcore.CannotDump as reason:
            tap.skip(name + "report", str(reason))
            return
        tap.equal(name + "as many as asked for", len(threads), num_threads)
        code, report, err = realcore.report(["--all", core])
    if not tap.check(name + "report", code == 0 and report, "exit code %d\n%s" % (code, err)):
        return
    for what, differences in (("findings", wrong_findings), ("verdicts", wrong_verdicts),
                              ("waits", wrong_waits), ("blockers", wrong_blockers)):
        wrong = differences(threads, report)
        tap.check(name + what, not wrong, "\n".join(wrong[:20]))


def main():
    """As many seeds as the first argument or WAIT_GRAPHS says."""
    num_seeds = int((sys.argv[1:] or [os.environ.get("WAIT_GRAPHS", NUM_SEEDS)])[0])
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    reason = realcore.limits_allow(500)
    if reason:
        tap.skip("random wait-for graphs", reason)
        tap.done()
    exe = realcore.build_beside(SOURCE, ["gcc", "-std=gnu11", "-O1"])
    for seed in range(first, first + num_seeds):
        check_seed(exe, seed)
    tap.done()


main()

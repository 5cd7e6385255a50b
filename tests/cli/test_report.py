#!/usr/bin/python3
"""The report on a real core: filters, grouping, judging, show, exit codes, the JSON schema."""

import json
import re

import cli
import tap

CLEAN, FINDINGS, FAILED, USAGE = 0, 1, 2, 64


def plain(core):
    code, report, err = cli.report(core)
    tap.equal("exit code and messages", (code, err), (CLEAN, ""))
    tap.equal("all threads", report["summary"]["threads"], cli.NUM_THREADS)
    tap.equal("nothing is hidden", report["summary"]["hidden"], 0)
    tap.equal("the counts of the groups add up",
              sum(group["count"] for group in report["groups"]), cli.NUM_THREADS)
    for function, count in {"consume": cli.NUM_CONSUMERS, "nap": cli.NUM_NAPPERS, "lonely": 1,
                            "doze": 1, "main": 1}.items():
        tap.equal("threads in %s" % function,
                  [group["count"] for group in cli.groups_with(report, function)], [count])
    counts = [group["count"] for group in report["groups"]]
    tap.equal("the largest group first", counts, sorted(counts, reverse=True))
    return report


def schema(core, report):
    import jsonschema

    with open(cli.SCHEMA, encoding="utf-8") as file:
        schema_ = json.load(file)
    for name, arguments in {"plain": [], "filtered": ["--ignore", "nap", "--members", "1"],
                            "with findings": ["--threshold", "2", "--max-total", "3"]}.items():
        problems = list(jsonschema.Draft7Validator(schema_).iter_errors(
            cli.report(*arguments, core)[1]))
        tap.equal("valid against the schema: " + name, problems, [])
    tap.check("the schema refuses something", list(jsonschema.Draft7Validator(schema_).iter_errors(
        dict(report, groups=[{}]))))


def repeatable(core):
    for arguments in ([], ["--json"], ["-v"], ["--color=always"]):
        first, second = (cli.run(*arguments, core) for _ in range(2))
        tap.check("two runs are equal: " + " ".join(arguments),
                  first == second and len(first[1]) > 200, first[1][:200])


def filters(core, report):
    def shown(*arguments):
        code, filtered, err = cli.report(*arguments, core)
        tap.equal("%s: exit code, messages" % " ".join(arguments), (code, err), (CLEAN, ""))
        tap.equal("%s: shown and hidden make all" % " ".join(arguments),
                  sum(group["count"] for group in filtered["groups"])
                  + filtered["summary"]["hidden"], cli.NUM_THREADS)
        return sorted(group["count"] for group in filtered["groups"])

    tap.equal("--min-count 2", shown("--min-count", "2"), [cli.NUM_NAPPERS, cli.NUM_CONSUMERS])
    tap.equal("--min-count 5", shown("--min-count=5"), [cli.NUM_CONSUMERS])
    tap.equal("--focus", shown("--focus", "^consume$"), [cli.NUM_CONSUMERS])
    tap.equal("--focus on any frame", shown("--focus", "sleep_long"), [1, cli.NUM_NAPPERS])
    tap.equal("--ignore", shown("--ignore", "sleep_long|consume"), [1, 1])
    tap.equal("--focus and --ignore", shown("--focus", "sleep_long", "--ignore", "^doze$"),
              [cli.NUM_NAPPERS])
    tap.equal("--focus that nothing matches", shown("--focus", "no_such_function"), [])
    tap.equal("--kind thread", len(shown("--kind", "thread")), len(report["groups"]))
    tap.equal("--kind goroutine", shown("--kind=goroutine"), [])
    states = {group["state"] for group in report["groups"]}
    for state in ("running", "runnable", "syscall", "waiting", "exited"):
        tap.equal("--state " + state, shown("--state", state), sorted(
            group["count"] for group in report["groups"] if group["state"] == state))
    tap.check("there is a state to filter by", states and None not in states, str(states))
    for verdict in ("proved", "likely", "suspect", "unknown", "benign"):
        tap.equal("--verdict " + verdict, shown("--verdict", verdict), sorted(
            group["count"] for group in report["groups"] if group["verdict"] == verdict))
    reasons = {group["reason"] for group in report["groups"]} - {None}
    for reason in sorted(reasons) + ["no-such-reason"]:
        tap.equal("--reason " + reason, shown("--reason", reason), sorted(
            group["count"] for group in report["groups"] if group["reason"] == reason))
    for option in ("--all", "--no-proof"):
        tap.equal(option + " is accepted", cli.report(option, core), cli.report(core))


def grouping(core, report):
    by_line = cli.report("--group-by=line", core)[1]
    tap.equal("--group-by line is the default", by_line["groups"], report["groups"])
    for how in ("function", "pc", "reason", "object"):
        grouped = cli.report("--group-by", how, core)[1]
        tap.equal("--group-by %s: the same threads" % how,
                  sorted(member for group in grouped["groups"] for member in group["members"]),
                  sorted(member for group in report["groups"] for member in group["members"]))
        tap.check("--group-by %s: signatures of its own" % how,
                  {group["signature"] for group in grouped["groups"]}
                  != {group["signature"] for group in report["groups"]})


    by_reason = cli.report("--group-by=reason", core)[1]["groups"]
    tap.equal("--group-by reason: one group a reason",
              len({(group["reason"], group["state"]) for group in by_reason}), len(by_reason))
    by_object = cli.report("--group-by=object", core)[1]["groups"]
    tap.check("--group-by object: one object a group",
              all(len(group["objects"]) <= 1 for group in by_object), str(by_object))


def waits(core, report):
    """Every thread's wait, and every object, can be shown."""
    tap.equal("every thread is among the tasks", sorted(task["id"] for task in report["tasks"]),
              sorted(member for group in report["groups"] for member in group["members"]))
    objects = {item["address"]: item for group in report["groups"] for item in group["objects"]}
    tap.check("there are objects", objects)
    for address, item in sorted(objects.items()):
        code, shown, _ = cli.report("show", core, address)
        wanted = sorted(task["id"] for task in report["tasks"]
                        if task["object"] and task["object"]["address"] == address)
        tap.equal("show %s: its waiters" % item["kind"],
                  (code, shown["object"]["kind"], sorted(shown["waiters"]["members"])),
                  (CLEAN, item["kind"], wanted))
        code, out, _ = cli.run("show", core, address)
        tap.check("show %s as text" % item["kind"], code == CLEAN and str(wanted[0]) in out, out)
    code, out, err = cli.run("show", core, "0x1234567")
    tap.check("show of an address that nobody waits for", code == FAILED and out == ""
              and cli.one_line(err), err)


def members(core):
    for wanted, shown in ((0, 0), (2, 2), (100, cli.NUM_CONSUMERS)):
        group, = cli.groups_with(cli.report("--members", str(wanted), core)[1], "consume")
        tap.equal("--members %d" % wanted, (len(group["members"]), group["members_truncated"]),
                  (shown, shown < cli.NUM_CONSUMERS))
    tids = [str(tid) for tid in cli.groups_with(cli.report(core)[1], "consume")[0]["members"]]
    for wanted in (1, 4):
        text = cli.run("--members=%d" % wanted, "--focus=^consume$", core)[1]
        tap.equal("text: --members %d" % wanted,
                  sum(bool(re.search(r"\b%s\b" % tid, text)) for tid in tids), wanted)


def limits(core):
    code, out, _ = cli.run("--limit", "1", core)
    tap.check("--limit 1: the largest group alone", code == CLEAN and "consume" in out
              and "lonely" not in out and "doze" not in out, out)
    tap.check("--limit 1: says that there are more", re.search(r"\b4\b", out), out)
    _, out, _ = cli.run(core)
    tap.check("without --limit: all five", all(
        name in out for name in ("consume", "nap", "lonely", "doze", "main")), out)
    tap.equal("--limit does not touch JSON", cli.run("--json", "--limit=1", core),
              cli.run("--json", core))
    tap.check("-v shows more than the default", len(cli.run("-v", core)[1]) > len(out))
    code, report, _ = cli.report("--max-frames=2", core)
    tap.check("--max-frames", all(len(group["frames"]) <= 2 + sum(
        frame["inlined"] for frame in group["frames"]) for group in report["groups"]))
    tap.check("--max-frames: a stack that it cut says so",
              any(group["stack_end"] == "limit" for group in report["groups"]))
    code, out, err = cli.run("--max-memory=64K", core)
    tap.check("--max-memory: exit 2 and one line", code == FAILED and out == ""
              and cli.one_line(err), "%d %s%s" % (code, out, err))
    tap.equal("--max-memory: enough", cli.run("--max-memory=1G", core), cli.run(core))


def fail_on(core):
    for arguments, want in {
            (): CLEAN,
            ("--fail-on=suspect",): CLEAN,
            ("--threshold=6",): CLEAN,
            ("--threshold=6", "--fail-on=none"): CLEAN,
            ("--threshold=6", "--fail-on=suspect"): FINDINGS,
            ("--threshold=7", "--fail-on=suspect"): CLEAN,
            ("--threshold=6", "--fail-on=likely"): CLEAN,
            ("--threshold=6", "--fail-on=proved"): CLEAN,
            ("--max-total=12", "--fail-on=suspect"): FINDINGS,
            ("--max-total=13", "--fail-on=suspect"): CLEAN,
            ("--threshold=6", "--fail-on=suspect", "--ignore=^consume$"): CLEAN}.items():
        code, out, err = cli.run(*arguments, core)
        tap.equal("exit code: " + " ".join(arguments), (code, err), (want, ""))
    report = cli.report("--threshold=6", core)[1]
    tap.equal("--threshold: the finding", [(finding["rule"], finding["certainty"])
                                           for finding in report["findings"]],
              [("runaway-duplicates", "suspect")])
    group, = cli.groups_with(report, "consume")
    tap.equal("--threshold: the group's verdict", group["verdict"], "suspect")


def show(core, report):
    group, = cli.groups_with(report, "consume")
    first = cli.run("show", core, "1")
    tap.check("show CORE 1: the largest group", first[0] == CLEAN and "consume" in first[1]
              and "lonely" not in first[1] and first[2] == "", first[1] + first[2])
    tap.equal("show CORE ID", cli.run("show", core, group["id"]), first)
    tap.equal("show CORE PREFIX", cli.run("show", core, group["id"][:6]), first)
    tid = group["members"][3]
    code, out, err = cli.run("show", core, "thread:%d" % tid)
    tap.check("show CORE thread:TID", code == CLEAN and err == "" and str(tid) in out
              and "consume" in out, out + err)
    code, task, err = cli.report("show", core, "thread:%d" % tid)
    tap.check("show --json", code == CLEAN and task and task["schema"] == "coreleaks/1"
              and task["task"]["id"] == tid
              and set(task["task"]["registers"]) >= {"pc", "sp", "bp"}
              and "consume" in frames(task["task"]), str(task) + err)
    for name in ("thread:1", "t-nosuch", "99", "0", "goroutine:1", "t-", "", "thread:x"):
        code, out, err = cli.run("show", core, name)
        tap.check("show CORE '%s': nothing of that name" % name,
                  code == FAILED and out == "" and cli.one_line(err), "%d %s%s" % (code, out, err))


def frames(task):
    return [frame["function"] for frame in task["frames"]]


def hints(core):
    def hinted(*arguments):
        found = re.findall(r"(?m)^\S*\s*(coreleaks .*show .*)$", cli.run(
            *arguments, env={"COLUMNS": "10000"})[1])
        return found[-1].split(" show ")[0] if found else None

    tap.equal("a hint", hinted(core), "coreleaks")
    arguments = ["--group-by=function", "--threshold=3", "--min-count=2", "--debug-dir=/a b'c"]
    tap.equal("a hint repeats what decides the groups", hinted(*arguments, core, cli.program()),
              "coreleaks --group-by=function --threshold=3 --debug-dir='/a b'\\''c' --executable="
              + cli.program())


CORE = cli.core()
REPORT = plain(CORE)
repeatable(CORE)
filters(CORE, REPORT)
grouping(CORE, REPORT)
waits(CORE, REPORT)
members(CORE)
limits(CORE)
fail_on(CORE)
show(CORE, REPORT)
hints(CORE)
schema(CORE, REPORT)
tap.done()

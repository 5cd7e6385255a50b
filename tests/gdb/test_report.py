#!/usr/bin/python3
"""The report model: what it reads, what it tolerates, what it refuses."""

import copy
import json

import support
import tap

support.import_package()
from leaks import report
from leaks.errors import LeaksError

IDS = [100, 101, 102, 103, 104, 105]


def load(document, code=0):
    return report.load(json.dumps(document).encode(), code, "tool")


def refusal(call, *args):
    try:
        call(*args)
    except LeaksError as error:
        return str(error)
    return None


def without(document, path):
    """A copy of document without the field that path leads to."""
    changed = copy.deepcopy(document)
    at = changed
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return changed


def changed_to(document, path, value):
    changed = copy.deepcopy(document)
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return changed


def paths_in(value, path=()):
    """The paths of all fields and items of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for step, item in items:
        yield path + (step,)
        if isinstance(item, (dict, list)):
            yield from paths_in(item, path + (step,))


canned = support.canned(IDS)
good = load(canned)
tap.equal("groups keep the analyzer's order", [group.id for group in good.groups],
          ["t-aaaa00000001", "t-aaaa00000002", "t-bbbb00000003"])
tap.equal("ranks begin at 1", [group.rank for group in good.groups], [1, 2, 3])
tap.equal("frames", [(frame.function, frame.file, frame.line) for frame in good.groups[0].frames],
          [("futex_wait", None, 0), ("consume", "/src/worker.c", 12),
           ("start_thread", "/src/worker.c", 442)])
tap.equal("a complete report", good.incomplete, False)
tap.equal("exit code 3 is incomplete", load(canned, 3).incomplete, True)
tap.equal("a gap can make it incomplete", load(dict(canned, gaps=[
    {"kind": "core-truncated", "count": 1, "incomplete": True, "detail": "cut"}])).incomplete, True)

tap.equal("a group by rank", good.group("2").id, "t-aaaa00000002")
tap.equal("a group by id", good.group("t-bbbb00000003").rank, 3)
tap.equal("a group by prefix", good.group("t-b").rank, 3)
tap.equal("no such rank", [good.group(name) for name in ("0", "4", "99999999999")], [None] * 3)
tap.equal("no such id", good.group("t-c"), None)
tap.equal("an ambiguous prefix names the groups", refusal(good.group, "t-a"),
          "\"t-a\" is ambiguous: t-aaaa00000001, t-aaaa00000002.")
split = copy.deepcopy(canned)
split["groups"][1]["id"] = "t-aaaa00000001.proved"
tap.equal("a whole id wins over one that begins with it",
          load(split).group("t-aaaa00000001").rank, 1)
tap.equal("the group of a thread", good.group_of_thread(104).rank, 2)
tap.equal("a thread in no group", good.group_of_thread(1), None)
tap.equal("a goroutine of that number is no thread", load(changed_to(
    canned, ("groups", 1, "kind"), "goroutine")).group_of_thread(104), None)
tap.equal("all threads", sorted(good.thread_ids()), IDS)

tap.check("unknown fields are left alone", load(changed_to(canned, ("new",), {"x": [1]})).groups)
needed = {("schema",), ("core",), ("summary",), ("groups",)}
tolerated = [path for path in paths_in(canned) if path not in needed]
broken = []
for path in tolerated:
    for value in (None, 1, -1.5, "x", [], {}, [1], True):
        try:
            load(changed_to(canned, path, value))
        except Exception as error:
            broken.append((path, value, error))
    try:
        load(without(canned, path))
    except Exception as error:
        broken.append((path, "missing", error))
tap.equal("%d fields may be missing, or of any type" % len(tolerated), broken, [])

for name, data in (("nothing", b""), ("text", b"hello\n"), ("half a report", b'{"schema":"core'),
                   ("a list", b"[]"), ("no schema", b"{}"), ("bytes", b"\xff\xfe\x00"),
                   ("deep nesting", b"[" * 100000)):
    tap.equal("refuse " + name, refusal(report.load, data, 0, "tool"),
              "tool did not print a report; is it coreleaks?")
said = refusal(load, dict(canned, schema="coreleaks/2"))
tap.check("another version names both", said and "\"coreleaks/2\"" in said and
          "coreleaks/1" in said.replace("coreleaks/2", ""), said)
for name in ("core", "summary", "groups"):
    said = refusal(load, without(canned, (name,)))
    tap.check("refuse a report without " + name, said and "without core" in said, said)
    said = refusal(load, dict(canned, **{name: 5}))
    tap.check("refuse a report with a wrong " + name, said and "without core" in said, said)
tap.done()

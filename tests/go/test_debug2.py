"""The readers of truths and of .expect files, and the comparison, on texts made for it."""

import copy
import os
import sys

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import compare
import debug2
import goexpect

TEXT = """\
# version go1.27.4
# goroutines 4
# gomaxprocs 2
# writer 1
# label 7 path=/a=b
# label 7 who=me
goroutine 1 [running]:
samples/truth.Ready(0x0)
	/src/truth.go:46 +0x6d
main.main()
	/src/main.go:38 +0x53

goroutine 7 [chan receive (nil chan), 12 minutes, locked to thread]:
main.(*queue[...]).take(...)
	/src/a b/main.go:12
main.run({0x1, {0x2, ...}}, 0x3?, ...)
	/src/a b/main.go:14 +0x19
created by main.start.func1 in goroutine 3
	/src/main.go:20 +0xa2
[originating from goroutine 3]:
main.start(...)
	/src/main.go:21 +0x1
created by main.main
	/src/main.go:30 +0x2

goroutine 9 [chan send (leaked), synctest bubble 4] {"a b": "x\\"y\\u00e9", c: d.e}:
main.send(0x1)
	/src/main.go:5 +0x8 fp=0xc00 sp=0xc01 pc=0x47
...13 frames elided...
main.last()
	/src/main.go:6 +0x9
created by main.main in goroutine 1
	/src/main.go:31 +0x3

goroutine 10 gp=0xc000 m=3 mp=0xc00 [select (no cases) (durable) (scan)]:
	goroutine running on other thread; stack unavailable
created by main.main
	/src/main.go:32 +0x4
"""

EXPECT_NOT = [
    ("a frame without a place", "goroutine 1 [running]:\nmain.main()\n"),
    ("a place without a frame", "goroutine 1 [running]:\n\t/a.go:1 +0x1\n"),
    ("a frame outside of a goroutine", "main.main()\n\t/a.go:1 +0x1\n"),
    ("an unknown attribute", "goroutine 1 [sleep, asleep]:\n"),
    ("a line that is nothing", "goroutine 1 [sleep]:\nmain.main() calls\n"),
    ("a header with something behind it", "goroutine 1 [sleep]: yes\n"),
]


def check_parser():
    """Fields of all that a text can hold."""
    first, second, third, fourth = debug2.parse(TEXT)
    tap.equal("ids", [g.id for g in (first, second, third, fourth)], [1, 7, 9, 10])
    tap.equal("reasons", [g.reason for g in (first, second, third, fourth)],
              ["running", "chan receive (nil chan)", "chan send", "select (no cases)"])
    tap.equal("names in brackets", second.functions, ["main.(*queue[...]).take", "main.run"])
    tap.equal("places", [(frame["file"], frame["line"]) for frame in second.frames],
              [("/src/a b/main.go", 12), ("/src/a b/main.go", 14)])
    tap.equal("inlined frames", [frame["inlined"] for frame in second.frames], [True, False])
    tap.equal("minutes, thread", (second.minutes, second.locked, third.locked), (12, True, False))
    tap.equal("creation", (second.created_by, second.creator),
              ({"function": "main.start.func1", "file": "/src/main.go", "line": 20}, 3))
    tap.equal("an ancestor", [(g.id, g.functions, g.created_by["line"]) for g in second.ancestors],
              [(3, ["main.start"], 30)])
    tap.equal("creation without a goroutine", (fourth.created_by["line"], fourth.creator),
              (32, None))
    tap.equal("leaked, durable, scan",
              [(g.leaked, g.durable, g.scan) for g in (second, third, fourth)],
              [(False, False, False), (True, False, False), (False, True, True)])
    tap.equal("bubble", (third.bubble, second.bubble), (4, None))
    tap.equal("labels of the header", third.labels, {"a b": 'x"y\u00e9', "c": "d.e"})
    tap.equal("elided frames", (third.elided, third.functions), (1, ["main.send", "main.last"]))
    tap.equal("old words for elided frames",
              debug2.parse("goroutine 1 [sleep]:\nmain.f()\n\t/a.go:1 +0x1\n"
                           "...additional frames elided...\n")[0].elided, 1)
    goroutines, notes = debug2.parse_truth(TEXT)
    tap.equal("notes", (notes["version"], notes["writer"]), (["go1.27.4"], ["1"]))
    tap.equal("labels of the notes", goroutines[1].labels, {"path": "/a=b", "who": "me"})
    deep = "goroutine 1 [sleep]:\n" + "main.f()\n\t/a.go:1 +0x1\n" * 97
    tap.equal("a deep stack is cut in silence before 1.21",
              [debug2.parse_truth("# version go1.%d.4\n%s" % (minor, deep))[0][0].elided
               for minor in (19, 21)], [97, None])
    for name, text in EXPECT_NOT:
        try:
            got = debug2.parse(text)
        except debug2.ParseError:
            got = None
        tap.check("refused: " + name, got is None, got)


def check_expectations():
    """Values by version, and what does not fit."""
    pairs = [("reason", "new"), ("reason<1.24", "middle"), ("reason<1.20", "old"), ("count", "1")]
    tap.equal("values by version", [goexpect._versioned(pairs, version)["reason"]
                                    for version in ("1.19", "1.20", "1.23", "1.24", "1.27")],
              ["old", "middle", "middle", "new", "new"])
    goroutine = debug2.parse(TEXT)[1]
    group = {"state": "waiting", "reason": "chan receive (nil chan)", "leaked": "no",
             "frames": ["main.(*queue[...]).take"], "created_by": "start.func1:20",
             "locked": "yes", "labels": {}}
    tap.check("a goroutine that fits", goexpect.fits(goroutine, group))
    for key, value in [("state", "syscall"), ("reason", "sleep"), ("frames", ["main.other"]),
                       ("created_by", "start.func1:21"), ("created_by", "start"),
                       ("created_by", "none"), ("locked", "no"), ("labels", {"a": "b"}),
                       ("leaked", "yes"), ("frames", ["main.run", "main.(*queue[...]).take"])]:
        tap.check("does not fit: %s %s" % (key, value),
                  not goexpect.fits(goroutine, dict(group, **{key: value})))


# ---- The comparison ---------------------------------------------------------------------------


def frame(function, file, line, inlined=False):
    return {"function": function, "file": file, "line": line, "inlined": inlined,
            "trust": "pclntab"}


PARK = [frame("runtime.gopark", "/go/proc.go", 1), frame("runtime.chanrecv1", "/go/chan.go", 2)]
EXIT = [frame("runtime.goexit", "/go/asm.s", 3)]


def group(number, frames, reason, line=None, **other):
    """A group of one goroutine, as in formats.md."""
    by = {"function": "main.main", "file": "/src/main.go", "line": line} if line else None
    return {"id": "g-%d" % number, "kind": "goroutine", "count": 1, "members": [number],
            "members_truncated": False, "state": "waiting", "reason": reason, "frames": frames,
            "stack_end": "complete", "created_by": by, "labels": {}, **other}


def right_report():
    """What a report of TEXT must be."""
    take = "main.(*queue[go.shape.struct { a []int }]).take"
    second = PARK + [frame(take, "/src/a b/main.go", 12, True),
                     frame("main.run", "/src/a b/main.go", 14)]
    third = [frame("main.send", "/src/main.go", 5), frame("main.mid", "/src/main.go", 8),
             frame("main.last", "/src/main.go", 6)]
    groups = [
        group(1, [frame("time.Sleep", "/go/time.go", 1), frame(compare.REST, "/t.go", 2),
                  frame("main.main", "/src/main.go", 39)], "sleep"),
        group(7, second + [frame("main.start.func1.1", "/src/main.go", 20)] + EXIT,
              "chan receive (nil chan)", labels={"path": "/a=b", "who": "me"}),
        group(9, PARK + third + [frame("main.main.gowrap1", "/src/main.go", 31)] + EXIT,
              "chan send", 31, labels={"a b": 'x"y\u00e9', "c": "d.e"}),
        group(10, PARK + EXIT, "select (no cases)", 32),
        group(2, PARK + [frame("runtime.bgsweep", "/go/gc.go", 1)] + EXIT, "GC sweep wait"),
    ]
    groups[1]["created_by"] = {"function": "main.start.func1", "file": "/src/main.go", "line": 20}
    labels = {number: item["labels"] for item in groups for number in item["members"]}
    tasks = [{"kind": "goroutine", "id": number, "creator": creator, "labels": labels[number]}
             for number, creator in [(1, None), (2, None), (7, 3), (9, 1), (10, None)]]
    tasks[2]["ancestors"] = [{"id": 3, "created_by": {"function": "main.main",
                                                      "file": "/src/main.go", "line": 30}}]
    return {"groups": groups, "tasks": tasks,
            "go": {"version": "go1.27.4", "num_goroutine": 4, "gomaxprocs": 2,
                   "runtime_marked_leaked": 1}}


def spoil(report, path, value):
    """A copy of a report with another value at a path; the value None takes an item away."""
    spoilt = copy.deepcopy(report)
    *way, last = path
    inner = spoilt
    for step in way:
        inner = inner[step]
    if value is None and isinstance(inner, list):
        del inner[last]
    else:
        inner[last] = value
    return spoilt


SPOILT = [
    ("a goroutine is missing", ("groups", 1), None),
    ("one more goroutine", ("groups", 4, "frames", 2, "function"), "main.unknown"),
    ("a goroutine twice", ("groups", 4, "members"), [2, 9]),
    ("another state", ("groups", 1, "state"), "syscall"),
    ("another reason", ("groups", 2, "reason"), "chan receive"),
    ("no reason", ("groups", 2, "reason"), None),
    ("another function", ("groups", 1, "frames", 3, "function"), "main.walk"),
    ("no function", ("groups", 1, "frames", 3, "function"), None),
    ("another file", ("groups", 1, "frames", 3, "file"), "main.go"),
    ("another line", ("groups", 1, "frames", 3, "line"), 15),
    ("a frame that is inlined, and is not", ("groups", 1, "frames", 3, "inlined"), True),
    ("a frame is missing", ("groups", 1, "frames", 2), None),
    ("a frame too much", ("groups", 1, "frames", 1, "function"), "main.receive"),
    ("an exported function of the runtime too much", ("groups", 1, "frames", 1, "function"),
     "runtime.Goexit"),
    ("an elided stack's last frame", ("groups", 2, "frames", 4, "line"), 7),
    ("a stack that is not complete", ("groups", 1, "stack_end"), "broken"),
    ("another creator", ("groups", 1, "created_by", "function"), "main.start"),
    ("another line of creation", ("groups", 1, "created_by", "line"), 21),
    ("no creator", ("groups", 3, "created_by"), None),
    ("another goroutine of creation", ("tasks", 2, "creator"), 4),
    ("another ancestor", ("tasks", 2, "ancestors", 0, "id"), 4),
    ("an ancestor made elsewhere", ("tasks", 2, "ancestors", 0, "created_by", "line"), 31),
    ("an ancestor without a maker", ("tasks", 2, "ancestors", 0, "created_by"), None),
    ("no ancestor", ("tasks", 2, "ancestors"), []),
    ("more ancestors", ("tasks", 2, "more_ancestors"), 1),
    ("a label less", ("tasks", 2, "labels"), {"who": "me"}),
    ("a label that not all members have", ("groups", 1, "labels"), {"who": "you"}),
    ("labels where there are none", ("groups", 3, "labels"), {"who": "me"}),
    ("the writer is elsewhere", ("groups", 0, "frames", 1, "function"), "main.rest"),
    ("the writer waits for something else", ("groups", 0, "reason"), "IO wait"),
    ("another number of goroutines", ("go", "num_goroutine"), 5),
    ("another version", ("go", "version"), "go1.27"),
    ("no number of leaked ones", ("go", "runtime_marked_leaked"), None),
    ("nothing about Go", ("go",), None),
]


def check_comparison():
    """It accepts what is right, and each single fault makes it speak."""
    report = right_report()
    tap.equal("a right report has no differences", compare.differences(report, TEXT), [])
    for name, path, value in SPOILT:
        wrong = compare.differences(spoil(report, path, value), TEXT)
        tap.check("noticed: " + name, len(wrong) >= 1, wrong)
    crashed = spoil(report, ("groups", 0, "state"), "running")
    tap.equal("after a crash its goroutine is not looked at",
              compare.differences(crashed, TEXT, "crash"), [])


check_parser()
check_expectations()
check_comparison()
tap.done()

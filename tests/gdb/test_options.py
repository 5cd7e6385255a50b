#!/usr/bin/python3
"""Options of the command: parsing, abbreviations, completion, what the analyzer is told."""

import support
import tap

support.import_package()
from leaks import completion, options, report
from leaks.errors import LeaksError

PARSED = [
    ([], {}),
    (["-all"], {"all": True}),
    (["--all"], {"all": True}),
    (["-al"], {"all": True}),
    (["-min", "5", "-focus", "a b"], {"min": 5, "focus": "a b"}),
    (["--min=5"], {"min": 5}),
    (["--focus=a=b"], {"focus": "a=b"}),
    (["-focus", "-x"], {"focus": "-x"}),
    (["-limit", "0"], {"limit": 0}),
    (["-min", "1", "-min", "2"], {"min": 2}),
]

REFUSED = [
    (["foo"], "\"foo\" is no option or subcommand"),
    (["-"], "\"-\" is no option or subcommand"),
    (["-nope"], "Unrecognized option at: -nope"),
    (["-focus"], "-focus requires a value: REGEX"),
    (["-min", "x"], "-min requires a number, not \"x\""),
    (["-min", "-1"], "-min requires a number, not \"-1\""),
    (["-min", "1_0"], "-min requires a number"),
    (["-min", "\u0663"], "-min requires a number"),
    (["-min", "1" * 5000], "-min requires a number"),
    (["-min", ""], "-min requires a number"),
    (["--all=1"], "-all takes no value"),
    (["-li", "1", "-f"], "-focus requires a value"),
    (["-"], "no option"),
]

# What stands on the line behind "leaks ", what GDB takes for its last word, what it can become.
COMPLETED = [
    ("-f", "f", ["focus"]),
    ("--f", "f", ["focus"]),
    ("-", "", [option.name for option in options.OPTIONS]),
    ("-group-b", "b", ["by"]),
    ("-group-by ", "", ["line", "function", "pc", "creator", "reason", "object", "label:"]),
    ("-group-by f", "f", ["function"]),
    ("-all -state r", "r", ["running", "runnable"]),
    ("-kind thread -v", "v", ["verdict"]),
    ("-focus ", "", []),
    ("-min ", "", []),
    ("xyz", "xyz", []),
]


def refusal(argv, known=options.OPTIONS):
    try:
        options.parse(argv, known)
    except LeaksError as error:
        return str(error)
    return None


for argv, values in PARSED:
    tap.equal("parse %r" % argv, options.parse(argv), values)

for argv, message in REFUSED:
    said = refusal(argv)
    tap.check("refuse %r" % argv, said is not None and message in said, said)


for text, word, wanted in COMPLETED:
    tap.equal("complete %r" % text, options.complete(text, word), wanted)

KNOWN = {"reason": ["chan\\ receive", "chan\\ send", "mutex"], "group-by": ["label:who"]}
for text, word, wanted in (
        ("-reason ", "", KNOWN["reason"]), ("-reason chan\\ re", "re", ["receive"]),
        ("-reason chan\\ ", "", ["receive", "send"]), ("-reason chan -", "", [
            option.name for option in options.OPTIONS]),
        ("-group-by label:", "", ["", "who"]), ("-kind g", "g", ["goroutine"])):
    tap.equal("complete %r by what is known" % text,
              options.complete(text, word, known=KNOWN), wanted)

for text, flags, wanted in (("", (), None), ("1", (), None), ("1 ", (), ""), (" 1 b", (), "b"),
                            ("1 p -x  y", (), "p -x  y"), ("-q", ("-q",), None),
                            ("-q 1 -s ", ("-q", "-s"), ""), ("-q 1 -s p", ("-q", "-s"), "p"),
                            ("-q 1 -s", ("-q", "-s"), None), ("1 -", ("-q",), "-")):
    tap.equal("behind one word of %r" % text, completion.rest_after(text, 1, flags), wanted)

goroutine = {"kind": "goroutine", "id": 18, "labels": {"who": "a b", "x": "'"}}
found = report.Report({"groups": [
    {"id": "g-1", "kind": "goroutine", "reason": "chan receive", "members": [18],
     "frames": [{"function": "main.(*T).run"}, {"function": "main.main"}, {"function": None}],
     "created_by": {"function": "main.start"}}], "tasks": [goroutine]}, 0)
tap.equal("what is known of a report", completion.known_values([found, found]), {
    "reason": ["chan\\ receive"], "focus": ["main.main"], "ignore": ["main.main"],
    "ancestor": ["main.start"], "root-goid": ["18"],
    "label": ["who", "who=a\\ b", "x", "x=\\'"], "group-by": ["label:who", "label:x"]})

two = options.OPTIONS + (options.OPTIONS[0]._replace(name="allow"),)
tap.equal("an ambiguous option names what it could be", refusal(["-al"], two),
          "-al: Ambiguous option: -all, -allow")
tap.equal("a whole name is not ambiguous", options.parse(["-all"], two), {"all": True})

tap.equal("the analyzer is told the same, in one order",
          options.analyzer_arguments({"threshold": 3, "focus": "a b", "all": True, "limit": 4,
                                      "min": 2, "group-by": "pc"}),
          ["--all", "--focus=a b", "--group-by=pc", "--min-count=2", "--threshold=3"])
tap.check("every option is in the help text",
          all("  -%s" % option.name in options.help_text() for option in options.OPTIONS),
          options.help_text())
tap.done()

#!/usr/bin/python3
"""Help, completion and settings of the command "leaks" are as those of GDB's own commands."""

import support
import tap

support.import_package()
from leaks import options

WORDS = ["leaks"] + ["leaks " + word for word in (
    "apply baseline compare doctor export findings goroutine goroutines graph group locks object "
    "open refresh taas thread tree watch why").split()]

COMPLETED = [
    ("leaks ", WORDS[1:]),
    ("leaks gro", ["leaks group"]),
    ("leaks -gr", ["leaks -group-by"]),
    ("leaks --gr", ["leaks --group-by"]),
    ("leaks -", ["leaks -" + name for name in sorted(option.name for option in options.OPTIONS)]),
    ("leaks -group-by ", ["leaks -group-by " + word for word in (
        "creator", "function", "label:", "line", "object", "pc", "reason")]),
    ("leaks -all -state ru", ["leaks -all -state runnable", "leaks -all -state running"]),
    ("leaks group ", ["leaks group t-aaaa00000001", "leaks group t-aaaa00000002",
                      "leaks group t-bbbb00000003"]),
    ("leaks group t-b", ["leaks group t-bbbb00000003"]),
    ("leaks group t-x", []),
    ("leaks tree -ro", ["leaks tree -root-goid"]),
    ("leaks goroutines -mi", ["leaks goroutines -min-age"]),
    ("leaks apply -", ["leaks apply -c", "leaks apply -q", "leaks apply -s"]),
    ("leaks apply all -", ["leaks apply all -c", "leaks apply all -q", "leaks apply all -s"]),
    ("leaks taas backtr", ["leaks taas backtrace"]),
    ("leaks apply all backtr", ["leaks apply all backtrace"]),
    ("leaks apply -q 1 -s info thr", ["leaks apply -q 1 -s info threads"]),
    ("leaks apply all info threads -g", ["leaks apply all info threads -gid"]),
    ("leaks goroutine 18 info loc", ["leaks goroutine 18 info locals"]),
    ("leaks goroutine o", ["leaks goroutine off"]),
    ("leaks -reason ", ["leaks -reason " + word for word in ("condition", "join", "mutex")]),
    ("leaks goroutines -reason m", ["leaks goroutines -reason mutex"]),
    ("leaks tree -all -focus con", ["leaks tree -all -focus consume"]),
    ("leaks -ignore start", ["leaks -ignore start_thread"]),
    ("leaks export -", ["leaks export -force"]),
    ("leaks graph -f", ["leaks graph -force"]),
    ("leaks compare -", ["leaks compare -v"]),
    ("set leaks ", ["set leaks " + name for name in (
        "analyzer-path", "debuginfod", "frame-notes", "hide-runtime-frames", "limit", "max-age",
        "rules-file", "temporary-directory", "threshold", "timeout")]),
    ("show leaks t", ["show leaks temporary-directory", "show leaks threshold",
                      "show leaks timeout"]),
]

SETTINGS = [
    ("show leaks analyzer-path", "The program that \"leaks\" runs is looked for.\n"),
    ("show leaks limit", "The number of groups that \"leaks\" prints is 20.\n"),
    ("show leaks threshold",
     "The number of threads with the same stack that are suspicious is 100.\n"),
    ("show leaks timeout", "The number of seconds that an analysis may take is 300.\n"),
    ("set leaks analyzer-path /x y", ""),
    ("set leaks temporary-directory /x y", ""),
    ("show leaks temporary-directory", "A core of a stopped program is kept in \"/x y\".\n"),
    ("set leaks temporary-directory", ""),
    ("set leaks limit unlimited", ""),
    ("set leaks threshold 5", ""),
    ("set leaks timeout 0", ""),
    ("show leaks", "analyzer-path:  The program that \"leaks\" runs is \"/x y\".\n"
     "debuginfod:  Fetching missing files from debuginfod servers is off.\n"
     "frame-notes:  Noting what a thread waits for is off.\n"
     "hide-runtime-frames:  Leaving out frames that only wait or start a thread is off.\n"
     "limit:  The number of groups that \"leaks\" prints is unlimited.\n"
     "max-age:  Goroutines that wait for more than 10m are suspicious.\n"
     "rules-file:  There is no file of rules that tell what to ignore.\n"
     "temporary-directory:  A core of a stopped program is kept in TMPDIR, or else in "
     "\"/var/tmp\".\n"
     "threshold:  The number of threads with the same stack that are suspicious is 5.\n"
     "timeout:  The number of seconds that an analysis may take is unlimited.\n"),
    ("set leaks analyzer-path", ""),
    ("show leaks analyzer-path", "The program that \"leaks\" runs is looked for.\n"),
]


def check_help(hunt):
    answers = hunt.gdb(["help " + word for word in WORDS] +
                       ["help set leaks", "set leaks", "apropos identical stacks",
                        "help set leaks timeout", "help show leaks timeout", "set leaks nope",
                        "show leaks nope"])
    answers, rest = answers[:len(WORDS)], answers[len(WORDS):]
    for word, answer in zip(WORDS, answers):
        lines = answer.out.splitlines()
        tap.check("help %s: one sentence, then its usage" % word,
                  lines[0].endswith(".") and lines[1].startswith("Usage: " + word), answer.out)
        tap.check("help %s fits a terminal" % word, max(map(len, lines)) <= 90, answer.out)
    tap.check("help leaks names every option",
              all("\n  -%s" % option.name in answers[0].out for option in options.OPTIONS),
              answers[0].out)
    tap.check("help leaks lists the subcommands", "leaks group -- Show one" in answers[0].out and
              "leaks thread -- Select" in answers[0].out, answers[0].out)
    tap.check("set leaks alone is its help", rest[1].out == rest[0].out and
              "set leaks timeout -- Set" in rest[0].out, rest[0].both)
    tap.check("info leaks is one of GDB's", hunt.gdb(["help info leaks"])[0].out.startswith(
        "Show what \"leaks\" works with"))
    tap.check("apropos finds it", "leaks -- Group the threads" in rest[2].out, rest[2].out)
    for answer in rest[3:5]:
        tap.check("a setting has its help", "How many seconds the analysis" in answer.out,
                  answer.out)
    tap.equal("no such setting", [answer.err for answer in rest[5:]],
              ["Undefined set leaks command: \"nope\".  Try \"help set leaks\".",
               "Undefined show leaks command: \"nope\".  Try \"help show leaks\"."])


def check_completion(hunt):
    threads = ("leaks thread %d" % hunt.ids[0], ["leaks thread %d" % hunt.ids[0]])
    answers = hunt.gdb(["complete leaks group ", "leaks"] +
                       ["complete " + text for text, _ in COMPLETED] +
                       ["complete " + threads[0], "complete leaks thread ",
                        "complete leaks why "],
                       analyzer=hunt.fake)
    tap.equal("completion makes no analysis", answers[0].both, "")
    for (text, wanted), answer in zip(COMPLETED + [threads], answers[2:]):
        tap.equal("complete " + text, answer.both.splitlines(), wanted)
    for at, name in ((-2, "thread"), (-1, "why")):
        tap.equal("complete leaks " + name, answers[at].out.splitlines(),
                  ["leaks %s %d" % (name, each) for each in sorted(hunt.ids, key=str)])
    tap.equal("one analysis, by leaks", len(hunt.calls()), 1)


def check_settings(hunt):
    answers = hunt.gdb([command for command, _ in SETTINGS])
    for (command, wanted), answer in zip(SETTINGS, answers):
        tap.equal(command, answer.both, wanted)


with support.hunt() as made:
    check_help(made)
    check_completion(made)
    check_settings(made)
tap.done()

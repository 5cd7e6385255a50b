#!/usr/bin/python3
"""The command line itself: usage errors, reserved options, strict numbers, help and man page."""

import re

import cli
import tap

USAGE = 64
RESERVED = {
    "--debuginfod": None,
    "--pid": "1",
}
WRONG_VALUES = [
    ("--root-goid", "0"), ("--root-goid", "main"), ("--root-goid", "9223372036854775808"),
    ("--min-count", "12x"), ("--min-count", ""), ("--min-count", "-1"), ("--min-count", "+1"),
    ("--min-count", " 1"), ("--min-count", "0"), ("--min-count", "4294967296"),
    ("--threshold", "0x10"), ("--threshold", "99999999999999999999999"), ("--max-total", "1e3"),
    ("--limit", "1.5"), ("--members", "all"), ("--max-frames", "0"), ("--max-memory", "12Q"),
    ("--max-memory", "1KB"), ("--max-memory", "0"), ("--max-memory", "99999999999999999T"),
    ("--max-memory", "K"), ("--timeout", "fast"), ("--timeout", "1m30"), ("--timeout", "0"),
    ("--timeout", "1s 2s"), ("--timeout", "99999999999999d"), ("--timeout", "-5s"),
    ("--color", "yes"), ("--progress", "1"), ("--format", "xml"), ("--kind", "process"),
    ("--state", "zombie"), ("--verdict", "guilty"), ("--group-by", "label"),
    ("--group-by", "label:"), ("--label", ""), ("--label", "=blue"), ("--max-age", "0"),
    ("--min-age", "old"),
    ("--fail-on", "any"), ("--source-url", "x"), ("--source-url", "https://host/x#L{line}"),
    ("--source-url", "{file}"), ("--source-url", "javascript:{file}"),
    ("--source-url", "DATA:{file}"), ("--source-url", "/x/{file}"),
]


def usage_errors():
    code, out, err = cli.run()
    tap.equal("without arguments: usage error", (code, out), (USAGE, ""))
    tap.check("without arguments: the usage is on stderr", err.startswith("Usage: coreleaks"), err)
    for name, arguments in {
            "unknown option": ["--nosuch", "core"], "missing value": ["core", "--focus"],
            "ambiguous option": ["--max", "core"], "too many arguments": ["a", "b", "c"],
            "four arguments": ["a", "b", "c", "d"], "report without core": ["report"],
            "show without core": ["show"], "show without id": ["show", "core"],
            "show with too much": ["show", "core", "1", "2"],
            "executable twice": ["-e", "a", "core", "b"],
            "value for a flag": ["--json=yes", "core"]}.items():
        code, out, err = cli.run(*arguments)
        tap.equal(name + ": exit code and no report", (code, out), (USAGE, ""))
        tap.check(name + ": says what", err.startswith("coreleaks: "), err)


def no_least_age():
    core = cli.core()
    tap.equal("--min-age 0 is the default", cli.report("--min-age", "0", core),
              cli.report(core))
    tap.check("... and 1s takes threads away", cli.run("--min-age", "1s", core) != cli.run(core))


def reserved():
    for option, value in RESERVED.items():
        arguments = [option] if value is None else [option, value]
        code, out, err = cli.run(*arguments, "core")
        tap.equal(option, (code, out, err),
                  (USAGE, "", "coreleaks: %s is not built yet\n" % option))
    tap.equal("-p is --pid", cli.run("-p", "12")[2], "coreleaks: --pid is not built yet\n")
    for word in ("watch",):
        tap.equal(word, cli.run(word, "--json", "core"),
                  (USAGE, "", "coreleaks: %s is not built yet\n" % word))


def wrong_values():
    for option, value in WRONG_VALUES:
        code, out, err = cli.run(option + "=" + value, "core")
        tap.check("%s='%s' is refused" % (option, value),
                  code == USAGE and out == "" and cli.one_line(err) and option in err, err)
    for option in ("--focus", "--ancestor"):
        code, _, err = cli.run(option, "(", cli.core())
        tap.check("a regular expression that is none: " + option,
                  code == USAGE and cli.one_line(err) and option in err, "%d %s" % (code, err))


def options_in(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def help_and_man():
    code, out, err = cli.run("--help")
    tap.equal("--help: exit code, nothing on stderr", (code, err), (0, ""))
    listed = options_in(re.sub(r"(?m)^(?! {2,6}-).*$", "", out))
    built, _, unbuilt = out.partition("Reserved: not built yet")
    with open(tap.ROOT + "/analyzer/man/coreleaks.1", encoding="utf-8") as file:
        page = re.sub(r"\\f[RBI]", " ", file.read().replace("\\-", "-"))
    tap.equal("--help and the man page name the same options", listed, options_in(page))
    tap.check("there are options at all", len(listed) > 40, str(listed))
    described = {option for line in page.splitlines() if line.startswith(" -")
                 for option in options_in(line)}
    tap.equal("the man page describes the built ones",
              described, options_in(re.sub(r"(?m)^(?! {2,6}-).*$", "", built))
              | {"--help", "--usage", "--version"})
    for option in RESERVED:
        tap.check("--help lists %s as reserved" % option, option in options_in(unbuilt), unbuilt)
    for option in sorted(described - options_in(unbuilt)):
        if option not in ("--help", "--usage", "--version"):
            _, _, err = cli.run(option, "1", "core")
            tap.check("%s is built" % option, "not built yet" not in err, err)
    code, out, err = cli.run("--version")
    tap.check("--version", code == 0 and re.fullmatch(r"coreleaks \d+\.\d+\.\d+\n", out), out)
    code, out, err = cli.run("show", "--usage")
    tap.check("--usage", code == 0 and out.startswith("Usage: coreleaks"), out)


def words():
    code, _, err = cli.run("shwo", "core")
    tap.check("a misspelt subcommand is a missing file, with a hint", code == 2 and
              "coreleaks: did you mean the subcommand 'show'?\n" in err
              and "No such file" in err, err)
    code, _, err = cli.run("shwo", "core", "1")
    tap.check("the hint comes with too many arguments as well", code == USAGE and "'show'" in err,
              err)
    code, _, err = cli.run("core.4711")
    tap.check("no hint for what is like no subcommand", code == 2 and cli.one_line(err), err)
    with cli.Scratch():
        open("report", "w", encoding="ascii").close()
        for arguments in (["./report"], ["--", "report"], ["report", "report"]):
            code, _, err = cli.run(*arguments)
            tap.check("a file called report: " + " ".join(arguments),
                      code == 2 and cli.one_line(err) and "report" in err, err)
        code, _, err = cli.run("a\nb\x1b[31mc")
        tap.check("control bytes of a name do not reach the terminal",
                  code == 2 and cli.one_line(err) and "\x1b" not in err, repr(err))


def limits():
    text = " ".join(cli.run("--help")[1].split())
    lost = [word for word in ("512 frames", "--max-frames", "10000000 tasks", "256 MiB", "64 KiB",
                              "1 TiB", "--max-memory", "--timeout", "network is never used")
            if word not in text.partition("Limits of every run")[2]]
    tap.equal("the limits of every run are in --help", lost, [])


usage_errors()
limits()
no_least_age()
reserved()
wrong_values()
help_and_man()
words()
tap.done()

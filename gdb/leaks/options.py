"""The options of the command "leaks": one row each, parsed and completed the way GDB does."""

import re
from collections import namedtuple

from .completion import continuations, split_last
from .errors import LeaksError
from .words import decimal

# cli: the option of coreleaks it becomes; None when only the listing is affected.
# value: what follows it, as the help text names it; None for a switch.
# words: values to complete; the analyzer is the one that checks them.
Option = namedtuple("Option", "name cli value words number help")


def _option(name, cli, value, help_text, words=(), number=False):
    return Option(name, cli, value, words, number, help_text)


OPTIONS = (
    _option("all", "--all", None,
            "Show system and benign groups too."),
    _option("focus", "--focus", "REGEX",
            "Show only groups with a frame that matches REGEX."),
    _option("ignore", "--ignore", "REGEX",
            "Leave out groups with a frame that matches REGEX."),
    _option("group-by", "--group-by", "line|function|pc|creator|reason|object|label:KEY",
            "What makes two threads equal; the default is line.  label:KEY is\n"
            "the value of that label of goroutines.",
            ("line", "function", "pc", "creator", "reason", "object", "label:")),
    _option("min", "--min-count", "N",
            "Show only groups of at least N threads.", number=True),
    _option("kind", "--kind", "thread|goroutine",
            "Show only groups of this kind.", ("thread", "goroutine")),
    _option("reason", "--reason", "REASON",
            "Show only groups that wait for this: mutex, condition, join,\n"
            "chan receive and so on."),
    _option("state", "--state", "STATE",
            "Show only groups in this state: running, runnable, syscall,\n"
            "waiting or exited.",
            ("running", "runnable", "syscall", "waiting", "exited")),
    _option("verdict", "--verdict", "VERDICT",
            "Show only groups with this verdict: proved, likely, suspect,\n"
            "unknown or benign.",
            ("proved", "likely", "suspect", "unknown", "benign")),
    _option("label", "--label", "KEY[=VALUE]",
            "Show only goroutines with this label (of runtime/pprof)."),
    _option("min-age", "--min-age", "DURATION",
            "Show only goroutines that are known to wait at least so long, as\n"
            "in 90s or 10m."),
    _option("root-goid", "--root-goid", "N",
            "Show only goroutine N and what descends from it.", number=True),
    _option("ancestor", "--ancestor", "REGEX",
            "Show only goroutines made in a function that REGEX matches, or that\n"
            "descend from one that was or that began with it."),
    _option("threshold", "--threshold", "N",
            "Suspect groups of N and more threads; the default is the\n"
            "setting \"leaks threshold\".", number=True),
    _option("limit", None, "N",
            "Print the first N groups, 0 for all; the default is the\n"
            "setting \"leaks limit\".", number=True),
)


# Of "leaks goroutines".
OF_GOROUTINES = tuple(
    _option("limit", None, "N", "Print the first N goroutines; the default is all.", number=True)
    if option.name == "limit" else option for option in OPTIONS
    if option.name not in ("kind", "threshold", "group-by", "min"))

# Of "leaks tree".
OF_TREE = tuple(option for option in OPTIONS
                if option.name not in ("threshold", "group-by", "min", "limit", "verdict"))


def help_text(options=OPTIONS):
    """The part of the command's help that describes the options."""
    lines = []
    for option in options:
        lines.append("  -%s%s" % (option.name, " " + option.value if option.value else ""))
        lines += ["    " + line for line in option.help.splitlines()]
        lines.append("")
    return "\n".join(lines[:-1])


def parse(argv, options=OPTIONS):
    """Turns the words of a command line into {option name: value}; a switch's value is True."""
    values = {}
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        option = _find(name, options)
        if option.value is None:
            if equals:
                raise LeaksError("-%s takes no value." % option.name)
            values[option.name] = True
            continue
        if not equals:
            value = next(words, None)
        if value is None:
            raise LeaksError("-%s requires a value: %s." % (option.name, option.value))
        values[option.name] = _number(option, value) if option.number else value
    return values


def analyzer_arguments(values):
    """The arguments for coreleaks that say the same as values, in a fixed order."""
    arguments = []
    for option in OPTIONS:
        if option.cli is None or option.name not in values:
            continue
        if option.value is None:
            arguments.append(option.cli)
        else:
            arguments.append("%s=%s" % (option.cli, values[option.name]))
    return arguments


def as_typed(values):
    """The words that parse() makes these values of."""
    return [word for option in OPTIONS if option.name in values for word in
            ["-" + option.name] + ([] if option.value is None else [str(values[option.name])])]


def in_gdb(line):
    """A line of the analyzer's, which names its own options, with those of this command."""
    for option in OPTIONS:
        if option.cli is not None:
            line = re.sub(r"(?<![\w-])%s(?![\w-])" % option.cli, "-" + option.name, line)
    return line


def complete(text, word, options=OPTIONS, known=()):
    """What the last word of text can become, for GDB, which takes word for its last part. known:
    see completion.known_values()."""
    before, last = split_last(text)
    option = _option_or_none(before[-1], options) if before else None
    if option is not None and option.value is not None:
        more = dict(known).get(option.name, ())
        return continuations(list(option.words) + list(more), last, word)
    dashes = "--" if last.startswith("--") else "-"
    return continuations([dashes + option.name for option in options], last, word)


def _option_or_none(word, options):
    try:
        return _find(word, options)
    except LeaksError:
        return None


def _find(word, options):
    name = word[2:] if word.startswith("--") else word[1:]
    if not word.startswith("-") or not name:
        raise LeaksError("\"%s\" is no option or subcommand of leaks; see \"help leaks\"." % word)
    found = [option for option in options if option.name.startswith(name)]
    exact = [option for option in found if option.name == name]
    if not found:
        raise LeaksError("Unrecognized option at: %s" % word)
    if len(found) > 1 and not exact:
        raise LeaksError("%s: Ambiguous option: %s" % (
            word, ", ".join("-" + option.name for option in found)))
    return exact[0] if exact else found[0]


def _number(option, value):
    number = decimal(value)
    if number is None:
        raise LeaksError("-%s requires a number, not \"%s\"." % (option.name, value))
    return number

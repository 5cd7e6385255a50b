"""The truth about a sample, samples/native/CASE.expect, and how a report is held against it.

One fact a line, `#` begins a comment:

    cflags -O2                   compiler flags besides -g -O1
    args 200                     arguments of the program
    threads 121                  threads in the core
    verdict suspect              of the whole report
    exit 0                       of coreleaks
    group KEY=VALUE...           one group; the report must have exactly the groups listed
        count=N state=WORD reason=WORD verdict=WORD   as in the report
        end=WORD                 how its stacks end (default complete)
        rules=A,B                findings that name it (default none)
        frames=a,b,c             these functions stand on the stack in this order, innermost
                                 first, with anything in between; a::b also matches x::a<T>::b

The files are written by hand from reading the sample's source, never from a report.
"""

import os
import re

import realcore


class Expectation:
    """What stands in one .expect file."""

    def __init__(self, case):
        self.case, self.args, self.threads, self.verdict, self.exit = case, [], None, None, None
        self.groups = []
        path = os.path.join(realcore.SAMPLES, case + ".expect")
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                self._take(line.split("#")[0].split(), "%s:%d" % (path, number))
        if None in (self.threads, self.verdict, self.exit) or not self.groups:
            raise ValueError("%s lacks threads, verdict, exit or group" % path)

    def _take(self, words, where):
        if not words:
            return
        name, values = words[0], words[1:]
        if name == "group":
            self.groups.append(_group(values, where))
        elif name == "args":
            self.args = values
        elif name == "threads":
            self.threads = int(values[0])
        elif name == "verdict":
            self.verdict = values[0]
        elif name == "exit":
            self.exit = int(values[0])
        elif name != "cflags":
            raise ValueError("%s: unknown line %r" % (where, name))

    @property
    def busy(self):
        """Threads that do not sleep."""
        return sum(group["count"] for group in self.groups if group["state"] == "running")


def _group(values, where):
    group = {"end": "complete", "rules": [], "frames": []}
    for value in values:
        key, _, text = value.partition("=")
        if key == "count":
            group[key] = int(text)
        elif key in ("rules", "frames"):
            group[key] = text.split(",")
        elif key in ("state", "reason", "verdict", "end"):
            group[key] = text
        else:
            raise ValueError("%s: unknown key %r" % (where, key))
    if not {"count", "state", "reason", "verdict"} <= set(group):
        raise ValueError("%s: a group needs count, state, reason and verdict" % where)
    return group


def plain_name(name):
    """A function's name without template arguments, parameters, clones, ABI tags and version."""
    if name is None:
        return None
    name = re.sub(r" ?\[clone [^]]*\]|\[abi:\w+\]| const$", "", name)
    name = re.sub(r"\{lambda\([^{}]*\)#\d+\}|<lambda[^<>]*>", "lambda", name)
    # Brackets that are part of an operator's name stay.
    name = name.replace("operator()", "operator\1").replace("operator<", "operator\2")
    before = None
    while before != name:
        before, name = name, re.sub(r"<[^<>]*>|\([^()]*\)", "", name)
    return name.split("@")[0].strip().replace("\1", "()").replace("\2", "<")


def function_matches(got, want):
    """got is want, with or without the scopes it lies in."""
    got = plain_name(got)
    return got is not None and (got == want or got.endswith("::" + want))


def has_frames(group, wanted):
    """The wanted functions stand in this order on the reported group's stack."""
    frames = iter(group["frames"])
    return all(any(function_matches(frame["function"], want) for frame in frames)
               for want in wanted)


def describe(group):
    """A reported group in the words of an .expect file."""
    names = ",".join(str(frame["function"]) for frame in group["frames"][:30])
    return "count=%s state=%s reason=%s verdict=%s end=%s rules=%s frames=%s" % (
        group["count"], group["state"], group["reason"], group["verdict"], group["stack_end"],
        ",".join(group["rules"]), names)


def differences(expectation, report):
    """Lines that say how a report differs from the truth; none when it does not."""
    lines = []
    if report["summary"]["threads"] != expectation.threads:
        lines.append("threads: got %s, want %s"
                     % (report["summary"]["threads"], expectation.threads))
    if report["summary"]["verdict"] != expectation.verdict:
        lines.append("verdict: got %s, want %s"
                     % (report["summary"]["verdict"], expectation.verdict))
    left = list(report["groups"])
    for want in expectation.groups:
        found = next((group for group in left if _is(group, want)), None)
        if found is None:
            lines.append("no such group: %s" % want)
        else:
            left.remove(found)
    return lines + ["not expected: " + describe(group) for group in left]


def _is(group, want):
    return (group["count"] == want["count"] and len(group["members"]) == want["count"]
            and group["state"] == want["state"] and group["reason"] == want["reason"]
            and group["verdict"] == want["verdict"] and group["stack_end"] == want["end"]
            and sorted(group["rules"]) == sorted(want["rules"])
            and has_frames(group, want["frames"]))

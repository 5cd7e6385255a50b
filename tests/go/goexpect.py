"""The truth about a Go sample, samples/go/CASE.expect, and how goroutines are held against it.

One fact a line, `#` begins a comment; words with blanks stand in quotes:

    since 1.23                   the oldest Go version that has what the sample shows
    cgo                          it needs cgo
    experiment<1.27 NAME         GOEXPERIMENT that Go before 1.27 is built with
    args 200                     arguments of the program
    env GODEBUG=x=1              its environment
    busy 2                       goroutines that do not rest
    goroutines 41                runtime.NumGoroutine(): main too, the runtime's own not
    group KEY=VALUE...           some goroutines; each is in exactly one group
        count=N                  how many
        state=WORD               as in a report: waiting (default), syscall, running, runnable
        reason=WORDS             the runtime's own; for the states besides waiting not looked at
        frames=a,b,c             these functions stand on the stack in this order, innermost
                                 first, with anything in between; the package main is left out
        created_by=FUNCTION      which started it; FUNCTION:LINE with the line; none
        locked=yes               bound to its thread (default no)
        labels=K=V;K=V           its profiler labels, all of them (default none)
        leaked=yes               the runtime itself has found it leaked (default no)
        since=1.25               the group is there since that version
        verdict=WORD             of the report (default: not looked at)
        told=no                  what they wait on is inside the standard library: the sample does
                                 not say what it is, as it does of all others that wait

Of a key with `<VERSION` behind its name, as in `reason<1.24=semacquire`, the value holds for
older versions; the oldest of several that fit is taken. The files are written by hand from reading
the sample's source, never from a report. The goroutine
that writes the truth (main, but for one case) is in no group: it moves on.
"""

import os
import shlex

SAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                       "samples", "go")
KEYS = {"count", "state", "reason", "frames", "created_by", "locked", "labels", "leaked", "since",
        "verdict", "told"}


def _minor(version):
    return int(version.split(".")[1])


def _versioned(pairs, version):
    """The values that hold for a version, of {"key" or "key<1.24": value}."""
    chosen = {}
    for key, value in pairs:
        name, _, limit = key.partition("<")
        rank = _minor(limit) if limit else 1000
        if not version or _minor(version) < rank:
            if name not in chosen or rank < chosen[name][0]:
                chosen[name] = (rank, value)
    return {name: value for name, (_, value) in chosen.items()}


class Expectation:
    """What stands in one .expect file."""

    def __init__(self, case):
        self.case, self.args, self.env, self.busy = case, [], {}, 0
        self.since, self.cgo = "1.19", False
        self._numbers, self._groups, self._experiments = [], [], []
        path = os.path.join(SAMPLES, case + ".expect")
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    self._take(shlex.split(line, comments=True))
                except (ValueError, IndexError, KeyError) as error:
                    raise ValueError("%s:%d: %s" % (path, number, error)) from error
        if not self._numbers or not self._groups:
            raise ValueError("%s lacks goroutines or group" % path)

    def _take(self, words):
        if not words:
            return
        (name, _, limit), values = words[0].partition("<"), words[1:]
        if name == "group":
            pairs = [value.split("=", 1) for value in values]
            unknown = {key.partition("<")[0] for key, _ in pairs} - KEYS
            if unknown:
                raise ValueError("unknown key %s" % ", ".join(sorted(unknown)))
            if not {"count", "frames"} <= {key.partition("<")[0] for key, _ in pairs}:
                raise ValueError("a group needs count and frames")
            self._groups.append(pairs)
        elif name == "goroutines":
            self._numbers.append((words[0], int(values[0])))
        elif name == "experiment":
            self._experiments.append((_minor(limit), values[0]))
        elif name == "args":
            self.args = values
        elif name == "env":
            self.env.update(value.split("=", 1) for value in values)
        elif name == "busy":
            self.busy = int(values[0])
        elif name == "since":
            self.since = values[0]
        elif name == "cgo":
            self.cgo = True
        else:
            raise ValueError("unknown line %r" % name)

    def experiment(self, version):
        """GOEXPERIMENT for a version."""
        return ",".join(name for limit, name in self._experiments if _minor(version) < limit)

    def goroutines(self, version):
        """runtime.NumGoroutine() of a version."""
        return _versioned(self._numbers, version)["goroutines"]

    def groups(self, version):
        """The groups of a version, each a dict of all keys."""
        groups = []
        for pairs in self._groups:
            group = {"state": "waiting", "reason": None, "created_by": None, "locked": "no",
                     "labels": "", "leaked": "no", "since": "1.19", "verdict": None,
                     "told": "yes"}
            group.update(_versioned(pairs, version))
            group["count"] = int(group["count"])
            group["frames"] = [_full(name) for name in group["frames"].split(",")]
            group["labels"] = dict(label.split("=", 1) for label in group["labels"].split(";")
                                   if label)
            if group["state"] == "waiting" and group["reason"] is None:
                raise ValueError("%s: a waiting group needs a reason" % self.case)
            if _minor(version) >= _minor(group["since"]):
                groups.append(group)
        return groups


def _full(name):
    """A function's name with its package; those of main are written without."""
    return name if name == "panic" or name.partition(".")[0] in PACKAGES else "main." + name


# As far as they stand in the .expect files.
PACKAGES = {"internal/poll", "io", "iter", "net", "net/http", "os", "os/signal", "runtime",
            "runtime/pprof", "sync", "syscall", "testing", "testing/synctest", "time"}


def state_of(goroutine):
    """A state as in a report, of the runtime's word for it."""
    return goroutine.reason if goroutine.reason in ("running", "runnable", "syscall") else "waiting"


def stands_on(functions, wanted):
    """The wanted functions stand in this order on a stack."""
    names = iter(functions)
    return all(any(name == want for name in names) for want in wanted)


def fits(goroutine, group):
    """Whether a goroutine of the truth belongs to a group, but for its number."""
    state = state_of(goroutine)
    # A goroutine that computes is running or has just been preempted.
    if {state, group["state"]} != {state} and {state, group["state"]} != {"running", "runnable"}:
        return False
    creator = goroutine.created_by
    by, _, line = (group["created_by"] or "").partition(":")
    return ((state != "waiting" or goroutine.reason == group["reason"])
            and stands_on(goroutine.functions, group["frames"])
            and goroutine.locked == (group["locked"] == "yes")
            and goroutine.leaked == (group["leaked"] == "yes")
            and goroutine.labels == group["labels"]
            and (not by or (creator is None if by == "none" else
                            creator is not None and creator["function"] == _full(by)
                            and (not line or creator["line"] == int(line)))))


def differences(wanted, version, goroutines, writer):
    """Lines that say how goroutines differ from an .expect file; none when they do not.

    The one that wrote the truth is left out. Labels must have been put into the goroutines.
    """
    left = [goroutine for goroutine in goroutines if goroutine.id != writer]
    lines = []
    for group in wanted.groups(version):
        members = [goroutine for goroutine in left if fits(goroutine, group)][:group["count"]]
        if len(members) != group["count"]:
            lines.append("%d instead of %d of: %s" % (len(members), group["count"], group))
        left = [goroutine for goroutine in left if goroutine not in members]
    return lines + ["in no group: %s" % describe(goroutine) for goroutine in left]


# Waits that a sample can say nothing of: only the runtime's own code is on the other side.
OF_RUNTIME = {"coroutine", "synctest.Run", "synctest.Wait"}


def untold(wanted, version, goroutines, writer, told):
    """Lines that say which waiting goroutines the truth does not say the waits of, told being the
    ids of those it does, and which are told=no without need."""
    silent = [group for group in wanted.groups(version) if group["told"] == "no"]
    lines = []
    for goroutine in goroutines:
        if goroutine.id == writer or state_of(goroutine) != "waiting":
            continue
        excused = goroutine.reason in OF_RUNTIME or any(fits(goroutine, group) for group in silent)
        if excused == (goroutine.id in told):
            lines.append("%s: %s" % ("told=no, and yet told" if excused else "not told",
                                     describe(goroutine)))
    return lines


def describe(goroutine):
    """A goroutine in the words of an .expect file."""
    return 'goroutine %d: state=%s reason="%s" frames=%s created_by=%s locked=%s labels=%s' % (
        goroutine.id, state_of(goroutine), goroutine.reason, ",".join(goroutine.functions[:12]),
        goroutine.created_by and "%(function)s:%(line)d" % goroutine.created_by,
        "yes" if goroutine.locked else "no",
        ";".join("%s=%s" % pair for pair in sorted(goroutine.labels.items())))

"""The truth about a sample, samples/native/CASE.expect, and how a report is held against it.

One fact a line, `#` begins a comment:

    source OTHER                 the program is that of samples/native/OTHER
    cflags -O2                   compiler flags besides -g -O1
    args 200                     arguments of the program
    threads 121                  threads in the core
    verdict suspect              of the whole report
    exit 0                       of coreleaks
    finished 1000                threads that ended, not joined (default: not looked at)
    hidden 4                     threads that a runtime keeps for itself (default: none); they
                                 are in none of the groups
    group KEY=VALUE...           one group; the report must have exactly the groups listed
        count=N state=WORD reason=WORD verdict=WORD   as in the report; reason none for null
        end=WORD                 how its stacks end (default complete)
        rules=A,B                findings that name it (default none)
        frames=a,b,c             these functions stand on the stack in this order, innermost
                                 first, with anything in between; a::b also matches x::a<T>::b
        object=KIND              all its objects are of this kind (default: not looked at)
        holder=FUNCTION          a thread with that function on its stack holds what each member
                                 waits for; `exited`: a thread that is gone; `none`: nobody known
        creator=FUNCTION         the code that creates its threads (default: not looked at);
                                 `inferred:FUNCTION`: hands their start routine to another one;
                                 `N-places`: one of so many; `none`: nothing is said
        waking=yes               the word each member sleeps on has changed (default no)
        was=WORD                 each member is in a signal handler, and this was its reason when
                                 the signal came (default none: in no handler)
        was_object=KIND          what it waited for then (default none)
        was_holder=FUNCTION      who holds that, as above (default none)
        readers=N writers=N      what each of its objects, read-write locks, counts: read locks
                                 held, and threads that wait in order to write
        candidates=F,G           the program's functions that the candidates for holding each of
                                 its objects stand in, in any order; `none`: there are none
    finding KEY=VALUE...         one finding; the report must have exactly those listed
        rule=RULE certainty=WORD
        count=N                  members; threads that have ended count too
        frames=a,b,c             as above, on the stack of every member
        says=a,b                 these words stand somewhere in its evidence and caveats
    blocker KEY=VALUE...         one that keeps others waiting; exactly those listed, in this order
        direct=N total=N         how many wait for it alone, and through others too
        reason=WORD              what it waits for itself
        objects=KIND,KIND        what of it they wait for, most waited for first
        frames=a,b,c             as above, on its stack

The files are written by hand from reading the sample's source, never from a report.
"""

import os
import re

import realcore


class Expectation:
    """What stands in one .expect file."""

    def __init__(self, case):
        self.case, self.args, self.threads, self.verdict, self.exit = case, [], None, None, None
        self.groups, self.findings, self.finished, self.hidden = [], [], None, 0
        self.blockers = []
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
        elif name == "finding":
            self.findings.append(_finding(values, where))
        elif name == "blocker":
            self.blockers.append(_blocker(values, where))
        elif name == "finished":
            self.finished = int(values[0])
        elif name == "hidden":
            self.hidden = int(values[0])
        elif name == "args":
            self.args = values
        elif name == "threads":
            self.threads = int(values[0])
        elif name == "verdict":
            self.verdict = values[0]
        elif name == "exit":
            self.exit = int(values[0])
        elif name not in ("cflags", "source"):
            raise ValueError("%s: unknown line %r" % (where, name))

    @property
    def busy(self):
        """Threads that do not sleep."""
        return sum(group["count"] for group in self.groups if group["state"] == "running")


def _group(values, where):
    group = {"end": "complete", "rules": [], "frames": [], "object": None, "holder": None,
             "waking": "no", "was": "none", "was_object": "none", "was_holder": "none",
             "readers": None, "writers": None, "candidates": None, "creator": None}
    for value in values:
        key, _, text = value.partition("=")
        if key == "count":
            group[key] = int(text)
        elif key in ("readers", "writers"):
            group[key] = int(text)
        elif key in ("rules", "frames"):
            group[key] = text.split(",")
        elif key == "candidates":
            group[key] = [] if text == "none" else text.split(",")
        elif key in ("state", "reason", "verdict", "end", "object", "holder", "waking", "was",
                     "was_object", "was_holder", "creator"):
            group[key] = text
        else:
            raise ValueError("%s: unknown key %r" % (where, key))
    if not {"count", "state", "reason", "verdict"} <= set(group):
        raise ValueError("%s: a group needs count, state, reason and verdict" % where)
    return group


def _finding(values, where):
    finding = {"frames": [], "says": []}
    for value in values:
        key, _, text = value.partition("=")
        if key == "count":
            finding[key] = int(text)
        elif key in ("frames", "says"):
            finding[key] = text.split(",")
        elif key in ("rule", "certainty"):
            finding[key] = text
        else:
            raise ValueError("%s: unknown key %r" % (where, key))
    if not {"rule", "certainty", "count"} <= set(finding):
        raise ValueError("%s: a finding needs rule, certainty and count" % where)
    return finding


def _blocker(values, where):
    blocker = dict(value.partition("=")[::2] for value in values)
    if set(blocker) != {"direct", "total", "reason", "objects", "frames"}:
        raise ValueError("%s: a blocker needs direct, total, reason, objects, frames" % where)
    blocker.update(direct=int(blocker["direct"]), total=int(blocker["total"]),
                   objects=blocker["objects"].split(","), frames=blocker["frames"].split(","))
    return blocker


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


def creator_words(group):
    """Who created a reported group's threads, in the words of an .expect file."""
    created_by, places = group["created_by"], group["created_by_places"]
    if created_by is None:
        return "none" if places is None else "%d-places" % places
    return ("inferred:" if created_by["inferred"] else "") + str(plain_name(created_by["function"]))


def describe(group):
    """A reported group in the words of an .expect file."""
    names = ",".join(str(frame["function"]) for frame in group["frames"][:30])
    was = (group["interrupted"] or {"reason": "none"})["reason"]
    return ("count=%s state=%s reason=%s was=%s verdict=%s end=%s rules=%s creator=%s frames=%s" % (
        group["count"], group["state"], group["reason"], was, group["verdict"],
        group["stack_end"], ",".join(group["rules"]), creator_words(group), names))


def describe_finding(finding):
    """A reported finding in the words of an .expect file."""
    return "rule=%s certainty=%s count=%d: %s" % (finding["rule"], finding["certainty"],
                                                  len(finding["members"]), finding["title"])


def differences(expectation, report):
    """Lines that say how a report differs from the truth; none when it does not."""
    lines = []
    summary = report["summary"]
    wanted = [("threads", expectation.threads), ("verdict", expectation.verdict),
              ("hidden", expectation.hidden), ("system", expectation.hidden)]
    if expectation.finished is not None:
        wanted.append(("finished_threads", expectation.finished))
    for name, want in wanted:
        if summary[name] != want:
            lines.append("%s: got %s, want %s" % (name, summary[name], want))
    stacks = _Stacks(report)
    lines += _left_over("group", expectation.groups, report["groups"],
                        lambda want, got: _is(want, got, stacks), describe)
    lines += _left_over("finding", expectation.findings, report["findings"],
                        lambda want, got: _is_finding(want, got, stacks), describe_finding)
    if len(report["blockers"]) != len(expectation.blockers) or not all(
            _is_blocker(want, got, stacks)
            for want, got in zip(expectation.blockers, report["blockers"])):
        lines.append("blockers: got %s, want %s"
                     % ([got["title"] for got in report["blockers"]], expectation.blockers))
    return lines


def _left_over(noun, wanted, reported, fits, words):
    """What is wanted and not there, and what is there and not wanted."""
    lines, left = [], list(reported)
    for want in wanted:
        found = next((got for got in left if fits(want, got)), None)
        if found is None:
            lines.append("no such %s: %s" % (noun, want))
        else:
            left.remove(found)
    return lines + ["not expected: %s %s" % (noun, words(got)) for got in left]


class _Stacks:
    """Stacks, holders and wake-ups by thread id."""

    def __init__(self, report):
        self.groups = {member: group for group in report["groups"] for member in group["members"]}
        self.holders = {task["id"]: task["holder"] for task in report["tasks"]}
        self.waking = {task["id"] for task in report["tasks"] if task["waking"]}
        self.interrupted = {task["id"]: task["interrupted"] for task in report["tasks"]}

    def has(self, tid, functions):
        """The functions stand on this thread's stack, in this order."""
        return tid in self.groups and has_frames(self.groups[tid], functions)

    def holder_fits(self, tid, want):
        """What this thread waits for is held as an .expect file says."""
        return self._is_holder(self.holders[tid], want)

    def was_fits(self, tid, want):
        """The signal whose handler this thread is in came as an .expect file says."""
        was = self.interrupted[tid]
        if was is None:
            return want["was"] == "none"
        kind = was["object"]["kind"] if was["object"] else "none"
        return ((was["reason"], kind) == (want["was"], want["was_object"])
                and self._is_holder(was["holder"], want["was_holder"]))

    def _is_holder(self, holder, want):
        if want == "none" or holder is None:
            return want == "none" and holder is None
        if want == "exited" or holder["state"] == "exited":
            return want == holder["state"]
        return self.has(holder["id"], [want])

    def candidates_fit(self, item, want):
        """The candidates for holding an object are those of an .expect file, each with the
        function on its stack."""
        got = item["holders_candidate"]
        if want is None or got is None:
            return want is None
        return (item["holders_candidate_count"] == len(got) == len(want)
                and len({candidate["id"] for candidate in got}) == len(got)
                and all(self.has(candidate["id"], [plain_name(candidate["function"])])
                        for candidate in got)
                and all(function_matches(candidate["function"], name) for candidate, name in
                        zip(sorted(got, key=lambda one: plain_name(one["function"])),
                            sorted(want))))


def _is(want, group, stacks):
    members = group["pthreads"] if want["state"] == "exited" else group["members"]
    kinds = {item["kind"] for item in group["objects"]}
    return (group["count"] == want["count"] and len(members) == want["count"]
            and group["state"] == want["state"]
            and (group["reason"] or "none") == want["reason"]
            and group["verdict"] == want["verdict"] and group["stack_end"] == want["end"]
            and sorted(group["rules"]) == sorted(want["rules"])
            and all((member in stacks.waking) == (want["waking"] == "yes")
                    for member in group["members"])
            and all(stacks.was_fits(member, want) for member in group["members"])
            and want["creator"] in (None, creator_words(group))
            and (want["object"] is None or kinds == {want["object"]})
            and (want["holder"] is None
                 or all(stacks.holder_fits(member, want["holder"])
                        for member in group["members"]))
            and all(_counts_fit(want, item) and stacks.candidates_fit(item, want["candidates"])
                    for item in group["objects"])
            and has_frames(group, want["frames"]))


def _counts_fit(want, item):
    """A read-write lock counts what an .expect file says."""
    detail = item["detail"]
    return all(want[key] is None or detail.get(name) == want[key]
               for key, name in (("readers", "readers"), ("writers", "writers_waiting")))


def _is_finding(want, finding, stacks):
    def has_stack(member):
        if member["id"] is None:
            return [member["start"]] == want["frames"]
        return stacks.has(member["id"], want["frames"])

    said = " ".join([item["what"] for item in finding["evidence"]] + finding["caveats"]).split()
    return (finding["rule"] == want["rule"] and finding["certainty"] == want["certainty"]
            and set(want["says"]) <= set(said)
            and len(finding["members"]) == want["count"]
            and all(map(has_stack, finding["members"] if want["frames"] else [])))


def _is_blocker(want, blocker, stacks):
    blocks = blocker["blocks"]
    return (blocks["direct"] == want["direct"] and blocks["total"] == want["total"]
            and len(blocks["members"]) == want["total"] and blocker["reason"] == want["reason"]
            and [item["kind"] for item in blocker["objects"]] == want["objects"]
            and not blocker["hidden"] and stacks.has(blocker["id"], want["frames"]))

"""What threads wait for, as lines of styled text, in the words of coreleaks' own text report: one
group's objects, one thread's chain, all locks, all findings."""

import os

from .report import Key, holder_key
from .words import clean, duration, plural, size, utc

_MAX_CHAIN = 16
_MAX_WAITERS = 8
_MAX_CANDIDATES = 4

# What one thread takes from another or is told by it; joins and files are none.
_NO_LOCKS = ("fd", "thread")


def object_text(item):
    """ "mutex 0x55d0 (accounts+16)", "looks like a mutex at 0x55d0", "fd 5" """
    kind, address = item.kind or "object", item.address or "?"
    if kind == "fd":
        return clean("fd %s" % _fd(address))
    what = "%s %s" % (kind, address) if item.certain else "looks like a %s at %s" % (kind, address)
    names = [name for name in (item.symbol, item.type) if name]
    return clean(what + (" (%s)" % ", ".join(names) if names else ""))


def group_lines(group, report):
    """What is said of a group's waits, one fact a line."""
    if group.kind == "goroutine":
        return [clean(line) for line in group.notes]
    lines = [_objects_and_limits(group, report), _candidates(group.objects[:1]),
             _interrupted(group, report), _start(group, report), creation_text(group)]
    return [clean(line) for line in lines if line]


def creation_text(group):
    creation = group.creation
    if creation.place is not None:
        # Go records it.
        source = ("" if group.kind == "goroutine" else
                  "(%sfrom the code): " % ("inferred " if creation.inferred else ""))
        return "created by %s%s" % (source, place_text(creation.place, " (%s)"))
    if creation.num_places:
        return "created at one of %s places in the code" % format(creation.num_places, ",")
    return ""


def stacks_text(stacks):
    """ "80 MiB reserved, 1.2 MiB resident, 900 KiB in use" of what is known; "" for nothing."""
    return ", ".join("%s %s" % (size(value), name) for value, name in (
        (stacks.reserved, "reserved"), (stacks.resident, "resident"), (stacks.used, "in use"))
        if value > 0)


def place_text(place, line):
    """ "reader (reader.c:12)"; line: how the latter is added."""
    name = place.function or "?? %s+%s" % (place.module or "no module", place.module_offset or "?")
    if not place.file:
        return name
    file = os.path.basename(place.file)
    return name + line % ("%s:%d" % (file, place.line) if place.line else file)


def _objects_and_limits(group, report):
    parts = []
    if group.objects:
        item = group.objects[0]
        if item.kind == "thread":
            parts.append(_joins(item))
        else:
            parts.append(object_text(item) + _held(item, report))
            if item.waiters > 1:
                parts.append("%s wait for it" % format(item.waiters, ","))
        rest = len(group.objects) - 1
        if rest:
            same = all(other.kind == item.kind for other in group.objects)
            parts.append("and " + _more(rest, item.kind if same and item.kind else "object"))
    tasks = report.members(group)
    limits = [task.wait.timeout for task in tasks]
    if limits and None not in limits and len({limit.kind for limit in limits}) == 1:
        parts.append(_limit(max(limits, key=lambda limit: limit.ns), report))
    num_waking = sum(task.wait.waking for task in tasks)
    if num_waking:
        parts.append("waking: its wake-up is under way" if len(tasks) == 1 else
                     "waking: the wake-up of %s is under way" % format(num_waking, ","))
    return "; ".join(parts)


def _candidates(objects):
    """Who may hold what does not record it."""
    if not objects or objects[0].candidates is None:
        return ""
    item = objects[0]
    if not item.num_readers and not item.num_candidates:
        return ""
    text = "its holder is not recorded"
    if item.num_readers > 0:
        text = "%s held on it; %s does not record whose" % (
            "1 read lock is" if item.num_readers == 1 else
            "%s read locks are" % format(item.num_readers, ","), item.type or "glibc")
    if not item.num_candidates:
        return text + "; no candidate: no other thread has its address in use"
    shown = ["thread %d%s" % (each.id, " (%s)" % place_text(each.place, ", %s")
                              if each.place else "")
             for each in item.candidates[:_MAX_CANDIDATES]]
    more = item.num_candidates - len(shown)
    return "%s; candidate%s: %s%s" % (text, "" if item.num_candidates == 1 else "s",
                                      ", ".join(shown),
                                      " and %s more" % format(more, ",") if more else "")


def _interrupted(group, report):
    if group.interrupted is None:
        return ""
    tasks = report.members(group)
    if group.count == len(tasks) == 1 and tasks[0].interrupted is not None:
        return _interrupted_task(tasks[0].interrupted, report)
    them = group.interrupted
    where = "in signal handlers"
    if them.count < group.count:
        where = "%s %s" % (format(them.count, ","), where)
    if them.objects:
        was = _was(them.objects[0], them.reason, report)
        more = len(them.objects) - 1
        was += "; and %s more" % format(more, ",") if more else ""
    else:
        was = them.reason or "different or unknown things"
    return "%s (were: %s)" % (where, was)


def _interrupted_task(wait, report):
    text = (_was(wait.object, wait.reason, report) if wait.object is not None else
            wait.reason or "it is unknown what")
    if wait.mutex:
        text += ", having given up mutex %s" % wait.mutex
    if wait.timeout is not None:
        text += ", " + _limit(wait.timeout, report)
    if wait.waking:
        text += "; the word it slept on has changed since"
    return "in signal handler (was: %s)" % text


def _was(item, reason, report):
    if item.kind == "thread":
        return "join of " + _joins(item)[len("joins "):]
    text = object_text(item) + _held(item, report)
    if not item.certain:
        return "what " + text
    return "%s on %s" % (reason, text) if reason and reason != item.kind else text


def _start(group, report):
    """Where the members were started, when no frame shows it."""
    starts = {task.start for task in report.members(group)}
    start = starts.pop() if len(starts) == 1 else None
    if not start or any(frame.function == start for frame in group.frames):
        return ""
    return "started as " + start


def _limit(timeout, report):
    if timeout.ns <= 0:
        return "with a time limit"
    if timeout.kind == "remaining":
        return "for at most %s more" % duration(timeout.ns)
    moment = utc(timeout.ns // 1000000000) if timeout.kind == "realtime" else None
    if timeout.kind == "monotonic":
        moment = duration(timeout.ns) + " after the machine's start"
    text = "until " + moment if moment is not None else "until %d.%d s on the %s clock" % (
        timeout.ns // 1000000000, timeout.ns % 1000000000 // 100000000, timeout.kind or "?")
    now = report.clocks.get(timeout.kind)
    if now is None:
        return text
    return text + (" (%s from now)" % duration(timeout.ns - now) if timeout.ns > now else
                   " (which has passed)")


def why_lines(first, report, said=None):
    """What the task of that Key waits for, whom that one waits for, and who waits for it. said: the
    analyzer's own lines about the former two."""
    kind = first.kind
    if first not in report.task_of:
        return [[("%s %d is not in the report." % (kind.capitalize(), first.id), None)]]
    lines, seen, at = _about(report.task_of[first], report), [], first
    lines += [[(clean(line), None)] for line in said or ()]
    while not said and at in report.task_of and at not in seen and len(seen) < _MAX_CHAIN:
        lines.append([("  and " if seen else "", None), (clean("%s %d " % at), "title"),
                      (_task_text(report.task_of[at], report), None)])
        seen.append(at)
        at = holder_key(report.task_of[at].wait)
    if at in seen:
        lines.append([(clean("  which is back at %s %d: a circle" % at), "highlight")])
    elif not said and at in report.task_of:
        lines.append([("  and so on", None)])
    item = report.task_of[first].wait.object
    candidates = _candidates([item] if item is not None else [])
    if candidates:
        lines.append([(clean(candidates), None)])
    waiters = sorted(task.id for task in report.tasks if holder_key(task.wait) == first)
    if waiters:
        lines.append([("%s for it: %s" % (
            "1 %s waits" % kind if len(waiters) == 1 else plural(len(waiters), kind) + " wait",
            _ids(waiters, len(waiters))), None)])
    lines += _blocked_by(first, report)
    about = [finding for finding in report.findings if first in finding.members]
    if not about:
        return lines + [[("no finding about this %s" % kind, None)]]
    return lines + [line for finding in about for line in finding_lines(finding)]


def _about(task, report):
    """What is known of a thread or goroutine besides its wait."""
    lines = []
    about = task.goroutine
    if about is not None:
        if about.wait_ns is not None:
            lines.append([("it has waited for at least %s" % duration(about.wait_ns), None)])
        if about.creator is not None:
            lines.append([("started by goroutine %d" % about.creator, None)])
        if about.thread is not None:
            lines.append([("%s thread %d" % ("locked to" if about.locked else "runs on",
                                             about.thread), None)])
    if report.core.get("signal_thread") == task.id and report.signal_name():
        lines.append([("it took %s" % report.signal_name(), "highlight")])
    if task.start:
        lines.append([(clean("started as %s%s" % (
            task.start, ", detached" if task.detached else "")), None)])
    if task.interrupted is not None:
        lines.append([(clean(_interrupted_task(task.interrupted, report)), None)])
    return lines


def _blocked_by(key, report):
    return [[("it blocks %s, %s of them directly: %s" % (
        _others(blocker.num_blocked),
        "all" if blocker.num_direct == blocker.num_blocked else format(blocker.num_direct, ","),
        _ids(blocker.blocked, blocker.num_blocked)), None)]
            for blocker in report.blockers if blocker.key == key]


def lock_lines(report):
    """Every lock-like object that threads wait for, the most waited for first, and the threads
    behind which others wait."""
    locks, lines = {}, []
    for task in report.tasks:
        item = task.wait.object
        if item is not None and item.kind not in _NO_LOCKS:
            locks.setdefault((item.address, item.kind), []).append(task)
    for _, tasks in sorted(locks.items(), key=lambda item: (-len(item[1]), str(item[0]))):
        item = tasks[0].wait.object
        lines.append([(object_text(item), "title"), (clean(_held(item, report)), None)])
        candidates = _candidates([item])
        if candidates:
            lines.append([(clean("  " + candidates), None)])
        ids = sorted(task.id for task in tasks)
        lines.append([("  %s: %s" % (plural(len(ids), "waiter"), _ids(ids, len(ids))),
                       "metadata")])
    lines += [[(clean(blocker.title), None)] for blocker in report.blockers if blocker.title]
    return lines or [[("No thread waits for a lock.", None)]]


def object_lines(where, report):
    """One object: its holder, all its waiters, and the findings about those."""
    tasks = [task for task in report.tasks if task.wait.object is not None and
             task.wait.object.kind not in _NO_LOCKS and
             _number_of(task.wait.object.address) == where]
    if not tasks:
        return [[("Nobody waits for an object at 0x%x." % where, None)]]
    item = tasks[0].wait.object
    lines = [[(object_text(item), "title"), (clean(_held(item, report)), None)]]
    candidates = _candidates([item])
    if candidates:
        lines.append([("  " + candidates, None)])
    lines.append([("  %s: %s" % (plural(len(tasks), "waiter"), " ".join(
        str(number) for number in sorted(task.id for task in tasks))), "metadata")])
    keys = {Key(task.kind, task.id) for task in tasks}
    for finding in report.findings:
        if keys.intersection(finding.members):
            lines += finding_lines(finding)
    return lines


def _number_of(text):
    try:
        return int(text or "", 16)
    except ValueError:
        return None


def summary_text(report):
    """ "34 threads in 6 groups, 2 findings" """
    counts = [report.summary.get(name) for name in ("threads", "goroutines")]
    parts = [plural(count, noun) for count, noun in zip(counts, ("thread", "goroutine"))
             if isinstance(count, int) and count]
    return "%s in %s shown, %s" % (" and ".join(parts) or "no threads",
                                   plural(len(report.groups), "group"),
                                   plural(len(report.findings), "finding"))


def findings_lines(report):
    if not report.findings:
        return [[("No findings.", None)]]
    return [line for finding in report.findings for line in finding_lines(finding)]


def finding_lines(finding):
    """One finding with its evidence and caveats."""
    rule = " (%s)" % finding.rule if finding.rule else ""
    lines = [[(clean(finding.certainty or "unknown").upper() + ": ", "highlight"),
              (clean((finding.title or finding.rule or "?") + rule), "title")]]
    for what, address in finding.evidence:
        said = not address or address in (what or "")
        if what:
            lines.append([(clean("  " + what + ("" if said else " (at %s)" % address)), None)])
    hint = [[("  hint: " + clean(finding.hint), "metadata")]] if finding.hint else []
    return lines + caveat_lines(finding) + hint


def caveat_lines(finding):
    return [[(clean("  not proved: " + what), "highlight")] for what in finding.caveats]


def edge_text(task, report):
    """ "waits for mutex 0x55d0, held by thread 4711": without its time limit"""
    item = task.wait.object
    if item is None:
        return "waits: " + (task.wait.reason or "it is unknown for what")
    if item.kind == "thread":
        return _joins(item)
    text = "waits for %s%s" % ("" if item.certain or item.kind == "fd" else "what ",
                               object_text(item))
    if item.kind == "fd":
        text += " (%s)" % (task.wait.reason or "?")
    text += _held(item, report)
    return text + (", having given up mutex %s" % task.wait.mutex if task.wait.mutex else "")


def note(task, report):
    """What a task waits for, in a few words."""
    if task.wait.object is not None:
        return clean(edge_text(task, report))
    return clean(task.reason or task.state or "")


def _task_text(task, report):
    if task.state == "running":
        group = next((group for group in report.groups if group.id == task.group), None)
        frame = user_frame(group) if group is not None else None
        return clean("is running" + (" in " + frame.function
                                     if frame is not None and frame.function else ""))
    if task.wait.object is None and task.wait.reason == "sleep":
        text = "sleeps"
    else:
        text = edge_text(task, report)
    if task.wait.timeout is not None:
        text += ", " + _limit(task.wait.timeout, report)
    elif task.wait.object is not None:
        text += ", without a time limit"
    return clean(text + ("; waking: its wake-up is under way" if task.wait.waking else ""))


def user_frame(group):
    """The innermost frame of the program's own, or None."""
    return next((frame for frame in group.frames if not frame.runtime and not frame.signal), None)


def _held(item, report):
    if not item.holder:
        return ""
    number, state = item.holder.get("id"), item.holder.get("state")
    if number is None:
        return ", held by a thread that has ended" if state == "exited" else ""
    text = ", held by " + _holder(item.holder)
    if state == "alive":
        return text
    # A finding says so; without one it may be a thread of another process.
    gone = state == "exited" or any(
        finding.rule == "abandoned-lock" and item.address == _object_of(finding, report)
        for finding in report.findings)
    return text + (", which has ended" if gone else ", which the %s does not have" %
                   ("core" if report.name is None else "program"))


def _object_of(finding, report):
    """Address of what a finding's first member waits for, or None."""
    task = report.task_of.get(finding.members[0]) if finding.members else None
    return task.wait.object.address if task is not None and task.wait.object else None


def _joins(item):
    if item.holder and item.holder.get("id") is not None:
        return "joins " + _holder(item.holder)
    return "joins the thread %s" % (item.address or "?")


def _holder(holder):
    value, kind = holder.get("id"), holder.get("kind")
    known = isinstance(value, int) and not isinstance(value, bool)
    return "%s %s" % (kind if isinstance(kind, str) else "thread", value if known else "?")


def _ids(ids, count):
    """The first of the ids, and how many there are more of count."""
    shown = " ".join(map(str, ids[:_MAX_WAITERS]))
    more = count - len(ids[:_MAX_WAITERS])
    return shown + (" and %s more" % format(more, ",") if more > 0 else "")


def _others(count):
    return "%s other%s" % (format(count, ","), "" if count == 1 else "s")


def _more(count, noun):
    many = noun + ("es" if noun.endswith("x") else "s")
    return "%s more %s" % (format(count, ","), noun if count == 1 else many)


def _fd(address):
    try:
        return str(int(address, 16))
    except ValueError:
        return address

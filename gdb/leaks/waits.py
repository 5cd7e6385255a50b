"""What threads wait for, as lines of styled text: one thread's chain, all locks, all findings."""

from .words import clean, plural

_MAX_CHAIN = 16
_MAX_WAITERS = 8

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


def group_text(group):
    """The line about a group's objects; "" when there is nothing to say."""
    if not group.objects:
        return ""
    item = group.objects[0]
    if item.kind == "thread" and item.holder:
        line = "joins thread %s" % _holder_id(item.holder)
    else:
        line = object_text(item) + _held(item.holder)
        if item.waiters > 1:
            line += "; %s wait for it" % format(item.waiters, ",")
    rest = len(group.objects) - 1
    if rest:
        same = all(other.kind == item.kind for other in group.objects)
        line += "; and " + _more(rest, item.kind if same and item.kind else "object")
    return clean(line)


def why_lines(thread_id, report):
    """What the thread waits for, whom that one waits for, and who waits for this thread."""
    tasks = {task.id: task for task in report.tasks}
    if thread_id not in tasks:
        return [[("Thread %d is not in the report." % thread_id, None)]]
    lines, seen, at = [], [], thread_id
    while at in tasks and at not in seen and len(seen) < _MAX_CHAIN:
        lines.append([("  and " if seen else "", None), ("thread %d " % at, "title"),
                      (_task_text(tasks[at]), None)])
        seen.append(at)
        at = _alive_holder(tasks[at])
    if at in seen:
        lines.append([("  which is back at thread %d: a circle" % at, "highlight")])
    elif at in tasks:
        lines.append([("  and so on", None)])
    waiters = sorted(task.id for task in report.tasks if _alive_holder(task) == thread_id)
    if waiters:
        shown = " ".join(map(str, waiters[:_MAX_WAITERS]))
        more = len(waiters) - _MAX_WAITERS
        lines.append([("%s for it: %s%s" % (
            "1 thread waits" if len(waiters) == 1 else plural(len(waiters), "thread") + " wait",
            shown, " and %s more" % format(more, ",") if more > 0 else ""), None)])
    about = [finding for finding in report.findings if thread_id in finding.members]
    if not about:
        return lines + [[("no finding about this thread", None)]]
    return lines + [line for finding in about for line in finding_lines(finding)]


def lock_lines(report):
    """Every lock-like object that threads wait for, the most waited for first."""
    locks = {}
    for task in report.tasks:
        if task.object is not None and task.object.kind not in _NO_LOCKS:
            locks.setdefault((task.object.address, task.object.kind), []).append(task)
    if not locks:
        return [[("No thread waits for a lock.", None)]]
    lines = []
    for _, tasks in sorted(locks.items(), key=lambda item: (-len(item[1]), str(item[0]))):
        lines.append([(object_text(tasks[0].object), "title"),
                      (clean(_held(tasks[0].holder)), None)])
        ids = sorted(task.id for task in tasks)
        more = len(ids) - _MAX_WAITERS
        lines.append([("  %s: %s%s" % (
            plural(len(ids), "waiter"), " ".join(map(str, ids[:_MAX_WAITERS])),
            " and %s more" % format(more, ",") if more > 0 else ""), "metadata")])
    return lines


def findings_lines(report):
    if not report.findings:
        return [[("No findings.", None)]]
    return [line for finding in report.findings for line in finding_lines(finding)]


def finding_lines(finding):
    """One finding with its evidence and caveats."""
    rule = " (%s)" % finding.rule if finding.rule else ""
    head = [(clean(finding.certainty or "unknown").upper() + ": ", "highlight"),
            (clean((finding.title or finding.rule or "?") + rule), "title")]
    return ([head] + [[("  " + clean(what), None)] for what in finding.evidence if what] +
            [[("  not proved: " + clean(what), "highlight")] for what in finding.caveats])


def _task_text(task):
    if task.state == "running":
        return "is running"
    if task.object is None:
        text = "waits: " + (task.reason or "it is unknown for what")
    elif task.object.kind == "thread" and task.holder:
        text = "joins thread %s" % _holder_id(task.holder)
    else:
        text = "waits for %s%s%s" % (
            "" if task.object.certain or task.object.kind == "fd" else "what ",
            object_text(task.object), _held(task.holder))
    if task.timed:
        text += ", with a time limit"
    elif task.object is not None:
        text += ", without a time limit"
    return clean(text + ("; its wake-up is under way" if task.waking else ""))


def _held(holder):
    if not holder:
        return ""
    ended = ", which has ended" if holder.get("state") == "exited" else ""
    return ", held by %s %s%s" % ("thread", _holder_id(holder), ended)


def _holder_id(holder):
    value = holder.get("id")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else "?"


def _alive_holder(task):
    value = (task.holder or {}).get("id")
    alive = (task.holder or {}).get("state") != "exited"
    return value if alive and isinstance(value, int) and not isinstance(value, bool) else None


def _more(count, noun):
    many = noun + ("es" if noun.endswith("x") else "s")
    return "%s more %s" % (format(count, ","), noun if count == 1 else many)


def _fd(address):
    try:
        return str(int(address, 16))
    except ValueError:
        return address

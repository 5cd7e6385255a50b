"""What a listing begins with: the verdict, the worst deadlocks with their roots, who keeps others
waiting. In the order and words that coreleaks prints itself."""

from . import report as model
from . import waits
from .words import clean, plural, share

FLAGGED = ("proved", "likely", "suspect")

# Circles, locks whose owners have ended, and what nobody can reach: what others are stuck behind.
_ROOTS = ("deadlock-cycle", "self-deadlock", "abandoned-lock", "unreachable-wait")
# Of these the title says all.
_NO_CIRCLES = ("abandoned-lock", "unreachable-wait")

_MAX_HEADS = 3
_MAX_CIRCLE_LINES = 6

# Contention makes pairs of threads in any busy program.
_LEAST_BLOCKED = 2
_MAX_BLOCKERS = 3


def lines(report):
    """The verdict, then who blocks others."""
    return _verdict(report) + _blockers(report)


def num_tasks(report):
    return sum(int(model.number(report.summary, name)) for name in ("threads", "goroutines"))


def noun(report):
    if not model.number(report.summary, "goroutines"):
        return "thread"
    return "task" if model.number(report.summary, "threads") else "goroutine"


def _verdict(report):
    told = [finding for finding in report.findings if not finding.hidden]
    named = [finding for finding in told if finding.groups]
    whole = [_title(finding) for finding in told if not finding.groups] if named else []
    verdict = model.text(report.summary, "verdict")
    if told and _is_head(told[0]):
        return _heads(told, report) + whole
    if verdict in FLAGGED and told:
        claim = _claim(report, verdict, named[0]) if named else clean(told[0].title or "?")
        return [[(verdict.upper() + ": ", "highlight"), (claim, "title")]] + whole
    line = [("INCOMPLETE: ", "highlight")] if report.incomplete else []
    return [line + [(_no_claim(report), "title")]]


def _is_head(finding):
    return finding.rule in _ROOTS or finding.rule == "stuck-behind"


def _heads(told, report):
    """Each deadlock once: with those behind it where there are any."""
    shown, done, num_left_out = [], set(), 0
    for at, finding in enumerate(told):
        if at in done or not _is_head(finding):
            continue
        root = at if finding.rule in _ROOTS else _root_of(finding, told, report)
        done.add(root)
        if len(shown) == _MAX_HEADS:
            num_left_out += 1
            continue
        head = [_title(finding)] + waits.caveat_lines(finding)
        if root is not None:
            head += _root_lines(told[root], root != at, report)
        shown.append(head)
    if num_left_out:
        shown.append([[("and %d more; \"leaks findings\" shows all" % num_left_out, "title")]])
    return [line for head in shown for line in head]


def _root_of(finding, told, report):
    """Which finding the members of a stuck-behind wait for in the end; None: none."""
    seen, at = set(), finding.members[0] if finding.members else None
    while at in report.task_of and at not in seen:
        for number, root in enumerate(told):
            if root.rule in _ROOTS and at in root.members:
                return number
        seen.add(at)
        at = model.holder_key(report.task_of[at].wait)
    return None


def _root_lines(root, with_title, report):
    """Who waits for what, held by whom."""
    if root.rule in _NO_CIRCLES:
        return [[("  " + clean(root.title or "?"), None)]] if with_title else []
    tasks = [report.task_of[key] for key in root.members if key in report.task_of]
    shown = [[(clean("  %s %d %s" % (task.kind, task.id, waits.edge_text(task, report))), None)]
             for task in tasks]
    if len(shown) > _MAX_CIRCLE_LINES:
        shown[_MAX_CIRCLE_LINES - 1:] = [[("  and so on: %d threads in a circle" % len(tasks),
                                           None)]]
    return shown


def _title(finding):
    return [(clean(finding.certainty or "unknown").upper() + ": ", "highlight"),
            (clean(finding.title or finding.rule or "?"), "title")]


def _claim(report, verdict, finding):
    title, total = clean(finding.title or finding.rule or "?"), num_tasks(report)
    members = [key for key in finding.members if key is not None]
    if finding.members and not members:
        # Finished threads are none of the total.
        return title
    groups = [group for group in report.groups
              if group.verdict == verdict and not group.pthreads]
    count = sum(group.count for group in groups)
    if len(groups) <= 1:
        return "%s (%s of all %s)" % (title, share(len(members) or count, total),
                                      format(total, ","))
    return "%s of %s (%s) in %d groups; largest: %s" % (
        format(count, ","), plural(total, noun(report)), share(count, total), len(groups), title)


def largest(num_groups, num):
    """What stands behind a number of groups: the analyzer's words."""
    if num_groups <= 1:
        return ""
    return ", no two alike" if num <= 1 else ", the largest of " + format(num, ",")


def _no_claim(report):
    """What to say when there is no finding: never that all is well."""
    total = num_tasks(report)
    if total == 0:
        return "nothing to judge: the core holds no thread's registers"
    if not report.groups:
        return "nothing to judge: all %s are hidden" % plural(total, noun(report))
    counts = [0 if group.pthreads else group.count for group in report.groups]
    return "nothing suspicious%s: %s in %s%s" % (
        " in what could be read" if report.incomplete else "",
        plural(sum(counts), noun(report)), plural(len(counts), "group"),
        largest(len(counts), max(counts)))


def _blockers(report):
    """Who keeps most others waiting without being stuck."""
    shown, rest = [], []
    for blocker in report.blockers:
        if blocker.hidden or not blocker.title:
            continue
        worth = blocker.num_blocked >= _LEAST_BLOCKED and len(shown) < _MAX_BLOCKERS
        (shown if worth else rest).append(blocker)
    told = [[(clean(blocker.title), None)] for blocker in shown]
    if not rest:
        return told
    count = sum(blocker.num_blocked for blocker in rest)
    one = len(rest) == 1
    return told + [[("%s %s%s %s %s %s; \"leaks locks\" lists %s" % (
        format(len(rest), ","), "more " if shown else "", noun(report) + ("" if one else "s"),
        "blocks" if one else "block", format(count, ","), "other" if count == 1 else "others",
        "it" if one else "them"), "metadata")]]

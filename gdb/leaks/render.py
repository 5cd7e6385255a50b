"""The report as lines of styled text, in the order and words that coreleaks prints itself.

A line is a list of (text, style), the style one of GDB's ("function", "filename", "variable",
"address", "title", "metadata", "highlight") or None. All text of the report goes through clean().
"""

import os
import textwrap

from . import frames, options, waits
from . import report as model
from .words import bar, clean, plural, share, signal_name, size

_MAX_TOLD = 4
_MAX_MEMBERS = 8
_MAX_FRAMES = 8
_MAX_FRAMES_FLAGGED = 18
_MAX_GAPS_OF_A_KIND = 4
_MAX_MODULES = 8

# A narrower screen has no room for bars.
_LEAST_WIDTH_FOR_BARS = 84
_DEFAULT_WIDTH = 80

_FLAGGED = ("proved", "likely", "suspect")
_INDENT = " " * 8


def report_lines(report, limit, width):
    """The listing; limit: how many groups, None for all."""
    shown = report.groups[:limit]
    lines = _verdict(report) + [_core(report), []]
    columns = _Columns(shown, width)
    for group in shown:
        flagged = group.verdict in _FLAGGED
        lines.append(columns.title(group, report))
        if group.key is not None:
            lines.append([(_INDENT + "key ", None), (clean(group.key), "title")])
        if group.objects:
            lines.append([(_INDENT + waits.group_text(group), None)])
        lines += frames.short(group, _MAX_FRAMES_FLAGGED if flagged else _MAX_FRAMES, width)
        lines += [_members(group), []]
    lines += _left_out(report, len(shown)) + [_totals(report, len(shown))] + _hidden(report)
    lines += _gaps(report) + _modules(report)
    if shown:
        lines.append([("next: leaks group %d" % shown[0].rank, "metadata")])
    return lines


def group_lines(group, report, ranked, width):
    """One group with all that is known of it."""
    lines = [_Columns([group], width).title(group, report, ranked)]
    why = [finding for finding in report.findings if group.id in finding.groups]
    for finding in why:
        lines += waits.finding_lines(finding)
    state = "state " + clean(group.state or "unknown")
    if group.stack_size:
        state += "; stacks in use " + size(group.stack_size)
    lines += [[(state, None)]]
    if group.objects:
        lines.append([(waits.group_text(group), None)])
    lines.append([])
    lines += frames.full(group)
    lines += [[], [("%s:" % plural(len(group.members), "member"), None)]]
    ids = textwrap.wrap(" ".join(map(str, group.members)), max((width or _DEFAULT_WIDTH) - 2, 20))
    return lines + [[("  " + line, None)] for line in ids]


def thread_lines(thread_id, group, ranked):
    """What is said of a thread that was selected."""
    if group is None:
        return [[("Thread %d is in no group of the report." % thread_id, None)]]
    text = ": %s, %s" % (plural(group.count, clean(group.kind)), _wait(group))
    line = [("In group ", None), ("#%d " % group.rank if ranked else "", "metadata"),
            (clean(group.id), "variable"), (text, None)]
    if group.verdict != "unknown":
        line += [(", ", None), (clean(group.verdict),
                                "highlight" if group.verdict in _FLAGGED else None)]
    return [line]


class _Columns:
    """The line that begins a group, with the same columns for all groups of a listing."""

    def __init__(self, groups, width):
        self._rank = max([len(str(group.rank)) for group in groups], default=1)
        self._count = max([len(format(group.count, ",")) for group in groups], default=1)
        self._wait = max([len(_wait(group)) for group in groups if len(_wait(group)) <= 24],
                         default=0)
        self._with_bar = width is None or width >= _LEAST_WIDTH_FOR_BARS

    def title(self, group, report, ranked=True):
        flagged = group.verdict in _FLAGGED
        total = int(model.number(report.summary, "%ss" % group.kind))
        rank = "#%-*d  " % (self._rank, group.rank) if ranked else ""
        line = [("!! " if flagged else "   ", "highlight" if flagged else None),
                (rank, "metadata"),
                (format(group.count, ",").rjust(self._count), "highlight" if flagged else "title"),
                (" " + clean(group.kind) + ("" if group.count == 1 else "s") +
                 (" " if group.count == 1 else "") + "  %7s" % share(group.count, total), None)]
        if self._with_bar:
            line.append(("  " + bar(group.share), "highlight" if flagged else "metadata"))
        line.append(("  " + _wait(group).ljust(self._wait), None))
        if group.verdict != "unknown":
            line.append(("  " + clean(group.verdict), "highlight" if flagged else "metadata"))
        return line + [("  ", None), (clean(group.id), "variable")]


def _wait(group):
    if group.reason:
        return clean(group.reason)
    return "waiting, reason unknown" if group.state == "waiting" else clean(group.state or "?")


def _num_tasks(report):
    return sum(int(model.number(report.summary, name)) for name in ("threads", "goroutines"))


def _verdict(report):
    verdict = model.text(report.summary, "verdict")
    told = [finding for finding in report.findings if not finding.hidden]
    if verdict in _FLAGGED and told:
        strong = [_finding(finding) for finding in told
                  if finding.certainty in ("proved", "likely")]
        if strong:
            more = [[("and %d more; \"leaks findings\" shows all" % (len(strong) - _MAX_TOLD),
                      "title")]]
            return strong[:_MAX_TOLD] + (more if len(strong) > _MAX_TOLD else [])
        whole = [_finding(finding) for finding in told if not finding.groups]
        named = [finding for finding in told if finding.groups]
        claim = _claim(report, verdict, named[0]) if named else None
        head = [[(verdict.upper() + ": ", "highlight"), (claim, "title")]] if claim else []
        return head + whole
    line = [("INCOMPLETE: ", "highlight")] if report.incomplete else []
    return [line + [(_no_claim(report), "title")]]


def _claim(report, verdict, finding):
    groups = [group for group in report.groups if group.verdict == verdict]
    total, title = _num_tasks(report), clean(finding.title or finding.rule or "?")
    count = sum(group.count for group in groups)
    if len(groups) <= 1:
        return "%s (%s of all %s)" % (title, share(count, total), format(total, ","))
    return "%s of %s (%s) in %d groups; largest: %s" % (
        format(count, ","), plural(total, _noun(report)), share(count, total), len(groups), title)


def _no_claim(report):
    """What to say when there is no finding: never that all is well."""
    total = _num_tasks(report)
    if total == 0:
        return "nothing to judge: the core holds no thread's registers"
    if not report.groups:
        return "nothing to judge: all %s are hidden" % plural(total, _noun(report))
    counts = [group.count for group in report.groups]
    return "nothing suspicious%s: %s in %s, at most %s in one" % (
        " in what could be read" if report.incomplete else "",
        plural(sum(counts), _noun(report)), plural(len(counts), "group"),
        format(max(counts), ","))


def _noun(report):
    if not model.number(report.summary, "goroutines"):
        return "thread"
    return "task" if model.number(report.summary, "threads") else "goroutine"


def _finding(finding):
    return [(clean(finding.certainty or "unknown").upper() + ": ", "highlight"),
            (clean(finding.title or finding.rule or "?"), "title")]


def _core(report):
    core = report.core
    parts = [report.name or os.path.basename(model.text(core, "path") or "?"),
             model.text(core, "command") or "process"]
    if model.number(core, "pid"):
        parts[1] += ", pid %d" % model.number(core, "pid")
    if model.number(core, "signal"):
        parts.append(signal_name(int(model.number(core, "signal"))))
        if model.number(core, "signal_thread"):
            parts[-1] += " in thread %d" % model.number(core, "signal_thread")
    return [(clean(" · ".join(parts)) + " · ", "metadata"),
            ("INCOMPLETE, see below", "highlight") if report.incomplete
            else ("complete", "metadata")]


def _members(group):
    if group.pthreads:
        text = "finished, never joined: pthreads " + " ".join(group.pthreads[:_MAX_MEMBERS])
        return [(_INDENT + clean(text), "metadata")]
    shown = group.members[:_MAX_MEMBERS]
    text = "%s%s %s" % (clean(group.kind), "" if group.count == 1 else "s",
                        " ".join(map(str, shown)))
    if group.count > len(shown):
        text += " … %s more" % format(group.count - len(shown), ",")
    return [(_INDENT + text, "metadata")]


def _left_out(report, num_shown):
    rest = report.groups[num_shown:]
    if not rest:
        return []
    return [[("… %s more with %s, at most %s in one; -limit 0 shows all" % (
        plural(len(rest), "group"), plural(sum(group.count for group in rest), _noun(report)),
        format(max(group.count for group in rest), ",")), "title")], []]


def _totals(report, num_shown):
    shown = sum(group.count for group in report.groups[:num_shown])
    hidden_groups = int(model.number(report.summary, "hidden_groups"))
    text = "total %s in %s; shown %s in %s; hidden %s" % (
        plural(_num_tasks(report), _noun(report)),
        plural(len(report.groups) + hidden_groups, "group"),
        format(shown, ","), plural(num_shown, "group"),
        format(int(model.number(report.summary, "hidden")), ","))
    names = {option.cli: "-" + option.name for option in options.OPTIONS}
    parts = ["%s by %s" % (format(count, ","), names.get(name, name))
             for name, count in sorted(report.hidden_by.items())]
    text += ": " + ", ".join(parts) if parts else ""
    beyond = sum(group.count for group in report.groups) - shown
    if beyond:
        text += "; beyond -limit %s" % format(beyond, ",")
    return [(clean(text), None)]


def _hidden(report):
    count = sum(finding.hidden for finding in report.findings)
    if not count:
        return []
    return [[("%d %s about hidden groups only" % (
        count, "finding is" if count == 1 else "findings are"), "highlight")]]


def _gaps(report):
    """What could not be read, the worst first."""
    lines = []
    if report.incomplete:
        lines.append([("INCOMPLETE: ", "highlight"), ("threads or frames may be missing above; do "
                      "not take this as clean", None)])
    elif not report.gaps:
        return [[("gaps: none", None)]]
    for incomplete in (True, False):
        gaps = [gap for gap in report.gaps if gap.incomplete is incomplete]
        if gaps and not incomplete:
            lines.append([("other gaps:" if report.incomplete else "gaps:", None)])
        num_of_kind = {}
        for gap in gaps:
            num_of_kind[gap.kind] = num_of_kind.get(gap.kind, 0) + 1
            if num_of_kind[gap.kind] <= _MAX_GAPS_OF_A_KIND:
                times = " (%s times)" % format(int(gap.count), ",") if gap.count > 1 else ""
                lines.append([("  %s: " % clean(gap.kind or "gap"),
                               "highlight" if incomplete else "metadata"),
                              (clean(gap.detail or "") + times, None)])
        lines += [[("  %s: %d more" % (clean(kind or "gap"), num - _MAX_GAPS_OF_A_KIND), None)]
                  for kind, num in num_of_kind.items() if num > _MAX_GAPS_OF_A_KIND]
    return lines


def _modules(report):
    """Files with a problem that no gap tells of."""
    said = " ".join(gap.detail or "" for gap in report.gaps if (gap.kind or "").startswith("file-"))
    lines = [[("%s %s: %s" % ("no file for" if module.file is None else "unverified",
                              clean(module.path or "?"), clean(module.problem)), None)]
             for module in report.modules if module.problem and
             not any(name and name in said for name in (module.path, module.file))]
    if len(lines) > _MAX_MODULES:
        lines[_MAX_MODULES:] = [[("… and %d more files" % (len(lines) - _MAX_MODULES), None)]]
    return lines

"""The report as lines of styled text, in the order and words that coreleaks prints itself.

A line is a list of (text, style), the style one of GDB's ("function", "filename", "variable",
"address", "title", "metadata", "highlight") or None. All text of the report goes through clean().
"""

import os
import textwrap

from . import frames, head, options, waits
from . import report as model
from .words import bar, clean, plural, share, size

_MAX_MEMBERS = 8
_MAX_PTHREADS = 4
_MAX_FRAMES = 8
_MAX_FRAMES_FLAGGED = 18
_MAX_GAPS_OF_A_KIND = 4
_MAX_MODULES = 8

# A narrower screen has no room for bars.
_LEAST_WIDTH_FOR_BARS = 84
_DEFAULT_WIDTH = 80

_INDENT = " " * 8


def report_lines(report, limit, width):
    """The listing; limit: how many groups, None for all."""
    shown = report.groups[:limit]
    lines = head.lines(report) + [_core(report)]
    if report.go_words:
        lines.append([(clean(report.go_words), "metadata")])
    lines += _signal(report, shown) + [[]]
    columns = _Columns(shown, width)
    for group in shown:
        lines += _group(group, report, columns, width) + [[]]
    lines += _left_out(report, len(shown)) + [_totals(report, len(shown))]
    lines += _stacks(report) + _hidden(report)
    lines += _gaps(report) + _modules(report) + _hints(report)
    if shown:
        lines.append([("next: leaks group %d" % shown[0].rank, "metadata")])
    return lines


def _group(group, report, columns, width):
    """One group of the listing."""
    signalled = group is report.group_of_signal()
    strong = group.verdict in head.FLAGGED or signalled
    lines = [columns.title(group, report)]
    if signalled and report.signal_name():
        lines.append([(_INDENT + "← thread %d took %s" % (
            report.core["signal_thread"], report.signal_name()), "highlight")])
    if group.key is not None:
        lines.append([(_INDENT + "key ", None), (clean(group.key), "title")])
    if group.pthreads:
        return lines + _finished(group)
    lines += [[(_INDENT + line, None)] for line in waits.group_lines(group, report)]
    if group.key is not None and group.count > 1:
        lines.append([(_INDENT + "one of their stacks, which may differ:", "metadata")])
    lines += frames.short(group, _MAX_FRAMES_FLAGGED if strong else _MAX_FRAMES, width,
                          report.program())
    return lines + [_members(group)]


def group_lines(group, report, ranked, width):
    """One group with all that is known of it."""
    lines = [_Columns([group], width).title(group, report, ranked)]
    why = [finding for finding in report.findings if group.id in finding.groups]
    for finding in why:
        lines += waits.finding_lines(finding)
    if not why:
        lines.append([("no finding about this group", None)])
    lines.append([("state %s; reason %s; stacks: %s" % (
        clean(group.state or "unknown"), clean(group.reason or "unknown"),
        waits.stacks_text(group.stacks) or "unknown"), None)])
    if group.key is not None:
        lines.append([("key " + clean(group.key), None)])
    lines += [[(line, None)] for line in waits.group_lines(group, report)] + [[]]
    lines += frames.full(group)
    what = ("finished, never joined: pthreads" if group.pthreads else
            "%s:" % plural(len(group.members), "member"))
    lines += [[], [(what, None)]]
    ids = textwrap.wrap(clean(" ".join(group.pthreads or map(str, group.members))),
                        max((width or _DEFAULT_WIDTH) - 2, 20))
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
                                "highlight" if group.verdict in head.FLAGGED else None)]
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
        flagged = group.verdict in head.FLAGGED
        total = int(model.number(report.summary, "%ss" % group.kind))
        rank = "#%-*d  " % (self._rank, group.rank) if ranked else ""
        line = [("!! " if flagged else "   ", "highlight" if flagged else None),
                (rank, "metadata"),
                (format(group.count, ",").rjust(self._count), "highlight" if flagged else "title"),
                (" " + clean(group.kind) + ("" if group.count == 1 else "s") +
                 (" " if group.count == 1 else "") + "  %7s" %
                 ("" if group.pthreads else share(group.count, total)), None)]
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


def _core(report):
    core = report.core
    parts = [report.name or os.path.basename(model.text(core, "path") or "?"),
             model.text(core, "command") or "process"]
    if model.number(core, "pid"):
        parts[1] += ", pid %d" % model.number(core, "pid")
    if report.signal_name():
        parts.append(report.signal_name())
    if report.name is None:
        parts += _file(core)
    return [(clean(" · ".join(parts)) + " · ", "metadata"),
            ("INCOMPLETE, see below", "highlight") if report.incomplete
            else ("complete", "metadata")]


def _file(core):
    """How large the core is, who wrote it and when."""
    parts, dumper = [], model.text(core, "dumper")
    if model.number(core, "size"):
        parts.append(size(int(model.number(core, "size"))))
        if dumper:
            parts[-1] += " by %s%s" % ("the " if dumper == "kernel" else "", dumper)
    when = model.text(core, "captured_at")
    if when:
        parts.append(when.replace("T", " ").replace("Z", " UTC"))
    return parts


def _signal(report, shown):
    """Which thread took the signal, and where."""
    thread_id = model.number(report.core, "signal_thread")
    if not thread_id or not report.signal_name():
        return []
    group = report.group_of_signal()
    # Where the members may have different stacks, the group's may be another's.
    is_own = group is not None and (group.key is None or group.count == 1)
    frame = waits.user_frame(group) if is_own else None
    where = " in " + frames.name_of(frame) if frame is not None else ""
    where += ", in a hidden group" if group is None else ", group #%d" % group.rank
    return [[("thread %d took %s%s" % (thread_id, report.signal_name(), where), "highlight")]]


def _finished(group):
    """Threads that are no more: where they began, and their handles."""
    frame = group.frames[0] if group.frames else None
    start = "start unknown"
    if frame is not None:
        start = frames.name_of(frame)
        if frame.file and frame.line:
            start += clean(" (%s:%d)" % (os.path.basename(frame.file), frame.line))
    handles = "%s %s" % ("pthread" if len(group.pthreads) == 1 else "pthreads",
                         " ".join(group.pthreads[:_MAX_PTHREADS]))
    if group.count > _MAX_PTHREADS:
        handles += " and %s more" % format(group.count - _MAX_PTHREADS, ",")
    sizes = waits.stacks_text(group.stacks._replace(used=0))
    notes = [handles, waits.creation_text(group), "their stacks: " + sizes if sizes else ""]
    return ([[(_INDENT + "finished, never joined: " + start, "title")]] +
            [[(_INDENT + clean(note), "metadata")] for note in notes if note])


def _members(group):
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
    return [[("… %s more with %s%s; -limit 0 shows all" % (
        plural(len(rest), "group"),
        plural(sum(0 if group.pthreads else group.count for group in rest), head.noun(report)),
        head.largest(len(rest), max(group.count for group in rest))), "title")], []]


def _totals(report, num_shown):
    counts = [0 if group.pthreads else group.count for group in report.groups]
    shown = sum(counts[:num_shown])
    hidden_groups = int(model.number(report.summary, "hidden_groups"))
    text = "total %s in %s; shown %s in %s; hidden %s" % (
        plural(head.num_tasks(report), head.noun(report)),
        plural(len(report.groups) + hidden_groups, "group"),
        format(shown, ","), plural(num_shown, "group"),
        format(int(model.number(report.summary, "hidden")), ","))
    names = {option.cli: "-" + option.name for option in options.OPTIONS}
    parts = ["%s by %s" % (format(count, ","), names.get(name, name))
             for name, count in sorted(report.hidden_by.items())]
    text += ": " + ", ".join(parts) if parts else ""
    beyond = sum(counts) - shown
    if beyond:
        text += "; beyond -limit %s" % format(beyond, ",")
    finished = int(model.number(report.summary, "finished_threads"))
    if finished > 0:
        text += "; besides %s that nobody has joined" % plural(finished, "finished thread")
    return [(clean(text), None)]


def _hidden(report):
    return [[("%s %s about hidden groups only" % (
        plural(count, what), "is" if count == 1 else "are"), style)]
            for what, style, count in (
                ("finding", "highlight", sum(each.hidden for each in report.findings)),
                ("blocker", "metadata", sum(each.hidden for each in report.blockers))) if count]


def _stacks(report):
    """What the stacks of all threads keep, where that is known; those in use are in each group."""
    if report.stacks.reserved <= 0 and report.stacks.resident <= 0:
        return []
    return [[("stacks: " + waits.stacks_text(report.stacks), None)]]


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


def _hints(report):
    """What the program's own language would show is another tool's to tell."""
    counts = {}
    for group in report.groups:
        if group.runtime and group.runtime_hint:
            key = (group.runtime, group.runtime_hint)
            counts[key] = counts.get(key, 0) + (0 if group.pthreads else group.count)
    return [[(clean("hint: %s of the %s: %s" % (plural(count, head.noun(report)), name, hint)),
              None)] for (name, hint), count in counts.items()]


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

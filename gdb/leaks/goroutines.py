"""Goroutines as a list, and where the frames of one lie, as lines and plain values.

A goroutine goes on at its registers; its caller's address stands below the end of each frame. How
large frames are is the same for all goroutines with the same stack.
"""

import os
from collections import namedtuple

from .report import Frame, address, frames_of
from .words import clean, duration

# One place on the stack. frames: what it is, those that were inlined first. low, high: the stack
# pointer in it and in its caller, of a goroutine whose first is 0; None unknown.
Place = namedtuple("Place", "pc low high frames")


# Functions that a signal had called: what stands above them was interrupted before the instruction
# at its pc. GDB looks for the call before it: it knows of a signal by its own frames alone.
INJECTED = ("runtime.asyncPreempt", "runtime.sigpanic", "runtime.debugCallV2")


def may_be_interrupted(task, group):
    """Whether a goroutine's stack may have a place that was interrupted. group: its own or None."""
    return (task.state == "running" or group is None or group.key is not None or
            any(frame.function in INJECTED for frame in group.frames))


def places(shown):
    """The Places of what the analyzer shows of one goroutine, the first where it goes on: frames of
    C, which are its thread's, are left out."""
    found, inlined, origin = [], [], None
    start = address(shown.get("registers") or {}, "pc")
    for raw, frame in frames_of(shown):
        inlined.append(frame)
        if frame.inlined:
            continue
        pc, low, high = (address(raw, name) for name in ("pc", "sp", "cfa"))
        if origin is None and pc == start and low is not None:
            origin = low
        if origin is not None and low is not None:
            found.append(Place(pc, low - origin, None if high is None else high - origin, inlined))
        inlined = []
    return found


def where(frame):
    """ "main.consume (main.go:18)" """
    name = frame.function or "?? %s" % (frame.module_offset or frame.pc or "")
    if frame.file:
        name += " (%s%s)" % (os.path.basename(frame.file), ":%d" % frame.line if frame.line else "")
    return clean(name)


def reason(task):
    return clean(task.reason or task.state or "?")


def user_frame(group):
    """The innermost frame that is the program's own, or the innermost."""
    frames = [frame for frame in group.frames if not frame.signal] or [NOWHERE]
    return next((frame for frame in frames if not frame.runtime), frames[0])


NOWHERE = Frame(*[None] * len(Frame._fields))


def list_lines(report, limit, selected):
    """One line for each goroutine of the report's groups, by number. selected: its number."""
    shown = sorted((number, group) for group in report.groups if group.kind == "goroutine"
                   for number in group.members)
    if not shown:
        return [[("No goroutines.", None)]]
    rows = [_row(report.goroutine(number), group) for number, group in shown[:limit]]
    rows.insert(0, ("Id", "Reason", "At least", "Where"))
    if not any(row[2] for row in rows[1:]):
        rows = [(row[0], row[1], "", row[3]) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [_line(row, widths, "* " if row[0] == str(selected) else "  ", at == 0)
             for at, row in enumerate(rows)]
    if len(shown) >= len(rows):
        lines.append([("… %s more; -limit 0 shows all" % format(len(shown) - len(rows) + 1, ","),
                       "title")])
    return lines


def _row(task, group):
    number, frame = "?", user_frame(group)
    place = where(frame)
    if task is None:
        return number, "?", "", place
    about = task.goroutine
    if about.thread is not None:
        place += ", %sthread %d" % ("locked to " if about.locked else "", about.thread)
    place += "".join(" %s=%s" % (clean(key), clean(value)) for key, value in about.labels.items())
    return (str(task.id), reason(task),
            "" if about.wait_ns is None else duration(about.wait_ns), place)


def _line(row, widths, mark, is_heading):
    style = "title" if is_heading else None
    line = [(mark, "highlight"), (row[0].ljust(widths[0]), style or "variable"),
            ("  " + row[1].ljust(widths[1]), style)]
    if widths[2]:
        line.append(("  " + row[2].rjust(widths[2]), style))
    return line + [("  ", None), (row[3], style or "function")]

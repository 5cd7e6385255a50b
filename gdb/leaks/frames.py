"""Stacks as lines of styled text: in short for the listing, in full as GDB's backtrace has them."""

import os
from collections import namedtuple

from .words import clean, public_name, shorten

_INDENT = " " * 8
_LEAST_NAME_COLUMNS = 16
_WIDEST_NAME_COLUMNS = 44

# How many of the last rows stay visible where a stack is cut.
_NUM_TAIL = 2

# A recursion goes around at least so often, by way of at most so many frames.
_LEAST_ROUNDS, _MAX_PERIOD = 3, 16

# The frames before it, period of them, come so many times in all.
_Repeated = namedtuple("_Repeated", "period times")

_LeftOut = namedtuple("_LeftOut", "num_frames")

# Where a thread's code begins.
_FIRST_CODE = ("_start", "clone", "clone3", "__clone", "__clone3")

_ENDS = {"limit": "the limit of frames is reached", "broken": "no way to go on",
         "unreadable": "its memory is not in the core"}


def short(group, max_rows, width, program=None):
    """The program's own frames; those of libc and the like folded, and the rounds of a recursion.
    program: the file name of the executable, whose own frames need not say where they are."""
    rows = _limited(_rows(group.frames), max_rows)
    own = [row for row in rows if _is_frame(row)]
    columns = min(max([len(name_of(row)) for row in own], default=0), _WIDEST_NAME_COLUMNS)
    if width is not None:
        places = max([len(_place(row)) for row in own], default=0)
        columns = max(min(columns, width - len(_INDENT) - 2 - places), _LEAST_NAME_COLUMNS)
    lines = []
    for row in rows:
        if isinstance(row, _Repeated) and row.period == 1:
            lines[-1] = lines[-1] + [("  × %d" % row.times, "highlight")]
        elif isinstance(row, _Repeated):
            lines.append([(_INDENT + "these %d frames × %d" % (row.period, row.times),
                           "highlight")])
        elif isinstance(row, _LeftOut):
            lines.append([(_INDENT + "… %d more frames" % row.num_frames, "metadata")])
        elif isinstance(row, list):
            lines.append(_folded(row))
        else:
            lines.append(_one(row, columns, None if width is None else columns, program))
    return lines + _end(group)


def full(group):
    """Every frame, one a line."""
    return [_numbered(level, frame) for level, frame in enumerate(group.frames)] + _end(group)


def _is_frame(row):
    return not isinstance(row, (list, _Repeated, _LeftOut))


def _rows(frames):
    """The frames, with runs of the runtime's as lists where they only park or start a thread: at
    both ends, and where a signal interrupted it."""
    if all(frame.runtime for frame in frames):
        return _rounds(frames)
    rows, at, bottom = [], 0, len(frames)
    while frames[bottom - 1].runtime and not frames[bottom - 1].signal:
        bottom -= 1
    while at < bottom:
        end = next((number for number in range(at, bottom) if not frames[number].runtime or
                    frames[number].signal), bottom)
        rows += [frames[at:end]] if end > at else []
        # Behind a signal frame a stack begins anew.
        at = next((number for number in range(end, bottom) if frames[number].signal), bottom)
        rows += _rounds(frames[end:at]) + frames[at:min(at + 1, bottom)]
        at += 1
    return rows + ([frames[bottom:]] if bottom < len(frames) else [])


def _rounds(frames):
    """A row for each frame, but the rounds of a recursion once."""
    rows, at = [], 0
    while at < len(frames):
        for period in range(1, min(_MAX_PERIOD, (len(frames) - at) // _LEAST_ROUNDS) + 1):
            end = at + period
            while end < len(frames) and _is_same(frames[end], frames[end - period]):
                end += 1
            times = (end - at) // period
            if times >= _LEAST_ROUNDS:
                break
        else:
            period = times = 1
        rows += frames[at:at + period]
        if times > 1:
            rows.append(_Repeated(period, times))
        at += times * period
    return rows


def _is_same(one, other):
    return ((one.line or one.pc, one.line, one.inlined, one.signal, one.function, one.file) ==
            (other.line or other.pc, other.line, other.inlined, other.signal, other.function,
             other.file))


def _limited(rows, max_rows):
    """The rows with those in the middle left out when there are too many."""
    first, end = max_rows - _NUM_TAIL - 1, len(rows) - _NUM_TAIL
    if len(rows) <= max_rows:
        return rows
    # What is repeated means nothing without the rows before it.
    while isinstance(rows[first], _Repeated):
        first += 1
    while end > first + 1 and isinstance(rows[end], _Repeated):
        end -= 1
    if end <= first + 1:
        return rows
    num_frames = sum(len(row) if isinstance(row, list) else
                     row.period * (row.times - 1) if isinstance(row, _Repeated) else 1
                     for row in rows[first:end])
    return rows[:first] + [_LeftOut(num_frames)] + rows[end:]


def _folded(run):
    # The function that the program called, or the one that started the thread: both stand
    # outermost.
    named = [frame for frame in run if frame.function]
    telling = [frame for frame in named if frame.function not in _FIRST_CODE]
    best = (telling or named[:1] or run[:1])[-1]
    name = clean(public_name(best.function)) if best.function else name_of(best)
    what = "%d frames, " % len(run) if len(run) > 1 else ""
    return [(_INDENT + "… %s  (%s%s)" % (name, what, clean(best.module or "no module")),
             "metadata")]


def _one(frame, columns, most, program):
    if frame.signal:
        return [(_INDENT + "<signal handler called>", "metadata")]
    style = "metadata" if frame.runtime else "function" if frame.function else "address"
    name, place = shorten(name_of(frame), most), _place(frame)
    line = [(_INDENT, None), (name, style)]
    if place:
        line += [(" " * (columns - len(name)) + "  ", None), (place, "filename")]
    if frame.file and frame.module and frame.module != program and program is not None:
        line.append(("  " + clean(frame.module), "metadata"))
    if frame.inlined:
        line.append(("  [inlined]", "metadata"))
    return line


def name_of(frame):
    """The function's name, or what stands for it."""
    if frame.function is None:
        if frame.module and frame.module_offset:
            return clean("?? %s+%s" % (frame.module, frame.module_offset))
        return clean("?? %s" % (frame.pc or ""))
    if not frame.line and not frame.inlined:
        return clean("%s+%d" % (frame.function, frame.offset))
    return clean(frame.function)


def _place(frame):
    if frame.file:
        name = os.path.basename(frame.file)
        return clean("%s:%d" % (name, frame.line) if frame.line else name)
    return clean(frame.module or "") if frame.function else ""


def _numbered(level, frame):
    line = [("#%-2d " % level, None)]
    if frame.signal:
        return line + [("<signal handler called>", None)]
    if level > 0 and not frame.inlined and frame.pc:
        line += [(clean("0x%016x" % int(frame.pc, 16) if _is_hex(frame.pc) else frame.pc),
                  "address"), (" in ", None)]
    line += [(clean(frame.function or "??"), "function"), (" ()", None)]
    if frame.file:
        line += [(" at ", None), (clean(frame.file), "filename")]
        if frame.line:
            line.append((":%d" % frame.line, None))
    elif frame.module:
        line += [(" from ", None), (clean(frame.module), "filename")]
    return line


def _is_hex(text):
    return text[:2] == "0x" and all(c in "0123456789abcdefABCDEF" for c in text[2:]) and text[2:]


def _end(group):
    if group.stack_end in (None, "complete"):
        return []
    why = group.stack_missing or _ENDS.get(group.stack_end, group.stack_end)
    return [[(_INDENT + "stack ends here: " + clean(why), "highlight")]]

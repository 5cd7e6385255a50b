"""Stacks as lines of styled text: in short for the listing, in full as GDB's backtrace has them."""

import os

from .words import clean, public_name, shorten

_INDENT = " " * 8
_LEAST_NAME_COLUMNS = 16
_WIDEST_NAME_COLUMNS = 44

# How the last lines of a stack that was cut stay visible.
_NUM_TAIL = 2

_ENDS = {"limit": "the limit of frames", "broken": "no way to go on",
         "unreadable": "its memory is not in the core"}


def short(group, max_lines, width):
    """The program's own frames; those of libc and the like folded."""
    rows = _rows(group.frames)
    names = [len(_name(row)) for row in rows if not isinstance(row, list)]
    columns = min(max(names, default=0), _WIDEST_NAME_COLUMNS)
    if width is not None:
        places = max((len(_place(row)) for row in rows if not isinstance(row, list)), default=0)
        columns = max(min(columns, width - len(_INDENT) - 2 - places), _LEAST_NAME_COLUMNS)
    lines = [_folded(row, 0 < at == len(rows) - 1) if isinstance(row, list) else
             _one(row, columns, None if width is None else columns)
             for at, row in enumerate(rows)]
    num_left_out = len(lines) - max_lines
    if num_left_out > 1:
        cut = max_lines - _NUM_TAIL
        num_frames = sum(len(row) if isinstance(row, list) else 1
                         for row in rows[cut:len(rows) - _NUM_TAIL])
        lines[cut:len(lines) - _NUM_TAIL] = [[(_INDENT + "… %d more frames" % num_frames,
                                               "metadata")]]
    return lines + _end(group)


def full(group):
    """Every frame, one a line."""
    return [_numbered(level, frame) for level, frame in enumerate(group.frames)] + _end(group)


def _rows(frames):
    """The frames, with runs of the runtime's as lists where they only park or start a thread: at
    both ends, and where a signal interrupted it."""
    if all(frame.runtime for frame in frames):
        return list(frames)
    rows, run, parked = [], [], True
    for frame in frames:
        if frame.runtime and not frame.signal:
            run.append(frame)
            continue
        rows += [run] if run and parked else run
        rows.append(frame)
        run, parked = [], frame.signal
    return rows + ([run] if run else [])


def _folded(run, is_outermost):
    # The function that the program called, or the one that called the program.
    ordered = run if is_outermost else run[::-1]
    best = next((frame for frame in ordered if frame.function), run[0])
    name = clean(public_name(best.function)) if best.function else _name(best)
    what = "%d frames, " % len(run) if len(run) > 1 else ""
    return [(_INDENT + "… %s  (%s%s)" % (name, what, clean(best.module or "no module")),
             "metadata")]


def _one(frame, columns, most):
    if frame.signal:
        return [(_INDENT + "<signal handler called>", "metadata")]
    style = "metadata" if frame.runtime else "function" if frame.function else "address"
    name, place = shorten(_name(frame), most), _place(frame)
    line = [(_INDENT, None), (name, style)]
    if place:
        line += [(" " * (columns - len(name)) + "  ", None), (place, "filename")]
    if frame.inlined:
        line.append(("  [inlined]", "metadata"))
    return line


def _name(frame):
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

"""What "bt" shows: of a goroutine its own frames alone, with the report's names where GDB has none;
on demand without the frames that merely wait or start a thread, and with what it waits for."""

import itertools

import gdb
from gdb.FrameDecorator import FrameDecorator

from . import selection, settings


class _Own(FrameDecorator):
    """A goroutine's frame. Looks up its line once, which GDB's own decorator does four times: there
    may be 10,000 goroutines."""

    def __init__(self, base, frame):
        super().__init__(base)
        self._sal = frame.find_sal()

    def function(self):
        # GDB's own decorator has nothing for it, or three question marks.
        return "??" if self.inferior_frame().name() is None else super().function()

    def filename(self):
        return self._sal.symtab.filename if self._sal.symtab else super().filename()

    def line(self):
        return self._sal.line or None


class _Named(FrameDecorator):
    """A frame with the names that the report has for it. is_first: what stands there first; GDB
    numbers only that and begins the lines of others at the margin."""

    def __init__(self, base, frame, is_first):
        super().__init__(base)
        self._frame, self._is_first = frame, is_first

    def function(self):
        name = self._frame.function or super().function()
        return name if self._is_first else "    %s" % name

    def address(self):
        return super().address() if self._is_first else None

    def filename(self):
        return self._frame.file

    def line(self):
        return self._frame.line or None

    def frame_args(self):
        return None


class _Noted(FrameDecorator):
    """A frame with a remark behind its name."""

    def __init__(self, base, note):
        super().__init__(base)
        self._note = note

    def function(self):
        name = super().function()
        # A frame without a symbol has its address for a name.
        name = name if isinstance(name, str) else "??"
        return "%s [%s]" % (name, self._note)


class _GoroutineFilter:
    """Shows the selected goroutine's frames as its own."""

    name, priority, enabled = "leaks-goroutine", 2000, True

    def filter(self, iterator):
        selected = selection.now()
        return iterator if selected is None else _own(iterator, selected)


def _own(iterator, selected):
    is_hidden, c_names = selected.hides(), selected.c_names
    for decorator in iterator:
        frame = decorator.inferior_frame()
        if frame.pc() == 0:
            # Behind the first function of a goroutine.
            return
        if is_hidden(frame):
            for each in c_names:
                yield _Named(decorator, each, each is c_names[0])
            c_names = ()
            continue
        names = selected.names_of(frame)
        if not names:
            yield _Own(decorator, frame)
        for each in names or ():
            yield _Named(decorator, each, each is names[0])


class _ReportFilter:
    """What the settings "leaks hide-runtime-frames" and "leaks frame-notes" ask for."""

    name, priority, enabled = "leaks-report", 1000, True

    def __init__(self, context):
        self._context = context

    def filter(self, iterator):
        hides, notes = (settings.get(each) for each in (settings.HideRuntimeFrames,
                                                        settings.FrameNotes))
        if not hides and not notes:
            return iterator
        known = self._context.known_report()
        if known is None:
            return iterator
        if notes:
            iterator = self._noted(iterator, known)
        return self._folded(iterator, known) if hides else iterator

    def _noted(self, iterator, known):
        first = next(iterator, None)
        if first is None:
            return iterator
        note = self._context.note(known)
        return itertools.chain([_Noted(first, note) if note else first], iterator)

    @staticmethod
    def _folded(iterator, known):
        """Without the runtime's frames at both ends, unless there are no others."""
        rows = list(iterator)
        runtime = [_name(row) in known.runtime_names for row in rows]
        if all(runtime):
            return iter(rows)
        first = runtime.index(False)
        last = len(rows) - runtime[::-1].index(False)
        return iter(rows[first:last])


def _name(decorator):
    frame = decorator.inferior_frame()
    name = decorator._frame.function if isinstance(decorator, _Named) else frame.name()
    return name


def register(context):
    for each in (_GoroutineFilter(), _ReportFilter(context)):
        gdb.frame_filters[each.name] = each

"""What "bt" shows: of a goroutine its own frames alone, with the report's names where GDB has none;
on demand without the frames that merely wait or start a thread, and with what it waits for."""

import contextlib
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


# How GDB may show arguments that it does not know: the settings with which it is enough to give it
# their values now, as no function of Go's has values of the time of its call (Go 1.27 writes no
# DW_TAG_call_site).
_WITHOUT_ENTRY_VALUES = ("default", "no")


class _Remembered:
    """A frame of a goroutine, with what is the same where other goroutines have the same stack:
    function, file, line and names of arguments."""

    def __init__(self, frame, said, arguments, are_values_ours):
        self._frame, self._said, self._arguments = frame, said, arguments
        self._are_values_ours = are_values_ours

    @classmethod
    def first(cls, base, frame):
        own = _Own(base, frame)
        are_values_ours = (frame.language() == "go" and gdb.parameter("print entry-values")
                           in _WITHOUT_ENTRY_VALUES)
        symbols = [each.symbol() for each in own.frame_args() or ()]
        arguments = [_Argument(each, _value(frame, each) if are_values_ours else None)
                     for each in symbols]
        return cls(frame, (own.function(), own.filename(), own.line()), arguments,
                   are_values_ours)

    def of(self, frame):
        """This, for that frame of another goroutine."""
        return _Remembered(frame, self._said, self._arguments, self._are_values_ours)

    def inferior_frame(self):
        return self._frame

    def elided(self):
        return None

    def address(self):
        return self._frame.pc()

    def function(self):
        return self._said[0]

    def filename(self):
        return self._said[1]

    def line(self):
        return self._said[2]

    def frame_args(self):
        if not self._are_values_ours:
            return self._arguments
        return [each if each.is_lost else each.of(self._frame) for each in self._arguments]

    def frame_locals(self):
        return FrameDecorator(self._frame).frame_locals()


class _Argument:
    """An argument with its value, or None where GDB is to find it. is_lost: no goroutine with that
    stack has it any more."""

    def __init__(self, symbol, value):
        self._symbol, self._value = symbol, value
        self.is_lost = value is not None and value.is_optimized_out

    def of(self, frame):
        return _Argument(self._symbol, _value(frame, self._symbol))

    def symbol(self):
        return self._symbol

    def value(self):
        return self._value


def _value(frame, symbol):
    try:
        value = frame.read_var(symbol)
        if not value.is_optimized_out:
            value.fetch_lazy()
    except gdb.error:
        # GDB has words for it.
        return None
    return value


class _Memory:
    """What is known of the frames of goroutines, while a command is applied to many of them."""

    def __init__(self):
        self._frames = None

    def own(self, base, frame, key):
        """The decorator of a frame. key: the goroutine's stack, its address and which of the
        goroutine's frames it is; None unknown."""
        if self._frames is None or key is None:
            return _Own(base, frame)
        known = self._frames.get(key)
        if known is not None:
            return known.of(frame)
        self._frames[key] = _Remembered.first(base, frame)
        return self._frames[key]

    def _forget(self, _event):
        self._frames.clear()

    @contextlib.contextmanager
    def kept(self):
        """One inside the other shares it."""
        if self._frames is not None:
            yield
            return
        # A command may load or drop symbols. GDB 13.1 has no event for each object file that goes.
        events = [getattr(gdb.events, name) for name in (
            "new_objfile", "clear_objfiles", "free_objfile") if hasattr(gdb.events, name)]
        self._frames = {}
        for event in events:
            event.connect(self._forget)
        try:
            yield
        finally:
            self._frames = None
            for event in events:
                event.disconnect(self._forget)


_memory = _Memory()


def quickened():
    """Makes "bt" of goroutines that have one stack quicker, as long as it is entered."""
    return _memory.kept()


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


class _Filter:
    """Where there is a filter, GDB shows frames in another way, without "??" for instance: so there
    is one only when there is something to do."""

    def __init__(self):
        self._may = True

    @property
    def enabled(self):
        return self._may and self.has_work()

    @enabled.setter
    def enabled(self, may):
        # By "disable frame-filter".
        self._may = may


class _GoroutineFilter(_Filter):
    """Shows the selected goroutine's frames as its own."""

    name, priority = "leaks-goroutine", 2000

    @staticmethod
    def has_work():
        return selection.now() is not None

    @staticmethod
    def filter(iterator):
        return _own(iterator, selection.now())


def _own(iterator, selected):
    is_hidden, c_names = selected.hides(), selected.c_names
    stack, level = selected.task.goroutine.stack, 0
    shown = None
    for decorator in iterator:
        frame = decorator.inferior_frame()
        pc = frame.pc()
        if pc == 0:
            # Behind the first function of a goroutine.
            return
        if is_hidden(frame):
            for each in c_names:
                yield _Named(decorator, each, each is c_names[0])
            c_names = ()
            continue
        names = selected.names_of(frame)
        if names and names is shown:
            # What GDB takes for inlined there.
            continue
        shown = names
        if not names:
            level += 1
            yield _memory.own(decorator, frame, None if stack is None else (stack, pc, level))
        for each in names or ():
            yield _Named(decorator, each, each is names[0])


class _ReportFilter(_Filter):
    """What the settings "leaks hide-runtime-frames" and "leaks frame-notes" ask for."""

    name, priority = "leaks-report", 1000

    def __init__(self, context):
        super().__init__()
        self._context = context

    def has_work(self):
        return ((settings.get(settings.HIDE_RUNTIME_FRAMES) or settings.get(settings.FRAME_NOTES))
                and self._context.known_report() is not None)

    def filter(self, iterator):
        known = self._context.known_report()
        iterator = map(_with_name, iterator)
        if settings.get(settings.HIDE_RUNTIME_FRAMES):
            iterator = self._folded(iterator, known)
        if settings.get(settings.FRAME_NOTES):
            # At the first one that is left.
            iterator = self._noted(iterator, known)
        return iterator

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


def _with_name(decorator):
    frame = decorator.inferior_frame()
    return _Own(decorator, frame) if frame.name() is None else decorator


def _name(decorator):
    frame = decorator.inferior_frame()
    name = decorator._frame.function if isinstance(decorator, _Named) else frame.name()
    return name


def register(context):
    for each in (_GoroutineFilter(), _ReportFilter(context)):
        gdb.frame_filters[each.name] = each

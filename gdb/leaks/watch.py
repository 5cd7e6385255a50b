""""leaks watch": lets a program go on for a while, again and again, and tells what grows."""

import contextlib
import os
import signal
import threading

import gdb

from . import output, selection, target
from .context import Command
from .errors import LeaksError
from .words import decimal, plural

_MAX_SAMPLES = 1000
_MAX_GROUPS = 5


class LeaksWatch(Command):
    """Let a stopped program go on, interrupt it, and tell what grows.
Usage: leaks watch SECONDS [N]

The program runs for SECONDS, N times over (the default is 3), and is stopped again each
time, as by Ctrl-C.  Each line compares the number of threads and goroutines, and the
groups that have grown, with those at the beginning.  A breakpoint or Ctrl-C ends it."""

    def __init__(self, context):
        super().__init__("leaks watch", gdb.COMMAND_RUNNING)
        self._context = context

    def run(self, argv, from_tty):
        numbers = [decimal(word) for word in argv]
        if not 1 <= len(numbers) <= 2 or None in numbers or 0 in numbers:
            raise LeaksError("Usage: leaks watch SECONDS [N]")
        seconds, times = (numbers + [3])[:2]
        if times > _MAX_SAMPLES or seconds > 86400:
            raise LeaksError("At most %d times, for at most a day each." % _MAX_SAMPLES)
        inferior = target.stopped_inferior()
        if target.is_core(inferior):
            raise LeaksError("A core does not go on; \"leaks watch\" wants a program.")
        if gdb.parameter("non-stop"):
            raise LeaksError("\"leaks watch\" wants all threads to stop together: "
                             "\"set non-stop off\".")
        selection.clear()
        first = self._context.report({"all": True})
        output.write_lines([[("at the beginning: " + _totals(first), None)]], from_tty)
        for number in range(1, times + 1):
            why = _go_on(inferior, seconds)
            if why is not None:
                output.write_lines([[(why, "highlight")]], from_tty)
                if inferior.is_valid() and inferior.pid != 0:
                    gdb.execute("frame", from_tty)
                return
            now = self._context.report({"all": True})
            output.write_lines(_sample(number * seconds, first, now), from_tty)


def _go_on(inferior, seconds):
    """Lets the program run for that long. Returns why it stopped otherwise, or None."""
    stops, ended = [], []
    stopped, exited = stops.append, ended.append
    gdb.events.stop.connect(stopped)
    gdb.events.exited.connect(exited)
    alarm = _Alarm(seconds)
    try:
        with _quiet():
            gdb.execute("continue", to_string=True)
    except KeyboardInterrupt:
        # It came when the program had stopped already.
        if not alarm.has_rung:
            raise
    finally:
        alarm.cancel()
        gdb.events.stop.disconnect(stopped)
        gdb.events.exited.disconnect(exited)
    if ended or not inferior.is_valid() or inferior.pid == 0:
        return "The program has ended."
    last = stops[-1] if stops else None
    if isinstance(last, gdb.SignalEvent) and last.stop_signal == "SIGINT":
        return None if alarm.has_rung else "Interrupted."
    if isinstance(last, gdb.SignalEvent):
        return "The program has stopped: it took %s." % last.stop_signal
    if isinstance(last, gdb.BreakpointEvent):
        return "The program has stopped at breakpoint %d." % last.breakpoints[0].number
    return "The program has stopped."


@contextlib.contextmanager
def _quiet():
    """Without GDB's own words about each stop, which are not part of what a command returns."""
    name = "suppress-cli-notifications"
    before = "on" if gdb.parameter(name) else "off"
    gdb.execute("set %s on" % name)
    try:
        yield
    finally:
        gdb.execute("set %s %s" % (name, before))


class _Alarm:
    """Interrupts GDB, as Ctrl-C does, when the time is over."""

    def __init__(self, seconds):
        self.has_rung = False
        self._lock, self._is_over = threading.Lock(), threading.Event()
        # GDB's signals are for its own threads.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._thread = threading.Thread(target=self._wait, args=(seconds,), daemon=True)
            self._thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _wait(self, seconds):
        if self._is_over.wait(seconds):
            return
        with self._lock:
            if not self._is_over.is_set():
                self.has_rung = True
                os.kill(os.getpid(), signal.SIGINT)

    def cancel(self):
        with self._lock:
            self._is_over.set()
        self._thread.join()


def _counts(report):
    return [int(report.summary.get(name) or 0) for name in ("threads", "goroutines")]


def _totals(report):
    return " and ".join(plural(count, noun) for count, noun in
                        zip(_counts(report), ("thread", "goroutine")) if count) or "no threads"


def _sample(seconds, first, now):
    deltas = ["%+d" % (then - before) for before, then in zip(_counts(first), _counts(now))
              if before or then]
    lines = [[("after %d s: %s (%s)" % (seconds, _totals(now), ", ".join(deltas)), None)]]
    before = {group.id: group.count for group in first.groups}
    grown = sorted(((group.count - before.get(group.id, 0), group) for group in now.groups
                    if group.count > before.get(group.id, 0)),
                   key=lambda item: (-item[0], item[1].id))
    for delta, group in grown[:_MAX_GROUPS]:
        frame = next((each for each in group.frames if not each.runtime and not each.signal), None)
        place = frame.function if frame is not None else None
        lines.append([("  %+d " % delta, "highlight"), (group.id, "variable"),
                      ("  %s  %s" % (group.reason or group.state or "?", place or "??"), None)])
    if len(grown) > _MAX_GROUPS:
        lines.append([("  and %d more groups have grown" % (len(grown) - _MAX_GROUPS), None)])
    return lines


def register(context):
    LeaksWatch(context)

"""What the commands share: the sessions, one for each inferior, and how a command fails."""

import contextlib
import os

import gdb

from . import (analyzer, goroutines, live, options, report, selection, session, settings, target,
               waits)
from .errors import LeaksError


class Context:
    """One session for each inferior."""

    def __init__(self):
        self._sessions = {}

    def session(self):
        inferior = target.stopped_inferior()
        known = self.known_session()
        if known is None:
            if target.is_core(inferior):
                known = session.Session(target.core_path(inferior), target.loaded_mark())
            else:
                known = live.LiveSession(inferior)
            self._sessions[inferior.num] = known
        return known

    def known_session(self):
        """The selected inferior's session if there is one, without looking for a core."""
        known = self._sessions.get(gdb.selected_inferior().num)
        return known if known is not None and known.is_current() else None

    def report(self, values):
        """The report for these options, from the analyzer if it is not known yet."""
        values = dict(values)
        values.setdefault("threshold", settings.get(settings.Threshold))
        return self._analysis("report", options.analyzer_arguments(values), None, self._loaded)

    def last_report(self):
        """The report that was listed last, or the one without options."""
        current = self.session()
        current.last_report = self.report(current.last_values)
        return current.last_report

    def shown_task(self, kind, number):
        """What the analyzer says of one task alone: JSON's object."""
        return self._analysis("show", [], "%s:%d" % (kind, number),
                              lambda data, code, path: report.load_task(data, path))

    def _analysis(self, command, chosen, name, load):
        """What load() makes of the analyzer's output, once. name: what to show."""
        current = self.session()
        path = analyzer.find(settings.get(settings.AnalyzerPath), os.path.dirname(__file__))
        timeout_s = settings.get(settings.Timeout)
        sysroot, debug_dirs = target.directories()
        executable, sysroot = current.files(target.executable(), sysroot)
        argv = [path] + analyzer.arguments(command, current.path, executable, sysroot, debug_dirs,
                                           timeout_s, chosen)
        argv += [name] if name is not None else []
        files = [session.file_identity(each) for each in (path, executable) if each]

        def make(core=None):
            code, data = analyzer.run(argv, timeout_s, core)
            return load(data, code, path)
        return current.report((tuple(argv), tuple(files)), make)

    def _loaded(self, data, code, path):
        current = self.session()
        made = report.load(data, code, path)
        made.name, made.clocks = current.name, current.clocks()
        self._check_same_process(made)
        return made

    def threads(self):
        """{id: GDB's thread} of the core."""
        inferior = target.stopped_inferior()
        return self.session().threads(lambda: target.threads(inferior))

    def known_goroutines(self):
        """The numbers of goroutines that reports are known to have, as words."""
        known = self.known_session()
        return list(map(str, known.known_goroutines())) if known is not None else []

    def known_report(self):
        """The last listing if the analysis is there already, else None."""
        known = self.known_session()
        return known.last_report if known is not None else None

    @staticmethod
    def note(report):
        """What the selected goroutine or thread waits for, or None."""
        selected, thread = selection.now(), gdb.selected_thread()
        if selected is not None and thread == selected.thread:
            task = selected.task
        else:
            task = report.thread(target.id_of(thread)) if thread is not None else None
        return waits.note(task, report) if task is not None else None

    def places(self, task):
        """The Places of a goroutine. Those that have the same stack are asked for once."""
        places, number = self.session().places, task.goroutine.stack
        if number is None or number not in places:
            places[number] = goroutines.places(self.shown_task("goroutine", task.id))
        return places[number]

    @contextlib.contextmanager
    def selection_kept(self):
        """Leaves the selected goroutine, thread and frame as they were."""
        inferior, thread = gdb.selected_inferior(), gdb.selected_thread()
        goroutine = selection.now()
        frame = gdb.selected_frame() if thread is not None else None
        try:
            yield
        finally:
            if thread is not None and thread.is_valid():
                if gdb.selected_inferior() != inferior or gdb.selected_thread() != thread:
                    thread.switch()
                selection.restore(goroutine)
                if frame.is_valid():
                    frame.select()

    @staticmethod
    def check_machine():
        """Raises when the registers are not those that reports are about."""
        if "x86-64" not in gdb.newest_frame().architecture().name():
            raise LeaksError("Goroutines can be selected on x86-64 alone.")

    def complete_thread(self, text, word):
        """The ids of threads that go on from text."""
        known = self.known_session()
        ids = known.known_thread_ids() if known is not None else []
        try:
            ids = ids or sorted(self.threads())
        except LeaksError:
            return []
        return options.continuations(list(map(str, ids)), options.split_last(text)[1], word)

    def _check_same_process(self, made):
        """Raises when the report is of another process than GDB shows: then the file was
        replaced after GDB had read it."""
        reported = made.thread_ids()
        if made.pid() == target.stopped_inferior().pid or not reported:
            return
        if self.threads().keys().isdisjoint(reported):
            raise LeaksError("\"%s\" is no longer the core that GDB has loaded. Use "
                             "\"core-file FILE\" to load it again." % self.session().path)

    def look_up(self, find, everywhere):
        """What find() finds in the last listing, else, if everywhere, in the whole report.

        Returns (what was found or None, the report, whether its ranks are the last listing's).
        """
        last_values = self.session().last_values
        listed = self.report(last_values)
        found = find(listed)
        if found is not None or not everywhere:
            return found, listed, True
        kept = {name: last_values[name] for name in ("group-by", "threshold")
                if name in last_values}
        whole = self.report(dict(kept, all=True))
        return find(whole), whole, False


class Command(gdb.Command):
    """A command whose failures are one line each."""

    def invoke(self, arg, from_tty):
        self.dont_repeat()
        try:
            self.run_line(arg, from_tty)
        except gdb.GdbError:
            raise
        except (LeaksError, gdb.error) as error:
            raise gdb.GdbError(str(error))
        except Exception as error:
            if gdb.parameter("python print-stack") == "full":
                raise
            raise gdb.GdbError("Internal error in leaks: %s: %s" % (type(error).__name__, error))

    def run_line(self, line, from_tty):
        """What the command does; one that takes another command wants the line as it was typed."""
        self.run(gdb.string_to_argv(line), from_tty)


def only_argument(argv, what):
    if not argv:
        raise LeaksError("Argument required (%s)." % what)
    if len(argv) > 1:
        raise LeaksError("Only one argument is taken: %s." % what)
    return argv[0]

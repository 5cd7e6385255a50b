"""What the commands share: the sessions, one for each inferior, and how a command fails."""

import os

import gdb

from . import analyzer, live, options, report, session, settings, target
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
        return self.report(self.session().last_values)

    def shown_task(self, kind, number):
        """What the analyzer says of one task alone: JSON's object."""
        return self._analysis("show", [], "%s:%d" % (kind, number),
                              lambda data, code, path: report.load_task(data, path))

    def _analysis(self, command, chosen, name, load):
        """What load() makes of the analyzer's output, unless it is known yet. name: what to show."""
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
            self.run(gdb.string_to_argv(arg), from_tty)
        except gdb.GdbError:
            raise
        except (LeaksError, gdb.error) as error:
            raise gdb.GdbError(str(error))
        except Exception as error:
            if gdb.parameter("python print-stack") == "full":
                raise
            raise gdb.GdbError("Internal error in leaks: %s: %s" % (type(error).__name__, error))

"""What the commands share: the sessions, one for each inferior, and how a command fails."""

import contextlib
import os

import gdb

from . import (analyzer, completion, found, goroutines, live, options, report, selection, session,
               settings, target, waits)
from .errors import LeaksError
from .words import decimal


class Context:
    """One session for each inferior."""

    def __init__(self):
        self._sessions = {}
        # An earlier dump's path, or None.
        self.baseline = None

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
        values.setdefault("threshold", settings.get(settings.THRESHOLD))
        chosen = options.analyzer_arguments(values) + settings.analyzer_arguments()
        argv = self._arguments("report", chosen, "--json")
        return self._once(argv, self._loaded)

    def last_report(self):
        """The report that was listed last, or the one without options."""
        current = self.session()
        current.last_report = self.report(current.last_values)
        return current.last_report

    def shown_task(self, kind, number):
        """What the analyzer says of one task alone: see report.load_task()."""
        argv = self._arguments("show", [], "--json") + ["%s:%d" % (kind, number)]
        return self._once(argv, lambda data, code: report.load_task(data, argv[0]))

    def write_file(self, values, words):
        """Has the analyzer write a report to files. words: its options that say where and how."""
        values = dict(values)
        values.setdefault("threshold", settings.get(settings.THRESHOLD))
        chosen = options.analyzer_arguments(values) + settings.analyzer_arguments() + words
        argv = self._arguments("report", chosen, "--quiet")
        analyzer.version(argv[0])
        timeout_s = settings.get(settings.TIMEOUT)
        return self.session().once(lambda core=None: analyzer.run(argv, timeout_s, core))

    def text(self, command, words, others=(), what=()):
        """The lines that the analyzer writes for a reader. others: dumps before this one. what: of
        it to show."""
        argv = self._arguments(command, words, "--color=never")
        argv[-1:-1] = others
        argv += what
        # A report says itself that it is one, a text does not.
        analyzer.version(argv[0])
        timeout_s = settings.get(settings.TIMEOUT)
        _, out = self.session().once(lambda core=None: analyzer.run(argv, timeout_s, core))
        return out.decode("utf-8", "replace").splitlines()

    @staticmethod
    def analyzer():
        """The analyzer's path. Raises LeaksError."""
        return analyzer.find(settings.get(settings.ANALYZER_PATH), os.path.dirname(__file__))

    def forget(self):
        """Lets the next command analyse again."""
        self._sessions.pop(gdb.selected_inferior().num, None)

    def _arguments(self, command, chosen, output):
        current = self.session()
        sysroot, debug_dirs = target.directories()
        executable, sysroot = current.files(target.executable(), sysroot)

        def arguments(command, debug_dirs, chosen, output):
            return [self.analyzer()] + analyzer.arguments(
                command, current.path, executable, sysroot, debug_dirs,
                settings.get(settings.TIMEOUT), chosen, output)

        debug_dirs = self._with_found(current, debug_dirs)
        if settings.get(settings.DEBUGINFOD):
            self._fetch(arguments("report", debug_dirs, ["--no-proof"], "--json"))
            debug_dirs = self._with_found(current, debug_dirs)
        return arguments(command, debug_dirs, chosen, output)

    @staticmethod
    def _with_found(current, debug_dirs):
        """The folders, with the one of files that were found elsewhere if there are any."""
        if current.found is None:
            current.found = found.Folder(settings.temporary_directory())
        for build_id, is_debug, path in target.found_files():
            current.found.add(build_id, found.DEBUG if is_debug else found.PROGRAM, path)
        folders = debug_dirs.split(":") if debug_dirs else []
        if current.found.path is None or current.found.path in folders:
            return debug_dirs
        return ":".join([current.found.path] + folders)

    def _fetch(self, argv):
        """Fetches what is missing from the report that argv makes. Tells of it once."""
        current, urls = self.session(), target.debuginfod_urls()
        if current.found.asked:
            return
        if not urls:
            raise LeaksError("No debuginfod server is known; see \"help set debuginfod urls\".")
        wanted = found.wanted(self._once(argv, self._loaded))
        num = sum(current.found.fetch(build_id, kind, urls) for build_id, kind in wanted)
        if wanted:
            gdb.write("debuginfod: %d of %d files fetched\n" % (num, len(wanted)), gdb.STDLOG)

    def _once(self, argv, load):
        """What load() makes of the analyzer's output, once for the same files."""
        def make(core=None):
            code, data = analyzer.run(argv, timeout_s, core)
            return load(data, code)
        timeout_s = settings.get(settings.TIMEOUT)
        names = [argv[0]] + [word[len("--executable="):] for word in argv
                             if word.startswith("--executable=")]
        key = tuple(argv), tuple(session.file_identity(name) for name in names)
        return self.session().report(key, make)

    def _loaded(self, data, code):
        current = self.session()
        made = report.load(data, code, self.analyzer())
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

    def known_tasks(self):
        """Those of the last listing, as "goroutine:18"."""
        known = self.known_report()
        return ["%s:%d" % key for key in sorted(known.task_of)] if known is not None else []

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
            places[number] = goroutines.places(self.shown_task("goroutine", task.id)[0])
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

    def task_key(self, argv):
        """The report's Key of the task that a command names: TID, thread:TID or goroutine:N;
        without a name the selected one."""
        if not argv:
            self.session()
            selected, thread = selection.now(), gdb.selected_thread()
            if selected is not None and selected.thread == thread:
                return report.Key("goroutine", selected.task.id)
            if thread is None:
                raise LeaksError("No thread is selected.")
            return self._thread_key(target.id_of(thread))
        name = only_argument(argv, "a thread's ID")
        kind, colon, number = name.partition(":")
        number = decimal(number if colon else name)
        if number is None or colon and kind not in ("thread", "goroutine"):
            raise LeaksError("Invalid thread ID: %s" % name)
        if colon and kind == "goroutine":
            self.session()
            found, _, _ = self.look_up(lambda each: each.goroutine(number), True)
            if found is None:
                raise LeaksError("No goroutine %d in this %s; see \"leaks goroutines\"." % (
                    number, self.session().noun))
            return report.Key("goroutine", number)
        return self._thread_key(number)

    def _thread_key(self, thread_id):
        # GDB's own list takes its time when there are thousands.
        if self.last_report().thread(thread_id) is None and thread_id not in self.threads():
            raise self.no_thread(thread_id)
        return report.Key("thread", thread_id)

    def why_lines(self, key):
        """What a task waits for and why, as lines of styled text."""
        said = self.shown_task(key.kind, key.id)[1] if key.kind == "goroutine" else None
        return waits.why_lines(key, self.last_report(), said)

    def no_thread(self, thread_id):
        """The error for an id that no thread has: GDB's own number perhaps."""
        known = self.threads()
        own = next((each for each in known if known[each].num == thread_id), None)
        return LeaksError("No thread %s in this %s%s; see \"info threads\"." % (
            thread_id, self.session().noun,
            "" if own is None else ": GDB's thread %d is LWP %d" % (thread_id, own)))

    def complete_options(self, text, word, rows=options.OPTIONS):
        """What options and their values can become."""
        known = self.known_session()
        values = completion.known_values(known.listings()) if known is not None else {}
        return options.complete(text, word, rows, values)

    def complete_thread(self, text, word):
        """The ids of threads that go on from text."""
        last = completion.split_last(text)[1]
        if last[:1].isalpha():
            return completion.continuations(self.known_tasks(), last, word)
        known = self.known_session()
        ids = known.known_thread_ids() if known is not None else []
        try:
            ids = ids or sorted(self.threads())
        except LeaksError:
            return []
        return completion.continuations(list(map(str, ids)), last, word)

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

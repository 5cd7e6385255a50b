"""Commands around the report: one object, files, what is known and what is missing."""

import os

import gdb

from . import (analyzer, doctor, options, output, selection, settings, target, unpack, waits)
from .completion import continuations, split_last
from .context import Command, only_argument
from .errors import LeaksError
from .words import clean


class LeaksObject(Command):
    """Show one object that threads wait for: its holder and all its waiters.
Usage: leaks object EXPRESSION

EXPRESSION is an address, or an object of the program as in "leaks object accounts"."""

    def __init__(self, context):
        super().__init__("leaks object", gdb.COMMAND_STACK)
        self._context = context

    def run_line(self, line, from_tty):
        if not line.strip():
            raise LeaksError("Argument required (an object, or its address).")
        self._context.session()
        where = _address(gdb.parse_and_eval(line))
        output.write_lines(waits.object_lines(where, self._context.last_report()), from_tty)

    def complete(self, text, word):
        return gdb.COMPLETE_EXPRESSION


_NUMBERS = (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_INT, gdb.TYPE_CODE_REF)


def _address(value):
    if value.type.strip_typedefs().code not in _NUMBERS and value.address is not None:
        value = value.address
    try:
        return int(value) & (1 << 64) - 1
    except (gdb.error, TypeError, ValueError):
        raise LeaksError("That is no object and no address.")


class LeaksExport(Command):
    """Write the report that was listed last to a file.
Usage: leaks export [-force] FILE

The format follows from the end of FILE's name: .txt, .json, .folded, .pb.gz and so on;
"man coreleaks" lists them.  A file that exists is kept, unless -force is given."""

    def __init__(self, context):
        super().__init__("leaks export", gdb.COMMAND_STACK)
        self._context = context

    def run(self, argv, from_tty):
        write_file(self._context, argv, from_tty)

    def complete(self, text, word):
        return _file_or("-force", text, word)


def _file_or(flag, text, word):
    last = split_last(text)[1]
    return continuations([flag], last, word) if last[:1] == "-" else gdb.COMPLETE_FILENAME


class LeaksGraph(Command):
    """Show who waits for whom, as a graph for the program "dot".
Usage: leaks graph [-force] [FILE]

Without FILE the graph's text is printed, as in "| leaks graph | dot -Tsvg >graph.svg".
FILE ends in .dot, or in .html for a page with the graph and the report."""

    def __init__(self, context):
        super().__init__("leaks graph", gdb.COMMAND_STACK)
        self._context = context

    def run(self, argv, from_tty):
        if argv:
            write_file(self._context, argv, from_tty)
            return
        values = self._context.session().last_values
        words = options.analyzer_arguments(values) + settings.analyzer_arguments()
        _write_plain(self._context.text("report", words + ["--format=dot"]), from_tty)

    def complete(self, text, word):
        return _file_or("-force", text, word)


class LeaksTree(Command):
    __doc__ = """Show which goroutines were made by which, with how many under each.
Usage: leaks tree [OPTION]...

Those that have ended are named where goroutines that they have made are still there.
Without goroutines the functions that make threads are shown.

Options:
%s""" % options.help_text(options.OF_TREE)

    def __init__(self, context):
        super().__init__("leaks tree", gdb.COMMAND_STACK)
        self._context = context

    def run(self, argv, from_tty):
        values = options.parse(argv, options.OF_TREE)
        words = options.analyzer_arguments(values) + settings.analyzer_arguments()
        lines = self._context.text("show", words, what=["tree"])
        output.write_lines([[(clean(options.in_gdb(line)), "title" if at == 0 else None)]
                            for at, line in enumerate(lines)], from_tty)

    def complete(self, text, word):
        return self._context.complete_options(text, word, options.OF_TREE)


class LeaksBaseline(Command):
    """Set the earlier dump that "leaks compare" compares with.
Usage: leaks baseline [FILE | off]

FILE is a core, a report by "leaks export FILE.json", or a profile of Go's.  Without
arguments: which one is set."""

    def __init__(self, context):
        super().__init__("leaks baseline", gdb.COMMAND_STACK)
        self._context = context

    def run(self, argv, from_tty):
        if argv:
            name = only_argument(argv, "a dump's name")
            self._context.baseline = None if name == "off" else _existing(name)
        now = self._context.baseline
        line = [("No baseline is set.", None)] if now is None else [
            ("\"leaks compare\" compares with ", None), (now, "filename"), (".", None)]
        output.write_lines([line], from_tty)

    def complete(self, text, word):
        return gdb.COMPLETE_FILENAME


class LeaksCompare(Command):
    """Tell what is new, grew or went away since earlier dumps.
Usage: leaks compare [-v] [FILE]...

FILEs are earlier dumps of the program in the order of time: cores, reports by "leaks
export FILE.json", or profiles of Go's.  Without one that which "leaks baseline" has
set is taken.  With -v groups that stay the same are listed, too."""

    def __init__(self, context):
        super().__init__("leaks compare", gdb.COMMAND_STACK)
        self._context = context

    def run(self, argv, from_tty):
        verbose = argv[:1] == ["-v"]
        others = [_existing(name) for name in argv[verbose:]]
        if not others and self._context.baseline is None:
            raise LeaksError("Argument required (an earlier dump), or set one by \"leaks "
                             "baseline\".")
        words = settings.analyzer_arguments() + (["--verbose"] if verbose else [])
        lines = self._context.text("compare", words, others or [self._context.baseline])
        _write_plain(lines, from_tty)

    def complete(self, text, word):
        return _file_or("-v", text, word)


def _existing(name):
    path = os.path.abspath(os.path.expanduser(name))
    if not os.path.exists(path):
        raise LeaksError("Cannot read \"%s\": No such file or directory." % path)
    return path


def _write_plain(lines, from_tty):
    output.write_lines([[(clean(line), None)] for line in lines], from_tty)


def write_file(context, argv, from_tty):
    """Writes the report that was listed last. argv: [-force] FILE"""
    force = argv[:1] in (["-force"], ["--force"])
    name = only_argument(argv[force:], "a file's name")
    path = os.path.abspath(os.path.expanduser(name))
    words = ["--output=" + path] + (["--force"] if force else [])
    try:
        context.write_file(context.session().last_values, words)
    except LeaksError as error:
        # The analyzer names options of its own.
        raise LeaksError(str(error).replace("--output ", "").replace(", or --format", "")
                         .replace("; --force ", "; -force "))
    output.write_lines([[("Wrote ", None), (path, "filename"), (".", None)]], from_tty)


class LeaksRefresh(Command):
    """Forget what is known, so that the next command analyses anew.
Usage: leaks refresh"""

    def __init__(self, context):
        super().__init__("leaks refresh", gdb.COMMAND_STACK)
        self._context = context

    def run(self, argv, from_tty):
        if argv:
            raise LeaksError("\"leaks refresh\" takes no arguments.")
        selection.clear()
        self._context.forget()


class LeaksOpen(Command):
    """Unpack a compressed core and load it.
Usage: leaks open FILE

FILE is a core compressed by zstd, gzip, xz, bzip2 or lz4, or one that is not compressed.
It is unpacked into the folder of the setting "leaks temporary-directory", where zeros
take no room, then loaded as by "core-file", and removed when GDB ends."""

    def __init__(self, context):
        super().__init__("leaks open", gdb.COMMAND_FILES)
        self._context = context

    def run(self, argv, from_tty):
        name = only_argument(argv, "a file's name")
        path = os.path.abspath(os.path.expanduser(name))
        unpacked = unpack.unpacked(path, settings.temporary_directory())
        if unpacked != path:
            unpack.remove_at_exit(unpacked, gdb.events)
        selection.clear()
        gdb.execute("core-file " + target.quoted(unpacked), from_tty)

    def complete(self, text, word):
        return gdb.COMPLETE_FILENAME


class LeaksDoctor(Command):
    """Check what "leaks" needs, and say how to get what is missing.
Usage: leaks doctor"""

    def __init__(self, context):
        super().__init__("leaks doctor", gdb.COMMAND_SUPPORT)
        self._context = context

    def run(self, argv, from_tty):
        if argv:
            raise LeaksError("\"leaks doctor\" takes no arguments.")
        output.write_lines(doctor.lines(self._facts()), from_tty)

    def _facts(self):
        facts = doctor.Facts(gdb_version=gdb.VERSION)
        facts.sysroot, facts.debug_dirs = target.directories()
        try:
            facts.analyzer = self._context.analyzer()
            facts.analyzer_version = analyzer.version(facts.analyzer)
        except LeaksError as error:
            facts.analyzer_problem = str(error)
        try:
            facts.core = self._context.session().path
            facts.executable = target.executable()
            if facts.analyzer_problem is None:
                facts.report = self._context.last_report()
        except LeaksError as error:
            facts.core_problem = str(error)
        facts.temporary_directory = settings.temporary_directory()
        return facts


class InfoLeaks(Command):
    """Show what "leaks" works with: the program, the core, the last listing.
Usage: info leaks"""

    def __init__(self, context):
        super().__init__("info leaks", gdb.COMMAND_STATUS)
        self._context = context

    def run(self, argv, from_tty):
        if argv:
            raise LeaksError("\"info leaks\" takes no arguments.")
        known = self._context.known_session()
        selected = selection.now()
        lines = ["Analyzer: %s" % self._context.analyzer(),
                 "Core: %s" % ("none analysed yet" if known is None else known.path
                               if known.name is None else known.name)]
        if known is not None:
            lines.append("Last listing: leaks%s" % "".join(
                " " + word for word in options.as_typed(known.last_values)))
            if known.last_report is not None:
                lines.append("Found: %s" % waits.summary_text(known.last_report))
        lines.append("Goroutine: %s" % ("none selected" if selected is None
                                        else "%d" % selected.task.id))
        output.write_lines([[(line, None)] for line in lines], from_tty)


def register(context):
    for command in (LeaksObject, LeaksExport, LeaksGraph, LeaksTree, LeaksBaseline, LeaksCompare,
                    LeaksRefresh, LeaksOpen, LeaksDoctor, InfoLeaks):
        command(context)

""""set leaks ..." and "show leaks ..."."""

import os
from collections import namedtuple

import gdb


class _SetPrefix(gdb.Command):
    """Configure the command "leaks"."""

    def __init__(self):
        super().__init__("set leaks", gdb.COMMAND_STACK, prefix=True)

    def invoke(self, arg, from_tty):
        _refuse_unknown("set", arg)
        gdb.execute("help set leaks")


class _ShowPrefix(gdb.Command):
    """Show the settings of the command "leaks"."""

    def __init__(self):
        super().__init__("show leaks", gdb.COMMAND_STACK, prefix=True)

    def invoke(self, arg, from_tty):
        _refuse_unknown("show", arg)
        for setting in _SETTINGS:
            gdb.write("%s:  " % setting.name)
            gdb.execute("show leaks %s" % setting.name)


def _refuse_unknown(verb, arg):
    if arg:
        raise gdb.GdbError("Undefined %s leaks command: \"%s\".  Try \"help %s leaks\"." %
                           (verb, arg, verb))


# name: as in "set leaks NAME". what: set and shown, as a sentence goes on after "Set". help: for
# "help set leaks NAME". shown: of a value, or of none (None: there is always one).
_Row = namedtuple("_Row", "name kind default what help shown shown_none", defaults=(None,))

ANALYZER_PATH = _Row(
    "analyzer-path", gdb.PARAM_OPTIONAL_FILENAME, "", "the program that \"leaks\" runs",
    """The program that "leaks" runs.
When it is not set, coreleaks is looked for in the source tree or the installation that the
command comes from, then in PATH.""",
    "The program that \"leaks\" runs is \"%s\".",
    "The program that \"leaks\" runs is looked for.")
DEBUGINFOD = _Row(
    "debuginfod", gdb.PARAM_BOOLEAN, False,
    "whether \"leaks\" fetches missing files from debuginfod servers",
    """Whether "leaks" fetches files of the program that are missing from debuginfod servers.
These are programs and libraries that are not there, and debug information of those whose
source lines are not known.  The servers are those of "set debuginfod urls", or else of the
environment variable DEBUGINFOD_URLS.  What GDB has fetched itself is used anyway.""",
    "Fetching missing files from debuginfod servers is %s.")
FRAME_NOTES = _Row(
    "frame-notes", gdb.PARAM_BOOLEAN, False, "whether \"bt\" notes what the thread waits for",
    """Whether "bt" notes at the innermost frame what the thread or goroutine waits for.
What that is is known once "leaks" has been used.""",
    "Noting what a thread waits for is %s.")
HIDE_RUNTIME_FRAMES = _Row(
    "hide-runtime-frames", gdb.PARAM_BOOLEAN, False,
    "whether \"bt\" leaves out frames that only wait or start a thread",
    """Whether "bt" leaves out frames of libc and of Go's runtime at both ends of a stack.
These are frames that only wait, or start a thread.  What they are is known once "leaks"
has been used.""",
    "Leaving out frames that only wait or start a thread is %s.")
LIMIT = _Row(
    "limit", gdb.PARAM_UINTEGER, 20, "the number of groups that \"leaks\" prints",
    """How many groups "leaks" prints.
"unlimited" or 0: all of them.""",
    "The number of groups that \"leaks\" prints is %s.")
MAX_AGE = _Row(
    "max-age", gdb.PARAM_STRING_NOESCAPE, "",
    "how long goroutines may wait before they are suspicious",
    """How long goroutines may wait before a hundred of them are suspicious, as in "90s" or "10m".
When this is not set, it is 10 minutes.""",
    "Goroutines that wait for more than %s are suspicious.",
    "Goroutines that wait for more than 10m are suspicious.")
RULES_FILE = _Row(
    "rules-file", gdb.PARAM_OPTIONAL_FILENAME, "",
    "the file of rules that tell what to ignore",
    """A file of rules that tell which threads and goroutines to ignore.
See "man coreleaks" for what stands in it.""",
    "The file of rules that tell what to ignore is \"%s\".",
    "There is no file of rules that tell what to ignore.")
TEMPORARY_DIRECTORY = _Row(
    "temporary-directory", gdb.PARAM_OPTIONAL_FILENAME, "",
    "where a core of a stopped program is kept while \"leaks\" reads it",
    """Where a core of a program that is stopped is kept while "leaks" reads it.
The file has no name there and takes the room of what the program has in memory.  When
this is not set, the environment variable TMPDIR says where, and else it is /var/tmp.""",
    "A core of a stopped program is kept in \"%s\".",
    "A core of a stopped program is kept in TMPDIR, or else in \"/var/tmp\".")
THRESHOLD = _Row(
    "threshold", gdb.PARAM_ZUINTEGER, 100,
    "how many threads with the same stack are suspicious",
    """How many threads with the same stack are suspicious.""",
    "The number of threads with the same stack that are suspicious is %s.")
TIMEOUT = _Row(
    "timeout", gdb.PARAM_UINTEGER, 300, "the number of seconds that an analysis may take",
    """How many seconds the analysis of a core may take.
What is known by then is shown.  "unlimited" or 0: no limit.""",
    "The number of seconds that an analysis may take is %s.")

_SETTINGS = (ANALYZER_PATH, DEBUGINFOD, FRAME_NOTES, HIDE_RUNTIME_FRAMES, LIMIT, MAX_AGE,
             RULES_FILE, TEMPORARY_DIRECTORY, THRESHOLD, TIMEOUT)


class _Setting(gdb.Parameter):
    def __init__(self, row, value):
        # GDB reads these when the setting is made.
        self.__doc__ = row.help
        self.set_doc, self.show_doc = ("%s %s." % (verb, row.what) for verb in ("Set", "Show"))
        self._row = row
        super().__init__("leaks " + row.name, gdb.COMMAND_STACK, row.kind)
        self.value = value

    def get_set_string(self):
        return ""

    def get_show_string(self, value):
        if not value and self._row.shown_none is not None:
            return self._row.shown_none
        return self._row.shown % value


def register():
    """Makes the settings; those that exist already keep their values."""
    values = [_value_now(setting) for setting in _SETTINGS]
    _SetPrefix()
    _ShowPrefix()
    for setting, value in zip(_SETTINGS, values):
        _Setting(setting, value)


def analyzer_arguments():
    """What the settings that are about all analyses say to the analyzer."""
    rules, max_age = get(RULES_FILE), get(MAX_AGE)
    return ((["--config=" + os.path.abspath(os.path.expanduser(rules))] if rules else []) +
            (["--max-age=" + max_age.strip()] if max_age and max_age.strip() else []))


def temporary_directory():
    """The folder for files that are there for a moment."""
    # Not the default /tmp, which may be memory: a program's core may be large.
    chosen = get(TEMPORARY_DIRECTORY)
    return os.path.expanduser(chosen) if chosen else os.environ.get("TMPDIR") or "/var/tmp"


def get(setting):
    """The value of a setting; None: unlimited."""
    return gdb.parameter("leaks " + setting.name)


def _value_now(setting):
    try:
        value = get(setting)
    except RuntimeError:
        return setting.default
    # What reads as None is written as 0: unlimited.
    return 0 if value is None else value

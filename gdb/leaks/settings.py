""""set leaks ..." and "show leaks ..."."""

import os

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


class _Setting(gdb.Parameter):
    def __init__(self, value):
        super().__init__("leaks " + self.name, gdb.COMMAND_STACK, self.kind)
        self.value = value

    def get_set_string(self):
        return ""


class AnalyzerPath(_Setting):
    """The program that "leaks" runs.
When it is not set, coreleaks is looked for in the source tree or the installation that the
command comes from, then in PATH."""

    name = "analyzer-path"
    kind = gdb.PARAM_OPTIONAL_FILENAME
    default = ""
    set_doc = "Set the program that \"leaks\" runs."
    show_doc = "Show the program that \"leaks\" runs."

    def get_show_string(self, value):
        return ("The program that \"leaks\" runs is %s." %
                ("\"%s\"" % value if value else "looked for"))


class TemporaryDirectory(_Setting):
    """Where a core of a program that is stopped is kept while "leaks" reads it.
The file has no name there and takes the room of what the program has in memory.  When
this is not set, the environment variable TMPDIR says where, and else it is /var/tmp."""

    name = "temporary-directory"
    kind = gdb.PARAM_OPTIONAL_FILENAME
    default = ""
    set_doc = "Set where a core of a stopped program is kept while \"leaks\" reads it."
    show_doc = "Show where a core of a stopped program is kept while \"leaks\" reads it."

    def get_show_string(self, value):
        return ("A core of a stopped program is kept in %s." %
                ("\"%s\"" % value if value else "TMPDIR, or else in \"/var/tmp\""))


class Timeout(_Setting):
    """How many seconds the analysis of a core may take.
What is known by then is shown.  "unlimited" or 0: no limit."""

    name = "timeout"
    kind = gdb.PARAM_UINTEGER
    default = 300
    set_doc = "Set the number of seconds that an analysis may take."
    show_doc = "Show the number of seconds that an analysis may take."

    def get_show_string(self, value):
        return "The number of seconds that an analysis may take is %s." % value


class Limit(_Setting):
    """How many groups "leaks" prints.
"unlimited" or 0: all of them."""

    name = "limit"
    kind = gdb.PARAM_UINTEGER
    default = 20
    set_doc = "Set the number of groups that \"leaks\" prints."
    show_doc = "Show the number of groups that \"leaks\" prints."

    def get_show_string(self, value):
        return "The number of groups that \"leaks\" prints is %s." % value


class Threshold(_Setting):
    """How many threads with the same stack are suspicious."""

    name = "threshold"
    kind = gdb.PARAM_ZUINTEGER
    default = 100
    set_doc = "Set how many threads with the same stack are suspicious."
    show_doc = "Show how many threads with the same stack are suspicious."

    def get_show_string(self, value):
        return "The number of threads with the same stack that are suspicious is %s." % value


class HideRuntimeFrames(_Setting):
    """Whether "bt" leaves out frames of libc and of Go's runtime at both ends of a stack.
These are frames that only wait, or start a thread.  What they are is known once "leaks"
has been used."""

    name = "hide-runtime-frames"
    kind = gdb.PARAM_BOOLEAN
    default = False
    set_doc = "Set whether \"bt\" leaves out frames that only wait or start a thread."
    show_doc = "Show whether \"bt\" leaves out frames that only wait or start a thread."

    def get_show_string(self, value):
        return "Leaving out frames that only wait or start a thread is %s." % value


class FrameNotes(_Setting):
    """Whether "bt" notes at the innermost frame what the thread or goroutine waits for.
What that is is known once "leaks" has been used."""

    name = "frame-notes"
    kind = gdb.PARAM_BOOLEAN
    default = False
    set_doc = "Set whether \"bt\" notes what the thread waits for."
    show_doc = "Show whether \"bt\" notes what the thread waits for."

    def get_show_string(self, value):
        return "Noting what a thread waits for is %s." % value


class MaxAge(_Setting):
    """How long goroutines may wait before a hundred of them are suspicious, as in "90s" or "10m".
When this is not set, it is 10 minutes."""

    name = "max-age"
    kind = gdb.PARAM_STRING_NOESCAPE
    default = ""
    set_doc = "Set how long goroutines may wait before they are suspicious."
    show_doc = "Show how long goroutines may wait before they are suspicious."

    def get_show_string(self, value):
        return "Goroutines that wait for more than %s are suspicious." % (value or "10m")


class RulesFile(_Setting):
    """A file of rules that tell which threads and goroutines to ignore.
See "man coreleaks" for what stands in it."""

    name = "rules-file"
    kind = gdb.PARAM_OPTIONAL_FILENAME
    default = ""
    set_doc = "Set the file of rules that tell what to ignore."
    show_doc = "Show the file of rules that tell what to ignore."

    def get_show_string(self, value):
        return ("The file of rules that tell what to ignore is \"%s\"." % value if value else
                "There is no file of rules that tell what to ignore.")


class Debuginfod(_Setting):
    """Whether "leaks" fetches files of the program that are missing from debuginfod servers.
These are programs and libraries that are not there, and debug information of those whose
source lines are not known.  The servers are those of "set debuginfod urls", or else of the
environment variable DEBUGINFOD_URLS.  What GDB has fetched itself is used anyway."""

    name = "debuginfod"
    kind = gdb.PARAM_BOOLEAN
    default = False
    set_doc = "Set whether \"leaks\" fetches missing files from debuginfod servers."
    show_doc = "Show whether \"leaks\" fetches missing files from debuginfod servers."

    def get_show_string(self, value):
        return "Fetching missing files from debuginfod servers is %s." % value


_SETTINGS = (AnalyzerPath, Debuginfod, FrameNotes, HideRuntimeFrames, Limit, MaxAge, RulesFile,
             TemporaryDirectory, Threshold, Timeout)


def register():
    """Makes the settings; those that exist already keep their values."""
    values = [_value_now(setting) for setting in _SETTINGS]
    _SetPrefix()
    _ShowPrefix()
    for setting, value in zip(_SETTINGS, values):
        setting(value)


def analyzer_arguments():
    """What the settings that are about all analyses say to the analyzer."""
    rules, max_age = get(RulesFile), get(MaxAge)
    return ((["--config=" + os.path.abspath(os.path.expanduser(rules))] if rules else []) +
            (["--max-age=" + max_age.strip()] if max_age and max_age.strip() else []))


def temporary_directory():
    """The folder for files that are there for a moment."""
    # Not the default /tmp, which may be memory: a program's core may be large.
    chosen = get(TemporaryDirectory)
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

""""leaks goroutines", "leaks goroutine" and "leaks apply": goroutines as if they were threads."""

import os

import gdb

from . import backtrace, goroutines, options, output, selection, target
from .completion import continuations, of_command, rest_after, split_last
from .context import Command
from .errors import LeaksError
from .words import clean, decimal


class LeaksGoroutines(Command):
    __doc__ = """List goroutines, one a line.
Usage: leaks goroutines [OPTION]...

Shows of each its number, what it waits for, for how long at least, and the innermost
of the program's own frames.  "leaks goroutine N" selects one.

Options:
%s""" % options.help_text(options.OF_GOROUTINES)

    def __init__(self, context):
        super().__init__("leaks goroutines", gdb.COMMAND_STACK)
        self._context = context

    def run(self, argv, from_tty):
        values = options.parse(argv, options.OF_GOROUTINES)
        limit = values.pop("limit", 0) or None
        found = self._context.report(dict(values, kind="goroutine"))
        selected = selection.now()
        lines = goroutines.list_lines(found, limit,
                                      selected.task.id if selected is not None else None)
        output.write_lines(lines, from_tty)

    def complete(self, text, word):
        return self._context.complete_options(text, word, options.OF_GOROUTINES)


class LeaksGoroutine(Command):
    """Select a goroutine, or run one command on it.
Usage: leaks goroutine N [COMMAND]
       leaks goroutine off
       leaks goroutine

The stack of goroutine number N is shown where GDB shows the selected thread's, so that
"bt", "frame", "up", "info locals" and "print" are about it.  The innermost frame of the
program's own is selected.  With COMMAND nothing stays selected.  "off" shows the thread
again, and so does whatever makes the program go on.  Without arguments: which one is
selected.

Other threads are what they were, and "thread apply" is about threads.  Of a goroutine
in a call of C "bt" names that call's functions, too, at its frame 0; for their
variables select its thread, see "help leaks thread"."""

    def __init__(self, context):
        super().__init__("leaks goroutine", gdb.COMMAND_STACK)
        self._context = context

    def run_line(self, line, from_tty):
        word, _, command = line.strip().partition(" ")
        if not word:
            self._show(from_tty)
        elif word in ("off", "0"):
            if command.strip():
                raise LeaksError("\"leaks goroutine off\" takes no command.")
            selection.clear()
        elif command.strip():
            task, listed = find(self._context, word)
            with self._context.selection_kept():
                select(self._context, task, listed)
                gdb.execute(command, from_tty)
        else:
            task, listed = find(self._context, word)
            select(self._context, task, listed)
            self._show(from_tty)

    @staticmethod
    def _show(from_tty):
        selected = selection.now()
        if selected is None:
            output.write_lines([[("No goroutine is selected; see \"help leaks goroutine\".",
                                  None)]], from_tty)
            return
        task = selected.task
        output.write_lines([[("[Current goroutine is %d (%s)]" % (
            task.id, goroutines.reason(task)), None)]], from_tty)
        print_frame(selected, from_tty)

    def complete(self, text, word):
        rest = rest_after(text, 1)
        if rest is not None:
            return of_command(rest, word, gdb.execute)
        last = split_last(text)[1]
        return continuations(["off"] + self._context.known_goroutines(), last, word)


# Commands that do not care which frame is selected: finding it takes its time 10,000 times over.
_WHOLE_STACK = ("bt", "backtrace", "where")


class LeaksApply(Command):
    """Run a command on each member of a group, or on one thread or goroutine.
Usage: leaks apply WHAT [-q] [-c | -s] COMMAND

WHAT is a group's ID, the beginning of it, or its place in the last listing; goroutine:N
or thread:TID; or "all": every member of all groups of the last listing, in its order.
The selected thread, goroutine and frame stay.

Options, which may stand before WHAT, too:
  -q
    Print no line that names the thread or goroutine.

  -c
    Print any error raised by COMMAND and continue.

  -s
    Be silent where COMMAND raises an error or prints nothing, and continue.

"leaks taas COMMAND" is short for "leaks apply all -s COMMAND"."""

    def __init__(self, context):
        super().__init__("leaks apply", gdb.COMMAND_STACK)
        self._context = context

    def run_line(self, line, from_tty):
        flags, words = _flags(line)
        what, _, rest = words.partition(" ")
        if not what:
            raise LeaksError("Argument required (a group's ID, goroutine:N, thread:TID or all).")
        more, command = _flags(rest)
        if not command:
            raise LeaksError("Please specify a command at the end of \"leaks apply %s\"." % what)
        self.apply(what, command, flags | more, from_tty)

    def apply(self, what, command, flags, from_tty):
        tasks, listed = self._tasks(what)
        with self._context.selection_kept(), backtrace.quickened():
            for task in tasks:
                self._apply(task, listed, command, flags, from_tty)

    def _apply(self, task, listed, command, flags, from_tty):
        try:
            if task.goroutine is not None:
                select(self._context, task, listed, command.split()[0] not in _WHOLE_STACK)
            else:
                select_thread(self._context, task.id)
            heading = [[], [("%s %d (%s):" % (task.kind.capitalize(), task.id,
                                              goroutines.reason(task)), "title")]]
            if "-s" in flags:
                # What fails or says nothing leaves no heading behind.
                text = gdb.execute(command, to_string=True)
                output.write_lines(heading if text and "-q" not in flags else [], from_tty)
                gdb.write(text)
                return
            output.write_lines([] if "-q" in flags else heading, from_tty)
            _execute(command, from_tty)
        except (gdb.error, LeaksError) as error:
            if "-c" in flags:
                gdb.write("%s\n" % error)
            elif "-s" not in flags:
                raise

    def _tasks(self, what):
        """(what is meant, the report that has it)"""
        kind, colon, number = what.partition(":")
        if colon and kind == "goroutine":
            task, listed = find(self._context, number)
            return [task], listed
        listed = self._context.last_report()
        if colon and kind == "thread":
            if decimal(number) is None:
                raise LeaksError("Invalid thread ID: %s" % what)
            task = listed.thread(decimal(number))
            if task is None:
                raise self._context.no_thread(decimal(number))
            return [task], listed
        if what == "all":
            groups = listed.groups
        else:
            group, listed, _ = self._context.look_up(lambda each: each.group(what),
                                                     not what.isdigit())
            if group is None:
                raise LeaksError("No group \"%s\"; see \"leaks\"." % what)
            groups = [group]
        return [task for group in groups for task in listed.members(group)], listed

    def complete(self, text, word):
        rest, last = rest_after(text, 1, _FLAGS), split_last(text)[1]
        if last[:1] == "-" and rest in (None, last):
            return continuations(_FLAGS, last, word)
        if rest is not None:
            return of_command(rest, word, gdb.execute)
        known = self._context.known_session()
        ids = known.known_group_ids() if known is not None else []
        if ":" in last:
            ids = self._context.known_tasks()
        return continuations(["all"] + ids, last, word)


class LeaksTaas(Command):
    """Run a command on all members of the last listing, where it says something.
Usage: leaks taas COMMAND

Short for "leaks apply all -s COMMAND", as GDB's own "taas" is for threads."""

    def __init__(self, apply):
        super().__init__("leaks taas", gdb.COMMAND_STACK)
        self._apply = apply

    def run_line(self, line, from_tty):
        if not line.strip():
            raise LeaksError("Please specify a command to apply on all threads and goroutines.")
        self._apply.apply("all", line.strip(), {"-s"}, from_tty)

    def complete(self, text, word):
        return gdb.COMPLETE_COMMAND


_FLAGS = ("-q", "-c", "-s")


def _flags(line):
    """(the options that a line begins with, the rest of it)"""
    flags, words = set(), line.strip()
    while words[:1] == "-":
        flag, _, words = words.partition(" ")
        if flag not in _FLAGS:
            raise LeaksError("Unrecognized option at: %s" % flag)
        flags.add(flag)
        words = words.lstrip()
    return flags, words


def _execute(command, from_tty):
    # GDB writes a backtrace to a file or a pipe word by word.
    if command.split()[0] in _WHOLE_STACK and not os.isatty(1):
        try:
            gdb.write(gdb.execute(command, to_string=True))
            return
        except gdb.error:
            # Once more, for what it writes before it fails.
            pass
    gdb.execute(command, from_tty)


def select_thread(context, thread_id):
    """Shows that thread."""
    thread = context.threads().get(thread_id)
    if thread is None:
        raise context.no_thread(thread_id)
    selection.clear()
    thread.switch()


def find(context, word):
    """(the task of the goroutine that the word names, the report that has it)"""
    number = decimal(word)
    if number is None:
        raise LeaksError("Invalid goroutine number: %s" % word)
    found, listed, _ = context.look_up(lambda each: each.goroutine(number), True)
    if found is None:
        raise LeaksError("No goroutine %d in this %s; see \"leaks goroutines\"." % (
            number, context.session().noun))
    return found, listed


def select(context, task, listed, with_frame=True):
    """Shows that goroutine of a report, with the innermost frame of the program's own selected;
    with_frame: whether that matters."""
    about = task.goroutine
    if about.registers is None:
        raise LeaksError("The report does not tell where goroutine %d goes on." % task.id)
    selected = selection.now()
    if selected is None:
        context.check_machine()
    thread = None
    if about.thread is not None and (about.c_call is not None or task.state == "running"):
        thread = context.threads().get(about.thread)
    thread = thread or gdb.selected_thread() or target.first_thread(target.stopped_inferior())
    selected = selection.select(
        task, thread, lambda: context.places(task), listed.ends,
        goroutines.may_be_interrupted(task, listed.group_of(task)))
    if with_frame:
        _select_user_frame(selected, listed.runtime_names)
    return selected


def _select_user_frame(selected, runtime):
    first = None
    for number, frame in enumerate(selection.frames()):
        first = first or frame
        names = selected.names_of(frame)
        name = None if names else frame.name()
        if any(not each.runtime for each in names) if names else (
                name is not None and name not in runtime):
            first = frame
            break
        if number == _MAX_RUNTIME_FRAMES:
            break
    if first is not None:
        first.select()


# How far to look for a frame of the program's own.
_MAX_RUNTIME_FRAMES = 64


def print_frame(selected, from_tty):
    """The selected frame, as "frame" does, or as the report has it."""
    frame = gdb.selected_frame()
    names = selected.names_of(frame)
    if not names:
        gdb.execute("frame", from_tty)
        return
    each = next((each for each in names if not each.runtime), names[0])
    line = [("#%-3d" % frame.level(), None), ("0x%016x" % frame.pc(), "address"), (" in ", None),
            (clean(each.function or "??"), "function"), (" ()", None)]
    if each.file:
        line += [(" at ", None), (clean("%s:%d" % (each.file, each.line)), "filename")]
    output.write_lines([line], from_tty)


def register(context):
    selection.register()
    backtrace.register(context)
    LeaksGoroutines(context)
    LeaksGoroutine(context)
    LeaksTaas(LeaksApply(context))

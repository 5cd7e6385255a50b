"""The commands: what they take, and which report they show."""

import gdb

from . import (functions, goroutine_commands, mi, more_commands, options, output, render, selection,
               settings, target, waits, watch)
from .completion import continuations, split_last
from .context import Command, Context, only_argument
from .errors import LeaksError
from .words import decimal


class Leaks(Command):
    __doc__ = """Group the threads of a core or a stopped program by identical stacks.
Usage: leaks [OPTION]...

Runs the program coreleaks on the core file that is loaded, or on a temporary core of
the program that is stopped, and prints which threads have the same stack, what they
wait for, and which groups are suspicious: the worst first, then the largest.  The
analysis is made once; later commands reuse it, until the program goes on.

Options:
%s

Groups are named by their ID, the beginning of it, or their place in the last listing:
see "help leaks group".  Settings are listed by "show leaks".""" % options.help_text()

    def __init__(self, context):
        super().__init__("leaks", gdb.COMMAND_STACK, prefix=True)
        self._context = context

    def run(self, argv, from_tty):
        values = options.parse(argv)
        found = self._context.report(values)
        self._context.session().last_values = values
        self._context.session().last_report = found
        limit = values.get("limit", settings.get(settings.LIMIT)) or None
        output.write_lines(render.report_lines(found, limit, output.width()), from_tty)

    def complete(self, text, word):
        return self._context.complete_options(text, word)


class LeaksGroup(Command):
    """Show one group of threads: all its frames and all its members.
Usage: leaks group ID

ID is the group's ID, the beginning of it, or the group's place in the last listing."""

    def __init__(self, context):
        super().__init__("leaks group", gdb.COMMAND_STACK)
        self._context = context

    def run(self, argv, from_tty):
        name = only_argument(argv, "a group's ID")
        group, found, ranked = self._context.look_up(
            lambda listed: listed.group(name), not name.isdigit())
        if group is None:
            raise LeaksError("No group \"%s\"; see \"leaks\"." % name)
        output.write_lines(render.group_lines(group, found, ranked, output.width()), from_tty)

    def complete(self, text, word):
        known = self._context.known_session()
        ids = known.known_group_ids() if known is not None else []
        return continuations(ids, split_last(text)[1], word)


class LeaksThread(Command):
    """Select a thread by its system's thread ID and show its group.
Usage: leaks thread TID

TID is the number that "leaks" prints for a thread and that GDB shows as LWP.  The
thread becomes the selected one, as with the command "thread"."""

    def __init__(self, context):
        super().__init__("leaks thread", gdb.COMMAND_STACK)
        self._context = context

    def run(self, argv, from_tty):
        name = only_argument(argv, "a thread's ID")
        thread_id = decimal(name)
        if thread_id is None:
            raise LeaksError("Invalid thread ID: %s" % name)
        inferior = target.stopped_inferior()
        thread = self._context.threads().get(thread_id)
        if thread is None:
            raise self._context.no_thread(thread_id)
        group, _, ranked = self._context.look_up(
            lambda listed: listed.group_of_thread(thread_id), True)
        selection.clear()
        target.select(inferior, thread, from_tty)
        output.write_lines(render.thread_lines(thread_id, group, ranked), from_tty)

    def complete(self, text, word):
        return self._context.complete_thread(text, word)


class LeaksWhy(Command):
    """Show what a thread or goroutine waits for, who holds it, and why.
Usage: leaks why [TID | thread:TID | goroutine:N]

TID is the system's ID of a thread, N the number of a goroutine; without them what is
selected is shown."""

    def __init__(self, context):
        super().__init__("leaks why", gdb.COMMAND_STACK)
        self._context = context

    def run(self, argv, from_tty):
        key = self._context.task_key(argv)
        output.write_lines(self._context.why_lines(key), from_tty)

    def complete(self, text, word):
        return self._context.complete_thread(text, word)


class LeaksLocks(Command):
    """List what threads wait for, with holders and waiters, and who blocks whom.
Usage: leaks locks"""

    lines = staticmethod(waits.lock_lines)
    name = "leaks locks"

    def __init__(self, context):
        super().__init__(self.name, gdb.COMMAND_STACK)
        self._context = context

    def run(self, argv, from_tty):
        if argv:
            raise LeaksError("\"%s\" takes no arguments." % self.name)
        found = self._context.last_report()
        output.write_lines(self.lines(found), from_tty)


class LeaksFindings(LeaksLocks):
    """List all findings with what they rest on.
Usage: leaks findings"""

    lines = staticmethod(waits.findings_lines)
    name = "leaks findings"


CONTEXT = Context()


def register():
    settings.register()
    context = CONTEXT
    for command in (Leaks, LeaksGroup, LeaksThread, LeaksWhy, LeaksLocks, LeaksFindings):
        command(context)
    goroutine_commands.register(context)
    more_commands.register(context)
    watch.register(context)
    functions.register(context)
    mi.register(context)

"""Convenience functions: what the report knows, for GDB's own expressions and scripts."""

import gdb

from . import words
from .errors import LeaksError


class _Function(gdb.Function):
    """Fails in one line each."""

    def __init__(self, context):
        super().__init__(self.name)
        self._context = context

    def invoke(self, *arguments):
        try:
            return self.value(*arguments)
        except LeaksError as error:
            raise gdb.GdbError(str(error))
        except TypeError:
            raise gdb.GdbError("Wrong number of arguments for $%s; see \"help function\"." %
                               self.name)


class LeaksCount(_Function):
    """Count threads and goroutines by verdict or by what they wait for.
Usage: $_leaks_count ([WORD])

WORD is a verdict, such as "proved", or a reason, such as "mutex".  Without it all members of
the groups of the last listing are counted."""

    name = "_leaks_count"

    def value(self, word=None):
        word = None if word is None else word.string()
        return sum(group.count for group in self._context.last_report().groups
                   if not group.pthreads and word in (None, group.verdict, group.reason))


class LeaksMember(_Function):
    """The number of one member of a group.
Usage: $_leaks_member (GROUP, N)

GROUP is a group's ID, the beginning of it, or its place in the last listing; N counts from
0.  The result is a goroutine's number, or the system's ID of a thread."""

    name = "_leaks_member"

    def value(self, name, number):
        is_text = name.type.strip_typedefs().code in (gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_PTR)
        name = name.string() if is_text else str(int(name))
        group = self._context.last_report().group(name)
        if group is None:
            raise LeaksError("No group \"%s\"; see \"leaks\"." % words.clean(name))
        at = int(number)
        if not 0 <= at < len(group.members):
            raise LeaksError("Group %s has %s." % (
                group.id, words.plural(len(group.members), "member")))
        return group.members[at]


class Goroutine(_Function):
    """The Go runtime's record of a goroutine.
Usage: $_goroutine (N)

A pointer to runtime.g where the program has debug information, else an address."""

    name = "_goroutine"

    def value(self, number):
        task, _, _ = self._context.look_up(lambda each: each.goroutine(int(number)), True)
        if task is None or not task.goroutine.g:
            raise LeaksError("No goroutine %d in this %s." % (
                int(number), self._context.session().noun))
        try:
            return gdb.Value(task.goroutine.g).cast(gdb.lookup_type("runtime.g").pointer())
        except gdb.error:
            return task.goroutine.g


def register(context):
    for function in (LeaksCount, LeaksMember, Goroutine):
        function(context)

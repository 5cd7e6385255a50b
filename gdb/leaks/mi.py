"""Commands for front ends: the report as GDB/MI results.

-leaks-list [OPTION]..., -leaks-group ID, -leaks-why [thread:TID|goroutine:N],
-leaks-goroutine-select N|off
"""

import gdb

from . import goroutine_commands, options, selection
from .errors import LeaksError


class _MICommand(gdb.MICommand):
    def __init__(self, context):
        super().__init__(self.name)
        self._context = context

    def invoke(self, argv):
        try:
            return self.result(argv)
        except gdb.GdbError:
            raise
        except (LeaksError, gdb.error) as error:
            raise gdb.GdbError(str(error))
        except Exception as error:
            raise gdb.GdbError("Internal error in leaks: %s: %s" % (type(error).__name__, error))


class LeaksList(_MICommand):
    name = "-leaks-list"

    def result(self, argv):
        values = options.parse(argv)
        limit = values.get("limit") or None
        found = self._context.report(values)
        session = self._context.session()
        session.last_values, session.last_report = values, found
        summary = {name: value for name, value in found.summary.items()
                   if isinstance(value, (str, int)) and not isinstance(value, bool)}
        return {"summary": summary, "incomplete": "yes" if found.incomplete else "no",
                "groups": [_group(group) for group in found.groups[:limit]],
                "findings": [_finding(finding) for finding in found.findings]}


class LeaksGroup(_MICommand):
    name = "-leaks-group"

    def result(self, argv):
        if len(argv) != 1:
            raise LeaksError("-leaks-group: Usage: ID")
        group, _, _ = self._context.look_up(lambda each: each.group(argv[0]),
                                            not argv[0].isdigit())
        if group is None:
            raise LeaksError("No group \"%s\"; see -leaks-list." % argv[0])
        return {"group": dict(_group(group), frames=[_frame(level, frame) for level, frame
                                                     in enumerate(group.frames)],
                              members=list(group.members))}


class LeaksWhy(_MICommand):
    name = "-leaks-why"

    def result(self, argv):
        key = self._context.task_key(argv)
        found = self._context.last_report()
        lines = self._context.why_lines(key)
        about = [finding for finding in found.findings if key in finding.members]
        return {"kind": key.kind, "id": key.id,
                "why": ["".join(text for text, _ in line) for line in lines],
                "findings": [_finding(finding) for finding in about]}


class LeaksGoroutineSelect(_MICommand):
    name = "-leaks-goroutine-select"

    def result(self, argv):
        if len(argv) != 1:
            raise LeaksError("-leaks-goroutine-select: Usage: N|off")
        if argv[0] in ("off", "0"):
            selection.clear()
            return {}
        task, listed = goroutine_commands.find(self._context, argv[0])
        goroutine_commands.select(self._context, task, listed)
        frame = gdb.selected_frame()
        place = {"level": frame.level(), "addr": hex(frame.pc()), "func": frame.name() or "??"}
        sal = frame.find_sal()
        if sal.symtab is not None:
            place.update(file=sal.symtab.filename, fullname=sal.symtab.fullname(), line=sal.line)
        return {"goroutine": str(task.id), "reason": task.reason or "", "frame": place}


def _group(group):
    user = next((frame for frame in group.frames if not frame.runtime and not frame.signal), None)
    result = {"rank": group.rank, "id": group.id, "kind": group.kind, "count": group.count,
              "state": group.state or "", "reason": group.reason or "", "verdict": group.verdict,
              "rules": list(group.rules)}
    return dict(result, frame=_frame(0, user)) if user is not None else result


def _frame(level, frame):
    result = {"level": level, "addr": frame.pc or "", "func": frame.function or "??"}
    if frame.file:
        result.update(file=frame.file, line=frame.line)
    elif frame.module:
        result["from"] = frame.module
    return result


def _finding(finding):
    return {"rule": finding.rule or "", "certainty": finding.certainty or "",
            "title": finding.title or "", "groups": list(finding.groups),
            "members": ["%s:%d" % key for key in finding.members if key is not None]}


def register(context):
    for command in (LeaksList, LeaksGroup, LeaksWhy, LeaksGoroutineSelect):
        command(context)

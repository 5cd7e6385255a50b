"""The report as objects, read from the analyzer's JSON (schema coreleaks/1).

Missing optional fields become None, 0 or empty; unknown ones are left alone. What is of a wrong
type counts as missing, so that a damaged report cannot break a command.
"""

import json
from collections import namedtuple

from .errors import LeaksError
from .words import decimal

SCHEMA = "coreleaks/1"

# runtime: it belongs to libc and the like, not to the program.
Frame = namedtuple("Frame", "pc function offset file line module module_offset inlined signal "
                   "runtime")

# holder: {"kind", "id", "state"} or None.
WaitObject = namedtuple("WaitObject", "kind address symbol waiters holder type certain")

# A task and its wait. object: a WaitObject or None. holder: as there.
Task = namedtuple("Task", "id state reason object holder timed waking")

# rank: its place in the listing, from 1. stack_size: bytes, of all members; 0 unknown.
Group = namedtuple("Group", "rank id kind count share state reason verdict rules frames "
                   "stack_end stack_missing stack_size objects members key pthreads")

# hidden: it is about groups that the options leave out.
# members: ids of tasks.
Finding = namedtuple("Finding", "rule certainty title groups evidence hidden caveats members")

Gap = namedtuple("Gap", "kind count incomplete detail")

Module = namedtuple("Module", "path file verified problem")


class Report:
    """groups: worst first. core, summary: the JSON's objects, read with text() and number().
    name: what the core is called; None: by its path."""

    name = None

    def __init__(self, document, exit_code):
        self.core = _dict(document, "core")
        self.summary = _dict(document, "summary")
        self.hidden_by = {name: value for name, value in
                          _dict(self.summary, "hidden_by").items() if isinstance(value, int)}
        self.groups = [_group(rank, raw) for rank, raw in
                       enumerate(_dicts(document, "groups"), 1)]
        self.findings = [
            Finding(text(raw, "rule"), text(raw, "certainty"), text(raw, "title"),
                    _texts(raw, "groups"), [text(part, "what") for part in _dicts(raw, "evidence")],
                    raw.get("hidden") is True, _texts(raw, "caveats"),
                    [item.get("id") for item in _dicts(raw, "members")])
            for raw in _dicts(document, "findings")]
        self.tasks = [_task(raw) for raw in _dicts(document, "tasks")
                      if isinstance(raw.get("id"), int)]
        self.gaps = [Gap(text(raw, "kind"), number(raw, "count"), raw.get("incomplete") is True,
                         text(raw, "detail")) for raw in _dicts(document, "gaps")]
        self.modules = [Module(text(raw, "path"), text(raw, "file"), raw.get("verified") is True,
                               text(raw, "problem")) for raw in _dicts(document, "modules")]
        self.incomplete = exit_code == 3 or any(gap.incomplete for gap in self.gaps)

    def group(self, name):
        """The group of that id, unique prefix of an id, or rank; None when there is none."""
        rank = decimal(name)
        if rank is not None:
            return self.groups[rank - 1] if 0 < rank <= len(self.groups) else None
        found = [group for group in self.groups if group.id.startswith(name)]
        exact = [group for group in found if group.id == name]
        if len(found) > 1 and not exact:
            raise LeaksError("\"%s\" is ambiguous: %s%s" % (
                name, ", ".join(group.id for group in found[:8]),
                "." if len(found) <= 8 else " …"))
        return (exact or found or [None])[0]

    def group_of_thread(self, thread_id):
        for group in self.groups:
            if group.kind == "thread" and thread_id in group.members:
                return group
        return None

    def pid(self):
        return int(number(self.core, "pid"))

    def thread_ids(self):
        return [thread_id for group in self.groups if group.kind == "thread"
                for thread_id in group.members]


def load(data, exit_code, name):
    """Reads what the analyzer called name has printed."""
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or "schema" not in document:
        raise LeaksError("%s did not print a report; is it coreleaks?" % name)
    schema = document["schema"]
    if schema != SCHEMA:
        raise LeaksError("%s prints reports of version %s, this command reads %s: install both "
                         "from the same release." % (name, json.dumps(schema)[:60], SCHEMA))
    if not all(isinstance(document.get(name), kind) for name, kind in
               (("core", dict), ("summary", dict), ("groups", list))):
        raise LeaksError("%s printed a report without core, summary or groups." % name)
    return Report(document, exit_code)


def text(raw, name):
    value = raw.get(name)
    return value if isinstance(value, str) else None


def number(raw, name):
    value = raw.get(name)
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value
    return value if usable and abs(value) != float("inf") else 0


def _dict(raw, name):
    value = raw.get(name)
    return value if isinstance(value, dict) else {}


def _dicts(raw, name):
    value = raw.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(raw, name):
    value = raw.get(name)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _group(rank, raw):
    members = raw.get("members")
    members = members if isinstance(members, list) else []
    return Group(
        rank=rank,
        id=text(raw, "id") or "",
        kind=text(raw, "kind") or "thread",
        count=int(number(raw, "count")),
        share=number(raw, "share"),
        state=text(raw, "state"),
        reason=text(raw, "reason"),
        verdict=text(raw, "verdict") or "unknown",
        rules=_texts(raw, "rules"),
        frames=[_frame(item) for item in _dicts(raw, "frames")],
        stack_end=text(raw, "stack_end"),
        stack_missing=text(raw, "stack_missing"),
        stack_size=int(number(raw, "stack_bytes")),
        objects=[_wait_object(item, _dict(item, "holder") or None)
                 for item in _dicts(raw, "objects")],
        members=[item for item in members if isinstance(item, int)],
        key=text(raw, "key"),
        pthreads=_texts(raw, "pthreads"))


def _wait_object(raw, holder):
    return WaitObject(text(raw, "kind"), text(raw, "address"), text(raw, "symbol"),
                      int(number(raw, "waiters")), holder, text(raw, "type"),
                      raw.get("certain") is not False)


def _task(raw):
    waited, holder = _dict(raw, "object"), _dict(raw, "holder") or None
    return Task(
        id=raw["id"],
        state=text(raw, "state"),
        reason=text(raw, "reason"),
        object=_wait_object(waited, holder) if waited else None,
        holder=holder,
        timed=bool(_dict(raw, "timeout")),
        waking=raw.get("waking") is True)


def _frame(raw):
    return Frame(
        pc=text(raw, "pc"),
        function=text(raw, "function"),
        offset=int(number(raw, "offset")),
        file=text(raw, "file"),
        line=int(number(raw, "line")),
        module=text(raw, "module"),
        module_offset=text(raw, "module_offset"),
        inlined=raw.get("inlined") is True,
        signal=raw.get("signal") is True,
        runtime=raw.get("runtime") is True)

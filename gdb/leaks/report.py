"""The report as objects, read from the analyzer's JSON (schema coreleaks/1).

Missing optional fields become None, 0 or empty; unknown ones are left alone. What is of a wrong
type counts as missing, so that a damaged report cannot break a command.
"""

import json
import os
from collections import namedtuple

from . import words
from .errors import LeaksError
from .words import decimal

SCHEMA = "coreleaks/1"

# runtime: it belongs to libc and the like, not to the program.
Frame = namedtuple("Frame", "pc function offset file line module module_offset inlined signal "
                   "runtime")

# holder: {"kind", "id", "state"} or None, see holder_key(). candidates: those that may hold it,
# None when nobody looked; num_candidates: with those that are not listed. num_readers: read locks
# held; 0 unknown.
WaitObject = namedtuple("WaitObject", "kind address symbol waiters holder type certain candidates "
                        "num_candidates num_readers")

# place: a Place or None.
Candidate = namedtuple("Candidate", "id place")

# Somewhere in the program's code.
Place = namedtuple("Place", "function file line module module_offset")

# kind: "remaining", or the clock that ns counts on.
Timeout = namedtuple("Timeout", "kind ns")

# object: a WaitObject or None. holder: as there. mutex: address of the one given up, or None.
# timeout: a Timeout or None. waking: the word that it sleeps on has changed.
Wait = namedtuple("Wait", "reason object holder mutex timeout waking")

# What tells tasks apart: a goroutine and a thread may have one id.
Key = namedtuple("Key", "kind id")

# A task and its wait. interrupted: the Wait that a signal came into, or None. goroutine: None for a
# thread.
Task = namedtuple("Task", "kind id state reason group wait start detached interrupted goroutine")

# What a goroutine has besides. g: address of the runtime's record; 0 unknown. creator, thread: ids,
# None unknown. wait_ns: it waits at least so long; None unknown. registers, c_call: see there; None
# unknown, none. stack: those with the same number have the same frames; None unknown.
Goroutine = namedtuple("Goroutine", "g creator thread wait_ns locked labels registers stack c_call")

# Where it goes on. Of a goroutine in a call of C: in Go's code.
Registers = namedtuple("Registers", "pc sp bp")

# Where a goroutine's thread, whose stack begins with frames of C, comes back to Go's code.
CCall = namedtuple("CCall", "pc sp")

# What members in signal handlers did before. reason: None when they differ. objects: WaitObjects.
Interrupted = namedtuple("Interrupted", "count reason objects")

# Who creates the members: a Place or None, whether it is inferred, and how many places may.
Creation = namedtuple("Creation", "place inferred num_places")

# Sizes in bytes, of all members; 0 unknown.
Stacks = namedtuple("Stacks", "reserved resident used")

# rank: its place in the listing, from 1. runtime: what its stack belongs to, or None; its hint:
# how to see more of that. notes: the analyzer's own lines about it.
Group = namedtuple("Group", "rank id kind count share state reason verdict rules frames "
                   "stack_end stack_missing stacks objects members key pthreads interrupted "
                   "creation runtime runtime_hint notes")

# hidden: it is about groups that the options leave out. evidence: (what, address or None).
# members: Keys of tasks; None for a thread that has ended.
# hint: how the like is usually avoided, or None.
Finding = namedtuple("Finding", "rule certainty title groups evidence hidden caveats members hint")

# A task that keeps others waiting and is not called stuck. blocked: ids, perhaps not all.
Blocker = namedtuple("Blocker", "key title hidden num_direct num_blocked blocked")

Gap = namedtuple("Gap", "kind count incomplete detail")

Module = namedtuple("Module", "path file verified problem build_id")


class Report:
    """groups: worst first. core, summary: the JSON's objects, read with text() and number().
    name: what the core is called; None: by its path. clocks: what they showed when the process
    was read, {name: ns}; empty when that is over."""

    name = None
    clocks = {}

    def __init__(self, document, exit_code):
        self.core = _dict(document, "core")
        self.summary = _dict(document, "summary")
        # The line about a Go program, or None.
        self.go_words = text(_dict(document, "go"), "words")
        self.hidden_by = {name: value for name, value in
                          _dict(self.summary, "hidden_by").items() if isinstance(value, int)}
        self.groups = [_group(rank, raw) for rank, raw in
                       enumerate(_dicts(document, "groups"), 1)]
        self._group_of_id = {group.id: group for group in reversed(self.groups)}
        self.runtime_names = {frame.function for group in self.groups for frame in group.frames
                              if frame.runtime and frame.function}
        # Where the stacks of goroutines end.
        self.ends = {address(group.frames[-1]._asdict(), "pc") for group in self.groups
                     if group.frames and group.frames[-1].function == "runtime.goexit"} - {None}
        self.findings = [
            Finding(text(raw, "rule"), text(raw, "certainty"), text(raw, "title"),
                    _texts(raw, "groups"), [(text(part, "what"), text(part, "address"))
                                            for part in _dicts(raw, "evidence")],
                    raw.get("hidden") is True, _texts(raw, "caveats"),
                    [_key(item) for item in _dicts(raw, "members")], text(raw, "hint"))
            for raw in _dicts(document, "findings")]
        self.tasks = [_task(raw) for raw in _dicts(document, "tasks") if _is_id(raw.get("id"))]
        # Where two tasks of a damaged core have one id, the first.
        self.task_of = {Key(task.kind, task.id): task for task in reversed(self.tasks)}
        self.blockers = [_blocker(raw) for raw in _dicts(document, "blockers")
                         if _is_id(raw.get("id"))]
        self.stacks = _stacks(self.summary)
        self.gaps = [Gap(text(raw, "kind"), number(raw, "count"), raw.get("incomplete") is True,
                         text(raw, "detail")) for raw in _dicts(document, "gaps")]
        self.modules = [Module(text(raw, "path"), text(raw, "file"), raw.get("verified") is True,
                               text(raw, "problem"), text(raw, "build_id"))
                        for raw in _dicts(document, "modules")]
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

    def group_of(self, task):
        """The shown group that has the task, or None."""
        return self._group_of_id.get(task.group)

    def goroutine(self, number):
        """The task of that goroutine, or None."""
        return self.task_of.get(Key("goroutine", number))

    def thread(self, thread_id):
        """The task of that thread, or None."""
        return self.task_of.get(Key("thread", thread_id))

    def members(self, group):
        """The tasks of a group."""
        keys = [Key(group.kind, number) for number in group.members]
        return [self.task_of[key] for key in keys if key in self.task_of]

    def signal_name(self):
        """The signal that ended the process, or that it has stopped for; None for none."""
        number_of_signal = int(number(self.core, "signal"))
        return words.signal_name(number_of_signal) if number_of_signal > 0 else None

    def group_of_signal(self):
        """The shown group of the thread that took it, or None."""
        thread_id = self.core.get("signal_thread")
        return self.group_of_thread(thread_id) if _is_id(thread_id) and thread_id else None

    def program(self):
        """The executable's file name, or None."""
        path = text(_dict(self.core, "executable"), "path")
        return os.path.basename(path) if path else None

    def program_file(self):
        """The path of the executable as it was found here, or None."""
        return text(_dict(self.core, "executable"), "file")

    def pid(self):
        return int(number(self.core, "pid"))

    def thread_ids(self):
        return [thread_id for group in self.groups if group.kind == "thread"
                for thread_id in group.members]


def load(data, exit_code, name):
    """Reads the report that the analyzer called name has printed."""
    document = _document(data, name)
    if not all(isinstance(document.get(part), kind) for part, kind in
               (("core", dict), ("summary", dict), ("groups", list))):
        raise LeaksError("%s printed a report without core, summary or groups." % name)
    return Report(document, exit_code)


def load_task(data, name):
    """Reads what the analyzer called name has printed of one task: (JSON's object, lines that say
    what it waits for)."""
    document = _document(data, name)
    return _dict(document, "task"), [text(raw, "what") for raw in _dicts(document, "why")
                                     if text(raw, "what") and not text(raw, "rule")]


def _document(data, name):
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
    return document


def frames_of(raw):
    """[(JSON's object, Frame)] of a group or task."""
    return [(item, _frame(item)) for item in _dicts(raw, "frames")]


def holder_key(wait):
    """The Key of the task that holds what is waited for and is still there, or None."""
    if wait.holder is None or wait.holder.get("state") == "exited":
        return None
    return _key(wait.holder)


def text(raw, name):
    value = raw.get(name)
    return value if isinstance(value, str) else None


def number(raw, name):
    value = raw.get(name)
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value
    return value if usable and abs(value) != float("inf") else 0


def address(raw, name):
    """The number of an address "0x55d0", or None."""
    value = text(raw, name)
    if value is None or value[:2] != "0x" or not 3 <= len(value) <= 18 or \
            any(c not in "0123456789abcdefABCDEF" for c in value[2:]):
        return None
    return int(value, 16)


def _is_id(value):
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63


def _key(raw):
    return Key(text(raw, "kind") or "thread", raw["id"]) if _is_id(raw.get("id")) else None


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
        frames=[frame for _, frame in frames_of(raw)],
        stack_end=text(raw, "stack_end"),
        stack_missing=text(raw, "stack_missing"),
        stacks=_stacks(raw),
        objects=[_wait_object(item, _dict(item, "holder") or None)
                 for item in _dicts(raw, "objects")],
        members=[item for item in members if _is_id(item)],
        key=text(raw, "key"),
        pthreads=_texts(raw, "pthreads"),
        interrupted=_interrupted(_dict(raw, "interrupted")),
        creation=_creation(raw),
        runtime=text(raw, "runtime"),
        runtime_hint=text(raw, "runtime_hint"),
        notes=_texts(raw, "notes"))


def _stacks(raw):
    return Stacks(*(int(number(raw, name)) for name in (
        "stack_reserved_bytes", "stack_resident_bytes", "stack_bytes")))


def _wait_object(raw, holder):
    candidates = raw.get("holders_candidate")
    if isinstance(candidates, list):
        candidates = [Candidate(item["id"], _place(item))
                      for item in _dicts(raw, "holders_candidate") if _is_id(item.get("id"))]
    else:
        candidates = None
    return WaitObject(text(raw, "kind"), text(raw, "address"), text(raw, "symbol"),
                      int(number(raw, "waiters")), holder, text(raw, "type"),
                      raw.get("certain") is not False, candidates,
                      max(int(number(raw, "holders_candidate_count")), len(candidates or [])),
                      int(number(_dict(raw, "detail"), "readers")))


def _place(raw):
    place = Place(text(raw, "function"), text(raw, "file"), int(number(raw, "line")),
                  text(raw, "module"), text(raw, "module_offset"))
    return place if place.function or place.module else None


def _wait(raw):
    waited, holder, timeout = (_dict(raw, name) for name in ("object", "holder", "timeout"))
    return Wait(
        reason=text(raw, "reason"),
        object=_wait_object(waited, holder or None) if waited else None,
        holder=holder or None,
        mutex=text(raw, "mutex"),
        timeout=Timeout(text(timeout, "kind"), int(number(timeout, "ns"))) if timeout else None,
        waking=raw.get("waking") is True)


def _task(raw):
    interrupted = _dict(raw, "interrupted")
    return Task(
        kind=text(raw, "kind") or "thread",
        id=raw["id"],
        state=text(raw, "state"),
        reason=text(raw, "reason"),
        group=text(raw, "group"),
        wait=_wait(raw),
        start=text(raw, "start"),
        detached=raw.get("detached") is True,
        interrupted=_wait(interrupted) if interrupted else None,
        goroutine=_goroutine(raw) if text(raw, "kind") == "goroutine" else None)


def _goroutine(raw):
    registers, c_call, stack = _dict(raw, "registers"), _dict(raw, "c_call"), raw.get("stack")
    labels = _dict(raw, "labels")
    ids = [raw.get(name) if _is_id(raw.get(name)) else None for name in ("creator", "thread")]
    wait_ns = raw.get("wait_ns")
    return Goroutine(
        address(raw, "g") or 0, *ids,
        wait_ns=wait_ns if _is_id(wait_ns) and wait_ns >= 0 else None,
        locked=raw.get("locked_to_thread") is True,
        labels={key: value for key, value in labels.items() if isinstance(value, str)},
        registers=Registers(address(registers, "pc"), address(registers, "sp"),
                            address(registers, "bp") or 0)
        if None not in (address(registers, "pc"), address(registers, "sp")) else None,
        stack=stack if _is_id(stack) else None,
        c_call=CCall(address(c_call, "pc"), address(c_call, "sp"))
        if None not in (address(c_call, "pc"), address(c_call, "sp")) else None)


def _interrupted(raw):
    if not raw:
        return None
    return Interrupted(int(number(raw, "count")), text(raw, "reason"),
                       [_wait_object(item, _dict(item, "holder") or None)
                        for item in _dicts(raw, "objects")])


def _creation(raw):
    place = _dict(raw, "created_by")
    return Creation(_place(place), place.get("inferred") is True,
                    int(number(raw, "created_by_places")))


def _blocker(raw):
    blocks = _dict(raw, "blocks")
    members = blocks.get("members")
    return Blocker(_key(raw), text(raw, "title"), raw.get("hidden") is True,
                   int(number(blocks, "direct")), int(number(blocks, "total")),
                   [item for item in members if _is_id(item)]
                   if isinstance(members, list) else [])


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

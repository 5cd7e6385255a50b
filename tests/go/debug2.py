"""Reads the text in which Go's runtime shows goroutines: runtime.Stack, pprof's goroutine profile
with debug=2, and what a program prints when it dies. Go 1.19 to 1.27, runtime/traceback.go.

    goroutines = debug2.parse(text)      in the text's order
    notes = debug2.notes(text)           what the samples' lines "# NAME VALUE" say
"""

import re

HEADER = re.compile(r"^goroutine (\d+)(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[(.*?)\](?: \{(.*)\})?:$")
PLACE = re.compile(r"^\t(.*):(\d+)(?: \+(0x[0-9a-f]+))?(?: fp=\S+ sp=\S+ pc=\S+)?$")
CREATED = re.compile(r"^created by (.+?)(?: in goroutine (\d+))?$")
ELIDED = re.compile(r"^\.\.\.(?:additional|(\d+)) frames elided\.\.\.$")
ORIGIN = re.compile(r"^\[originating from goroutine (\d+)\]:$")
# What may stand behind a wait's name, and is no part of it. "(scan)": the collector has it just
# now. "(durable)": in a bubble, and nothing outside can end the wait (since 1.25).
SUFFIX = re.compile(r" \((leaked|scan|durable)\)$")
# A label's key or value: bare, or a Go string (since 1.26).
LABEL = re.compile(r'("(?:[^"\\]|\\.)*"|[^\s":,]+): ("(?:[^"\\]|\\.)*"|[^\s",]+)')


class Goroutine:
    """One goroutine as the runtime showed it.

    reason is the status or the wait's name; frames are dicts of function, file, line, inlined,
    the innermost first; elided tells after how many frames others were left out; created_by is
    a dict of function, file and line, or None; creator the id of the goroutine that did it
    (since 1.21); ancestors are the goroutines before that one, if the runtime kept them.
    """

    def __init__(self, number, reason):
        self.id, self.reason = number, reason
        self.frames, self.elided = [], None
        self.created_by, self.creator, self.ancestors = None, None, []
        self.minutes, self.bubble, self.locked = 0, None, False
        self.leaked = self.scan = self.durable = False
        self.labels = {}

    @property
    def functions(self):
        """Names of the frames, innermost first."""
        return [frame["function"] for frame in self.frames]


class ParseError(Exception):
    """A line that does not belong there."""


def notes(text):
    """{name: [value, ...]} of the lines "# NAME VALUE"."""
    found = {}
    for line in text.splitlines():
        if line.startswith("# "):
            name, _, value = line[2:].partition(" ")
            found.setdefault(name, []).append(value)
    return found


def parse(text):
    """All goroutines of a text; raises ParseError on what is no part of such a text."""
    found, current, pending = [], None, None
    for number, line in enumerate(text.splitlines(), 1):
        header = HEADER.match(line)
        if pending is not None:
            place = PLACE.match(line)
            if not place:
                raise ParseError("line %d: no place of %r: %r" % (number, pending, line))
            pending.update(file=place[1], line=int(place[2]))
            pending = None
        elif not line or line.startswith("# "):
            # An empty line ends a goroutine.
            current = None if not line else current
        elif header:
            current = _goroutine(header)
            found.append(current)
        elif current is None:
            raise ParseError("line %d: outside of a goroutine: %r" % (number, line))
        else:
            pending = _line_of(current, line, number)
    if pending is not None:
        raise ParseError("ends before the place of %r" % pending)
    return found


def parse_truth(text):
    """(goroutines, notes) of a sample's truth, with the labels that the notes tell.

    The runtime's own text has none before 1.27.
    """
    goroutines, noted = parse(text), notes(text)
    labels = {}
    for note in noted.get("label", []):
        number, _, label = note.partition(" ")
        labels.setdefault(int(number), {}).update([label.split("=", 1)])
    minor = int(noted["version"][0].split(".")[1])
    for goroutine in goroutines:
        # Before 1.21 the text ends after 100 frames, hidden ones counted, and tells of it only
        # when none was hidden (gentraceback returns the number printed).
        if minor < 21 and len(goroutine.frames) > 90 and goroutine.elided is None:
            goroutine.elided = len(goroutine.frames)
        goroutine.labels.update(labels.get(goroutine.id, {}))
    return goroutines, noted


def _goroutine(header):
    reason, *attributes = header[2].split(", ")
    flags = set()
    while SUFFIX.search(reason):
        flags.add(SUFFIX.search(reason)[1])
        reason = SUFFIX.sub("", reason)
    new = Goroutine(int(header[1]), reason)
    for flag in flags:
        setattr(new, flag, True)
    for attribute in attributes:
        if attribute.endswith(" minutes"):
            new.minutes = int(attribute.split()[0])
        elif attribute == "locked to thread":
            new.locked = True
        elif attribute.startswith(("synctest bubble ", "synctest group ")):
            new.bubble = int(attribute.split()[2])
        else:
            raise ParseError("goroutine %d is %r" % (new.id, attribute))
    new.labels = {_unquoted(key): _unquoted(value) for key, value in LABEL.findall(header[3] or "")}
    return new


def _unquoted(word):
    if not word.startswith('"'):
        return word
    return re.sub(r"\\(?:u([0-9a-f]{4})|x([0-9a-f]{2})|(.))",
                  lambda m: chr(int(m[1] or m[2], 16)) if m[1] or m[2]
                  else {"n": "\n", "t": "\t", "r": "\r"}.get(m[3], m[3]), word[1:-1])


def _line_of(current, line, number):
    """Takes a line of a goroutine; returns the dict whose place stands in the next one, if any."""
    created, elided, origin = CREATED.match(line), ELIDED.match(line), ORIGIN.match(line)
    whole = current.ancestors[-1] if current.ancestors else current
    if created:
        whole.created_by = {"function": created[1]}
        whole.creator = int(created[2]) if created[2] else None
        return whole.created_by
    if elided:
        whole.elided = len(whole.frames)
        return None
    if origin:
        current.ancestors.append(Goroutine(int(origin[1]), None))
        return None
    if line.lstrip("\t") in ("goroutine running on other thread; stack unavailable",
                             "goroutine in C code; stack unavailable"):
        return None
    if not line.endswith(")") or line.startswith("\t"):
        raise ParseError("line %d: neither call nor place: %r" % (number, line))
    # Arguments hold braces and dots, never parentheses; names do: main.(*T).f
    name, _, arguments = line[:-1].rpartition("(")
    frame = {"function": name, "inlined": arguments == "..."}
    whole.frames.append(frame)
    return frame

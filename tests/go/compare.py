"""Holds the goroutines of a report against the truth that the program wrote: every single one.

    lines = compare.differences(report, text, how)      none when all are equal

Looked at, for each goroutine: its group by its id; state and the runtime's own words for its wait;
each frame's function, file, line and whether it is inlined; what created it, where, and in which
goroutine; its profiler labels. The report may show frames that the runtime hides, and goroutines
of the runtime itself, and nothing else.

Two goroutines are special. The one that wrote the truth has moved on: it sleeps by truth.Rest, or,
when the program crashed by itself, is not looked at. One that computes stands elsewhere by now:
its first function and its creation are looked at.
"""

import re

import debug2

BUSY = ("running", "runnable")
REST = "samples/truth.Rest"


def differences(report, text, how="kernel"):
    """Lines that say how the report's goroutines differ from the truth."""
    goroutines, notes = debug2.parse_truth(text)
    writer = int(notes["writer"][0])
    found, lines = _by_id(report)
    tasks = {task["id"]: task for task in report["tasks"] if task["kind"] == "goroutine"}
    for goroutine in goroutines:
        group = found.pop(goroutine.id, None)
        if group is None:
            lines.append("goroutine %d is not in the report" % goroutine.id)
        elif goroutine.id == writer:
            lines += _of_writer(goroutine, group) if how != "crash" else []
        else:
            wrong = _of_one(goroutine, group, tasks[goroutine.id])
            lines += ["goroutine %d: %s" % (goroutine.id, line) for line in wrong]
    for number, group in sorted(found.items()):
        if not _is_of_runtime(group):
            lines.append("goroutine %d is not in the truth: %s" % (number, _functions(group)))
    return lines + _of_program(report, goroutines, notes)


def _by_id(report):
    found, lines = {}, []
    for group in report["groups"]:
        if group["kind"] != "goroutine":
            continue
        if group["count"] != len(group["members"]) or group["members_truncated"]:
            lines.append("group %s names %d of %d members"
                         % (group["id"], len(group["members"]), group["count"]))
        for number in group["members"]:
            if number in found:
                lines.append("goroutine %d is in two groups" % number)
            found[number] = group
    return found, lines


def _of_program(report, goroutines, notes):
    told = report["go"] or {}
    wanted = {"version": notes["version"][0], "num_goroutine": int(notes["goroutines"][0]),
              "gomaxprocs": int(notes["gomaxprocs"][0]),
              "runtime_marked_leaked": sum(goroutine.leaked for goroutine in goroutines)}
    return ["go.%s: got %r, want %r" % (name, told.get(name), want)
            for name, want in wanted.items() if told.get(name) != want]


def _of_writer(goroutine, group):
    wrong = []
    if (group["state"], group["reason"]) != ("waiting", "sleep"):
        wrong.append("goroutine %d, which wrote the truth, does not sleep: %s, %s"
                     % (goroutine.id, group["state"], group["reason"]))
    if REST not in _functions(group):
        wrong.append("goroutine %d, which wrote the truth, is not in %s: %s"
                     % (goroutine.id, REST, _functions(group)))
    return wrong


def _of_one(goroutine, group, task):
    wrong = _of_state(goroutine, group)
    if goroutine.reason in BUSY:
        if goroutine.functions and goroutine.functions[-1] not in _functions(group):
            wrong.append("%s is not in %s" % (goroutine.functions[-1], _functions(group)))
    else:
        wrong += _of_frames(goroutine, group)
    told, want = group["created_by"], goroutine.created_by
    # The runtime does not show what in itself started a goroutine.
    if want is None:
        if told is not None and not told["function"].startswith("runtime."):
            wrong.append("created by: got %s, want none" % told)
    elif told is None or {**told, "function": plain(told["function"])} != {**told, **want}:
        wrong.append("created by: got %s, want %s" % (told, want))
    if want is not None and task["creator"] != goroutine.creator:
        wrong.append("created in goroutine: got %s, want %s" % (task["creator"],
                                                                goroutine.creator))
    wrong += _of_ancestors(goroutine, task)
    if task["labels"] != goroutine.labels:
        wrong.append("labels: got %s, want %s" % (task["labels"], goroutine.labels))
    # A group has those labels that all its members have.
    if not set(group["labels"].items()) <= set(goroutine.labels.items()):
        wrong.append("labels of the group: got %s, want %s" % (group["labels"], goroutine.labels))
    return wrong


def _of_ancestors(goroutine, task):
    """The runtime does not show what made goroutine 1, nor what in itself made one."""
    told = [(one["id"], one["created_by"]) for one in task.get("ancestors", [])]
    want = [(one.id, one.created_by) for one in goroutine.ancestors]
    fits = len(told) == len(want) and task.get("more_ancestors", 0) == 0
    for (number, place), (wanted, wanted_place) in zip(told, want):
        told_place = {**(place or {}), "function": plain((place or {}).get("function"))}
        fits &= number == wanted and (
            wanted_place.items() <= told_place.items() if wanted_place
            else place is None or number != 1 and place["function"].startswith("runtime."))
    return [] if fits else ["ancestors: got %s, want %s" % (told, want)]


def _of_state(goroutine, group):
    state, reason = group["state"], group["reason"]
    if goroutine.reason in BUSY:
        fits = state in BUSY
    elif goroutine.reason == "syscall":
        fits = state == "syscall"
    else:
        # "(durable)" is part of some names, and set behind others, see debug2.SUFFIX.
        fits = (state == "waiting" and reason is not None
                and debug2.SUFFIX.sub("", reason) == goroutine.reason)
    return [] if fits else ["got %s, %s, want %s" % (state, reason, goroutine.reason)]


# ---- Frames -----------------------------------------------------------------------------------


def plain(name):
    """A function's name as the runtime prints it: type arguments are left out."""
    if name is None:
        return None
    first, last = name.find("["), name.rfind("]")
    name = name if first < 0 or last < first else name[:first] + "[...]" + name[last + 1:]
    return "panic" if name == "runtime.gopanic" else name


def _functions(group):
    return [plain(frame["function"]) for frame in group["frames"]]


def _is_of_runtime(group):
    # The wrapper in which an M of C's threads starts has no package.
    return all(name is not None and (name.startswith("runtime.") or "." not in name)
               for name in _functions(group))


def _of_frames(goroutine, group):
    got, wanted = group["frames"], goroutine.frames
    if goroutine.elided is None:
        return _walk(goroutine, group, got, wanted, True)
    # The runtime has shown the first frames, since 1.21 the last ones too.
    wrong = _walk(goroutine, group, got, wanted[:goroutine.elided], False)
    last = wanted[goroutine.elided:]
    if last and not wrong:
        hidden = 0
        while hidden < len(got) and _is_hidden(goroutine, got, len(got) - 1 - hidden):
            hidden += 1
        end = len(got) - hidden
        wrong = _walk(goroutine, group, got[end - len(last):end], last, True)
    return wrong


def _walk(goroutine, group, got, wanted, whole):
    """Every wanted frame stands there in order, and nothing between them but what is hidden."""
    expected = list(wanted)
    for index, frame in enumerate(got):
        if expected and _is_frame(frame, expected[0]):
            expected.pop(0)
        elif not expected and not whole:
            break
        elif not _is_hidden(goroutine, got, index):
            return ["frame %d: got %s, want %s" % (
                index, _words(frame), _words(expected[0]) if expected else "none")]
    missing = ["frame missing: %s" % _words(frame) for frame in expected[:3]]
    if whole and group["stack_end"] != "complete":
        missing.append("the stack's end is %s" % group["stack_end"])
    return missing


def _is_frame(got, want):
    return (plain(got["function"]) == want["function"] and got["file"] == want["file"]
            and got["line"] == want["line"] and got["inlined"] == want["inlined"])


def _is_exported(name):
    """isExportedRuntime() of runtime/traceback.go, by either rule: until Go 1.22 only the first
    letter counted, since then that of the function and that of what it belongs to."""
    owner, _, own = name.rpartition(".")
    owner = owner[2:] if owner.startswith("(*") else owner
    return own[:1].isupper() and (not owner or owner[0].isupper())


def _is_hidden(goroutine, frames, index):
    """The runtime leaves such a frame out: showframe() in runtime/traceback.go."""
    frame = frames[index]
    name = frame["function"]
    if any(other["trust"] == "pclntab" for other in frames[index + 1:]) and (
            frame["trust"] in ("cfi", "frame-pointer")
            or index + 1 < len(frames) and frames[index + 1]["trust"] in ("cfi",
                                                                          "frame-pointer")):
        return True  # of C, which the goroutine calls
    if name is None:
        return False
    if frame.get("wrapper") and (index == 0 or frames[index - 1]["function"] not in (
            "runtime.gopanic", "runtime.sigpanic", "runtime.panicwrap")):
        return True
    if "." not in name or frame["file"] == "<autogenerated>":
        return True
    if re.search(r"-fm$|\.(gowrap|deferwrap)\d+$|·dwrap·\d+$", name):
        return True
    if name.startswith("runtime."):
        return not _is_exported(plain(name)[len("runtime."):])
    # Before 1.22 the wrapper of `go f(x)` is named like a closure of the function it stands in.
    creator = goroutine.created_by
    below = frames[index + 1:]
    return (creator is not None and plain(name).startswith(creator["function"])
            and re.fullmatch(r"\.(func)?\d+", plain(name)[len(creator["function"]):])
            and frame["line"] == creator["line"]
            and all(other["function"] == "runtime.goexit" for other in below))


def _words(frame):
    return "%s %s:%s%s" % (plain(frame["function"]), frame["file"], frame["line"],
                           " inlined" if frame["inlined"] else "")

"""Holds what a report says of goroutines' waits against what the goroutines themselves said before
they began to wait: samples/go/truth/waits.go has the form of the lines.

    lines = waits.differences(report, notes)      none when all are equal
"""


def differences(report, notes):
    """Lines that say how waits in the report differ from the truth."""
    tasks = {task["id"]: task for task in report["tasks"] if task["kind"] == "goroutine"}
    objects = {thing["address"]: thing for group in report["groups"]
               for thing in group["objects"] if group["kind"] == "goroutine"}
    lines = []
    for note in notes.get("wait", []):
        number, *words = note.split()
        facts = [word.partition("=")[::2] for word in words]
        wrong = _of_one(tasks[int(number)], objects, facts, notes["version"][0])
        lines += ["goroutine %s: %s" % (number, line) for line in wrong]
    for note in notes.get("uses", []):
        number, address = note.split()
        users = [one["id"] for one in (objects.get(address) or {}).get("holders_candidate") or []]
        if int(number) not in users:
            lines.append("goroutine %s uses %s: candidates are %s" % (number, address, users))
    return lines


def _of_one(task, objects, facts, version):
    cases = [value for key, value in facts if key == "case"]
    rest = {key: value for key, value in facts if key != "case"}
    wrong = []
    if "cases" in rest:
        wrong += _differs("number of cases", len(cases), int(rest.pop("cases")))
        wrong += _of_nothing(task) if not cases else []
    if len(cases) > 1:
        wrong += _of_select(task, objects, cases)
    elif cases:
        wrong += _of_operation(task, objects, cases[0], rest.get("kind", "channel"))
    if "object" in rest:
        kind, _, address = rest.pop("object").partition(":")
        wrong += _differs("object", task["object"], {"kind": kind, "address": address})
        if kind == "fd":
            wrong += _differs("direction", task["direction"], rest.pop("direction"))
    if "bubble" in rest:
        end = int(rest.pop("bubble"))
        wrong += _differs("timeout", task["timeout"], {"kind": "bubble", "ns": end, "when_ns": end})
    else:
        wrong += _of_end(task, rest.pop("ends", None))
    rest.pop("kind", None)
    thing = objects.get((task["object"] or {}).get("address"), {})
    for key, value in rest.items():
        if value:
            wrong += _of_fact(thing.get("detail", {}), key, value, version)
    if task["waking"]:
        wrong.append("it is said to be waking")
    return wrong


def _of_nothing(task):
    return (_differs("object of a select without cases", task["object"], None)
            + _differs("cases of a select without cases", task["cases"] or None, None))


def _differs(what, got, want):
    return [] if got == want else ["%s: got %s, want %s" % (what, got, want)]


def _of_end(task, ends):
    if ends is None:
        return _differs("timeout", task["timeout"], None)
    low, high = map(int, ends.split(".."))
    timeout = task["timeout"] or {"kind": None, "ns": 0, "when_ns": 0}
    wrong = _differs("kind of timeout", timeout["kind"], "remaining")
    if not low <= timeout["when_ns"] <= high:
        wrong.append("it ends at %d, want %s" % (timeout["when_ns"], ends))
    # The latest moment that the runtime noted lies a little before the dump.
    if not 0 < timeout["ns"] <= timeout["when_ns"]:
        wrong.append("it ends in %d ns" % timeout["ns"])
    return wrong


def _of_fact(detail, key, value, version):
    if key == "contexts":
        got = [context["type"] for context in detail.get("contexts", [])]
        want = value.split(",")
        # Until 1.20 Background and TODO are of one type.
        if int(version.split(".")[1]) < 21:
            want = [name.replace("backgroundCtx", "emptyCtx") for name in want]
        return _differs(key, got, want)
    if key == "period":
        return _differs(key, detail.get("period_ns"), int(value))
    got = detail.get(key)
    return _differs(key, str(got).lower() if isinstance(got, bool) else str(got), value)


def _of_channel(objects, words):
    address, element, capacity, length, senders, receivers = words
    detail = objects.get(address, {}).get("detail", {})
    return _differs("channel " + address, {
        key: detail.get(key) for key in ("element", "capacity", "length", "closed", "senders",
                                         "receivers")}, {
        "element": element.replace("_", " "), "capacity": int(capacity), "length": int(length),
        "closed": False, "senders": int(senders), "receivers": int(receivers)})


def _of_operation(task, objects, case, kind):
    direction, *words = case.split(":")
    if words == ["nil"]:
        return _differs("object", task["object"], None)
    return (_differs("object", task["object"], {"kind": kind, "address": words[0]})
            + _differs("direction", task["direction"], direction) + _of_channel(objects, words))


def _of_select(task, objects, cases):
    wanted = [case.split(":") for case in cases]
    got = [(case["direction"], case["address"] or "nil", case["queued"])
           for case in task["cases"] or []]
    wrong = _differs("cases", got, [(words[0], words[1], words[1] != "nil") for words in wanted])
    wrong += _differs("order of the cases is known", task.get("cases_ordered"), True)
    for words in wanted:
        if words[1] != "nil":
            wrong += _of_channel(objects, words[1:])
    return wrong

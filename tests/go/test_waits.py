"""`show` and `--group-by object` on what goroutines wait on, of two Go versions. What each object
is, and who waits for it, comes from the truth that the samples write themselves."""

import json
import re

import debug2
import gocore
import realcore
import tap


def channels_of(notes):
    """{address: {"send": [ids], "receive": [ids]}} of the truth."""
    found = {}
    for note in notes["wait"]:
        number, *words = note.split()
        for word in words:
            match = re.match(r"case=(send|receive):(0x[0-9a-f]+):", word)
            if match:
                sides = found.setdefault(match[2], {"send": [], "receive": []})
                sides[match[1]].append(int(number))
    return found


def ids_behind(text, words):
    """The goroutines listed behind these words."""
    match = re.search(r"^\d+ (?:%s):([ 0-9]+)$" % words, text, re.MULTILINE)
    return sorted(map(int, match[1].split())) if match else []


def check_channels(name, core, exe, notes):
    """Each channel by its address, in text and JSON."""
    wrong = []
    for address, sides in channels_of(notes).items():
        code, out, _ = tap.run([realcore.tool(), "show", "-e", exe, "--members", "1000", core,
                                address])
        got = {"send": ids_behind(out, "goroutines? sends? to it"),
               "receive": ids_behind(out, "goroutines? receives? from it")}
        if code or got != {side: sorted(ids) for side, ids in sides.items()}:
            wrong.append("%s: got %s, want %s" % (address, got, sides))
        _, out, _ = tap.run([realcore.tool(), "show", "--json", "-e", exe, core, address])
        shown = json.loads(out)
        if sorted(shown["waiters"]["members"]) != sorted(set(sides["send"] + sides["receive"])):
            wrong.append("%s: waiters %s" % (address, shown["waiters"]))
    tap.check(name + "every channel with both its queues", not wrong, "\n".join(wrong[:10]))


def check_groups(name, core, exe, notes):
    """Grouped by object: whoever waits for one channel alone shares a group with all who do."""
    _, out, _ = tap.run([realcore.tool(), "report", "--json", "--all", "--group-by", "object", core,
                         exe])
    groups = {number: group["members"] for group in json.loads(out)["groups"]
              if group["kind"] == "goroutine" for number in group["members"]}
    alone = {}
    for note in notes["wait"]:
        number, *words = note.split()
        words = [word for word in words if word.startswith(("case=", "object="))]
        if len(words) == 1 and not words[0].endswith(":nil"):
            alone.setdefault(words[0].split(":")[1], []).append(int(number))
    wrong = ["%s: got %s, want %s" % (address, groups[ids[0]], ids)
             for address, ids in alone.items() if sorted(groups[ids[0]]) != sorted(ids)]
    tap.check(name + "groups by object", not wrong and len(alone) > 3, "\n".join(wrong[:10]))


def check_goroutine(name, core, exe, notes):
    """A goroutine says what it does."""
    number = next(note.split()[0] for note in notes["wait"] if "contexts=context.timerCtx" in note)
    _, out, _ = tap.run([realcore.tool(), "show", "-e", exe, core, "goroutine:" + number])
    flat = " ".join(out.split())
    tap.check(name + "a goroutine that waits for a context",
              "receives from chan struct {} 0x" in flat and "Done() of context.timerCtx" in flat
              and "from context.cancelCtx" in flat and "ends in at most" in flat, out)


def check_circle(name, core, exe, notes):
    """Two that hold what the other waits for: who may hold, not who does; the third, behind them,
    is in no circle, but its lock is."""
    waits = {}
    for note in notes["wait"]:
        number, word = note.split()[:2]
        waits[int(number)] = word.split(":")[1]
    holders = {note.split()[1]: int(note.split()[0]) for note in notes["uses"]}
    _, out, _ = tap.run([realcore.tool(), "--json", "-e", exe, core])
    groups = {number: group for group in json.loads(out)["groups"] for number in group["members"]
              if group["kind"] == "goroutine"}
    for number, lock in waits.items():
        holder = holders[lock]
        want = ("perhaps a circle: goroutine %d may hold it and waits for sync.Mutex %s, goroutine "
                "%d may hold that and waits for the first one"
                % (holder, waits[holder], holders[waits[holder]]))
        tap.check(name + "goroutine %d's lock is in a circle" % number,
                  want in groups[number]["notes"], groups[number]["notes"])
        for shown in ("goroutine:%d" % number, lock):
            _, out, _ = tap.run([realcore.tool(), "show", "-e", exe, core, shown])
            tap.check(name + "show says so", want in " ".join(out.split()), out)


def main():
    """Two versions, plain and stripped."""
    versions, complaints = gocore.toolchains("--two")
    if complaints:
        tap.check("all toolchains are to be had", False, complaints)
    for version, _ in versions:
        for case in ("waits_channels", "waits_locks", "crossed_locks"):
            name = "%s by Go %s: " % (case, version)
            exe = gocore.build(case, version, "stripped")
            try:
                core, text = gocore.dump(case, exe)
            except realcore.CannotDump as reason:
                tap.skip(name + "show", str(reason))
                continue
            notes = debug2.notes(text)
            if case == "crossed_locks":
                check_circle(name, core, exe, notes)
                continue
            check_groups(name, core, exe, notes)
            _, out, _ = tap.run([realcore.tool(), "-e", exe, core])
            tap.check(name + "no circle is made up", "circle" not in out, out)
            if case == "waits_channels":
                check_channels(name, core, exe, notes)
                check_goroutine(name, core, exe, notes)
    tap.done()


main()

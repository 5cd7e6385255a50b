#!/usr/bin/python3
"""The listing in GDB says of a core what coreleaks' own text report says, in the same words."""

import difflib
import re

import support
import expect
import realcore
import tap

# Deadlocks with others behind, an ended owner, time limits, finished threads, a recursion, a
# signal handler, wake-ups under way, joins.
CASES = ("three_way_deadlock_30_behind", "abandoned_lock", "timed_deadlock", "sleepers", "zombies",
         "deep_recursion", "signal_handler_blocks", "wakeup_in_flight", "rwlock_writer",
         "mutex_and_join_cycle")


def words(text):
    """Without what each names by its own words: how to go on, and how to see all."""
    text = re.sub(r"\nnext: .*", "", text)
    text = re.sub(r"(-v|\"leaks (locks|findings)\") (lists|shows) (it|them|all)", "how to", text)
    return text.replace("--limit", "-limit").split()


def in_gdb(exe, core, command):
    code, out, err = tap.run(
        [support.GDB, "-nx", "-q", "-batch", exe, core, "-ex", "source " + support.LOADER,
         "-ex", "set leaks analyzer-path " + support.TOOL, "-ex", "set width 0",
         "-ex", "echo %s\\n" % support.MARK, "-ex", command])
    if support.MARK not in out:
        raise RuntimeError("GDB ended with %d:\n%s%s" % (code, out, err))
    return out.split(support.MARK + "\n", 1)[1]


def differences(got, want):
    return ["coreleaks: %s | GDB: %s" % (" ".join(want[c:d]), " ".join(got[a:b]))
            for change, a, b, c, d in difflib.SequenceMatcher(None, got, want, False).get_opcodes()
            if change != "equal"]


for case in CASES:
    expected = expect.Expectation(case)
    program = realcore.build(case)
    try:
        made = realcore.make_core(program, expected.args, threads=expected.threads)
    except realcore.CannotDump as reason:
        tap.skip(case, str(reason))
        continue
    code, own, problem = tap.run([support.TOOL, "--color=never", made, program],
                                 env=dict(support.os.environ, LC_ALL="C.UTF-8"))
    listed = in_gdb(program, made, "leaks")
    tap.check("%s: coreleaks has something to say" % case, len(words(own)) > 50, own + problem)
    tap.equal("%s: and GDB says it too" % case, differences(words(listed), words(own)), [])
tap.done()

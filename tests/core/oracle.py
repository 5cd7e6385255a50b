"""Other programs' stacks of the same core: eu-stack's addresses, GDB's names."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import realcore

ALL_FRAMES = "1000000"


def coreleaks_pcs(core, arguments=()):
    """{thread id: [pc of each physical frame]} as coreleaks has it, and the report."""
    code, report, err = realcore.report(["--all", "--group-by", "pc", "--max-frames", ALL_FRAMES]
                                        + list(arguments) + [core], timeout=300)
    if report is None:
        raise RuntimeError("coreleaks ended with %s: %s" % (code, err))
    return {tid: [int(frame["pc"], 16) for frame in group["frames"] if not frame["inlined"]]
            for group in report["groups"] for tid in group["members"]}, report


def eu_stack_pcs(core, exe=None):
    """{thread id: [pc]} of elfutils' eu-stack; it prints return addresses as they are."""
    argv = ["eu-stack", "-q", "-n", "0", "--core=" + core] + (["-e", exe] if exe else [])
    _, out, err = tap.run(argv, timeout=600)
    stacks, current = {}, None
    for line in out.splitlines():
        match = re.match(r"TID (\d+):", line)
        if match:
            current = stacks.setdefault(int(match.group(1)), [])
            continue
        match = re.match(r"#\d+\s+0x([0-9a-f]+)", line)
        if match and current is not None:
            current.append(int(match.group(1), 16))
    if not stacks:
        raise RuntimeError("eu-stack printed no stack: " + err)
    return stacks


GDB_SCRIPT = """
import gdb, json
stacks = {}
for thread in gdb.selected_inferior().threads():
    thread.switch()
    frames, frame = [], gdb.newest_frame()
    while frame is not None:
        symtab = frame.find_sal().symtab
        solib = gdb.solib_name(frame.pc())
        if frame.type() != gdb.TAILCALL_FRAME:  # guessed by GDB, not on the stack
            frames.append({"pc": frame.pc(), "name": frame.name(), "library": solib,
                           "inlined": frame.type() == gdb.INLINE_FRAME,
                           "line": frame.find_sal().line if symtab else 0})
        try:
            frame = frame.older()
        except gdb.error:
            break
    stacks[thread.ptid[1]] = frames
with open(%r, "w") as file:
    json.dump(stacks, file)
"""


def gdb_stacks(core, exe):
    """{thread id: [{pc, name, library, inlined, line}]} of GDB, innermost first; library is None
    for frames of the program itself."""
    with realcore.scratch() as folder:
        script, result = os.path.join(folder, "stacks.py"), os.path.join(folder, "stacks.json")
        with open(script, "w", encoding="utf-8") as file:
            file.write(GDB_SCRIPT % result)
        _, _, err = tap.run(["gdb", "-nx", "-batch", "-ex", "set backtrace past-main on", "-ex",
                             "set debuginfod enabled off", "-x", script, exe, core], timeout=300)
        try:
            with open(result, encoding="utf-8") as file:
                return {int(tid): frames for tid, frames in json.load(file).items()}
        except OSError as error:
            raise RuntimeError("GDB printed no stacks: " + err) from error


def pc_differences(ours, theirs):
    """Lines for all threads whose addresses differ."""
    lines = []
    for tid in sorted(set(ours) | set(theirs)):
        left, right = ours.get(tid), theirs.get(tid)
        if left != right:
            lines.append("thread %d: ours %s theirs %s" % (tid, _hex(left), _hex(right)))
    return lines


def _hex(pcs):
    return None if pcs is None else " ".join("%x" % pc for pc in pcs)

"""Who may hold a lock that names nobody, on real cores: what is on the stacks, and what is said.

The samples' .expect files tell which threads are candidates; here stands why the others are not,
and how the reports put it.
"""

import json
import os
import re
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import jsonschema
import tap

import elfcore
import expect
import realcore

SCHEMA = os.path.join(tap.ROOT, "analyzer", "report", "coreleaks-1.schema.json")
SEARCHED_SIZE = 8192


def core_of(case, args, threads, how="kernel"):
    """(core, the lock's address) of rwlock_readers with these arguments, or None."""
    try:
        core = realcore.make_core(realcore.build(case), args, how, threads)
    except realcore.CannotDump as reason:
        tap.skip("%s %s" % (case, " ".join(args)), str(reason))
        return None
    with open(os.path.join(os.path.dirname(core), "said"), encoding="utf-8") as file:
        return core, int(re.search(r"^lock (0x[0-9a-f]+)$", file.read(), re.MULTILINE).group(1), 16)


def waited_for(report, address):
    """The object at that address, from a report."""
    return next(item for group in report["groups"] for item in group["objects"]
                if int(item["address"], 16) == address)


def words_below(core, tid):
    """The 8-byte words below a thread's stack pointer."""
    dump = elfcore.Core(core)
    sp = next(thread["rsp"] for thread in dump.threads if thread["tid"] == tid)
    addr, _, off, size = next(segment for segment in dump.segments
                              if segment[0] <= sp < segment[0] + segment[3])
    low = max(addr, sp - SEARCHED_SIZE) + 7 & ~7
    with open(core, "rb") as file:
        file.seek(off + low - addr)
        data = file.read((sp - low) & ~7)
    return struct.unpack("<%dQ" % (len(data) // 8), data)


def check_visitor():
    """A thread that has unlocked: the address is there, and no longer in use."""
    made = core_of("rwlock_reader_left", ["visitor", "reader", "writer"], 4)
    if not made:
        return
    core, lock = made
    report = realcore.report([core])[1]
    visitor = next(group["members"][0] for group in report["groups"]
                   if expect.has_frames(group, ["visitor_main"]))
    tap.check("the visitor's dead stack has the lock's address",
              lock in words_below(core, visitor), hex(lock))
    tap.check("and it is no candidate",
              visitor not in [one["id"] for one in waited_for(report, lock)["holders_candidate"]])


def check_words():
    """Text and JSON of one object, one thread, one group: candidates, never holders."""
    made = core_of("rwlock_readers", ["reader", "reader", "writer"], 4)
    if not made:
        return
    core, lock = made
    report = realcore.report([core])[1]
    tids = sorted(one["id"] for one in waited_for(report, lock)["holders_candidate"])
    writer = next(task["id"] for task in report["tasks"] if task["reason"] == "rwlock-write")
    part = ("2 read locks are held on it; glibc does not record whose; candidates: "
            "thread %d (count_books, rwlock_readers.c:" % tids[0])
    for name, arguments in (("report", [core]), ("thread", ["show", core, "thread:%d" % writer])):
        code, out, err = tap.run([realcore.tool()] + arguments)
        tap.equal("exit code of the text, %s" % name, code, 0)
        tap.check("the text names candidates, %s" % name, part in " ".join(out.split()), out + err)
        tap.check("and no holder, %s" % name, "held by thread" not in out, out)
    out = tap.run([realcore.tool(), "show", core, hex(lock)])[1]
    for number, tid in enumerate(tids):
        tap.check("the object's text has candidate %d" % number, re.search(
            r"candidate: thread %d has its address in count_books \(rwlock_readers\.c:\d+\)" % tid,
            out), out)
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    validator = jsonschema.validators.validator_for(schema)(schema)
    for name, shown in (("object", hex(lock)), ("thread", "thread:%d" % writer)):
        out = tap.run([realcore.tool(), "show", "--json", core, shown])[1]
        wrong = [error.message for error in validator.iter_errors(json.loads(out))]
        tap.check("valid against the schema, %s" % name, not wrong, wrong)
        tap.equal("candidates in why, %s" % name,
                  len(re.findall(r'"what":"candidate: thread', out)), 2)
    tap.equal("and nothing is found", report["findings"], [])


def check_many():
    """More than are listed."""
    made = core_of("rwlock_readers", ["bystander"] * 20 + ["reader", "writer"], 23)
    if not made:
        return
    core, lock = made
    item = waited_for(realcore.report([core])[1], lock)
    tap.equal("all candidates are counted", item["holders_candidate_count"], 21)
    ids = [one["id"] for one in item["holders_candidate"]]
    tap.equal("16 are listed, by id", (len(ids), ids), (16, sorted(ids)))
    tap.check("the text says how many it leaves out",
              "and 17 more" in " ".join(tap.run([realcore.tool(), core])[1].split()))
    tap.check("and so does the object's",
              "5 more are not listed" in tap.run([realcore.tool(), "show", core, hex(lock)])[1])


def main():
    """All of the above."""
    check_visitor()
    check_words()
    check_many()
    tap.done()


main()

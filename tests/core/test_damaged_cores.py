"""One core, damaged in one place at a time: what the damage does not touch is reported as before,
what it does touch is said, and nothing is said that is not so."""

import os
import shutil
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import elfcore
import realcore

NUM_THREADS, CHOSEN = 21, 7
PLACES = ("wait_for_change", "lock_account", "take_ticket", "read_packet", "sleep_long")
NT_PRSTATUS, NT_PRPSINFO, NT_AUXV, NT_FILE, UNKNOWN = 1, 3, 6, 0x46494C45, 0x7FFFFFFF
PHDR_SIZE, OFFSET, FILESZ, MEMSZ = 56, 8, 32, 40
REGISTERS_OFF = elfcore.REGISTERS_OFF
FAR = 2 ** 64 - 4096
ROBUST_HEAD_OFF = 736


class Damaged:
    """A copy of the core, held in memory until it is written."""

    def __init__(self, core):
        self.core = core
        with open(core.path, "rb") as file:
            self.bytes = bytearray(file.read())
        self.statuses = [off for off, name, kind in core.note_types
                         if name == b"CORE" and kind == NT_PRSTATUS]

    def put(self, off, form, *values):
        """Overwrites bytes of the file."""
        struct.pack_into("<" + form, self.bytes, off, *values)

    def note(self, wanted):
        """Where the type of the first such note stands."""
        return next(off for off, _, kind in self.core.note_types if kind == wanted)

    def desc(self, type_off):
        """Where the content of a note of CORE begins: behind its type and its name."""
        return type_off + 4 + 8

    def status(self, thread, off, form, *values):
        """Overwrites a part of a thread's NT_PRSTATUS."""
        self.put(self.desc(self.statuses[thread]) + off, form, *values)

    def headers(self):
        """Where the program headers of memory stand."""
        places = [self.core.phoff + index * PHDR_SIZE for index in range(self.core.phnum)]
        return [at for at in places if struct.unpack_from("<I", self.bytes, at)[0]
                == elfcore.PT_LOAD]

    def stack_header(self, field, value):
        """Overwrites a field of the header of the chosen thread's stack."""
        stack = self.core.segment_of(self.core.threads[CHOSEN]["rsp"])
        for at in self.headers():
            if struct.unpack_from("<Q", self.bytes, at + 16)[0] == stack[0]:
                self.put(at + field, "Q", value)


def without(*kinds):
    """The first notes of these types are none of ours any more."""
    def damage(copy):
        for kind in kinds:
            copy.put(copy.note(kind), "I", UNKNOWN)
    return damage


def stack(field, value):
    """A lie about where the chosen thread's stack is."""
    return lambda copy: copy.stack_header(field, value)


def ids(*values):
    """The ids of the last threads."""
    def damage(copy):
        for index, value in enumerate(values):
            copy.status(NUM_THREADS - 1 - index, elfcore.PID_OFF, "i", value)
    return damage


def register(index, value):
    """A register of the chosen thread."""
    return lambda copy: copy.status(CHOSEN, REGISTERS_OFF + 8 * index, "Q", value)


def backwards(copy):
    """The headers of memory in the opposite order."""
    places = copy.headers()
    headers = [bytes(copy.bytes[at:at + PHDR_SIZE]) for at in places]
    for at, header in zip(places, reversed(headers)):
        copy.bytes[at:at + PHDR_SIZE] = header


def file_word(index, value):
    """The count (0) or the page size (1) of NT_FILE."""
    return lambda copy: copy.put(copy.desc(copy.note(NT_FILE)) + 8 * index, "Q", value)


def robust_loop(copy):
    """Each thread's list of robust mutexes leads from itself to a second entry and round there
    (glibc 2.36, x86-64: robust_head at 736 of the descriptor; the same in 2.31 to 2.41)."""
    for thread in copy.core.threads:
        head = thread["fs_base"] + ROBUST_HEAD_OFF
        place = copy.core.file_range(head, head + 24)
        next_place = copy.core.file_range(head - 64, head - 56)
        self_list, futex_off = struct.unpack_from("<Qq", copy.bytes, place[0])
        tap.check("the list of robust mutexes is where it is said to be",
                  (self_list, futex_off) == (head, -32), (hex(self_list), hex(head), futex_off))
        copy.put(place[0], "Q", head - 64)
        copy.put(next_place[0], "Q", head - 64)


def huge_note(copy):
    """The chosen thread's note claims 4 GiB: what follows cannot be found."""
    copy.put(copy.statuses[CHOSEN] - 4, "I", 2 ** 32 - 1)


# What is damaged, how, exit code, threads, how many of their stacks are whole, words of a gap.
# Registers that lead nowhere are the program's own fault: the core is complete.
DAMAGES = [
    ("no NT_FILE", without(NT_FILE), 0, 21, 21, ""),
    ("no AUXV", without(NT_AUXV), 0, 21, 21, ""),
    ("no PRPSINFO", without(NT_PRPSINFO), 0, 21, 21, ""),
    ("none of the three", without(NT_FILE, NT_AUXV, NT_PRPSINFO), 3, 21, 0,
     "which files are mapped"),
    ("headers backwards", backwards, 0, 21, 21, ""),
    ("two threads of one id", ids(77, 77), 0, 21, 21, ""),
    ("thread 0", ids(0), 0, 21, 21, ""),
    ("a thread of more than 2^31", ids(-5), 0, 21, 21, ""),
    ("a stack that was not dumped", stack(FILESZ, 0), 3, 21, 20, "was not dumped"),
    ("a stack beyond the file", stack(OFFSET, 1 << 40), 3, 21, 20, "missing"),
    ("a stack whose place in the file wraps", stack(OFFSET, FAR), 3, 21, 20, "impossible place"),
    ("a stack whose addresses wrap", stack(MEMSZ, FAR), 3, 21, 21, "end of the address space"),
    ("a stack pointer of 0", register(elfcore.RSP, 0), 0, 21, 20, "stacks end early"),
    ("a stack pointer at the top", register(elfcore.RSP, 2 ** 64 - 8), 0, 21, 20,
     "stacks end early"),
    ("registers of noise", lambda copy: copy.status(
        CHOSEN, REGISTERS_OFF, "27Q", *[0xa5a5a5a5a5a5a5a5] * 27), 0, 21, 20, "stacks end early"),
    ("robust lists that loop", robust_loop, 0, 21, 21, ""),
    ("a note of 4 GiB", huge_note, 3, CHOSEN, CHOSEN, "note"),
    ("NT_FILE of 2^60 files", file_word(0, 1 << 60), 3, 21, 21, "NT_FILE"),
    ("NT_FILE with pages of 0 bytes", file_word(1, 0), 3, 21, 21, "NT_FILE"),
]


def check(core, row, path):
    """One damage."""
    name, damage, wanted, threads, whole, words = row
    copy = Damaged(core)
    damage(copy)
    with open(path, "wb") as file:
        file.write(copy.bytes)
    code, report, err = realcore.report([path], timeout=60)
    if not tap.check(name + ": a report", report is not None, "exit code %s\n%s" % (code, err)):
        return
    gaps = [gap["kind"] + ": " + gap["detail"] for gap in report["gaps"]]
    tap.check(name + ": exit code", code == wanted, "%d\n%s\n%s" % (code, gaps, err))
    tap.equal(name + ": threads", report["summary"]["threads"], threads)
    ends = [group["stack_end"] for group in report["groups"] for _ in group["members"]]
    tap.check(name + ": %d whole stacks" % whole, ends.count("complete") == whole, (ends, gaps))
    if whole >= NUM_THREADS - 1:
        names = {frame["function"] for group in report["groups"] for frame in group["frames"]}
        tap.equal(name + ": where they stand", [p for p in PLACES if p not in names], [])
    tap.check(name + ": what is missing is said", (code == 0 or gaps)
              and any(words in gap for gap in gaps or [""]), gaps)


def main():
    """All damages."""
    try:
        path = realcore.make_core(realcore.build("many_stacks"), [str(NUM_THREADS - 1)], "kernel",
                                  NUM_THREADS)
    except realcore.CannotDump as reason:
        tap.skip("damaged cores", str(reason))
        tap.done()
    core = elfcore.Core(path)
    with realcore.scratch() as folder:
        target = os.path.join(folder, "core")
        shutil.copyfile(path, target)
        code, report, _ = realcore.report([target])
        tap.check("the whole core", code == 0 and report and not report["gaps"])
        for row in DAMAGES:
            check(core, row, target)
    tap.done()


main()

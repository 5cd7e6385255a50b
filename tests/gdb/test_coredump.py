#!/usr/bin/python3
"""What of a process's memory goes into the core that "leaks" writes, and how that file looks."""

import mmap
import os
import struct
import tempfile

import support
import tap

support.import_package()
from leaks import coredump, memory, words
from leaks.errors import LeaksError

PAGE = memory.PAGE_SIZE


def mapping(**values):
    fields = dict(low=0x10000, high=0x20000, permissions=b"rw-p", offset=0, inode=0, path=b"",
                  flags=[b"rd", b"wr"], anonymous_size=PAGE, used_size=PAGE)
    return memory.Mapping(**dict(fields, **values))


class Source:
    """Memory that stands in a dict; what is not there cannot be read."""

    def __init__(self, pages, used=()):
        self.pages, self.used = pages, list(used)

    def dumped_size(self, each):
        return each.high - each.low

    def used_ranges(self, each, size):
        return [part for part in self.used if each.low <= part[0] < each.high]

    def read(self, address, size):
        data = b""
        while len(data) < size and self.pages.get(address + len(data)):
            data += self.pages[address + len(data)]
        return data


def check_choice():
    """As gcore chooses: the rules of core(5) for coredump_filter."""
    file = dict(inode=7, path=b"/lib/x.so", anonymous_size=0)
    shared = dict(file, permissions=b"rw-s", flags=[b"rd", b"wr", b"sh"])
    nameless = dict(shared, path=b"/dev/zero (deleted)")
    default = memory.DEFAULT_FILTER
    rows = (
        ("anonymous memory", {}, default, 0x10000),
        ("anonymous memory, not asked for", {}, memory.ANON_SHARED, 0),
        ("a file that nobody wrote to", file, default, 0),
        ("a file that nobody wrote to, asked for", file, memory.FILE_PRIVATE, 0x10000),
        ("a file of which a page was written", dict(file, anonymous_size=PAGE), default, 0x10000),
        ("shared memory", nameless, default, 0x10000),
        ("shared memory, not asked for", nameless, memory.ANON_PRIVATE, 0),
        ("a shared file", shared, default, 0),
        ("a shared file, asked for", shared, memory.FILE_SHARED, 0x10000),
        ("huge pages", dict(flags=[b"ht"]), default, 0x10000),
        ("huge pages, not asked for", dict(flags=[b"ht"]), memory.ANON_PRIVATE, 0),
        ("a device", dict(flags=[b"io"]), default, 0),
        ("what the program excluded", dict(flags=[b"dd"]), default, 0),
        ("the vdso", dict(path=b"[vdso]", flags=[b"dd"]), 0, 0x10000),
        ("the vsyscall page", dict(path=b"[vsyscall]"), default, 0),
    )
    for name, values, core_filter, wanted in rows:
        own = memory.Memory(os.getpid(), core_filter)
        tap.equal("dumped of %s" % name, own.dumped_size(mapping(**values)), wanted)
        own.close()
    own = memory.Memory(os.getpid(), default, excluded=True)
    tap.equal("the user may ask for it", own.dumped_size(mapping(flags=[b"dd"])), 0x10000)
    libc = next(each for each in memory.mappings(os.getpid()) if b"/libc.so" in each.path and
                each.offset == 0)
    tap.equal("a library's ELF header", own.dumped_size(libc), PAGE)
    own.close()


def check_touched():
    size = 200 << 20
    block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    block.madvise(mmap.MADV_NOHUGEPAGE)
    wanted = ((0, 1), (3, 5), (20000, 20001), (16383, 16385), (51199, 51200))
    for first, end in wanted:
        for number in range(first, end):
            block[number * PAGE] = 1
    found = max(memory.mappings(os.getpid()), key=lambda each: (
        each.high - each.low == size, each.high - each.low))
    own = memory.Memory(os.getpid())
    tap.equal("the pages that were touched",
              [tuple((at - found.low) // PAGE for at in part)
               for part in own.used_ranges(found, size)], sorted(wanted))
    tap.equal("are read", own.read(found.low + 3 * PAGE, 2), b"\1\0")
    tap.equal("and only those of a part of it",
              len(own.used_ranges(found, 4 * PAGE)), 2)
    own.close()
    block.close()


def check_split():
    hole = coredump._LONGEST_HOLE_SIZE
    low, high = 0x10000, 0x10000 + 4 * hole
    used = [(low + hole // 2, low + hole // 2 + PAGE), (high - PAGE, high)]
    parts = coredump._split(mapping(low=low, high=high), Source({}, used), 1 << 20)
    tap.equal("a long hole takes nothing of the file", [
        (part.low, part.high, part.file_offset, part.size) for part, _ in parts],
              [(low, used[0][1], 1 << 20, used[0][1] - low),
               (used[0][1], used[1][0], (1 << 20) + used[0][1] - low, 0),
               (used[1][0], high, (1 << 20) + used[0][1] - low, PAGE)])
    tap.equal("and nothing is lost", [part for _, parts_used in parts for part in parts_used], used)
    none = coredump._split(mapping(permissions=b"---p"), Source({}), 0)
    tap.equal("a reservation", [(part.flags, part.size) for part, _ in none], [(0, 0)])
    none = coredump._split(mapping(), Source({}), 0)
    tap.equal("what may yet be written is zeros", [(part.flags, part.size) for part, _ in none],
              [(6, 0x10000)])


def check_copy():
    def page(letter):
        return letter * PAGE

    pages = {0x10000 + number * PAGE: data for number, data in enumerate(
        (page(b"a"), page(b"\0"), page(b"b"), b"", page(b"c"), page(b"\0")))}
    with tempfile.TemporaryFile() as file:
        lost = coredump._copy(file.fileno(), Source(pages), 0x10000, 0x10000 + 6 * PAGE,
                              PAGE - 0x10000)
        tap.equal("what cannot be read is told", lost,
                  [(0x10000 + 3 * PAGE, 0x10000 + 4 * PAGE)])
        os.truncate(file.fileno(), 7 * PAGE)
        tap.equal("the rest is copied", os.pread(file.fileno(), 7 * PAGE, 0),
                  page(b"\0") + page(b"a") + page(b"\0") + page(b"b") + page(b"\0") +
                  page(b"c") + page(b"\0"))
        tap.check("without the zeros", os.fstat(file.fileno()).st_blocks * 512 <= 4 * PAGE)
    whole = coredump._Segment(0x10000, 0x10000 + 6 * PAGE, 6, 8 * PAGE, 6 * PAGE)
    tap.equal("no bytes stand for what was not read", [
        ((part.low - 0x10000) // PAGE, (part.high - 0x10000) // PAGE, part.size // PAGE,
         part.file_offset // PAGE) for part in coredump._without(whole, lost)],
              [(0, 3, 3, 8), (3, 4, 0, 8), (4, 6, 2, 12)])
    tap.equal("else nothing changes", coredump._without(whole, []), [whole])


def check_headers():
    for number in (5, 70000):
        segments = [coredump._Segment(0x10000 + at * PAGE, 0x10000 + (at + 1) * PAGE, 6, 0, 0)
                    for at in range(number)]
        with tempfile.NamedTemporaryFile() as file:
            coredump._write_headers(file.fileno(), 0, segments, PAGE)
            _, out, err = tap.run(["readelf", "-lW", file.name])
            tap.check("%d segments are read" % number, "There are %d program headers" %
                      (number + 1) in out and out.count("  LOAD ") == number and not err,
                      (out + err)[:2000])


def check_room():
    with tempfile.TemporaryFile() as file:
        free = coredump.free_size(file.fileno())
        status = os.fstatvfs(file.fileno())
        tap.check("room is left on the disk", free == 0 or
                  free + (32 << 20) < status.f_bavail * status.f_frsize)
        try:
            coredump._check_room(file.fileno(), 1 << 60)
            said = None
        except LeaksError as error:
            said = str(error)
        tap.check("a core without room is refused", said is not None and
                  words.size(1 << 60) in said and "temporary-directory" in said, said)
        coredump._check_room(file.fileno(), 0)


def check_notes():
    name = struct.unpack_from("<III4s", coredump._note(4, b"12345"))
    tap.equal("a note", name, (5, 5, 4, b"CORE"))
    tap.equal("its length", len(coredump._note(4, b"12345")), 12 + 8 + 8)
    tap.equal("the process's note", len(coredump._process(os.getpid())), 136)
    tap.equal("a process that nobody debugs is not read", coredump._is_suitable(os.getpid()),
              False)
    tap.equal("nor one that is not there", coredump._is_suitable(1 << 30), False)


check_choice()
check_touched()
check_split()
check_copy()
check_headers()
check_room()
check_notes()
tap.done()

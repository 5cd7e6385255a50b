"""A program whose file lies: every thread is still reported, in little time and memory.

The core is sound. The program's file is a copy with one lie in its debug information or its unwind
tables; the build-id still fits. Symbols and the frames' addresses must survive all of these.
"""

import json
import os
import resource
import shutil
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import realcore

NUM_THREADS = 21
MEMORY_LIMIT_SIZE = 2 << 30
TIME_LIMIT_S = 30
SHF_COMPRESSED = 0x800
PLACES = ("wait_for_change", "lock_account", "take_ticket", "read_packet", "sleep_long")


class Elf:
    """The sections of a program in a file, which may be overwritten."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.bytes = bytearray(file.read())
        table, = struct.unpack_from("<Q", self.bytes, 40)
        size, num, names = struct.unpack_from("<HHH", self.bytes, 58)
        headers = [struct.unpack_from("<IIQQQQ", self.bytes, table + index * size)
                   for index in range(num)]
        text = headers[names][4]
        self.sections, self.headers = {}, {}
        for index, (name, _, flags, _, off, length) in enumerate(headers):
            end = self.bytes.index(b"\0", text + name)
            word = self.bytes[text + name:end].decode()
            self.sections[word] = (off, length, flags)
            self.headers[word] = table + index * size

    def put(self, section, off, values):
        """Overwrites bytes of a section."""
        at = self.sections[section][0] + off
        self.bytes[at:at + len(values)] = values

    def fill(self, section, off, byte):
        """Overwrites the rest of a section."""
        self.put(section, off, bytes([byte]) * (self.sections[section][1] - off))

    def write(self):
        with open(self.path, "wb") as file:
            file.write(self.bytes)


def huge(section):
    """A compressed section that claims 2^40 bytes: Elf64_Chdr.ch_size."""
    def lie(elf):
        assert elf.sections[section][2] & SHF_COMPRESSED
        elf.put(section, 8, struct.pack("<Q", 1 << 40))
    return lie


def put(section, off, *values):
    """Some bytes."""
    return lambda elf: elf.put(section, off, bytes(values))


def fill(section, off, byte):
    """All bytes from there on."""
    return lambda elf: elf.fill(section, off, byte)


def header(section, off, value):
    """A word of a section's header: its size (32), the size of its entries (56)."""
    return lambda elf: struct.pack_into("<Q", elf.bytes, elf.headers[section] + off, value)


def indirect(elf):
    """DW_FORM_indirect that leads to DW_FORM_indirect, for ever."""
    elf.put(".debug_abbrev", 4, bytes([0x16]))
    elf.fill(".debug_info", 13, 0x16)


# What is said, how the file is made, the lie. DWARF 5, .debug_line: line_range is the byte 16 of a
# unit, opcode_base the byte 17; .eh_frame_hdr: the number of entries is at 8.
LIES = [
    ("debug information of 2^40 bytes", "packed", huge(".debug_info")),
    ("abbreviations of 2^40 bytes", "packed", huge(".debug_abbrev")),
    ("lines of 2^40 bytes", "packed", huge(".debug_line")),
    ("a line program with line_range 0", "plain", put(".debug_line", 16, 0)),
    ("a line program with opcode_base 0", "plain", put(".debug_line", 17, 0)),
    ("a line program of noise", "plain", fill(".debug_line", 12, 0xff)),
    ("forms that lead to themselves", "plain", indirect),
    ("abbreviations of noise", "plain", fill(".debug_abbrev", 0, 0xff)),
    ("debug information of noise", "plain", fill(".debug_info", 0, 0xff)),
    ("strings without an end", "plain", fill(".debug_str", 0, 0x41)),
    ("2^32 - 1 unwind entries", "plain", put(".eh_frame_hdr", 8, 255, 255, 255, 255)),
    ("unwind tables of noise", "plain", fill(".eh_frame_hdr", 4, 0xff)),
    ("symbols of no size each", "plain", header(".symtab", 56, 0)),
    ("debug information of 2^63 bytes", "plain", header(".debug_info", 32, 1 << 63)),
    ("dynamic symbols of no size each", "plain", header(".dynsym", 56, 0)),
    ("unwind entries of zeros", "plain", fill(".eh_frame", 0, 0)),
]


def limit():
    """Bounds for the process that analyses."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_SIZE, MEMORY_LIMIT_SIZE))


def check_lie(what, exe, core, lie, folder):
    """One lie."""
    path = os.path.join(folder, "program")
    shutil.copyfile(exe, path)
    elf = Elf(path)
    lie(elf)
    elf.write()
    bounds = {} if tap.BUILD.endswith("asan") else {"preexec_fn": limit}
    code, out, err = tap.run([realcore.tool(), "--json", "--executable", path, core],
                             timeout=TIME_LIMIT_S, **bounds)
    if not tap.check(what + ": a report", code in (0, 3) and out, "exit code %s\n%s" % (code, err)):
        return
    report = json.loads(out)
    tap.equal(what + ": all threads", report["summary"]["threads"], NUM_THREADS)
    names = {frame["function"] for group in report["groups"] for frame in group["frames"]}
    lost = [place for place in PLACES if place not in names]
    # Without unwind tables of the program its frames behind the first are guesses.
    tap.check(what + ": where they stand", len(lost) <= (5 if "unwind" in what else 0), lost)


def main():
    """All lies."""
    cores = {}
    try:
        for variant, flags in (("plain", []), ("packed", ["-gz=zlib"])):
            exe = realcore.build("many_stacks", flags, variant)
            cores[variant] = (exe, realcore.make_core(exe, [str(NUM_THREADS - 1)], "kernel",
                                                      NUM_THREADS))
    except realcore.CannotDump as reason:
        tap.skip("hostile modules", str(reason))
        tap.done()
    with realcore.scratch() as folder:
        for what, variant, lie in LIES:
            check_lie(what, *cores[variant], lie, folder)
    tap.done()


main()

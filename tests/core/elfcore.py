"""An ELF core read in plain Python, as a second opinion: segments, notes, registers.

Independent of coreleaks on purpose; knows x86-64 and nothing else.
"""

import struct

PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS, NT_FILE = 1, 0x46494C45
# struct elf_prstatus of x86-64: pr_pid, then the registers in the order of user_regs_struct.
PID_OFF, REGISTERS_OFF = 32, 112
RIP, RSP, FS_BASE = 16, 19, 21


class Core:
    """The core file at path; truncated files are fine as long as the notes are there."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            header = file.read(64)
            self.phoff, = struct.unpack_from("<Q", header, 32)
            self.phnum, = struct.unpack_from("<H", header, 56)
            file.seek(self.phoff)
            table = file.read(self.phnum * 56)
            self.segments, self.notes_off, self.notes_size = [], 0, 0
            for index in range(len(table) // 56):
                kind, _, off, addr, _, filesz, memsz, _ = struct.unpack_from(
                    "<IIQQQQQQ", table, index * 56)
                if kind == PT_NOTE:
                    self.notes_off, self.notes_size = off, filesz
                elif kind == PT_LOAD:
                    self.segments.append((addr, memsz, off, filesz))
            file.seek(self.notes_off)
            notes = file.read(self.notes_size)
        self.threads, self.files, self.note_types = [], [], []
        at = 0
        while at + 12 <= len(notes):
            name_size, size, kind = struct.unpack_from("<III", notes, at)
            name = notes[at + 12:at + 12 + name_size].rstrip(b"\0")
            start = at + 12 + (name_size + 3 & ~3)
            self.note_types.append((self.notes_off + at + 8, name, kind))
            if name == b"CORE" and kind == NT_PRSTATUS:
                self._thread(notes[start:start + size], self.notes_off + start + size)
            elif name == b"CORE" and kind == NT_FILE:
                self._files(notes[start:start + size])
            at = start + (size + 3 & ~3)

    def _thread(self, note, end_off):
        registers = struct.unpack_from("<27Q", note, REGISTERS_OFF)
        self.threads.append({"tid": struct.unpack_from("<i", note, PID_OFF)[0],
                             "rip": registers[RIP], "rsp": registers[RSP],
                             "fs_base": registers[FS_BASE], "end_off": end_off})

    def _files(self, note):
        count, = struct.unpack_from("<Q", note, 0)
        names = note[16 + 24 * count:].split(b"\0")
        for index in range(count):
            low, high, off = struct.unpack_from("<QQQ", note, 16 + 24 * index)
            self.files.append((low, high, off, names[index].decode()))

    def file_range(self, low, high):
        """Offsets in the file of the memory [low, high); None when one segment does not hold it."""
        for addr, _, off, filesz in self.segments:
            if addr <= low and high <= addr + filesz:
                return off + low - addr, off + high - addr
        return None

    def segment_of(self, addr):
        """(address, memory size, file offset, file size) of the segment around addr."""
        return next((segment for segment in self.segments
                     if segment[0] <= addr < segment[0] + segment[1]), None)


def used_stack(core, thread):
    """[low, high) of the memory an unwinder needs: from rsp to the thread's descriptor, which
    stands above its first frame; for the main thread to the end of the stack's segment."""
    segment = core.segment_of(thread["rsp"])
    high = segment[0] + segment[3]
    if thread["rsp"] < thread["fs_base"] < high:
        high = thread["fs_base"]
    return thread["rsp"], high

"""Writes a core of a process that this one debugs and has stopped, as GDB's "gcore" does, but
sparse: what the process never touched takes neither time nor room. Linux on x86-64 only.

File: ELF header, notes, memory, program headers. The memory of a mapping stands there whole, with
holes for what is zero.
"""

import os
import signal
import struct
from collections import namedtuple

from . import memory, registers
from .errors import LeaksError
from .words import size as size_text

_ET_CORE, _EM_X86_64, _PT_LOAD, _PT_NOTE, _PN_XNUM = 4, 62, 1, 4, 0xffff
_NT_PRSTATUS, _NT_FPREGSET, _NT_PRPSINFO, _NT_AUXV, _NT_FILE = 1, 2, 3, 6, 0x46494c45
_ELF_HEADER, _PROGRAM_HEADER, _SECTION_HEADER = "<16sHHIQQQIHHHHHH", "<IIQQQQQQ", "<IIQQQQIIQQ"

# An untouched stretch so long begins a segment without bytes: file systems bound a file's length.
_LONGEST_HOLE_SIZE = 1 << 30

_COPY_SIZE = 1 << 20
_ZERO_PAGE = bytes(memory.PAGE_SIZE)

# What has to stay free of a file system, beside the core.
_SPARE_SIZE = 64 << 20

# A debugger's own ways to stop a thread.
_NO_EVENT = (0, signal.SIGTRAP, signal.SIGSTOP, signal.SIGINT)

# [low, high) at file_offset; dumped: whether its bytes are in the file, size bytes of them.
_Segment = namedtuple("_Segment", "low high flags file_offset size")


class Unsuitable(Exception):
    """This process cannot be read in this way."""


def write(fd, pid, selected_id, core_filter=None, excluded=False):
    """Writes a core of the process to the empty file fd. selected_id: the thread of interest.

    core_filter, excluded: see Memory. Raises Unsuitable, registers.Running, LeaksError.
    """
    if not _is_suitable(pid):
        raise Unsuitable
    try:
        tracer = registers.Tracer()
        mappings = memory.mappings(pid)
        source = memory.Memory(pid, core_filter, excluded)
    except (OSError, AttributeError):
        raise Unsuitable
    try:
        notes = _notes(pid, tracer, mappings, selected_id)
        _write_file(fd, notes, mappings, source)
    except OSError as error:
        raise LeaksError("Cannot write a core of the program: %s." % (error.strerror or error))
    finally:
        source.close()


def _is_suitable(pid):
    try:
        with open("/proc/%d/exe" % pid, "rb") as file:
            header = file.read(20)
    except OSError:
        return False
    return (header[:5] == b"\x7fELF\x02" and header[18:] == struct.pack("<H", _EM_X86_64) and
            registers.is_traced_by_us(pid))


# ---- Notes ------------------------------------------------------------------------------------


def _notes(pid, tracer, mappings, selected_id):
    # The process's own note first, as GDB writes it: the kernel begins with a thread.
    notes = [_note(_NT_PRPSINFO, _process(pid))]
    first, taken = _thread_of_interest(pid, tracer, selected_id)
    for thread_id in sorted(registers.thread_ids(pid), key=lambda each: each != first):
        general = tracer.general(thread_id)
        notes.append(_note(_NT_PRSTATUS, struct.pack(
            "<iiihxxQQiiii64x%dsiI" % registers.REGISTERS_SIZE, taken, 0, 0, taken, 0, 0,
            thread_id, 0, 0, 0, general, 1, 0)))
        floating = tracer.floating(thread_id)
        if floating is not None:
            notes.append(_note(_NT_FPREGSET, floating))
        taken = 0
    with open("/proc/%d/auxv" % pid, "rb") as file:
        notes.append(_note(_NT_AUXV, file.read()))
    notes.append(_note(_NT_FILE, _files(mappings)))
    return b"".join(notes)


def _thread_of_interest(pid, tracer, selected_id):
    """(the thread to write first, the signal that it took or 0)"""
    for thread_id in sorted(registers.thread_ids(pid), key=lambda each: each != selected_id):
        taken = tracer.signal(thread_id)
        if taken not in _NO_EVENT:
            return thread_id, taken
    return selected_id, 0


def _note(kind, content):
    name = b"CORE\0\0\0\0"
    return struct.pack("<III", 5, len(content), kind) + name + content + bytes(-len(content) % 4)


def _process(pid):
    with open("/proc/%d/comm" % pid, "rb") as file:
        name = file.read().rstrip(b"\n")
    with open("/proc/%d/cmdline" % pid, "rb") as file:
        arguments = file.read(80).rstrip(b"\0").replace(b"\0", b" ")
    return struct.pack("<BBbbxxxxQIIiiii16s80s", 0, ord("t"), 0, 0, 0, 0, 0, pid, 0, 0, 0,
                       name[:15], arguments[:79])


def _files(mappings):
    named = [mapping for mapping in mappings if memory.has_file(mapping)]
    places = [struct.pack("<QQQ", mapping.low, mapping.high, mapping.offset // memory.PAGE_SIZE)
              for mapping in named]
    names = [mapping.path + b"\0" for mapping in named]
    return struct.pack("<QQ", len(named), memory.PAGE_SIZE) + b"".join(places + names)


# ---- Memory -----------------------------------------------------------------------------------


def _write_file(fd, notes, mappings, source):
    header_size = struct.calcsize(_ELF_HEADER)
    plan, offset = [], _page_up(header_size + len(notes))
    for mapping in mappings:
        for segment, used in _split(mapping, source, offset):
            offset += segment.size
            plan.append((segment, used))
    _check_room(fd, sum(high - low for _, used in plan for low, high in used))
    os.pwrite(fd, notes, header_size)
    segments = []
    for segment, used in plan:
        lost = [part for low, high in used for part in
                _copy(fd, source, low, high, segment.file_offset - segment.low)]
        segments += _without(segment, lost)
    _write_headers(fd, len(notes), segments, offset)


def _split(mapping, source, offset):
    """(segment, its used ranges): one for the mapping, or more where it is mostly untouched."""
    flags = sum(flag for flag, letter in ((4, b"r"), (2, b"w"), (1, b"x"))
                if letter in mapping.permissions)
    size = source.dumped_size(mapping)
    used = source.used_ranges(mapping, size) if size else []
    length = mapping.high - mapping.low
    if not used and (not flags & 2 or length >= _LONGEST_HOLE_SIZE):
        size = 0
    if size < length or not used:
        return [(_Segment(mapping.low, mapping.high, flags, offset, size), used)]
    parts, at, group = [], mapping.low, []
    for low, high in used + [(mapping.high, mapping.high)]:
        before = group[-1][1] if group else at
        if low - before >= _LONGEST_HOLE_SIZE:
            if group:
                parts.append((_Segment(at, before, flags, offset, before - at), group))
                offset += before - at
            parts.append((_Segment(before, low, flags, offset, 0), []))
            at, group = low, []
        if low < high:
            group.append((low, high))
    if at < mapping.high:
        parts.append((_Segment(at, mapping.high, flags, offset, mapping.high - at), group))
    return parts


def _copy(fd, source, low, high, shift):
    """Copies [low, high), zeros left out. Returns the ranges that cannot be read."""
    lost = []
    while low < high:
        data = source.read(low, min(_COPY_SIZE, high - low))
        if not data:
            lost.append((low, low + memory.PAGE_SIZE))
            low += memory.PAGE_SIZE
            continue
        view, start = memoryview(data), None
        for at in range(0, len(data) + 1, memory.PAGE_SIZE):
            page = data[at:at + memory.PAGE_SIZE]
            empty = page == _ZERO_PAGE[:len(page)]
            if start is None and not empty:
                start = at
            elif start is not None and (empty or not page):
                _write_at(fd, view[start:at], low + shift + start)
                start = None
        if start is not None:
            _write_at(fd, view[start:], low + shift + start)
        low += len(data)
    return lost


def _write_at(fd, data, offset):
    while data:
        done = os.pwrite(fd, data, offset)
        data, offset = data[done:], offset + done


def _without(segment, lost):
    """The segment, cut so that no bytes stand for what cannot be read."""
    parts, at = [], segment.low
    end = segment.low + segment.size
    for low, high in lost:
        if at < low:
            parts.append(_Segment(at, low, segment.flags, segment.file_offset + at - segment.low,
                                  low - at))
        parts.append(_Segment(low, high, segment.flags, segment.file_offset, 0))
        at = high
    if at < segment.high:
        parts.append(_Segment(at, segment.high, segment.flags,
                              segment.file_offset + at - segment.low, max(end - at, 0)))
    return parts


def _write_headers(fd, notes_size, segments, offset):
    header_size = struct.calcsize(_ELF_HEADER)
    headers = [struct.pack(_PROGRAM_HEADER, _PT_NOTE, 4, header_size, 0, 0, notes_size, 0, 4)]
    headers += [struct.pack(_PROGRAM_HEADER, _PT_LOAD, part.flags, part.file_offset, part.low, 0,
                            part.size, part.high - part.low, memory.PAGE_SIZE)
                for part in segments]
    # Section header 0 has the number of program headers where the ELF header cannot (gABI).
    many = len(headers) >= _PN_XNUM
    tail = b"".join(headers)
    if many:
        tail = struct.pack(_SECTION_HEADER, 0, 0, 0, 0, 0, 0, 0, len(headers), 0, 0) + tail
    section_size = struct.calcsize(_SECTION_HEADER) if many else 0
    _write_at(fd, memoryview(tail), offset)
    _write_at(fd, memoryview(struct.pack(
        _ELF_HEADER, b"\x7fELF\x02\x01\x01" + bytes(9), _ET_CORE, _EM_X86_64, 1, 0,
        offset + section_size, offset if many else 0, 0, header_size,
        struct.calcsize(_PROGRAM_HEADER), _PN_XNUM if many else len(headers), section_size,
        1 if many else 0, 0)), 0)


def _check_room(fd, needed):
    free = free_size(fd)
    if needed > free:
        raise LeaksError("The temporary core of the program takes up to %s, and only %s may be "
                         "used there; see \"help set leaks temporary-directory\"." %
                         (size_text(needed), size_text(free)))


def free_size(fd):
    """Bytes that may be written to the file system of the file or folder fd."""
    status = os.fstatvfs(fd)
    return max(status.f_bavail * status.f_frsize - _SPARE_SIZE, 0)


def _page_up(size):
    return size + -size % memory.PAGE_SIZE

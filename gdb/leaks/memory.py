"""The memory of a process of this machine that stands still, as /proc shows it: what of it a core
should hold, and which of its pages hold anything."""

import os
import re
import stat
from collections import namedtuple

PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")

# Bits of /proc/PID/coredump_filter (core(5)), and what the kernel sets when nobody did.
ANON_PRIVATE, ANON_SHARED, FILE_PRIVATE, FILE_SHARED, ELF_HEADERS, HUGE_PRIVATE, HUGE_SHARED = (
    1 << bit for bit in range(7))
DEFAULT_FILTER = ANON_PRIVATE | ANON_SHARED | ELF_HEADERS | HUGE_PRIVATE

# Of one entry of /proc/PID/pagemap (Linux Documentation/admin-guide/mm/pagemap.rst): the last
# byte has bits 63, present, and 62, swapped out. Anonymous pages with neither are zero.
_ENTRY_SIZE = 8
_IS_TOUCHED = bytes(1 if byte & 0xc0 else 0 for byte in range(256))
_ENTRIES_AT_ONCE = 1 << 14

_HEADING = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ (\d+) *(.*)")
_SIZE = re.compile(rb"(Rss|Anonymous|Swap): +(\d+) kB")
_FLAGS = b"VmFlags:"

# path: bytes, b"" for none. flags: the words of VmFlags. The sizes are bytes.
Mapping = namedtuple("Mapping", "low high permissions offset inode path flags anonymous_size "
                     "used_size")


def mappings(pid):
    """The process's mappings, by address."""
    found, heading, sizes = [], None, {}
    with open("/proc/%d/smaps" % pid, "rb") as file:
        for line in file:
            start = _HEADING.match(line.rstrip(b"\n"))
            size = _SIZE.match(line)
            if start:
                heading, sizes = start.groups(), {}
            elif size:
                sizes[size.group(1)] = int(size.group(2)) << 10
            elif line.startswith(_FLAGS):
                found.append(_mapping(heading, sizes, line[len(_FLAGS):].split()))
    return found


def _mapping(heading, sizes, flags):
    low, high, permissions, offset, inode, path = heading
    swapped = sizes.get(b"Swap", 0)
    return Mapping(int(low, 16), int(high, 16), permissions, int(offset, 16), int(inode), path,
                   flags, sizes.get(b"Anonymous", 0) + swapped, sizes.get(b"Rss", 0) + swapped)


def has_file(mapping):
    return mapping.inode != 0 and mapping.path.startswith(b"/")


def is_shared(mapping):
    return b"sh" in mapping.flags


class Memory:
    """Reads the memory of one process. core_filter: as in coredump_filter; None: the process's
    own. excluded: with what the program has asked to leave out of cores."""

    def __init__(self, pid, core_filter=None, excluded=False):
        self._folder = "/proc/%d" % pid
        self._excluded = excluded
        self._fds = []
        try:
            self._pages = self._open("pagemap")
            self._memory = self._open("mem")
            if core_filter is None:
                with open(self._folder + "/coredump_filter", encoding="ascii") as file:
                    core_filter = int(file.read(), 16)
        except BaseException:
            self.close()
            raise
        self._filter = core_filter

    def close(self):
        while self._fds:
            os.close(self._fds.pop())

    def read(self, address, size):
        """As many bytes as can be read; none when that page cannot."""
        try:
            return os.pread(self._memory, size, address)
        except OSError:
            return b""

    def dumped_size(self, mapping):
        """How many bytes from its beginning on the kernel, and GDB, would put into a core."""
        whole = mapping.high - mapping.low
        if mapping.path == b"[vdso]":
            return whole
        if b"io" in mapping.flags or mapping.path == b"[vsyscall]":
            return 0
        if b"dd" in mapping.flags and not self._excluded:
            return 0
        if self._filter & self._kinds(mapping):
            return whole
        if (self._filter & ELF_HEADERS and not is_shared(mapping) and mapping.offset == 0 and
                has_file(mapping) and self.read(mapping.low, 4) == b"\x7fELF"):
            return PAGE_SIZE
        return 0

    @staticmethod
    def _kinds(mapping):
        shared = is_shared(mapping)
        if b"ht" in mapping.flags:
            return HUGE_SHARED if shared else HUGE_PRIVATE
        if shared:
            named = has_file(mapping) and not mapping.path.endswith(b" (deleted)")
            return FILE_SHARED if named else ANON_SHARED
        if not has_file(mapping):
            return ANON_PRIVATE
        return FILE_PRIVATE | (ANON_PRIVATE if mapping.anonymous_size else 0)

    def used_ranges(self, mapping, size):
        """The parts of its first size bytes that may hold anything but zeros, in order.

        Only these may be read: reading a page that was never touched can make the process
        have it.
        """
        high = mapping.low + size
        if is_shared(mapping):
            return self._file_data(mapping, high)
        if has_file(mapping):
            return [(mapping.low, high)]
        return self._touched(mapping.low, high) if mapping.used_size else []

    def _touched(self, low, high):
        ranges, at = [], low // PAGE_SIZE
        while at < high // PAGE_SIZE:
            num = min(_ENTRIES_AT_ONCE, high // PAGE_SIZE - at)
            entries = os.pread(self._pages, num * _ENTRY_SIZE, at * _ENTRY_SIZE)
            if not entries:
                raise OSError("%s/pagemap ends before 0x%x" % (self._folder, at * PAGE_SIZE))
            pages = entries[_ENTRY_SIZE - 1::_ENTRY_SIZE].translate(_IS_TOUCHED)
            first = pages.find(1)
            while first >= 0:
                end = pages.find(0, first)
                end = len(pages) if end < 0 else end
                start = (at + first) * PAGE_SIZE
                if ranges and ranges[-1][1] == start:
                    start = ranges.pop()[0]
                ranges.append((start, (at + end) * PAGE_SIZE))
                first = pages.find(1, end)
            at += len(pages)
        return ranges

    def _file_data(self, mapping, high):
        """What of a shared mapping's file is no hole. Asking takes a capability: without it, all
        of it is read."""
        path = "%s/map_files/%x-%x" % (self._folder, mapping.low, mapping.high)
        try:
            # Opening a device would do something.
            if not stat.S_ISREG(os.stat(path).st_mode):
                return [(mapping.low, high)]
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return [(mapping.low, high)]
        ranges, at, shift = [], mapping.offset, mapping.low - mapping.offset
        try:
            while at + shift < high:
                at = os.lseek(fd, at, os.SEEK_DATA)
                end = os.lseek(fd, at, os.SEEK_HOLE)
                if at + shift < high:
                    ranges.append((at + shift, min(end + shift, high)))
                at = end
        except OSError:
            # ENXIO: nothing but a hole follows.
            pass
        finally:
            os.close(fd)
        return ranges

    def _open(self, name):
        fd = os.open("%s/%s" % (self._folder, name), os.O_RDONLY | os.O_CLOEXEC)
        self._fds.append(fd)
        return fd

"""What is remembered of one loaded core between commands: its reports, and the last listing.

The file is the same as long as device, inode, size and time are. When it changed while GDB still
shows the old one, nothing true can be said until GDB loads it again.
"""

import os

from .errors import LeaksError

MAX_REPORTS = 8


def file_identity(path):
    """A value that changes when the file does; None when there is no such file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (os.path.realpath(path), status.st_dev, status.st_ino, status.st_size,
            status.st_mtime_ns)


class Session:
    """path: the core's. is_current(): whether GDB still shows what it has loaded from there."""

    # What the core is called instead of by its path, and what has the threads.
    name = None
    noun = "core"

    def __init__(self, path, is_current):
        self.path = path
        self.is_current = is_current
        # The options of the last listing: ranks count in it.
        self.last_values = {}
        # The last one that was asked for, and the Places of goroutines by their stacks' numbers.
        self.last_report = None
        self.places = {}
        # The found.Folder, once there is one.
        self.found = None
        self._threads = None
        self._identity = file_identity(path)
        self._reports = {}

    def report(self, key, make):
        """The report of that key; make() is called when it is not known yet."""
        self._check()
        if key not in self._reports:
            report = self._read(make)
            # The file may have changed while it was being read.
            self._check()
            while len(self._reports) >= MAX_REPORTS:
                del self._reports[next(iter(self._reports))]
            self._reports[key] = report
        return self._reports[key]

    def once(self, make):
        """What make() does with the core as it is now."""
        self._check()
        return self._read(make)

    def files(self, executable, sysroot):
        """Where the analyzer finds the program's files, from where GDB says."""
        return executable, sysroot

    def clocks(self):
        """{clock's name: its time in ns} of the process; empty when that is over."""
        return {}

    def _read(self, make):
        return make()

    def threads(self, make):
        """The threads of the core; make() is called once."""
        if self._threads is None:
            self._threads = make()
        return self._threads

    def known_thread_ids(self):
        return sorted({thread_id for report in self.listings()
                       for thread_id in report.thread_ids()})

    def known_group_ids(self):
        return sorted({group.id for report in self.listings() for group in report.groups})

    def known_goroutines(self):
        return sorted({key.id for report in self.listings() for key in report.task_of
                       if key.kind == "goroutine"})

    def listings(self):
        """The reports of all tasks among what is known."""
        return [each for each in self._reports.values() if hasattr(each, "groups")]

    def _check(self):
        identity = file_identity(self.path)
        if identity is None:
            raise LeaksError("\"%s\": the core file is gone or cannot be read." % self.path)
        if identity != self._identity:
            raise LeaksError("\"%s\" has changed since GDB loaded it. Use \"core-file FILE\" to "
                             "load it again." % self.path)

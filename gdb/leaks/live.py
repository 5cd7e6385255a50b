"""A program that runs under GDB and is stopped: read by way of a core that is there only while the
analyzer reads it, as a file without a name."""

import contextlib
import os
import resource
import signal
import tempfile
import time

import gdb

from . import coredump, registers, settings
from .errors import LeaksError
from .session import Session
from .words import size


class LiveSession(Session):
    """Holds until the program goes on or is changed."""

    name = "stopped process"
    noun = "program"

    def __init__(self, inferior):
        self._num = inferior.num
        self._is_stopped = True
        super().__init__("-", lambda: self._is_stopped)
        for event in self._events():
            event.connect(self._changed)

    def files(self, executable, sysroot):
        inferior = gdb.selected_inferior()
        if not _is_local(inferior):
            # A file that GDB reads through the wire may be here as well.
            name = executable[len("target:"):] if (executable or "").startswith("target:") else None
            if name is not None:
                executable = name if os.path.exists(name) else None
            return executable, sysroot
        folder = "/proc/%d" % inferior.pid
        # GDB has no name for a file that was deleted, and this for one in a container.
        if not executable or executable.startswith("target:"):
            executable = folder + "/exe"
        if sysroot in ("", "/", "target:") and _is_in_container(folder):
            sysroot = folder + "/root"
        return executable, sysroot

    def clocks(self):
        if not _is_local(gdb.selected_inferior()):
            return {}
        return {"monotonic": time.clock_gettime_ns(time.CLOCK_MONOTONIC),
                "realtime": time.clock_gettime_ns(time.CLOCK_REALTIME)}

    def _read(self, make):
        with self._core() as core:
            return make(core)

    def _check(self):
        """There is no file that could change."""

    @contextlib.contextmanager
    def _core(self):
        """A file with a core of the program."""
        inferior = gdb.selected_inferior()
        _check_stopped(inferior)
        where = settings.temporary_directory()
        if _is_local(inferior):
            with _temporary_file(where) as file:
                if self._dump(inferior, file):
                    yield file
                    return
        with _gcore(where) as file:
            yield file

    @staticmethod
    def _dump(inferior, file):
        """Whether the core could be written without GDB's help."""
        # What a recording shows is in no process.
        if gdb.current_recording() is not None:
            return False
        core_filter = None if gdb.parameter("use-coredump-filter") else coredump.DEFAULT_FILTER
        try:
            coredump.write(file.fileno(), inferior.pid, gdb.selected_thread().ptid[1],
                           core_filter, gdb.parameter("dump-excluded-mappings"))
        except registers.Running as error:
            raise LeaksError(_RUNNING % ("LWP %d" % error.id))
        except coredump.Unsuitable:
            return False
        return True

    @staticmethod
    def _events():
        # Detaching is an exit, too.
        return (gdb.events.cont, gdb.events.exited, gdb.events.memory_changed,
                gdb.events.register_changed)

    def _changed(self, event):
        # Which inferior it is about is told in four ways, and not for memory.
        thread = getattr(event, "inferior_thread", None)
        inferior = getattr(event, "inferior", None) or (thread.inferior if thread else None)
        if inferior is not None and inferior.num != self._num or not self._is_stopped:
            return
        self._is_stopped = False
        for source in self._events():
            source.disconnect(self._changed)


_RUNNING = ("Thread %s is running, and \"leaks\" needs all of them stopped. Use \"interrupt -a\" "
            "first.")


def _is_local(inferior):
    return inferior.connection is not None and inferior.connection.type == "native"


def _is_in_container(folder):
    """Whether its paths are not those that this process sees."""
    try:
        return os.readlink(folder + "/ns/mnt") != os.readlink("/proc/self/ns/mnt")
    except OSError:
        return False


def _check_stopped(inferior):
    # Inferior.threads() takes its time, and without this setting all threads stop together.
    if gdb.parameter("non-stop"):
        for thread in inferior.threads():
            if thread.is_running():
                raise LeaksError(_RUNNING % thread.num)


def _temporary_file(where):
    try:
        return tempfile.TemporaryFile(prefix="coreleaks-", dir=where, buffering=0)
    except OSError as error:
        raise LeaksError(_no_folder(where, error))


def _no_folder(where, error):
    return "Cannot write to \"%s\": %s; see \"help set leaks temporary-directory\"." % (
        where, error.strerror)


@contextlib.contextmanager
def _gcore(where):
    try:
        folder = tempfile.TemporaryDirectory(prefix="coreleaks-", dir=where)
    except OSError as error:
        raise LeaksError(_no_folder(where, error))
    with folder:
        path = os.path.join(folder.name, "core")
        with _bounded_files(folder.name) as bound:
            try:
                gdb.execute("gcore " + path, to_string=True)
            except gdb.error as error:
                raise LeaksError("GDB cannot write a core of the program to \"%s\": %s; see "
                                 "\"help set leaks temporary-directory\"." % (where, error))
        # GDB 13.1 does not see that a write fails; GDB 18 writes the beginning last.
        if os.stat(path).st_size >= bound or not _is_elf(path):
            raise LeaksError("The core that GDB writes of the program takes more than %s, all that "
                             "may be used of \"%s\"; see \"help set leaks temporary-directory\"." %
                             (size(bound), where))
        file = open(path, "rb")
    with file:
        yield file


def _is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


@contextlib.contextmanager
def _bounded_files(folder):
    """GDB before version 14 writes reserved addresses too, which may be terabytes: it fails
    before the disk is full."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        free = coredump.free_size(fd)
    finally:
        os.close(fd)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    bound = min([free] + [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY])
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bound, hard))
    try:
        yield bound
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        if before is not None:
            signal.signal(signal.SIGXFSZ, before)

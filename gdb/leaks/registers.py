"""The registers of threads that this process traces and has stopped, from the kernel itself: GDB's
own way to them goes through a frame of each thread and selects it."""

import ctypes
import errno
import os

# Linux sys/ptrace.h, for x86-64.
_GETREGS, _GETFPREGS, _GETSIGINFO = 12, 14, 0x4202
REGISTERS_SIZE, _FLOATING_SIZE, _SIGINFO_SIZE = 27 * 8, 512, 128


class Running(Exception):
    """A thread is not stopped. id: its."""

    def __init__(self, thread_id):
        super().__init__("thread %d is running" % thread_id)
        self.id = thread_id


def is_traced_by_us(pid):
    """Whether that process is one of this machine and this process is its debugger."""
    return ("TracerPid:\t%d\n" % os.getpid()) in _text("/proc/%d/status" % pid)


def thread_ids(pid):
    """All threads that have not ended yet, the first one first."""
    found = sorted(map(int, os.listdir("/proc/%d/task" % pid)))
    return [thread_id for thread_id in sorted(found, key=lambda each: each != pid)
            if _state(pid, thread_id) not in ("Z", "X", "")]


class Tracer:
    def __init__(self):
        self._ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        self._ptrace.restype = ctypes.c_long
        self._ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def general(self, thread_id):
        """struct user_regs_struct as bytes. Raises Running."""
        code, data = self._ask(_GETREGS, thread_id, REGISTERS_SIZE)
        if code == errno.ESRCH:
            raise Running(thread_id)
        if code:
            raise OSError(code, os.strerror(code))
        return data

    def floating(self, thread_id):
        """struct user_fpregs_struct as bytes, or None."""
        code, data = self._ask(_GETFPREGS, thread_id, _FLOATING_SIZE)
        return None if code else data

    def signal(self, thread_id):
        """The signal that the thread has stopped for; 0 for none."""
        code, data = self._ask(_GETSIGINFO, thread_id, _SIGINFO_SIZE)
        return 0 if code else int.from_bytes(data[:4], "little")

    def _ask(self, request, thread_id, size):
        data = ctypes.create_string_buffer(size)
        failed = self._ptrace(request, thread_id, None, ctypes.byref(data)) == -1
        return ctypes.get_errno() if failed else 0, data.raw


def _state(pid, thread_id):
    # The name before it may hold anything, brackets too.
    return _text("/proc/%d/task/%d/stat" % (pid, thread_id)).rpartition(")")[2][1:2]


def _text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""

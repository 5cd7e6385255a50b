"""What GDB knows of the core that is loaded: files, directories, threads."""

import gdb

from . import compat
from .errors import LeaksError


def core_inferior():
    """The selected inferior, which must show a core."""
    inferior = gdb.selected_inferior()
    connection = inferior.connection
    if connection is not None and connection.type == "core":
        return inferior
    if connection is not None or inferior.pid != 0:
        raise LeaksError("leaks reads core files, not running programs. Use \"gcore FILE\" "
                         "first, then open FILE.")
    raise LeaksError("No core file. Use \"core-file FILE\" first.")


def core_path(inferior):
    path = compat.core_path(inferior)
    if path is None:
        raise LeaksError("Cannot tell which core file is loaded.")
    return path


def loaded_mark():
    """A function that tells whether GDB still shows what it does now.

    Loading a core, even the same one again, makes GDB forget all threads and add new ones.
    """
    # Not one of Inferior.threads(), which takes seconds when there are 10,000.
    selected = gdb.selected_thread()
    return selected.is_valid if selected is not None else lambda: False


def executable():
    return gdb.current_progspace().filename


def directories():
    """The settings "sysroot" and "debug-file-directory"."""
    return gdb.parameter("sysroot") or "", gdb.parameter("debug-file-directory") or ""


def threads(inferior):
    """{id: GDB's thread}. GDB 13.1 with libthread_db needs time by the square of their number."""
    return {_id(thread): thread for thread in inferior.threads()}


def select(inferior, selected, from_tty):
    """Selects the thread as the command "thread" does, which prints it and its frame."""
    gdb.execute("thread %d.%d" % (inferior.num, selected.num), from_tty)


def _id(thread):
    # A process that never had a second thread may have no LWP id.
    pid, lwp, _ = thread.ptid
    return lwp or pid

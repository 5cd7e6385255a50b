"""What GDB knows of the core that is loaded: files, directories, threads."""

import os

import gdb

from . import compat
from .errors import LeaksError


def stopped_inferior():
    """The selected inferior: a core, or a program that is stopped."""
    inferior = gdb.selected_inferior()
    if is_core(inferior):
        return inferior
    if inferior.pid == 0:
        raise LeaksError("No core file and no program. Use \"core-file FILE\" or \"attach PID\" "
                         "first.")
    thread = gdb.selected_thread()
    if thread is None or thread.is_running():
        raise LeaksError("The program is running. Use \"interrupt\" to stop it first.")
    return inferior


def is_core(inferior):
    # A new inferior shares the connection, and has no process.
    return (inferior.connection is not None and inferior.connection.type == "core" and
            inferior.pid != 0)


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


def quoted(path):
    """A file's name as an argument of GDB's own commands."""
    # Before GDB 16 they take the rest of the line as it is, quotes included.
    if not _takes_quotes() or not any(c in " '\"\\" for c in path):
        return path
    return "'%s'" % path.replace("\\", "\\\\").replace("'", "\\'")


def _takes_quotes():
    major = gdb.VERSION.split(".")[0]
    return major.isdigit() and int(major) >= 16


def executable():
    return gdb.current_progspace().filename


def directories():
    """The settings "sysroot" and "debug-file-directory"."""
    return gdb.parameter("sysroot") or "", gdb.parameter("debug-file-directory") or ""


def found_files():
    """[(build-id, whether it is debug information alone, path)] of the files that GDB has found at
    places that the analyzer does not know."""
    elsewhere = bool(gdb.parameter("solib-search-path"))
    known = [os.path.join(folder, "") for folder in directories()[1].split(":") if folder]
    return [(objfile.build_id, objfile.owner is not None, objfile.filename)
            for objfile in gdb.objfiles() if objfile.build_id and objfile.filename and
            (not objfile.filename.startswith(tuple(known)) if objfile.owner is not None
             else elsewhere)]


def debuginfod_urls():
    try:
        urls = gdb.parameter("debuginfod urls")
    except RuntimeError:
        # GDB can be built without.
        urls = None
    return urls or os.environ.get("DEBUGINFOD_URLS") or ""


def threads(inferior):
    """{id: GDB's thread}. GDB 13.1 with libthread_db needs time by the square of their number."""
    return {id_of(thread): thread for thread in inferior.threads()}


def first_thread(inferior):
    found = inferior.threads()
    if not found:
        raise LeaksError("There is no thread.")
    return found[-1]


def select(inferior, selected, from_tty):
    """Selects the thread as the command "thread" does, which prints it and its frame."""
    gdb.execute("thread %d.%d" % (inferior.num, selected.num), from_tty)


def id_of(thread):
    # A process that never had a second thread may have no LWP id.
    pid, lwp, _ = thread.ptid
    return lwp or pid

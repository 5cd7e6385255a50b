"""Unpacks a compressed core to a file whose zeros take no room."""

import os
import shutil
import subprocess
import tempfile

from .coredump import free_size
from .errors import LeaksError

# What a file begins with, and the program that unpacks it to its output.
_PACKERS = ((b"\x28\xb5\x2f\xfd", "zstd"), (b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\0", "xz"),
            (b"BZh", "bzip2"), (b"\x04\x22\x4d\x18", "lz4"))
_BLOCK_SIZE = 1 << 16
_ZEROS = bytes(_BLOCK_SIZE)
_HEADS_SIZE = 8
_PREFIX = "coreleaks-"


def unpacked(path, folder):
    """The path of the unpacked core: itself when it is not compressed."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEADS_SIZE)
    except OSError as error:
        raise LeaksError("Cannot read \"%s\": %s." % (path, error.strerror))
    packer = next((name for magic, name in _PACKERS if head.startswith(magic)), None)
    if packer is None:
        return path
    program = shutil.which(packer)
    if program is None:
        raise LeaksError("\"%s\" is compressed by %s, which is not installed." % (path, packer))
    try:
        # The name stays: GDB shows it.
        place = tempfile.mkdtemp(prefix=_PREFIX, dir=folder)
    except OSError as error:
        raise LeaksError("Cannot write to \"%s\": %s; see \"help set leaks temporary-directory\"." %
                         (folder, error.strerror))
    name = os.path.splitext(os.path.basename(path))[0] or "core"
    to = os.path.join(place, name)
    try:
        _run(program, path, to)
        # It tells when the core was written.
        status = os.stat(path)
        os.utime(to, ns=(status.st_atime_ns, status.st_mtime_ns))
    except BaseException:
        remove(to)
        raise
    return to


def _run(program, path, to):
    with subprocess.Popen([program, "-dc", "--", path], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            with open(to, "wb") as file:
                _copy(child.stdout, file)
        except OSError as error:
            child.kill()
            raise LeaksError("Cannot write \"%s\": %s; see \"help set leaks temporary-directory\"."
                             % (to, error.strerror))
        except BaseException:
            child.kill()
            raise
        said = child.stderr.read().decode("utf-8", "replace").strip().splitlines()
    if child.returncode:
        raise LeaksError("Cannot unpack \"%s\": %s." % (path, (said or ["it is damaged"])[0]))


def _copy(source, file):
    room, size = free_size(file.fileno()), 0
    while True:
        block = source.read(_BLOCK_SIZE)
        if not block:
            break
        size += len(block)
        if block == _ZEROS[:len(block)]:
            continue
        room -= len(block)
        if room < 0:
            raise OSError(28, "No space left on device")
        os.pwrite(file.fileno(), block, size - len(block))
    file.truncate(size)


def remove(path):
    shutil.rmtree(os.path.dirname(path), ignore_errors=True)


def remove_at_exit(path, events):
    events.gdb_exiting.connect(lambda event: remove(path))

"""Files that GDB or a debuginfod server has of the program, where the analyzer finds them: by their
build-ids, in a folder for --debug-dir. The analyzer takes none with another build-id."""

import os
import shutil
import tempfile
import weakref

from . import analyzer
from .errors import LeaksError

DEBUG, PROGRAM = ".debug", ""

# What debuginfod-find calls them.
_KINDS = {DEBUG: "debuginfo", PROGRAM: "executable"}


class Folder:
    """Is removed with the object, or when GDB ends."""

    def __init__(self, parent):
        self._parent = parent
        self.path = None
        # Those that a server was asked for: {(build-id, kind): whether it has it}.
        self.asked = {}

    def add(self, build_id, kind, path):
        """Lets the analyzer find that file, if it is one."""
        # A build-id is a name in a folder.
        if not build_id or len(build_id) < 4 or not build_id.isalnum() or not os.path.isfile(path):
            return
        if self.path is None:
            try:
                self.path = tempfile.mkdtemp(prefix="coreleaks-", dir=self._parent)
            except OSError as error:
                raise LeaksError("Cannot write to \"%s\": %s; see \"help set leaks "
                                 "temporary-directory\"." % (self._parent, error.strerror))
            weakref.finalize(self, shutil.rmtree, self.path, True)
        place = os.path.join(self.path, ".build-id", build_id[:2])
        link = os.path.join(place, build_id[2:] + kind)
        os.makedirs(place, exist_ok=True)
        if not os.path.lexists(link):
            os.symlink(os.path.abspath(path), link)

    def fetch(self, build_id, kind, urls):
        """Asks the servers for that file, once. Returns whether they have it."""
        key = build_id, kind
        if key not in self.asked:
            path = _find(_KINDS[kind], build_id, urls)
            if path is not None:
                self.add(build_id, kind, path)
            self.asked[key] = path is not None
        return self.asked[key]


def wanted(report):
    """[(build-id, kind)] of what would tell more about the frames of a report."""
    lineless = {frame.module for group in report.groups for frame in group.frames
                if not frame.line and frame.module}
    found = []
    for module in report.modules:
        if not module.build_id:
            continue
        if module.file is None:
            found.append((module.build_id, PROGRAM))
        if module.file is None or os.path.basename(module.path or "") in lineless:
            found.append((module.build_id, DEBUG))
    return found


def _find(kind, build_id, urls):
    """The path of that file, from the servers, or None."""
    program = shutil.which("debuginfod-find")
    if program is None:
        raise LeaksError("\"set leaks debuginfod on\" needs the program debuginfod-find, which "
                         "Debian has in its package debuginfod.")
    _, out = analyzer.run(["/usr/bin/env", "DEBUGINFOD_URLS=" + urls, program, kind, build_id],
                          None)
    path = out.decode("utf-8", "surrogateescape").strip()
    return path if os.path.isabs(path) else None

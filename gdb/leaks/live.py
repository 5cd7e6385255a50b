"""A program that runs under GDB and is stopped: read by way of a core that GDB writes, and that is
there only while the analyzer reads it."""

import atexit
import os
import shutil
import tempfile

import gdb

from .errors import LeaksError
from .session import Session


class LiveSession(Session):
    """Holds until the program goes on."""

    def __init__(self, inferior):
        # Not the default /tmp, which may be memory: a program's core may be large.
        where = os.environ.get("TMPDIR", "/var/tmp")
        self._folder = tempfile.mkdtemp(prefix="coreleaks-", dir=where)
        self._num = inferior.num
        self._is_stopped = True
        super().__init__(os.path.join(self._folder, "core"), lambda: self._is_stopped)
        atexit.register(self.close)
        for event in (gdb.events.cont, gdb.events.exited):
            event.connect(self._went_on)

    def report(self, key, make):
        if key not in self._reports:
            try:
                self._dump()
                self._reports[key] = make()
            finally:
                self._remove()
        return self._reports[key]

    def close(self):
        """Leaves nothing behind."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _dump(self):
        try:
            gdb.execute("gcore " + self.path, to_string=True)
        except gdb.error as error:
            raise LeaksError("GDB cannot write a core of the program: %s" % error)
        os.chmod(self.path, 0o600)

    def _remove(self):
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass

    def _went_on(self, event):
        inferior = getattr(event, "inferior", None) or event.inferior_thread.inferior
        if inferior is not None and inferior.num != self._num:
            return
        self._is_stopped = False
        for source in (gdb.events.cont, gdb.events.exited):
            source.disconnect(self._went_on)
        self.close()

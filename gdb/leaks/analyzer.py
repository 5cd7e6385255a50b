"""Finds the program coreleaks, runs it on a core and hands back what it printed."""

import os
import re
import selectors
import shutil
import signal
import subprocess
import time

from .errors import LeaksError
from .words import clean, plural

# Exit codes that come with a report: complete, findings, incomplete.
RESULT_CODES = (0, 1, 3)

# Far above any real report; keeps a program that never stops printing from filling the memory.
MAX_OUTPUT_SIZE = 256 << 20

# How long past its own time limit the analyzer may take to write a partial report.
GRACE_S = 2

# The oldest version that takes all options of arguments() and says all that the commands show.
OLDEST = (0, 1, 0)
_VERSION = re.compile(r"coreleaks (\d{1,9})\.(\d{1,9})\.(\d{1,9})\s*$")
_VERSION_TIMEOUT_S = 10

# How coreleaks ends that was called wrongly, and what it says of options it has not.
_USAGE_CODE, _NO_OPTION = 64, "unrecognized option"

# A signal that arrives just before a wait is noticed after it: so waits are short.
POLL_S = 0.2


def find(setting, package_dir):
    """The analyzer's path: as set, of the source tree around this package, as installed with it,
    or from PATH."""
    if setting:
        path = shutil.which(os.path.expanduser(setting))
        if path is None:
            raise LeaksError("\"%s\", the setting \"leaks analyzer-path\", is no program." %
                             setting)
        return os.path.abspath(path)
    above = os.path.dirname(os.path.dirname(os.path.realpath(package_dir)))
    prefix = os.path.dirname(os.path.dirname(above))
    for path in (os.path.join(above, "build", "coreleaks"),
                 os.path.join(prefix, "bin", "coreleaks")):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    path = shutil.which("coreleaks")
    if path is None:
        raise LeaksError("Cannot find the program coreleaks. Build it with \"make\", or use "
                         "\"set leaks analyzer-path FILE\".")
    return os.path.abspath(path)


def arguments(command, core, executable, sysroot, debug_dirs, timeout_s, chosen,
              output="--json"):
    """The arguments that make the analyzer see the core as GDB does, and those the user chose."""
    words = [command, output, "--progress=never"]
    # "target:" makes GDB read files through its target, which for a core is this machine.
    if sysroot.startswith("target:"):
        sysroot = sysroot[len("target:"):]
    if sysroot not in ("", "/"):
        words.append("--sysroot=" + sysroot)
    if debug_dirs:
        words.append("--debug-dir=" + debug_dirs)
    if executable:
        words.append("--executable=" + executable)
    if timeout_s:
        words.append("--timeout=%ds" % timeout_s)
    return words + chosen + [core]


def version(path):
    """What the program is: "coreleaks 0.1.0". Raises LeaksError when it is none that will do."""
    _, out = run([path, "--version"], _VERSION_TIMEOUT_S)
    said = out.decode("utf-8", "replace")
    found = _VERSION.match(said)
    if found is None:
        first = clean(said.strip().split("\n")[0][:60])
        raise LeaksError("%s is not coreleaks: asked for its version, it says %s." % (
            path, "\"%s\"" % first if first else "nothing"))
    if tuple(map(int, found.groups())) < OLDEST:
        raise LeaksError("%s is %s, which is too old: this command needs %d.%d.%d or later." % (
            (path, said.strip()) + OLDEST))
    return said.strip()


def run(argv, timeout_s, stdin=None):
    """Runs argv to its end. Returns (exit code, stdout as bytes). timeout_s: None for none."""
    # Ctrl-C waits while there is a child that nobody has been told of, and while it is ended.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        child = _start(argv, stdin)
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            out, err = _collect(child, argv[0], timeout_s)
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            _end(child)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if child.returncode in RESULT_CODES:
        return child.returncode, out
    said = _failure(argv[0], child.returncode, err)
    if child.returncode == _USAGE_CODE and _NO_OPTION in said and argv[1:] != ["--version"]:
        # The options are not the user's: it is too old, or another one.
        said += " (%s: install both from the same release)" % version(argv[0])
    raise LeaksError(said)


def _start(argv, stdin):
    try:
        # A session of its own: Ctrl-C reaches only GDB, which then ends the whole group.
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL if stdin is None else stdin,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                start_new_session=True)
    except OSError as error:
        raise LeaksError("Cannot run %s: %s." % (argv[0], error.strerror))


def _collect(child, name, timeout_s):
    deadline = None if timeout_s is None else time.monotonic() + timeout_s + GRACE_S
    parts = {child.stdout: [], child.stderr: []}
    num_bytes = 0
    with selectors.DefaultSelector() as selector:
        for pipe in parts:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map() or child.poll() is None:
            if deadline is not None and time.monotonic() > deadline:
                raise LeaksError("%s took longer than %s; see \"help set leaks timeout\"." % (
                    name, plural(timeout_s, "second")))
            if not selector.get_map():
                time.sleep(0.005)
                continue
            for key, _ in selector.select(POLL_S):
                part = os.read(key.fd, 1 << 20)
                if not part:
                    selector.unregister(key.fileobj)
                parts[key.fileobj].append(part)
                num_bytes += len(part)
            if num_bytes > MAX_OUTPUT_SIZE:
                raise LeaksError("%s printed over %d MiB, which is no report." % (
                    name, MAX_OUTPUT_SIZE >> 20))
    return b"".join(parts[child.stdout]), b"".join(parts[child.stderr])


def _end(child):
    if child.poll() is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()
    child.stdout.close()
    child.stderr.close()


def _failure(name, code, err):
    lines = [line.strip() for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    said = lines[0] if lines else None
    if code < 0:
        try:
            cause = signal.Signals(-code).name
        except ValueError:
            cause = "signal %d" % -code
        return "%s was killed by %s%s" % (name, cause, ": " + said if said else ".")
    return said or "%s failed with exit code %d and gave no reason." % (name, code)

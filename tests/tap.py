"""What every Python test of coreleaks shares: checks that print TAP lines, and a way to run
programs with a time limit.

    import tap
    tap.check("name", condition, "what to show when it fails")
    tap.equal("name", got, want)
    tap.skip("name", "reason")
    tap.done()

done() prints the plan and leaves with 1 when anything failed; a test that never calls it, or
that makes no check at all, counts as failed.
"""

import os
import subprocess
import sys

TESTS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.environ.get("COREROOT") or os.path.dirname(TESTS))
BUILD = os.path.abspath(os.environ.get("COREBUILD") or os.path.join(ROOT, "build"))

TIMEOUT_S = 120
TIMED_OUT = 124

_num_checks = 0
_failed = []


def _line(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _name(name):
    return " ".join(str(name).split()).replace("#", "_")


def check(name, ok, detail=""):
    """Records one result; detail is shown only on failure. Returns ok as a bool."""
    global _num_checks
    _num_checks += 1
    _line("%s %d - %s" % ("ok" if ok else "not ok", _num_checks, _name(name)))
    if not ok:
        _failed.append(name)
        for line in str(detail).splitlines():
            _line("# " + line)
    return bool(ok)


def equal(name, got, want):
    """check() that got == want; shows both on failure."""
    return check(name, got == want, "got:  %r\nwant: %r" % (got, want))


def skip(name, reason):
    """Records a check that could not be made here, and why."""
    global _num_checks
    _num_checks += 1
    _line("ok %d - %s # SKIP %s" % (_num_checks, _name(name), _name(reason)))


def done():
    """Prints the plan and ends the program: 0 when every check held, otherwise 1."""
    if _num_checks == 0:
        check("the test makes at least one check", False)
    _line("1..%d" % _num_checks)
    sys.exit(1 if _failed else 0)


def run(argv, timeout=TIMEOUT_S, **kw):
    """Runs argv; returns (exit code, stdout, stderr) as text, or bytes with text=False.

    A program that takes longer than timeout seconds is killed and reported as code 124; one
    that dies by a signal has the negative signal number as its code.
    """
    kw.setdefault("text", True)
    if kw["text"]:
        kw.setdefault("errors", "surrogateescape")
    if "input" not in kw:
        kw.setdefault("stdin", subprocess.DEVNULL)
    kw.setdefault("stdout", subprocess.PIPE)
    kw.setdefault("stderr", subprocess.PIPE)
    argv = [os.fspath(arg) for arg in argv]
    try:
        ran = subprocess.run(argv, timeout=timeout, **kw)
    except subprocess.TimeoutExpired as expired:
        none = "" if kw["text"] else b""
        out, err = (_text(part, kw["text"]) for part in (expired.stdout, expired.stderr))
        note = "killed after %s s: %s\n" % (timeout, " ".join(argv))
        return TIMED_OUT, out or none, (err or none) + (note if kw["text"] else note.encode())
    return ran.returncode, ran.stdout, ran.stderr


def _text(part, wanted):
    if part is not None and wanted and isinstance(part, bytes):
        return part.decode("utf-8", "surrogateescape")
    return part

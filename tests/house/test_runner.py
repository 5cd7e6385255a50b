#!/usr/bin/python3
"""tests/run and tests/tap.py: what they count, and that nothing wrong counts as right."""

import os
import shutil
import sys
import tempfile
import textwrap
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap

RUN = os.path.join(tap.ROOT, "tests", "run")
TESTS = os.path.join(tap.ROOT, "tests")

# A test's text, and the (passed, failed) it must count as.
CASES = [
    ("all held", "print('ok 1 - a\\nok 2 - b\\n1..2')", (2, 0)),
    ("one failed", "print('ok 1 - a\\nnot ok 2 - b\\n1..2'); sys.exit(1)", (1, 1)),
    ("a skip is neither", "print('ok 1 - a\\nok 2 - b # SKIP no disk\\n1..2')", (1, 0)),
    ("no plan", "print('ok 1 - a')", (1, 1)),
    ("a plan of more", "print('ok 1 - a\\n1..2')", (1, 1)),
    ("nothing at all", "pass", (0, 1)),
    ("no check", "print('1..0')", (0, 1)),
    ("an exception", "print('ok 1 - a'); raise ValueError", (1, 1)),
    ("exit code against the lines", "print('ok 1 - a\\n1..1'); sys.exit(3)", (1, 1)),
    ("lines against the exit code", "print('not ok 1 - a\\n1..1')", (0, 2)),
    ("dies by a signal", "print('ok 1 - a', flush=True); os.kill(os.getpid(), 9)", (1, 1)),
    ("tap: all held", "import tap; tap.check('a', True); tap.equal('b', 1, 1); tap.done()", (2, 0)),
    ("tap: failures", "import tap; tap.check('a', False); tap.equal('b', 1, 2); tap.done()",
     (0, 2)),
    ("tap: a skip", "import tap; tap.check('a', 1); tap.skip('b', 'no gdb'); tap.done()", (1, 0)),
    ("tap: no check", "import tap; tap.done()", (0, 1)),
    ("tap: done() forgotten", "import tap; tap.check('a', True)", (1, 1)),
    ("tap: a name with a hash sign", "import tap; tap.check('a # SKIP b', False); tap.done()",
     (0, 1)),
]


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/usr/bin/python3\nimport os, sys, time\nsys.path.insert(0, %r)\n%s\n"
                   % (TESTS, textwrap.dedent(text)))
    os.chmod(path, 0o755)
    return path


def run(*arguments):
    return tap.run([RUN, *arguments])


def main():
    work = tempfile.mkdtemp(prefix="coreleaks-runner-")
    try:
        total_passed = total_failed = 0
        for number, (name, text, (passed, failed)) in enumerate(CASES):
            path = write(os.path.join(work, "test_%02d.py" % number), text)
            code, out, err = run(path)
            tap.equal(name, (out.splitlines()[-1], code != 0),
                      ("%d passed, %d failed" % (passed, failed), failed > 0))
            total_passed, total_failed = total_passed + passed, total_failed + failed
        code, out, err = run("--jobs", "2", work)
        tap.equal("a folder: all of them, added up", out.splitlines()[-1],
                  "%d passed, %d failed" % (total_passed, total_failed))
        tap.check("a skip is shown with its reason", "skipped: " in out and "b: no disk" in out,
                  out)

        slow = write(os.path.join(work, "slow.py"), """
            import subprocess
            print('ok 1 - a', flush=True)
            subprocess.run(['sleep', '600'])""")
        began = time.monotonic()
        code, out, err = run("--timeout", "1", slow)
        tap.check("a test that hangs is ended, with what it started", code == 1 and
                  time.monotonic() - began < 30 and "longer than 1 s" in out, out + err)

        empty = os.path.join(work, "empty")
        os.mkdir(empty)
        code, out, err = run(empty)
        tap.check("a folder without tests is a fault", code == 1 and "no test_" in err, out + err)
        plain = write(os.path.join(empty, "test_plain.py"), "pass")
        os.chmod(plain, 0o644)
        code, out, err = run(empty)
        tap.check("a test that is not executable is a fault", code == 1 and "not executable" in err,
                  out + err)
        tap.equal("tap.run: a time limit", tap.run(["sleep", "60"], timeout=0.2)[0], 124)
        tap.equal("tap.run: code, output, errors",
                  tap.run(["sh", "-c", "echo a; echo b >&2; exit 3"]), (3, "a\n", "b\n"))
        suites = [name[5:-2] for name in os.listdir(os.path.join(TESTS, "unit"))
                  if name.startswith("test_") and name.endswith(".c")]
        path = os.path.join("build", "asan", "gen", "tests", "unit", "main.c")
        code, out, err = tap.run(["make", "-s", "FLAVOUR=asan", path], cwd=tap.ROOT)
        tap.check("the unit runner is made", code == 0, out + err)
        with open(os.path.join(tap.ROOT, path), encoding="utf-8") as file:
            text = file.read()
        forgotten = [name for name in suites if "runner, %s_suite()" % name not in text]
        tap.equal("the unit runner knows every suite", forgotten, [])
    finally:
        shutil.rmtree(work)


main()
tap.done()

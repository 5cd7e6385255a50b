#!/usr/bin/python3
"""The command "leaks" on a program that runs and that GDB has stopped."""

import os

import support
import realcore
import tap


def check_attached():
    exe = realcore.build("three_way_deadlock_30_behind")
    with realcore.scratch() as folder:
        with realcore.running([exe], folder, 34) as process:
            argv = ["gdb", "-nx", "-q", "-batch", "-p", str(process.pid),
                    "-ex", "source " + os.path.join(tap.ROOT, "gdb", "leaks.py"),
                    "-ex", "set leaks analyzer-path " + support.TOOL]
            for command in ("thread 3", "leaks", "leaks locks", "thread", "shell ls " + folder,
                            "detach", "leaks"):
                argv += ["-ex", "echo \\n== %s\\n" % command.split()[0], "-ex", command]
            code, out, err = tap.run(argv, env=dict(os.environ, TMPDIR=folder), timeout=120)
            if "ptrace" in err:
                tap.skip("a program that is stopped", "GDB may not attach here")
                return
            both = out + err
            parts = [part.split("\n", 1)[1] for part in out.split("\n== ")[1:]]
            tap.check("a program that is stopped: what blocks the others comes first",
                      parts[1].startswith("PROVED: threads ") and
                      "are deadlocked and block 31 others" in parts[1].splitlines()[0], both)
            tap.check("the circle comes next",
                      "wait for each other in a circle" in parts[1].splitlines()[1], both)
            tap.check("its locks", "departments" in parts[2], both)
            tap.check("the selected thread stays", "[Current thread is 3 " in parts[3], both)
            tap.check("the core is gone", "core" not in parts[4].split(), parts[4])
            tap.check("without a program there is nothing to read",
                      "No core file and no program" in err, both)
            tap.check("the program goes on", process.poll() is None)
        tap.check("nothing is left behind", not [name for name in os.listdir(folder)
                                                 if name.startswith("coreleaks-")],
                  os.listdir(folder))


check_attached()
tap.done()

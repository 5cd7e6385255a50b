"""Threads of libraries' pools: idle ones are hidden, those in the program's own code are shown.

Libraries whose development packages are not installed are skipped.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import tap

import realcore

NO_KERNEL_SUPPORT = 77
# Source, pkg-config's name, arguments, threads, {helpers' runtime: fewest}, functions that must be
# shown, one group each. Threads None: as many as there are once they have settled.
ROWS = [
    ("glib.c", "gio-2.0", [], 6, {"GLib": 3}, ["main", "serve_orders", "g_main_loop_run"]),
    ("tbb.cc", "tbb", [], 2, {"oneTBB": 1}, ["main"]),
    ("tbb.cc", "tbb", ["busy"], 2, {}, ["main", "wait_for_order"]),
    ("io_uring.c", None, [], 2, {"io_uring": 1}, ["main"]),
]


def compiled(source, package, folder):
    """The program's path. CannotDump: the library is not there."""
    flags = []
    if package:
        code, out, _ = tap.run(["pkg-config", "--cflags", "--libs", package])
        if code:
            raise realcore.CannotDump("%s is not installed" % package)
        flags = out.split()
    compiler = "g++" if source.endswith(".cc") else "gcc"
    exe = os.path.join(folder, source.partition(".")[0])
    code, _, err = tap.run([compiler, "-g", "-O1", "-pthread", os.path.join(HERE, "pools", source),
                            "-o", exe] + flags)
    if code:
        raise RuntimeError("%s does not compile: %s" % (source, err))
    return exe


def reports_of(source, package, arguments, threads, how):
    """The reports by default and with --all."""
    with realcore.scratch() as folder:
        exe = compiled(source, package, folder)
        try:
            with realcore.running([exe] + arguments, folder, threads) as process:
                core = realcore.dump(process, folder, how)
        except RuntimeError as error:
            if "ended with %d " % NO_KERNEL_SUPPORT in str(error):
                raise realcore.CannotDump("the kernel lends none here") from error
            raise
        return [realcore.report(words + [core])[1] for words in ([], ["--all"])]


def check_row(row, how):
    """One program by one dumper."""
    source, package, arguments, threads, helpers, functions = row
    name = "%s by %s: " % (" ".join([source] + arguments), how)
    try:
        shown, everything = reports_of(source, package, arguments, threads, how)
    except realcore.CannotDump as reason:
        tap.skip(name + "report", str(reason))
        return
    tap.equal(name + "helpers", shown["summary"]["system_by"], helpers)
    tap.equal(name + "hidden", [report["summary"]["hidden"] for report in (shown, everything)],
              [sum(helpers.values()), 0])
    groups = [[frame["function"] or "" for frame in group["frames"]] for group in shown["groups"]]
    missing = [function for function in functions
               if not any(any(function in word for word in group) for group in groups)]
    tap.check(name + "the program's own are shown", not missing and len(groups) == len(functions),
              "%s not in %s" % (missing, groups))
    tap.equal(name + "findings", everything["findings"], [])


def main():
    """All programs, by both dumpers."""
    for row in ROWS:
        for how in ("kernel", "gcore"):
            check_row(row, how)
    tap.done()


main()

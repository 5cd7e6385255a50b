"""`make check-real`: real servers at rest. Every stack is, address by address, what eu-stack has;
nothing is called stuck; and every thread's reason is the one written down in healthy.py.

Starts the servers of servers.py in scratch folders and dumps each by the kernel and by gcore.
Programs that are not installed are skipped. Every process is killed and every core deleted.
"""

import os
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import tap

import healthy
import oracle
import realcore
import servers


def check_health(server, name, core):
    """Nothing is stuck, and every thread waits for what it should."""
    reports = [realcore.report(arguments + [core])[1] for arguments in ([], ["--all"])]
    wrong = healthy.differences(server.name, *reports)
    tap.check(name + "%d threads wait as they should, %d are helpers"
              % (reports[1]["summary"]["threads"], reports[1]["summary"]["system"]), not wrong,
              "\n".join(wrong))


def check_server(server, how, rows):
    """One server by one dumper: a row of the table."""
    name = "%s by %s: " % (server.name, how)
    if not server.program:
        tap.skip(name + "addresses", server.name + " is not installed")
        return
    with realcore.scratch() as folder:
        os.chmod(folder, 0o777)
        try:
            core = servers.dump_server(server, how, folder)
        except realcore.CannotDump as reason:
            tap.skip(name + "addresses", str(reason))
            return
        except (RuntimeError, OSError) as error:
            tap.check(name + "a core", False, error)
            return
        exe = os.path.realpath(server.program)
        begin = time.monotonic()
        ours, report = oracle.coreleaks_pcs(core)
        ours_s = time.monotonic() - begin
        begin = time.monotonic()
        theirs = oracle.eu_stack_pcs(core, exe)
        theirs_s = time.monotonic() - begin
        check_health(server, name, core)
    wrong = oracle.pc_differences(ours, theirs)
    ends = {}
    for group in report["groups"]:
        ends[group["stack_end"]] = ends.get(group["stack_end"], 0) + group["count"]
    rows.append((server.name, how, len(theirs), sum(map(len, theirs.values())), len(wrong),
                 " ".join("%s %d" % item for item in sorted(ends.items())), ours_s, theirs_s))
    tap.check(name + "%d threads, %d frames equal eu-stack's"
              % (len(theirs), sum(map(len, theirs.values()))), not wrong, "\n".join(wrong))


def main():
    """All servers, both dumpers, a table."""
    if not shutil.which("eu-stack"):
        tap.skip("real servers", "eu-stack is not installed")
        tap.done()
    rows, wanted = [], sys.argv[1:]
    for server in servers.SERVERS:
        if wanted and server.name not in wanted:
            continue
        for how in ("kernel", "gcore"):
            check_server(server, how, rows)
    print("# %-10s %-7s %7s %7s %7s %9s %9s  %s" % ("program", "dumper", "threads", "frames",
                                                  "differ", "ours s", "eu-stack s", "ends"))
    for name, how, threads, frames, wrong, ends, ours_s, theirs_s in rows:
        print("# %-10s %-7s %7d %7d %7d %9.2f %9.2f  %s"
              % (name, how, threads, frames, wrong, ours_s, theirs_s, ends))
    tap.done()


main()

#!/usr/bin/python3
"""How many of a channel's senders are stuck, and how many others of the same go statement are known
to have ended: never more than the program says, and all where it has made none since."""

import json
import os
import re
import signal

import gocore
import realcore
import tap

SOURCE = os.path.join(tap.ROOT, "tests", "go", "holdings")


def rows_of(said):
    """[(function, channel, stuck, ended, whether all are still known)] that the program said."""
    rows = [line.split() for line in said.splitlines()[:-1]]
    return [(function, channel, int(stuck), int(ended), known == "yes")
            for function, channel, stuck, ended, known in rows]


def check_report(name, report, rows):
    for function, channel, stuck, ended, known in rows:
        groups = [group for group in report["groups"] if group["kind"] == "goroutine"
                  and (group["created_by"] or {}).get("function") == function]
        objects = [thing for group in groups for thing in group["objects"]]
        tap.equal(name + function + ": how many are stuck",
                  [(thing["address"], thing["detail"]["senders"]) for thing in objects],
                  [(channel, stuck)])
        got = groups[0]["created_there_ended"]
        tap.check(name + function + ": how many have ended", got == ended if known else
                  0 <= got <= ended, "got %d, want %d" % (got, ended))


def check_words(name, core, exe, rows):
    """`show 0xCHANNEL` says both."""
    for function, channel, stuck, ended, known in rows:
        out = " ".join(tap.run([realcore.tool(), "-e", exe, "show", core, channel])[1].split())
        word = "%d goroutine%s send%s to it:" % (stuck, "" if stuck == 1 else "s",
                                                 "s" if stuck == 1 else "")
        others = re.search(r"created by %s \(main\.go:\d+\); at least (\d+) more made there ha"
                           % re.escape(function), out)
        told = int(others[1]) if others else 0
        tap.check(name + "show of the channel of " + function, word in out and (
            told == ended if known else told <= ended), out)


for version in ("1.19", "1.22", "1.27"):
    title = "Go %s: " % version
    program = gocore.build_other(SOURCE, "cast", version)
    with realcore.scratch() as folder:
        try:
            with realcore.started([program], folder) as process:
                dumped = realcore.dump(process, folder, "kernel", signal.SIGXCPU)
        except realcore.CannotDump as reason:
            tap.skip(title + "senders that have ended", str(reason))
            continue
        truth = rows_of(process.said)
        tap.equal(title + "the program told of its go statements", len(truth), 4)
        document = json.loads(tap.run([realcore.tool(), "--json", "-e", program, dumped])[1])
        check_report(title, document, truth)
        check_words(title, dumped, program, truth)
tap.done()

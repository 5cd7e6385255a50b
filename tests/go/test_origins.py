#!/usr/bin/python3
"""Where the code of frames comes from: tests/go/origins has a goroutine for each way, and what
package a function is of stands in its source."""

import json
import os
import re
import signal

import gocore
import realcore
import tap

SOURCE = os.path.join(tap.ROOT, "tests", "go", "origins")
# Function of package main that the goroutine began with: origins of its stack, but for the runtime.
GOROUTINES = {
    "main.ownOnly": ["main"],
    "main.throughModule": ["module", "main"],
    "main.throughThirdParty": ["module", "third-party", "main"],
    "main.throughStandard": ["main", "std", "main"],
}
COLOURS = {"main": "32", "module": "34", "third-party": "35"}


def run_report(core, exe, *options):
    code, out, err = tap.run([realcore.tool(), "-e", exe, *options, core])
    if code:
        raise RuntimeError("%s: %d: %s" % (options, code, err))
    return out


def own_function(group):
    """The function of GOROUTINES that a goroutine is in; versions differ in what is below it."""
    return next((frame["function"] for frame in group["frames"]
                 if frame["function"] in GOROUTINES), None)


def check_frames(name, report):
    """Every goroutine's frames, in JSON."""
    groups = {own_function(group): group for group in report["groups"]
              if group["kind"] == "goroutine" and group["reason"] == "chan receive"}
    for function, wanted in GOROUTINES.items():
        got = []
        for frame in groups[function]["frames"]:
            origin = frame.get("origin")
            if not (frame["function"] or "").startswith("runtime.") and got[-1:] != [origin]:
                got.append(origin)
        tap.equal(name + function, got, wanted)
        tap.equal(name + function + ": the runtime is the standard library's",
                  {frame.get("origin") for frame in groups[function]["frames"]
                   if frame["function"].startswith("runtime.")}, {"std"})


def check_focus(name, core, exe):
    """`--focus origin:WORD` and `--ignore`."""
    def shown(*options):
        report = json.loads(run_report(core, exe, "--json", "--state=waiting",
                                       "--reason=chan receive", *options))
        return sorted(map(own_function, report["groups"]))

    for origin in ("main", "module", "third-party"):
        tap.equal(name + "--focus origin:" + origin, shown("--focus", "^origin:%s$" % origin),
                  sorted(function for function, origins in GOROUTINES.items()
                         if origin in origins))
    tap.equal(name + "--focus origin:std fits all", shown("--focus", "origin:std"),
              sorted(GOROUTINES))
    tap.equal(name + "--ignore origin:module", shown("--ignore", "origin:module"),
              ["main.ownOnly", "main.throughStandard"])
    tap.equal(name + "a word alone matches no origin", shown("--focus", "^third-party$"), [])


def check_text(name, core, exe):
    """A colour an origin; -v says it in words."""
    out = run_report(core, exe, "--color=always", "--reason=chan receive")
    for function, origin in (("main.throughModule", "main"), ("inner.Wait", "module"),
                             ("Decode", "third-party")):
        pattern = r"\033\[(?:1;)?%sm[^\033\n]*%s" % (COLOURS[origin], re.escape(function))
        tap.check(name + "%s is coloured as %s" % (function, origin), re.search(pattern, out), out)
    tap.check(name + "the standard library has no colour",
              re.search(r"(?:^|0m|1m| )sort\.[A-Za-z_]+", out), out)
    out = run_report(core, exe, "-v", "--color=never", "--reason=chan receive")
    lines = out.splitlines()
    words = [lines[i + 1].split()[-1] for i, line in enumerate(lines) if "inner.Wait" in line]
    tap.check(name + "-v says it in words", words and set(words) == {"module"}, out)


def check(version, flags):
    name = "origins by Go %s %s: " % (version, " ".join(flags))
    exe = gocore.build_other(SOURCE, "app", version, flags=flags)
    with realcore.scratch() as cwd:
        try:
            with realcore.started([exe], cwd, {"GOTRACEBACK": "crash"}) as process:
                core = realcore.dump(process, cwd, "kernel", signal.SIGABRT)
        except realcore.CannotDump as reason:
            tap.skip(name + "report", str(reason))
            return
        check_frames(name, json.loads(run_report(core, exe, "--json")))
        check_focus(name, core, exe)
        check_text(name, core, exe)


check("1.19", [])
check("1.27", gocore.STRIPPED)
tap.done()

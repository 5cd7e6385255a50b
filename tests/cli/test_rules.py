#!/usr/bin/python3
"""Ignore and allow rules: what they hide, what they never hide, and what is said about them."""

import json
import os

import cli
import realcore
import tap

CLEAN, FINDINGS, USAGE = 0, 1, 64


def write(name, text):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def rules_of(report):
    return {rule["rule"]: rule for rule in report["rules"] if not rule["builtin"]}


def hiding(core):
    write("rules", '[mine]\nignore consume max=6 reason="a pool"\nignore in doze\n'
                   "ignore lonely max=0\nignore nobody\nignore in nap until=2020-01-01\n"
                   "ignore module libc.so*\n")
    code, report, err = cli.report("--config", "rules", core)
    tap.equal("rules: exit code, nothing on stderr", (code, err), (CLEAN, ""))
    rules = rules_of(report)
    got = {name: (rule["matched"], rule["hidden"], rule["expired"], rule["over_max"],
                  rule["too_broad"]) for name, rule in rules.items()}
    tap.equal("what each rule matched and hid", got, {
        "ignore consume": (cli.NUM_CONSUMERS, cli.NUM_CONSUMERS, False, False, False),
        "ignore in doze": (1, 1, False, False, False),
        "ignore lonely": (1, 0, False, True, False),
        "ignore nobody": (0, 0, False, False, False),
        "ignore in nap": (cli.NUM_NAPPERS, 0, True, False, False),
        "ignore module libc.so*": (cli.NUM_THREADS, 6, False, False, True)})
    tap.equal("the first has section, line and reason",
              [rules["ignore consume"][key] for key in ("set", "line", "max", "reason")],
              ["mine", 2, 6, "a pool"])
    tap.equal("hidden by the rules", report["summary"]["hidden_by"],
              {"ignore consume": 6, "ignore in doze": 1, "ignore module libc.so*": 6})
    _, out, _ = cli.run("--config", "rules", "--explain-filters", core)
    for words in ("rule in line 4: ignore lonely: 1 thread, more than its max=0: it hides none",
                  "rule in line 5: ignore nobody: matches nothing here",
                  "rule in line 6: ignore in nap: expired on 2020-01-01",
                  "rule in line 7: ignore module libc.so*: matches more than half of all",
                  "6 threads by ignore consume", "matches 6 threads, hides 6: a pool"):
        tap.check("text: " + words, words in " ".join(out.split()), out)
    _, report, _ = cli.report("--config", "rules", "--all", core)
    pool = cli.groups_with(report, "consume")[0]
    tap.equal("--all shows what is benign, and by which rule",
              (pool["verdict"], pool["ignored_by"], pool["hidden_by"]),
              ("benign", "ignore consume", None))


def findings(core):
    tap.equal("a suspect decides the exit code",
              cli.run("-q", "--fail-on", "suspect", "--threshold", "6", core)[0], FINDINGS)
    write("rules", "ignore consume")
    for more in ([], ["--all"]):
        code, report, _ = cli.report("--fail-on", "suspect", "--threshold", "6", "--config",
                                     "rules", *more, core)
        tap.equal("an ignored one does not, nor is it a finding %s" % more,
                  (code, report["findings"]), (CLEAN, []))
    report = cli.report(core)[1]
    pool = cli.groups_with(report, "consume")[0]
    for key in ("signature", "loose_signature"):
        write("rules", "allow %s max=6" % pool[key])
        code, report, _ = cli.report("--fail-on", "suspect", "--threshold", "6", "--config",
                                     "rules", core)
        found = report["findings"][0]
        tap.equal("what is allowed by its %s stays, and decides nothing" % key,
                  (code, found["allowed"], len(report["findings"]),
                   cli.groups_with(report, "consume")[0]["verdict"]),
                  (CLEAN, True, 1, "suspect"))
    tap.check("text says so", "in the baseline" in
              cli.run("--config", "rules", "--threshold", "6", core)[1])
    write("rules", "allow %s max=5" % pool["loose_signature"])
    code, report, _ = cli.report("--fail-on", "suspect", "--config", "rules", core)
    tap.equal("more than the baseline is a finding",
              (code, [(found["rule"], found["allowed"]) for found in report["findings"]]),
              (FINDINGS, [("over-baseline", False)]))
    tap.equal("--allow is slack", cli.run("-q", "--fail-on", "suspect", "--config", "rules",
                                          "--allow", "1", core)[0], CLEAN)


def proved():
    """A rule of the user's that would make a deadlock vanish."""
    try:
        core = realcore.make_core(realcore.build("ab_ba"), threads=3)
    except (realcore.CannotDump, RuntimeError) as reason:
        tap.skip("a deadlock", str(reason))
        return
    write("rules", "ignore in start_thread\nignore any .")
    code, report, _ = cli.report("--fail-on", "proved", "--config", "rules", core)
    stuck = [group for group in report["groups"] if group["verdict"] == "proved"]
    tap.check("no rule hides a proved deadlock", code == FINDINGS and len(stuck) >= 1 and
              not any(found["hidden"] for found in report["findings"]), json.dumps(report)[:500])
    tap.check("and the report says what was kept",
              rules_of(report)["ignore in start_thread"]["kept"] >= 2, report["rules"])


def wrong(core):
    for text in ("ignore", "hide f", "ignore f max=x", 'ignore "f', "ignore any ((", "allow x"):
        write("rules", "# one\n" + text)
        code, out, err = cli.run("--config", "rules", core)
        tap.check("%s: a usage error that names its line" % text,
                  code == USAGE and out == "" and cli.one_line(err) and
                  ("rules:2: " in err or text in err), err)
    for name, text in (("nothing.here", None), ("binary", "ignore f\0g\n")):
        if text is not None:
            write(name, text)
        code, out, err = cli.run("--config", name, core)
        tap.check("%s: one line" % name, code == USAGE and cli.one_line(err) and name in err, err)
    write(".coreleaks", "this is no rule")
    tap.equal("report reads no .coreleaks unasked", cli.run("-q", core)[0], CLEAN)
    os.unlink(".coreleaks")


def listing(core):
    code, out, err = cli.run("--list-rules")
    tap.equal("--list-rules: exit code, nothing on stderr", (code, err), (CLEAN, ""))
    for name in ("runtime", "testing", "signal", "std", "third-party", "native"):
        tap.check("the set " + name, "\n[%s]\n" % name in out, out)
    write("rules", out)
    tap.equal("the list is a rules file", cli.run("-q", "--config", "rules", core)[0], CLEAN)


with cli.Scratch():
    CORE = cli.core()
    hiding(CORE)
    findings(CORE)
    proved()
    wrong(CORE)
    listing(CORE)
tap.done()

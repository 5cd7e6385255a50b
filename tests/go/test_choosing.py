"""`--label`, `--min-age` and `--group-by label:KEY` on a core whose program set the labels."""

import json

import gocore
import realcore
import tap

CASE, VERSIONS = "labels", ("1.19", "1.27")


def report(core, exe, *options):
    """The report with these options."""
    code, out, err = tap.run([realcore.tool(), "--json", "--executable=" + exe, *options, core])
    if not out:
        raise RuntimeError("%s: %d: %s" % (options, code, err))
    return json.loads(out)


def choose(name, core, exe, option, fits):
    """Those shown are those that fit, and all others are counted under the option's name."""
    everything = report(core, exe, "--no-proof", "--all")
    labels = {task["id"]: task["labels"] for task in everything["tasks"]
              if task["kind"] == "goroutine"}
    found = report(core, exe, "--no-proof", "--all", option)
    shown = [member for group in found["groups"] for member in group["members"]]
    tap.equal(name + option, sorted(shown),
              sorted(number for number in labels if fits(labels[number])))
    hidden = sum(group["count"] for group in everything["groups"]) - len(shown)
    tap.equal(name + option + ": the others are counted", found["summary"]["hidden_by"],
              {option.split("=")[0]: hidden})


def group_by_label(name, core, exe):
    """A group a value, whatever the stacks; those without the label are one."""
    found = report(core, exe, "--no-proof", "--group-by=label:handler", "--kind=goroutine",
                   "--state=waiting")
    counts = {group["key"]: group["count"] for group in found["groups"]
              if group["hidden_by"] is None}
    tap.equal(name + "--group-by label:handler", counts,
              {"handler=users": 1, "handler=orders": 1, "handler=users/list": 2,
               "no label handler": 3})
    _, out, _ = tap.run([realcore.tool(), "--executable=" + exe, "--no-proof",
                         "--group-by=label:handler", core])
    tap.check(name + "the text names the value", "key handler=users/list" in out, out)
    _, out, _ = tap.run([realcore.tool(), "--executable=" + exe, "--no-proof", "--privacy",
                         "--json", "--threshold=2", "--group-by=label:handler", core])
    tap.check(name + "--privacy tells no value",
              "have the same label 'handler'" in out and "users/list" not in out, out)


for version in VERSIONS:
    try:
        program = gocore.build(CASE, version, "plain")
        path, _ = gocore.dump(CASE, program)
    except realcore.CannotDump as reason:
        tap.skip(CASE, str(reason))
        continue
    title = "Go %s: " % version
    choose(title, path, program, "--label=handler", lambda labels: "handler" in labels)
    choose(title, path, program, "--label=handler=users",
           lambda labels: labels.get("handler") == "users")
    choose(title, path, program, '--label=tenant=blue & "green"',
           lambda labels: labels.get("tenant") == 'blue & "green"')
    choose(title, path, program, "--label=hand", lambda labels: False)
    # The program never collects garbage of its own accord: no wait is known to be that long.
    choose(title, path, program, "--min-age=365d", lambda labels: False)
    group_by_label(title, path, program)
tap.done()

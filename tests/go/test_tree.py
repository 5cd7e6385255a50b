"""`show CORE tree`: who made whom, as the samples' sources have it."""

import json
import os
import re

import jsonschema

import gocore
import realcore
import tap

SCHEMA = os.path.join(tap.ROOT, "analyzer", "report", "coreleaks-1.schema.json")

# (sample, version, mode): lines of the tree without ids and file names, in order.
LEAVES = "9 x main.branch [chan receive] created by main.branch (:18)"
TREES = {
    ("creation_tree", "1.27", "plain"): (
        "goroutine N runtime.main [sleep], 14 in all",
        "  goroutine N main.branch [chan receive] created by main.main (:30), 13 in all",
        "    3 x main.branch [chan receive] created by main.branch (:18), 12 in all",
        "      " + LEAVES,
        "3 x goroutines (ended), which ran main.branch, 9 in all",
        "  " + LEAVES),
    # Which goroutine made which is not known to this version.
    ("creation_tree", "1.19", "stripped"): (
        "function main.main, 22 in all",
        "  function main.branch, 21 in all",
        "    21 x main.branch [chan receive] created by main.branch (:18)",
        "  goroutine N main.branch [chan receive] created by main.main (:30)",
        "goroutine N runtime.main [sleep]"),
    ("labels", "1.27", "stripped"): None,
}
RECORDED = (
    "goroutine N runtime.main [sleep], 4 in all",
    "  3 x goroutines (ended), which ran main.grandparent created by main.main (:23), 3 in all",
    "    3 x goroutines (ended), which ran main.parent created by main.grandparent (:17), 3 in all",
    "      3 x main.leaf [chan receive] created by main.parent (:13)")
TREES[("ancestors", "1.19", "plain")] = TREES[("ancestors", "1.27", "stripped")] = RECORDED


def lines_of(text):
    """The tree's lines: between the heading and what is said after it."""
    lines = re.sub(r"\bgoroutine \d+", "goroutine N", text)
    lines = re.sub(r"\(main\.go:", "(:", lines).splitlines()[1:]
    end = next((i for i, line in enumerate(lines) if line.startswith(("hidden:", "of "))),
               len(lines))
    return tuple(line for line in lines[:end] if line)


def creators_agree(path, tool, document):
    """Parents of rows, held against what the report says of each goroutine alone."""
    tasks = {task["id"]: task for task in json.loads(tap.run(tool + [path])[1])["tasks"]}
    rows, wrong = document["tree"]["rows"], []
    for row in rows:
        parent = rows[row["parent"]]["members"] if row["parent"] is not None else []
        for member in row["members"] if row["what"] == "task" else []:
            creator = tasks[member]["creator"]
            if creator is not None and creator not in parent:
                wrong.append("%d is under %s, not %d" % (member, parent, creator))
    total = sum(row["count"] for row in rows if row["what"] == "task" and not row["hidden"])
    roots = sum(row["tasks"] for row in rows if row["parent"] is None)
    if not total == roots == document["tree"]["tasks"]:
        wrong.append("sums differ: %d, %d, %d" % (total, roots, document["tree"]["tasks"]))
    return wrong


def check(case, version, mode, want):
    exe = gocore.build(case, version, mode)
    try:
        path, _ = gocore.dump(case, exe)
    except realcore.CannotDump as reason:
        tap.skip(case, str(reason))
        return
    name = "%s by Go %s, %s: " % (case, version, mode)
    tool = [realcore.tool()]
    code, text, err = tap.run(tool + ["show", path, "tree"])
    if want is not None:
        tap.equal(name + "the tree", (code, err, lines_of(text)), (0, "", want))
    code, out, err = tap.run(tool + ["--json", "show", path, "tree"])
    document = json.loads(out)
    with open(SCHEMA, encoding="utf-8") as file:
        jsonschema.validate(document, json.load(file))
    wrong = creators_agree(path, tool + ["--json"], document)
    tap.check(name + "parents and sums", code == 0 and not wrong, "\n".join(wrong) + err)
    hints = " ".join(document["tree"]["hints"])
    tap.equal(name + "the hint says how to get more", "tracebackancestors" in hints,
              case == "creation_tree")
    cut = tap.run(tool + ["--limit", "1", "show", path, "tree"])[1]
    rest = len(document["tree"]["rows"]) - 1
    tap.check(name + "--limit", "%d line%s more; --limit shows more"
              % (rest, "s" if rest != 1 else "") in cut and len(lines_of(cut)) == 2, cut)
    threads = json.loads(tap.run(tool + ["--json", "--kind=thread", "show", path, "tree"])[1])
    tap.equal(name + "--kind thread has no goroutine", threads["tree"]["kind"], "thread")


# (options): goroutines shown of creation_tree by Go 1.27; N: the first branch's number.
KIN = ((["--ancestor", r"^main\.branch$"], 21), (["--ancestor", r"^main\.main$"], 13),
       (["--root-goid", "1"], 14), (["--root-goid", "N"], 13),
       (["--root-goid", "N", "--ancestor", r"^main\.branch$"], 12))
KIN_RECORDED = ((["--ancestor", r"^main\.grandparent$"], 3), (["--root-goid", "1"], 4),
                (["--ancestor", r"^main\.main$"], 3), (["--ancestor", "nobody"], 0))


def check_kin(case, version, plans):
    """--root-goid and --ancestor: what is left, and that the rest is counted as hidden by them."""
    exe = gocore.build(case, version, "plain")
    try:
        path, _ = gocore.dump(case, exe)
    except realcore.CannotDump as reason:
        tap.skip(case, str(reason))
        return
    tool = [realcore.tool(), "--json", path]
    tasks = json.loads(tap.run(tool)[1])["tasks"]
    rows = json.loads(tap.run([realcore.tool(), "--json", "show", path, "tree"])[1])["tree"]["rows"]
    for options, want in plans:
        options = [str(rows[1]["members"][0]) if option == "N" else option for option in options]
        code, out, err = tap.run(tool + options)
        summary = json.loads(out)["summary"]
        hidden = summary["hidden_by"]
        by_kin = sum(hidden.get(option, 0) for option in ("--root-goid", "--ancestor"))
        tap.check("%s by Go %s: %s" % (case, version, " ".join(options)),
                  code == 0 and sum(summary["by_reason"].values()) == want and by_kin > 0
                  and want + sum(hidden.values()) == len(tasks),
                  "%d %s: %s" % (code, err, summary))


check_kin("creation_tree", "1.27", KIN)
check_kin("ancestors", "1.19", KIN_RECORDED)
for plan, lines in TREES.items():
    check(*plan, lines)
tap.done()

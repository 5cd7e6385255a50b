#!/usr/bin/python3
"""The formats of pipelines and viewers: each of real cores, read by a validator or a reader."""

import json
import os
import re
import xml.etree.ElementTree as ElementTree

import jsonschema

import cli
import npm
import realcore
import tap

CLEAN, FINDINGS = 0, 1
SUFFIXES = {"ndjson": ".ndjson", "junit": ".junit.xml", "sarif": ".sarif", "markdown": ".md",
            "github": ".github", "gitlab": ".gitlab.json", "speedscope": ".speedscope.json",
            "dot": ".dot"}
SCHEMAS = {"sarif": ("@microsoft/jest-sarif", "1.0.0-beta.0",
                     "lib/schemas/sarif-2.1.0-rtm.5.json"),
           "speedscope": ("speedscope", "1.25.0", "dist/release/file-format-schema.json")}
URL = "https://code.example/r/blob/main/{file}#L{line}"


def sample(name, threads):
    """A core of the sample, or None after a skip."""
    try:
        return realcore.make_core(realcore.build(name), realcore.expected_words(name, "args"),
                                  threads=threads)
    except realcore.CannotDump as reason:
        tap.skip("formats of " + name, str(reason))
        return None


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def written(name, core, *arguments):
    """The core in that format, by -o and its suffix."""
    path = "r" + SUFFIXES[name]
    code, out, err = cli.run("--force", "-o", path, *arguments, core)
    tap.check("%s of %s: fine and silent" % (path, " ".join(arguments) or "a core"),
              code in (CLEAN, FINDINGS) and (out, err) == ("", ""), "%d %s" % (code, err))
    return read(path)


def all_at_once(core):
    arguments = []
    for suffix in SUFFIXES.values():
        arguments += ["-o", "all" + suffix]
    tap.equal("-o of every format at once", cli.run(*arguments, core), (CLEAN, "", ""))
    for name, suffix in SUFFIXES.items():
        first, second = (cli.run("--format", name, core)[1] for _ in range(2))
        tap.check("%s: twice the same bytes, and as a file" % name,
                  first and first == second == read("all" + suffix), first[:200])


def schema(name, value):
    """Holds the value to the schema that its readers publish."""
    text = npm.file(*SCHEMAS[name])
    if text is None:
        tap.skip(name + ": its published schema", "npm cannot fetch it here")
        return
    rules = json.loads(text)
    checker = jsonschema.validators.validator_for(rules)(rules)
    errors = ["%s: %s" % ("/".join(map(str, error.path)), error.message[:200])
              for error in checker.iter_errors(value)]
    tap.check(name + ": keeps to its published schema", not errors, "\n".join(errors[:10]))


def ndjson(core):
    """The lines, put together again, are the JSON report."""
    text = written("ndjson", core)
    lines = [json.loads(line) for line in text.splitlines()]
    _, report, _ = cli.report(core)
    tap.equal("ndjson: the head comes first, and once",
              [line["type"] == "head" for line in lines], [True] + [False] * (len(lines) - 1))
    tap.check("ndjson: each line names its core", all(line.pop("in") == core for line in lines),
              text[:300])
    parts = {"group": "groups", "finding": "findings", "blocker": "blockers", "gap": "gaps"}
    for kind, key in parts.items():
        of_kind = [{name: value for name, value in line.items() if name != "type"}
                   for line in lines if line["type"] == kind]
        tap.equal("ndjson: the report's " + key, of_kind, report[key])
    tap.equal("ndjson: the report's head",
              {key: value for key, value in lines[0].items() if key != "type"},
              {key: report[key]
               for key in ("schema", "tool", "core", "go", "summary", "self_check")})


def junit(core, failing, passing_core):
    written("junit", core)
    for name, path in (("a deadlock", "r.junit.xml"), ("no finding", "clean.junit.xml")):
        cli.run("--force", "-o", path, core if name == "a deadlock" else passing_core)
        code, _, err = tap.run(["xmllint", "--noout", "--nonet", "--schema",
                                os.path.join(cli.HERE, "junit.xsd"), path])
        tap.check("junit of %s keeps to the schema" % name, code == 0, err)
    suite = ElementTree.parse("r.junit.xml").getroot().find("testsuite")
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    tap.equal("junit: tests and failures are counted",
              (suite.get("name"), int(suite.get("tests")), int(suite.get("failures")),
               int(suite.get("errors"))), (core, len(cases), 1, 0))
    failure = cases[failing].find("failure")
    tap.check("junit: the failure has the words, the type and the stack",
              failure.get("type") == "proved" and "wait for each other" in failure.get("message")
              and "transfer" in failure.text, failure.text)
    tap.check("junit: other rules pass", len(cases["abandoned-lock"]) == 0)
    clean = ElementTree.parse("clean.junit.xml").getroot().find("testsuite")
    tap.equal("junit: a core without findings fails nowhere",
              (clean.get("failures"), clean.get("errors")), ("0", "0"))
    text = written("junit", passing_core, "--threshold", "2")
    tap.check("junit: a suspicion is no failure, and is told",
              "<failure" not in text and "<system-out>SUSPECT" in text, text)
    text = written("junit", passing_core, "--threshold", "2", "--fail-on", "suspect")
    tap.check("junit: with --fail-on suspect it is", 'type="suspect"' in text, text)


def cut_short(core):
    """A core that is not all there passes no test."""
    with open(core, "rb") as whole, open("cut", "wb") as cut:
        cut.write(whole.read(os.path.getsize(core) // 2))
    cli.run("-q", "-o", "cut.junit.xml", "-o", "cut.sarif", "-o", "cut.md", "-o", "cut.github",
            "cut")
    suite = ElementTree.parse("cut.junit.xml").getroot().find("testsuite")
    tap.check("junit: incomplete is an error",
              suite.get("errors") == "1"
              and suite.find("testcase[@name='complete']/error") is not None)
    run = json.loads(read("cut.sarif"))["runs"][0]["invocations"][0]
    tap.check("sarif: incomplete is no success", run["executionSuccessful"] is False
              and any(note["level"] == "error"
                      for note in run["toolExecutionNotifications"]), run)
    tap.check("markdown says that it is incomplete", "**INCOMPLETE**" in read("cut.md"))
    tap.check("github warns of it", "title=INCOMPLETE::" in read("cut.github"))


def sarif(core):
    text = written("sarif", core, "--strip-prefix", tap.ROOT, "--source-url", URL)
    log = json.loads(text)
    schema("sarif", log)
    run = log["runs"][0]
    result, = run["results"]
    rules = run["tool"]["driver"]["rules"]
    place = result["locations"][0]["physicalLocation"]
    tap.equal("sarif: rule, level and place",
              (result["ruleId"], rules[result["ruleIndex"]]["id"], result["level"],
               place["artifactLocation"]),
              ("deadlock-cycle", "deadlock-cycle", "error",
               {"uri": "samples/native/crossed_locks.c", "uriBaseId": "%SRCROOT%"}))
    sides = result["codeFlows"][0]["threadFlows"]
    tap.equal("sarif: a thread flow a side of the deadlock", len(sides), 2)
    for side in sides:
        names = [where["location"]["logicalLocations"][0]["fullyQualifiedName"]
                 for where in side["locations"]]
        tap.equal("sarif: %s from the start to the lock" % side["id"], names,
                  ["clerk_main", "transfer", "lock_account"])
    tap.check("sarif: the message links to the line", result["message"]["text"].endswith(
        "[source](https://code.example/r/blob/main/samples/native/crossed_locks.c#L%d)"
        % place["region"]["startLine"]), result["message"])
    tap.check("sarif: the creator", result["relatedLocations"][0]["logicalLocations"][0]
              ["fullyQualifiedName"] == "main", result["relatedLocations"])
    tap.check("sarif: a fingerprint", re.fullmatch(
        "[0-9a-f]{32}", result["partialFingerprints"]["coreleaks/v1"]), result)
    tap.check("sarif: no absolute path of the tree", tap.ROOT + "/samples" not in text, text)


def fingerprints(core, other):
    """Of two dumps, elsewhere in memory and with other ids: the same."""
    first, second = (json.loads(written("gitlab", one)) for one in (core, other))
    tap.equal("gitlab: the keys of its documentation",
              [sorted(entry) for entry in first],
              [["check_name", "description", "fingerprint", "location", "severity"]])
    entry = first[0]
    tap.check("gitlab: severity and place", entry["severity"] == "critical"
              and entry["location"]["path"].endswith("samples/native/crossed_locks.c")
              and entry["location"]["lines"]["begin"] > 1, entry)
    tap.equal("gitlab: the fingerprint survives another run",
              entry["fingerprint"], second[0]["fingerprint"])
    results = [json.loads(written("sarif", one))["runs"][0]["results"][0]
               for one in (core, other)]
    tap.equal("sarif: so does its own", results[0]["partialFingerprints"],
              results[1]["partialFingerprints"])


def github(core):
    text = written("github", core, "--strip-prefix", tap.ROOT)
    command = re.fullmatch(r"::error file=(.*?),line=(\d+),title=(.*?)::(.*)\n", text)
    tap.check("github: one annotation", command, text)
    undone = command.group(4).replace("%0A", "\n").replace("%25", "%")
    tap.check("github: file, title and message",
              command.group(1) == "samples/native/crossed_locks.c"
              and command.group(3) == "PROVED%3A deadlock-cycle"
              and "\n  thread " in undone
              and undone.endswith("\n" + os.path.relpath(core, tap.ROOT)), text)
    tap.check("github: a path elsewhere is no file of the repository",
              "file=" not in written("github", core, "--strip-prefix", "/nowhere") or
              not os.path.isabs(cli.report(core)[1]["groups"][0]["frames"][5]["file"] or ""))


def github_limit():
    core = cli.core()
    text = written("github", core, "--threshold", "1")
    warnings = [line for line in text.splitlines() if line.startswith("::warning ")]
    findings = cli.report("--threshold", "1", core)[1]["findings"]
    tap.check("github: at most ten of a kind", len(warnings) == min(10, len(findings)), text)


def markdown(core):
    text = written("markdown", core, "--strip-prefix", tap.ROOT, "--source-url", URL)
    tap.check("markdown: the verdict first", text.startswith("### PROVED: threads "), text[:100])
    code, html, err = tap.run(["cmark-gfm", "--unsafe", "-e", "table", "-e", "autolink"],
                              input=text)
    tap.check("cmark-gfm renders it", code == 0, err)
    _, report, _ = cli.report(core)
    tap.equal("markdown: a row and a stack a group",
              (html.count("<tr>") - 1, html.count("<details>")),
              (len(report["groups"]), len(report["groups"])))
    tap.check("markdown: rendered, names are names and links are links",
              "<code>lock_account</code> <a href=\"https://code.example/r/blob/main/samples/native/"
              "crossed_locks.c#L" in html, html)
    tap.check("markdown: the stack stands in <pre>", re.search(
        r"<pre>\n.*lock_account +crossed_locks\.c:\d+\n", html, re.DOTALL), html)


def graph(path):
    """What Graphviz reads of the file: labels of nodes, and edges between them with their colour
    and label."""
    code, out, err = tap.run(["dot", "-Tjson0", path])
    if not tap.check("dot: Graphviz reads %s without a word" % path, (code, err) == (0, ""), err):
        return [], []
    drawn = json.loads(out)
    labels = {item["_gvid"]: item["label"] for item in drawn["objects"] if "nodes" not in item}
    return sorted(labels.values()), sorted(
        (labels[edge["tail"]], edge["label"], labels[edge["head"]], edge["color"])
        for edge in drawn.get("edges", ()))


def dot(core, deadlock):
    _, report, _ = cli.report(deadlock)
    first, second = next(group["members"] for group in report["groups"]
                         if group["verdict"] == "proved")
    objects = {task["id"]: task["object"] for task in report["tasks"] if task["object"]}
    written("dot", deadlock)
    labels, edges = graph("r.dot")
    thread = "thread %d\\nlock_account\\nmutex"
    mutex = {one: "mutex %s\\n%s" % (objects[one]["address"], objects[one]["symbol"])
             for one in (first, second)}
    tap.equal("dot: two threads and two mutexes", labels,
              sorted([thread % first, thread % second, mutex[first], mutex[second]]))
    red = "#b3261e"
    tap.equal("dot: the circle, in red", edges, sorted([
        (thread % first, "waits for", mutex[first], red),
        (mutex[first], "held by", thread % second, red),
        (thread % second, "waits for", mutex[second], red),
        (mutex[second], "held by", thread % first, red)]))
    written("dot", core)
    labels, edges = graph("r.dot")
    tap.check("dot: six threads that wait for one condition are one node", any(
        label.startswith("%d threads\\nconsume\\n" % cli.NUM_CONSUMERS) for label in labels),
              labels)
    tap.check("dot: nothing is red without a circle",
              edges and all(edge[3] != red for edge in edges), edges)


def speedscope(core):
    profile = json.loads(written("speedscope", core))
    schema("speedscope", profile)
    threads, = profile["profiles"]
    names = [frame["name"] for frame in profile["shared"]["frames"]]
    stacks = {tuple(names[at] for at in row): weight
              for row, weight in zip(threads["samples"], threads["weights"])}
    tap.equal("speedscope: all threads", (threads["name"], sum(threads["weights"]),
                                          threads["endValue"]),
              ("threads", cli.NUM_THREADS, cli.NUM_THREADS))
    _, report, _ = cli.report(core)
    tap.equal("speedscope: the report's stacks, root first",
              {stack[::-1] for stack in stacks},
              {tuple(cli.frames_of(group)) for group in report["groups"]})


def hostile():
    """Symbols whose names are markup."""
    names = ["<script>alert(1)</script>", "]]>", "a|b`c`", "@all #1", "[x](https://evil.example)",
             "&amp;", "%0A::error::x", "--> -->"]
    with open("hostile.c", "w", encoding="ascii") as file:
        file.write("#include <stdio.h>\n#include <unistd.h>\nint step(int n);\n")
        for i, name in enumerate(names):
            file.write('int f%d(int n) __asm__("\\"%s\\"");\n' % (i, name))
            file.write("__attribute__((noinline)) int f%d(int n)\n{\n\tint r = %s(n + 1);\n"
                       "\t__asm__ volatile(\"\");\n\treturn r + 1;\n}\n" % (
                           i, "f%d" % (i - 1) if i else "step"))
        file.write("__attribute__((noinline)) int step(int n)\n{\n\tpause();\n\treturn n;\n}\n")
        file.write('int main(void)\n{\n\tputs("ready");\n\tfflush(stdout);\n'
                   "\treturn f%d(0);\n}\n" % (len(names) - 1))
    code, _, err = tap.run(["gcc", "-O1", "-fno-optimize-sibling-calls", "-Wall", "hostile.c",
                            "-o", "hostile"])
    if not tap.check("the hostile program compiles", code == 0, err):
        return
    try:
        core = realcore.make_core(os.path.abspath("hostile"))
    except realcore.CannotDump as reason:
        tap.skip("hostile names", str(reason))
        return
    _, report, _ = cli.report(core)
    tap.check("the report has these names",
              set(names) <= set(cli.frames_of(report["groups"][0])), report["groups"][0])
    os.rename(core, "<b>&'\"core]]>")
    core = "<b>&'\"core]]>"
    text = written("junit", core, "--threshold", "1", "--fail-on", "suspect")
    failure = ElementTree.fromstring(text).find(".//failure")
    tap.check("junit: an XML reader gets the names back", failure is not None
              and all(name in failure.text for name in names), text)
    _, html, _ = tap.run(["cmark-gfm", "--unsafe", "-e", "table", "-e", "autolink"],
                         input=written("markdown", core, "--threshold", "1"))
    tap.check("markdown: rendered, no name is markup",
              "<script" not in html and "<b>" not in html and "<a " not in html
              and html.count("<pre>") == html.count("</pre>") == 1, html)
    text = written("github", core, "--threshold", "1")
    tap.check("github: one line a command", text.count("\n") == text.count("::warning ")
              and "%250A::error::x" in text, text)
    schema("sarif", json.loads(written("sarif", core, "--threshold", "1")))
    written("dot", core, "--threshold", "1")
    labels, _ = graph("r.dot")
    tap.check("dot: one node", len(labels) == 1 and "step" in labels[0], labels)


with cli.Scratch():
    CORE = cli.core()
    all_at_once(CORE)
    speedscope(CORE)
    github_limit()
    DEADLOCK = sample("ab_ba", 3)
    if DEADLOCK:
        ndjson(DEADLOCK)
        junit(DEADLOCK, "deadlock-cycle", CORE)
        cut_short(DEADLOCK)
        sarif(DEADLOCK)
        github(DEADLOCK)
        markdown(DEADLOCK)
        dot(CORE, DEADLOCK)
        OTHER = realcore.make_core(realcore.build("ab_ba"),
                                   realcore.expected_words("ab_ba", "args"), how="gcore",
                                   threads=3)
        fingerprints(DEADLOCK, OTHER)
    hostile()
tap.done()

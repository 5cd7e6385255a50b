#!/usr/bin/python3
"""coreleaks check: a pipeline that turns red, green and red again; many dumps in one view; dumps
that cannot be read; files, folders, executables; baseline, spool, --on-leak."""

import gzip
import json
import os
import shutil
import subprocess

import cli
import realcore
import tap

CLEAN, FINDINGS, FAILED, INCOMPLETE, USAGE = 0, 1, 2, 3, 64
SCHEMA = os.path.join(tap.ROOT, "analyzer", "report", "coreleaks-check-1.schema.json")
THREADS = {"hang": 3, "fixed": 1, "second": 5}


def check(*arguments, **kw):
    return cli.run("check", *arguments, **kw)


def checked(*arguments):
    """(exit code, the JSON document)."""
    code, out, err = check("--json", *arguments)
    try:
        return code, json.loads(out)
    except ValueError:
        tap.check("JSON of check " + " ".join(arguments), False, out + err)
        return code, {"summary": {}, "groups": [], "dumps": [], "rules": []}


def write(name, text):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def orders():
    """{mode: a core of samples/ci/orders in that mode}."""
    exe = os.path.join(tap.BUILD, "cores", "ci-orders")
    source = os.path.join(tap.ROOT, "samples", "ci", "orders.c")
    with realcore.locked(exe + ".lock"):
        if not os.path.exists(exe) or os.path.getmtime(exe) < os.path.getmtime(source):
            code, _, err = tap.run(["gcc", "-std=gnu11", "-g", "-O1", "-pthread", source,
                                    "-o", exe])
            if code:
                raise RuntimeError("the program does not compile:\n" + err)
    return {mode: realcore.make_core(exe, [mode], threads=number)
            for mode, number in THREADS.items()}


def schema_of(document):
    import jsonschema
    with open(SCHEMA, encoding="utf-8") as file:
        jsonschema.validate(document, json.load(file))


def pipeline(cores):
    """Red on the hang, green after the fix, red again for a new hang alone."""
    code, out, err = check(cores["hang"])
    tap.equal("a hung program is red", (code, err), (FINDINGS, ""))
    tap.check("the message is goleak's", out.startswith(
        "FAIL: 1 dump, 2 distinct signatures in 1 of them (2 proved)\n") and
              "found unexpected threads:\n[Thread " in out and
              "in state mutex, with pack_order on top of the stack:\n" in out and
              "# proved t-" in out and "deadlock-cycle, 2 threads in 1 of 1 dump" in out, out)
    code, out, err = check(cores["fixed"])
    tap.check("after the fix it is green", code == CLEAN and err == "" and
              out.startswith("PASS: 1 dump") and "no leak is proved" in out, out)
    code, _, err = check("--write-baseline", "known", cores["hang"])
    tap.equal("writing the baseline is green", (code, err), (CLEAN, ""))
    with open("known", encoding="utf-8") as file:
        text = file.read()
    tap.check("the baseline is an allow rule a group: the clerks, and main that joins them",
              text.count("\nallow t-") == 2 and
              'max=2 reason="proved: mutex in pack_order"' in text and
              'max=1 reason="proved: join in main"' in text, text)
    code, out, _ = check("--config", "known", cores["hang"])
    tap.check("what the baseline knows is green", code == CLEAN and
              "the baseline accepts 2 signatures" in out, out)
    code, document = checked("--config", "known", cores["second"])
    red = [group["frames"] for group in document["groups"] if group["red"]]
    tap.check("a second hang is red, and it alone", code == FINDINGS and len(red) == 1 and
              any(frame["function"] == "book_bill" for frame in red[0]), red)
    os.rename("known", ".coreleaks")
    tap.equal(".coreleaks of the current folder is read", check(cores["hang"])[0], CLEAN)
    tap.equal("... and no word of it with --config", check("--config", "/dev/null",
                                                           cores["hang"])[0], FINDINGS)
    os.unlink(".coreleaks")


def levels(cores, core):
    for level, want in (("proved", FINDINGS), ("likely", FINDINGS), ("suspect", FINDINGS),
                        ("growth", FINDINGS), ("none", CLEAN)):
        tap.equal("--fail-on %s of a proved deadlock" % level,
                  check("--fail-on", level, cores["hang"])[0], want)
    many = ["--threshold", str(cli.NUM_CONSUMERS)]
    tap.equal("a suspect is not red by default", check(*many, core)[0], CLEAN)
    tap.equal("... but with --fail-on suspect", check("--fail-on", "suspect", *many, core)[0],
              FINDINGS)
    tap.equal("--allow lets as many tasks pass",
              check("--allow", "3", cores["hang"])[0], CLEAN)
    tap.equal("... and no more", check("--allow", "2", cores["hang"])[0], FINDINGS)
    code, _, err = check("--fail-on", "new", core)
    tap.check("--fail-on new needs a baseline", code == USAGE and "baseline" in err, err)
    code, _, _ = check("--fail-on", "new", "--write-baseline", "all", core)
    tap.equal("a baseline of all groups", code, CLEAN)
    tap.equal("nothing is new", check("--fail-on", "new", "--config", "all", core)[0], CLEAN)
    code, document = checked("--fail-on", "new", "--config", "all", cores["hang"])
    red = [group["reason"] for group in document["groups"] if group["red"]]
    tap.check("another program's groups are", code == FINDINGS and "mutex" in red, red)
    with open("all", encoding="utf-8") as file:
        text = file.read()
    write("few", text.replace("max=%d" % cli.NUM_CONSUMERS, "max=%d" % (cli.NUM_CONSUMERS - 1)))
    tap.equal("more than the baseline is no leak", check("--config", "few", core)[0], CLEAN)
    code, out, _ = check("--fail-on", "growth", "--config", "few", core)
    tap.check("... but growth", code == FINDINGS and "over-baseline" in out, out)


def baseline_file(cores):
    write("known", "# mine\nignore main.worker reason=x\nallow t-000000000000 max=1\n")
    code, _, err = check("--write-baseline", "known", cores["hang"])
    tap.check("a file that exists is not replaced", code == FAILED and "--force" in err, err)
    code, _, err = check("--write-baseline", "known", "--force", cores["hang"])
    with open("known", encoding="utf-8") as file:
        text = file.read()
    tap.check("with --force its allow rules are", code == CLEAN and
              text.startswith("# mine\nignore main.worker reason=x\n# Baseline") and
              "t-000000000000" not in text and "allow t-" in text, text)
    code, _, err = check("--write-baseline", "/nowhere/x", cores["hang"])
    tap.check("a baseline that cannot be written", code == FAILED and cli.one_line(err), err)


def many(cores, core):
    """12 dumps, some of them the same, one cut, one no core at all."""
    os.mkdir("dumps")
    sources = [cores["hang"], cores["fixed"], core, cores["second"]]
    for i in range(12):
        shutil.copyfile(sources[i % 4], "dumps/core.%d" % i)
    code, document = checked("dumps")
    summary = document["summary"]
    tap.equal("12 dumps: outcomes", (code, summary["by_outcome"]),
              (FINDINGS, {"clean": 6, "findings": 6, "failed": 0, "incomplete": 0}))
    red = {group["rules"]: (group["count"], [part["dump"] for part in group["dumps"]])
           for group in document["groups"] if group["red"] and group["reason"] == "mutex"
           and any(frame["function"] == "pack_order" for frame in group["frames"])}
    tap.equal("the clerks' deadlock is one group over the dumps that have it", red,
              {"deadlock-cycle": (12, [0, 3, 4, 7, 8, 11])})
    tap.equal("dumps stand in order of their names",
              [os.path.basename(dump["path"]) for dump in document["dumps"]],
              ["core.%d" % i for i in range(12)])
    schema_of(document)
    tap.equal("the same again, byte for byte", check("--json", "dumps")[1],
              check("--json", "dumps")[1])
    _, out, _ = check("dumps")
    tap.check("text: the sum comes first", out.startswith(
        "FAIL: 12 dumps, %d distinct signatures in 6 of them (" % summary["red_signatures"]), out)
    code, out, err = check("-q", "--format", "goleak", "dumps")
    tap.check("goleak: the list alone", code == FINDINGS and err == "" and
              out.startswith("found unexpected threads:\n[Thread ") and out.endswith("]\n"), out)

    write("dumps/core.bad", "no core")
    write("dumps/core.empty", "")
    write("dumps/notes.txt", "no dump")
    os.symlink("/etc/passwd", "dumps/core.link")
    with open(core, "rb") as file, open("dumps/core.cut", "wb") as cut:
        cut.write(file.read(os.path.getsize(core) // 3))
    code, out, err = check("--json", "dumps")
    document = json.loads(out)
    tap.equal("bad dumps stop nobody", (code, document["summary"]["by_outcome"]),
              (FINDINGS, {"clean": 6, "findings": 6, "failed": 2, "incomplete": 1}))
    tap.equal("they are named", sorted(os.path.basename(dump["path"])
                                       for dump in document["dumps"] if dump["error"]),
              ["core.bad", "core.empty"])
    tap.check("what is left out is said", "1 entries that are no dumps are left out" in err and
              ("1 symbolic links are not followed" in err or os.geteuid() != 0), err)
    tap.equal("bad and clean: could not be analysed",
              check("dumps/core.1", "dumps/core.bad")[0], FAILED)
    code, out, _ = check("dumps/core.1", "dumps/core.cut")
    tap.check("cut and clean: never clean", code == INCOMPLETE and
              out.startswith("INCOMPLETE: 2 dumps") and "core.cut" in out, out)
    os.mkdir("empty")
    for arguments in (["empty"], ["missing"], ["empty", "dumps"]):
        code, out, err = check(*arguments)
        tap.check("check %s" % arguments, code == FAILED, out + err)


def with_addresses(kib, *arguments):
    """coreleaks with so many KiB of address space: (exit code, stdout, stderr)."""
    return tap.run(["sh", "-c", "ulimit -v %d; exec \"$@\"" % kib, "sh", cli.CORELEAKS, *arguments],
                   env=cli.environment())


def least_to_start():
    """KiB of addresses with which coreleaks just starts; None: more than anybody limits it to."""
    for kib in range(20000, 200000, 1000):
        if with_addresses(kib, "--version")[0] == CLEAN:
            return kib
    return None


def killed(core):
    """A worker that dies is a line of the report."""
    least = least_to_start()
    if least is None:
        tap.skip("out of memory", "this build needs all addresses there are")
    for more in (0, 1000, 2000) if least else ():
        code, out, err = with_addresses(least + more, "check", core)
        tap.check("out of memory in a worker is no clean dump", code in (FAILED, INCOMPLETE),
                  out + err)


def packed(cores):
    with open(cores["hang"], "rb") as file, gzip.open("hang.gz", "wb", 1) as packed_file:
        shutil.copyfileobj(file, packed_file)
    tap.equal("a compressed dump", check("hang.gz")[0], FINDINGS)
    with open(cores["hang"], "rb") as file:
        code, out, _ = check("-", stdin=file)
    tap.check("standard input", code == FINDINGS and "[Thread " in out, out)
    code, _, err = check("-", "hang.gz")
    tap.check("standard input stands alone", code == USAGE and cli.one_line(err), err)


def outputs(cores):
    code, _, err = check("-o", "all.json", "-o", "one-{}.txt", "-o", "{}.folded",
                         "-o", "all.goleak", cores["hang"])
    names = sorted(name for name in os.listdir(".") if name.endswith((".txt", ".folded", ".json",
                                                                      ".goleak")))
    tap.equal("reports of all and of each dump", (code, err, names),
              (FINDINGS, "", ["all.goleak", "all.json", "core.folded", "one-core.txt"]))
    with open("all.json", encoding="utf-8") as file:
        tap.equal("the one of all is a check", json.load(file)["schema"], "coreleaks-check/1")
    with open("one-core.txt", encoding="utf-8") as file:
        tap.check("the one of a dump is a report", "PROVED: " in file.read())
    tap.equal("any format of a single dump", check("-o", "p.pb.gz", cores["fixed"])[0], CLEAN)
    joined(cores)
    pages(cores)
    in_ascii(cores)
    code, _, err = check("-o", "q.pb.gz", cores["fixed"], cores["hang"])
    tap.check("not of several", code == USAGE and "{}" in err, err)
    code, _, err = check("-o", "one-{}.txt", cores["fixed"])
    tap.check("a report that cannot be written is a failure", code == FAILED and
              "--force" in err, err)


def stripped(folder):
    """With --strip-prefix no document has the folder's path: not of dumps that fail, either."""
    names = ["s.txt", "s.json", "s.html", "s.dot", "s.goleak", "s.junit.xml", "s.sarif",
             "s.gitlab.json", "s.github", "s.md", "s.ndjson"]
    outputs = [word for name in names for word in ("-o", name)]
    code, out, err = check("--strip-prefix", os.path.dirname(folder), *outputs, folder)
    tap.equal("--strip-prefix over many dumps", (code, err), (FINDINGS, ""))
    for name in names + ["standard output"]:
        text = out
        if name in names:
            with open(name, encoding="utf-8") as file:
                text = file.read()
        tap.check("--strip-prefix: %s names dumps from there" % name,
                  os.path.dirname(folder) not in text and
                  (name.endswith("goleak") or "three/core.4" in text), text[:2000])


def joined(cores):
    """Formats that hold many dumps: a suite, a run, a section of each."""
    os.mkdir("three")
    for name, mode in (("core.1", "hang"), ("core.2", "second"), ("core.3", "fixed")):
        os.link(cores[mode], "three/" + name)
    write("three/core.4", "no core")
    code, _, err = check("-q", "-o", "j.junit.xml", "-o", "j.sarif", "-o", "j.gitlab.json",
                         "-o", "j.github", "-o", "j.md", "-o", "j.ndjson", "three")
    tap.equal("documents of many dumps", (code, err), (FINDINGS, ""))
    import xml.etree.ElementTree
    suites = xml.etree.ElementTree.parse("j.junit.xml").getroot()
    tap.equal("junit: a suite a dump", [(suite.get("name"), suite.get("failures"),
                                         suite.get("errors")) for suite in suites],
              [("three/core.1", "2", "0"), ("three/core.2", "2", "0"), ("three/core.3", "0", "0"),
               ("three/core.4", "0", "1")])
    with open("j.sarif", encoding="utf-8") as file:
        runs = json.load(file)["runs"]
    tap.equal("sarif: a run a dump, of an unreadable one too",
              [(len(run["results"]), run["invocations"][0]["executionSuccessful"]) for run in runs],
              [(2, True), (3, True), (0, True), (0, False)])
    noted = runs[3]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    tap.check("sarif: it says why", "not a core dump" in noted, runs[3])
    with open("j.gitlab.json", encoding="utf-8") as file:
        issues = json.load(file)
    tap.equal("gitlab: all issues in one list, and the dump that cannot be read",
              (len(issues), [(issue["check_name"], issue["location"]["path"], issue["severity"])
                             for issue in issues if "not a core dump" in issue["description"]]),
              (6, [("not-analysed", "three/core.4", "critical")]))
    with open("j.ndjson", encoding="utf-8") as file:
        lines = list(map(json.loads, file))
    tap.equal("ndjson: a head a dump, or why there is none",
              [sum(line["type"] == "head" for line in lines),
               [(line["in"], "not a core dump" in line["detail"]) for line in lines
                if line["type"] == "failure"]], [3, [("three/core.4", True)]])
    with open("j.github", encoding="utf-8") as file:
        text = file.read()
    tap.check("github: errors of all, the unreadable dump too", text.count("::error ") == 6 and
              "three/core.4: not a core dump" in text, text)
    with open("j.md", encoding="utf-8") as file:
        text = file.read()
    tap.check("markdown: a section a dump", text.count("\n### ") + text.startswith("### ") >= 4 and
              "three/core.4" in text, text[:2000])
    stripped(os.path.abspath("three"))
    os.mkdir("twenty")
    for number in range(20):
        os.link(cores["hang"], "twenty/core.%d" % number)
    check("-q", "-o", "n.github", "twenty")
    with open("n.github", encoding="utf-8") as file:
        lines = file.read().splitlines()
    tap.equal("github: ten errors at most, and the rest counted",
              (len(lines), lines[-1]), (10, "::error title=coreleaks::31 more like these"))
    code, _, err = check("--format", "junit", "three")
    tap.check("on standard output there is the message alone", code == USAGE and
              cli.one_line(err), err)


def pages(cores):
    """One page and one graph of many dumps; of one, that dump's own."""
    code, _, err = check("-q", "-o", "m.html", "-o", "m.dot", "three")
    tap.equal("a page and a graph of many dumps", (code, err), (FINDINGS, ""))
    with open("m.html", encoding="utf-8") as file:
        page = cli.Page(file.read())
    tap.check("the page: the verdict first", page.text.startswith(
        "FAIL 4 dumps, 2 of them red: "), page.text[:300])
    rows = [[int(cell.split()[-1]) for cell in row[-4:]] for row in page.rows
            if "proved red" in " ".join(row[0].split())]
    tap.check("... a column a dump: what is red is in the first two",
              rows and all(row[0] + row[1] > 0 and row[2:] == [0, 0] for row in rows), rows)
    tap.check("... and why one could not be read", any(
        "three/core.4" in row[2] and "not a core dump" in row[2] and "ERROR" in row[1]
        for row in page.rows if len(row) > 2), page.rows[-4:])
    code, out, err = tap.run(["dot", "-Tplain", "m.dot"])
    tap.check("the graph: Graphviz reads it", code == 0 and err == "", err)
    tap.equal("... four dumps, and edges from those that have groups",
              (sum(line.startswith("node d") for line in out.splitlines()),
               {line.split()[1] for line in out.splitlines() if line.startswith("edge")}),
              (4, {"d0", "d1", "d2"}))
    check("-q", "-o", "one.html", cores["hang"])
    with open("one.html", encoding="utf-8") as file:
        tap.check("the page of one dump is its own", "flame" in file.read())


def in_ascii(cores):
    """Where the locale has no UTF-8, names of files are escaped as elsewhere."""
    os.link(cores["hang"], "core.Zürich")
    _, out, _ = check("core.Zürich")
    tap.check("UTF-8: a name as it is", "core.Zürich" in out, out)
    _, out, _ = cli.run("check", "core.Zürich", env={"LC_ALL": "C"})
    tap.check("elsewhere in ASCII", out.isascii() and "core.Z\\u00fcrich" in out, out)


def executables(core):
    """The program is elsewhere: beside the dump, or behind --."""
    program = os.path.join(os.getcwd(), "gone", "cli-moved")
    os.makedirs("gone")
    shutil.copyfile(cli.program(), program)
    os.chmod(program, 0o755)
    moved = realcore.make_core(program, threads=cli.NUM_THREADS)
    os.mkdir("with")
    shutil.copyfile(moved, "with/core.1")
    os.rename(program, "with/cli-moved")

    def names(*arguments):
        document = checked(*arguments)[1]
        return {frame["function"] for group in document["groups"] for frame in group["frames"]}
    tap.check("without it there are no names", "consume" not in names("with/core.1"))
    tap.check("a program beside the dumps is found", "consume" in names("with"))
    tap.check("so is one behind --", "consume" in names("with/core.1", "--", "with/cli-moved"))
    tap.check("of several the one with the right name",
              "consume" in names("with/core.1", "--", "/bin/true", "with/cli-moved"))
    tap.check("a core of another program has its own",
              "consume" in names("with/core.1", core, "--", "with/cli-moved"))


def spool(cores):
    """What core_pattern would do, by a pipe."""
    os.mkdir("spool")
    with open(cores["fixed"], "rb") as file:
        code, _, err = check("-q", "--spool", "spool", "-", stdin=file)
    tap.equal("a clean core is removed", (code, err, os.listdir("spool")), (CLEAN, "", []))
    with open(cores["hang"], "rb") as file:
        code, _, err = check("-q", "--spool", "spool", "-", stdin=file)
    kept = os.listdir("spool")
    tap.check("one that is not is kept", code == FINDINGS and len(kept) == 1 and
              "kept: spool/" + kept[0] in err, err)
    status = os.stat("spool/" + kept[0])
    tap.equal("whole, for its owner alone", (status.st_size, status.st_mode & 0o777),
              (os.path.getsize(cores["hang"]), 0o600))
    tap.check("with holes", status.st_blocks * 512 < status.st_size, str(status))
    tap.equal("and readable", check("spool/" + kept[0])[0], FINDINGS)
    os.unlink("spool/" + kept[0])
    with open(cores["fixed"], "rb") as file:
        code, out, err = check("--spool", "spool", "--max-core-size", "64K", "-", stdin=file)
    kept = os.listdir("spool")
    tap.check("one beyond the limit is cut, kept and never clean",
              code in (INCOMPLETE, FAILED) and len(kept) == 1 and
              os.path.getsize("spool/" + kept[0]) == 65536 and "cut off" in err, out + err)
    code, _, err = check("--spool", "nowhere", "-")
    tap.check("no such folder", code == FAILED and cli.one_line(err), err)


def on_leak(cores):
    code, _, err = check("--on-leak", "cat >leak.json; echo told; exit 0", cores["hang"])
    with open("leak.json", encoding="utf-8") as file:
        document = json.load(file)
    tap.equal("--on-leak gets the JSON; its output is on stderr",
              (code, err, document["schema"], document["summary"]["outcome"]),
              (FINDINGS, "told\n", "coreleaks-check/1", "findings"))
    check("--on-leak", "touch called", cores["fixed"])
    tap.check("it is not run when nothing is red", not os.path.exists("called"))
    code, _, err = check("--on-leak", "exit 7", cores["hang"])
    tap.check("its failure is said, the exit code stays", code == FINDINGS and "code 7" in err, err)
    code, _, err = cli.run("-q", "--fail-on", "proved", "--on-leak", "cat >report.json",
                           cores["hang"])
    with open("report.json", encoding="utf-8") as file:
        tap.equal("report has it too", (code, json.load(file)["schema"]),
                  (FINDINGS, "coreleaks/1"))


def usage():
    for arguments in ([], ["--", "x"], ["--config", "nowhere", "core"]):
        code, out, err = check(*arguments)
        tap.check("usage: check %s" % arguments, code == USAGE and out == "" and err, err)


with cli.Scratch():
    CORE = cli.core()
    try:
        CORES = orders()
    except realcore.CannotDump as reason:
        tap.skip("cores of orders", str(reason))
        tap.done()
    pipeline(CORES)
    levels(CORES, CORE)
    baseline_file(CORES)
    many(CORES, CORE)
    killed(CORE)
    packed(CORES)
    outputs(CORES)
    executables(CORE)
    spool(CORES)
    on_leak(CORES)
    usage()
tap.done()

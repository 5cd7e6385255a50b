"""Every native sample, dumped by the kernel and by gcore, against its hand-written truth."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import jsonschema
import tap

import expect
import realcore

SCHEMA = os.path.join(tap.ROOT, "analyzer", "report", "coreleaks-1.schema.json")


def check_sample(case, how, validator):
    """One sample by one dumper."""
    name = "%s by %s: " % (case, how)
    truth = expect.Expectation(case)
    try:
        core = realcore.make_core(realcore.build(case), truth.args, how, truth.threads, truth.busy)
    except realcore.CannotDump as reason:
        tap.skip(name + "report", str(reason))
        return
    code, out, err = tap.run([realcore.tool(), "--json", core])
    tap.equal(name + "exit code", code, truth.exit)
    try:
        report = json.loads(out)
    except ValueError as error:
        tap.check(name + "is JSON", False, "%s\n%s" % (error, err))
        return
    wrong = [error.message for error in validator.iter_errors(report)]
    tap.check(name + "valid against the schema", not wrong, "\n".join(wrong[:10]))
    wrong = expect.differences(truth, report)
    tap.check(name + "groups as written down", not wrong, "\n".join(wrong))
    tap.equal(name + "dumper", report["core"]["dumper"], how)
    tap.check(name + "again the same bytes", tap.run([realcore.tool(), "--json", core])[1] == out)

    code, text, err = tap.run([realcore.tool(), core])
    tap.equal(name + "exit code of the text report", code, truth.exit)
    first = truth.groups[0]
    words = [format(first["count"], ",")] + first["frames"][:1]
    words += [truth.verdict] if truth.verdict != "unknown" else []
    missing = [word for word in words if word.lower() not in text.lower()]
    tap.check(name + "text report shows the first group", not missing,
              "not in it: %s\n%s%s" % (missing, text, err))


def check_deep_recursion():
    """A higher limit shows all of a deep stack."""
    truth = expect.Expectation("deep_recursion")
    try:
        core = realcore.make_core(realcore.build("deep_recursion"), truth.args, "kernel",
                                  truth.threads)
    except realcore.CannotDump as reason:
        tap.skip("--max-frames shows all of a deep stack", str(reason))
        return
    code, report, err = realcore.report(["--max-frames", "4096", core])
    if tap.check("--max-frames gives a report", code == 0 and report, err):
        deep = [group for group in report["groups"] if len(group["frames"]) > 100]
        visits = [sum(frame["function"] == "visit_directory" for frame in group["frames"])
                  for group in deep]
        tap.equal("--max-frames shows all 2,000 calls", visits, [2000])
        tap.equal("and the stack is complete", [group["stack_end"] for group in deep],
                  ["complete"])
        tap.check("and there is no gap about the limit",
                  not any("limit" in gap["kind"] for gap in report["gaps"]), report["gaps"])
    code, report, err = realcore.report([core])
    if tap.check("the default limit gives a report", code == 0 and report, err):
        tap.check("and a gap tells of it", any("limit" in gap["kind"] for gap in report["gaps"]),
                  report["gaps"])


def check_handler_is_named():
    """A deadlock inside a signal handler names that, and what it interrupted."""
    truth = expect.Expectation("signal_relocks")
    try:
        core = realcore.make_core(realcore.build("signal_relocks"), truth.args, "kernel",
                                  truth.threads)
    except realcore.CannotDump as reason:
        tap.skip("a deadlock names its signal handler", str(reason))
        return
    code, report, err = realcore.report([core])
    if not tap.check("a deadlock in a signal handler gives a report", code == 0 and report, err):
        return
    found = [item for item in report["findings"] if item["rule"] == "self-deadlock"]
    words = [item["title"] for item in found] + [evidence["what"] for item in found
                                                 for evidence in item["evidence"]]
    for want in ("waits in the signal handler on_hangup for mutex",
                 "waits in the signal handler on_hangup, which interrupted write_log"):
        tap.check("it says: " + want, any(want in word for word in words), words)
    thread = "thread:%d" % found[0]["members"][0]["id"]
    out = tap.run([realcore.tool(), "show", core, thread])[1]
    tap.check("show tells what the signal interrupted",
              "in signal handler (was: write on fd" in " ".join(out.split()), out)


def check_helpers():
    """What a runtime keeps for itself is hidden, counted and named, and can be shown."""
    truth, name = expect.Expectation("openmp_pool"), "helper threads: "
    try:
        core = realcore.make_core(realcore.build("openmp_pool"), truth.args, "kernel",
                                  truth.threads)
    except realcore.CannotDump as reason:
        tap.skip(name + "report", str(reason))
        return
    for how in ("line", "reason", "object"):
        report = realcore.report(["--group-by", how, core])[1]
        tap.equal(name + "counted by %s" % how,
                  [report["summary"][key] for key in ("system", "system_by", "hidden",
                                                      "hidden_by")],
                  [4, {"OpenMP": 4}, 4, {"native": 4}])
        tap.equal(name + "not listed by %s" % how,
                  sum(group["count"] for group in report["groups"]), truth.threads - 4)
    for option in ("--all", "--verdict=benign"):
        report = realcore.report([option, core])[1]
        tap.equal(name + "listed with " + option,
                  [(group["count"], group["system"]) for group in report["groups"]
                   if group["verdict"] == "benign"], [(4, "OpenMP")])
    text = tap.run([realcore.tool(), core])[1]
    tap.check(name + "named", "4 helper threads of OpenMP" in text, text)


def main():
    """All samples that have a truth."""
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    validator = jsonschema.validators.validator_for(schema)(schema)
    validator.check_schema(schema)
    cases = sorted(name[:-len(".expect")] for name in os.listdir(realcore.SAMPLES)
                   if name.endswith(".expect"))
    tap.check("there are at least 40 samples", len(cases) >= 40, cases)
    for case in cases:
        for how in ("kernel", "gcore"):
            check_sample(case, how, validator)
    check_deep_recursion()
    check_handler_is_named()
    check_helpers()
    tap.done()


main()

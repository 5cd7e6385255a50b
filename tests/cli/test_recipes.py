#!/usr/bin/python3
"""The recipes of samples/ci, each run as it stands: on a program that hangs, and on one that does
not. Nothing of the machine is changed: core_pattern's line is run by a pipe."""

import json
import os
import re
import shlex
import shutil
import subprocess
import time

import cli
import realcore
import tap

CI = os.path.join(tap.ROOT, "samples", "ci")
MAKEFILE = "test: ; $(RUN)\n"


def install():
    """A folder with coreleaks and stand-ins for what a pipeline has, first in PATH."""
    os.mkdir("bin")
    os.symlink(cli.CORELEAKS, "bin/coreleaks")
    with open("bin/sudo", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n# Changes nothing of this machine.\nexit 0\n")
    os.chmod("bin/sudo", 0o755)
    code, _, err = tap.run(["gcc", "-std=gnu11", "-g", "-O1", "-pthread", CI + "/orders.c",
                            "-o", "orders"])
    if code:
        raise RuntimeError(err)
    with open("Makefile", "w", encoding="ascii") as file:
        file.write(MAKEFILE)
    return cli.environment(PATH=os.getcwd() + "/bin:" + os.environ["PATH"],
                           GITHUB_STEP_SUMMARY=os.getcwd() + "/summary.md")


def sh(script, env, **changes):
    return tap.run(["bash", "-e", "-c", script], env=dict(env, **changes))


def yaml_of(name):
    """None: there is no reader of YAML here."""
    try:
        import yaml
    except ImportError:
        return None
    with open(os.path.join(CI, name), encoding="utf-8") as file:
        return yaml.safe_load(file)


def shorter(script):
    """The recipe's time limit is for real tests."""
    return script.replace("samples/ci/on-timeout 900 ", CI + "/on-timeout 2 ")


def hook(env):
    script = CI + "/on-timeout 2 dumps ./orders hang"
    started = time.monotonic()
    code, out, err = sh(script, env)
    if "no core of process" in err:
        tap.skip("on-timeout", err)
        return False
    tap.check("on-timeout: a hang ends with 124 and its verdict", code == 124 and
              "takes longer than 2 s" in err and "\nFAIL: 1 dump, " in out and
              "pack_order" in out, out + err)
    tap.check("it takes no longer than that, and the core", time.monotonic() - started < 60)
    tap.check("nothing is left running", not subprocess.run(
        ["pgrep", "-f", os.getcwd() + "/orders|^./orders hang"], stdout=subprocess.DEVNULL,
        check=False).returncode == 0)
    for arguments, want in (("true", 0), ("sh -c 'exit 7'", 7)):
        code, out, err = sh("%s/on-timeout 30 none %s" % (CI, arguments), env)
        tap.equal("on-timeout passes the exit code on: " + arguments, (code, out, err),
                  (want, "", ""))
    tap.equal("on-timeout: usage", sh(CI + "/on-timeout 3", env)[0], 64)
    shutil.rmtree("dumps")
    return True


def github(env):
    workflow = yaml_of("github.yml")
    if workflow is None:
        tap.skip("github.yml", "there is no python3-yaml")
        return
    steps = {step.get("name"): step for step in workflow["jobs"]["test"]["steps"]}
    code, out, err = sh(shorter(steps["Test"]["run"]), env, RUN="exec ./orders hang")
    tap.equal("github: the hanging test fails", code, 124)
    code, out, err = sh(steps["Look at what hung"]["run"], env)
    tap.check("github: red, with an annotation", code == 1 and "FAIL: " in out and
              re.search(r"(?m)^::error .*title=.*::", out), out + err)
    with open("summary.md", encoding="utf-8") as file:
        tap.check("github: the summary of the step", "deadlock-cycle" in file.read())
    sarif = [name for name in os.listdir("dumps") if name.endswith(".sarif")]
    tap.check("github: a SARIF file a dump", len(sarif) >= 1, os.listdir("dumps"))
    with open("leaks.json", encoding="utf-8") as file:
        tap.equal("github: the JSON of all", json.load(file)["summary"]["outcome"], "findings")
    uploaded = [step["with"] for step in workflow["jobs"]["test"]["steps"] if "with" in step]
    for item in (uploaded[0]["sarif_file"], *uploaded[1]["path"].split()):
        tap.check("github: %s is there to be uploaded" % item, os.path.exists(item))
    shutil.rmtree("dumps")
    os.unlink("leaks.json")
    code, out, err = sh(shorter(steps["Test"]["run"]).replace(" 2 dumps", " 30 dumps"), env,
                        RUN="true")
    tap.check("github: a test that ends passes", code == 0, out + err)
    shutil.rmtree("dumps")


def gitlab(env):
    job = (yaml_of("gitlab.yml") or {}).get("test")
    if job is None:
        tap.skip("gitlab.yml", "there is no python3-yaml")
        return
    code, out, err = sh(shorter("\n".join(job["script"])), env, RUN="exec ./orders hang")
    tap.check("gitlab: the hanging test fails", code == 124, out + err)
    code, out, err = sh("\n".join(job["after_script"]), env)
    tap.check("gitlab: red", code == 1 and "FAIL: " in out, out + err)
    import glob
    for kind in ("junit", "codequality"):
        found = glob.glob(job["artifacts"]["reports"][kind])
        tap.check("gitlab: %s files where the job says" % kind, len(found) >= 1,
                  os.listdir("reports"))
    shutil.rmtree("dumps")


def coredumpctl(env, core):
    """coredumpctl dump writes the core to standard output."""
    with open("bin/coredumpctl", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n[ \"$*\" = 'dump orders' ] && exec cat %s\n" % shlex.quote(core))
    os.chmod("bin/coredumpctl", 0o755)
    code, out, err = sh(CI + "/coredumpctl-check orders", env)
    tap.check("coredumpctl dump | coreleaks check -", code == 1 and "pack_order" in out, out + err)
    code, out, err = sh(CI + "/coredumpctl-check nobody", env)
    tap.check("no such crash is not clean", code == 2, out + err)


def core_pattern(core, clean):
    with open(os.path.join(CI, "core_pattern.conf"), encoding="ascii") as file:
        lines = [line for line in file.read().splitlines() if not line.startswith("#")]
    name, _, pattern = lines[0].partition("=")
    tap.equal("core_pattern: one setting", (len(lines), name), (1, "kernel.core_pattern"))
    tap.check("core_pattern: a pipe to an absolute path, of at most 127 bytes",
              pattern.startswith("|/") and len(pattern) <= 127, pattern)
    os.mkdir("crash")
    # The kernel splits at blanks, and gives neither PATH nor HOME.
    words = pattern[1:].replace("/usr/local/bin/coreleaks", cli.CORELEAKS).replace(
        "/var/crash", os.getcwd() + "/crash").split()
    for path, want, kept in ((clean, 0, 0), (core, 1, 1)):
        with open(path, "rb") as file:
            code, _, err = tap.run(words, stdin=file, env={}, cwd="/")
        tap.equal("core_pattern: exit code, cores kept of %s" % os.path.basename(path),
                  (code, len(os.listdir("crash"))), (want, kept))


def prometheus():
    if not shutil.which("promtool"):
        tap.skip("prometheus.yml", "there is no promtool")
        return
    for arguments in (["check", "rules", "prometheus.yml"],
                      ["test", "rules", "prometheus_test.yml"]):
        code, out, err = tap.run(["promtool", *arguments], cwd=CI)
        tap.check("promtool " + " ".join(arguments), code == 0, out + err)
    with open(os.path.join(CI, "prometheus.yml"), encoding="utf-8") as file:
        rules = "".join(line for line in file if not line.lstrip().startswith("#"))
    tap.check("gauges are not taken for counters", not re.search(r"\b(rate|increase)\(", rules))


with cli.Scratch():
    ENV = install()
    try:
        HANG = realcore.make_core(os.path.abspath("orders"), ["hang"], threads=3)
        FIXED = realcore.make_core(os.path.abspath("orders"), ["fixed"], threads=1)
    except realcore.CannotDump as reason:
        tap.skip("cores", str(reason))
        tap.done()
    if not shutil.which("gcore"):
        tap.skip("on-timeout", "there is no gcore")
    elif hook(ENV):
        github(ENV)
        gitlab(ENV)
    coredumpctl(ENV, HANG)
    core_pattern(HANG, FIXED)
    prometheus()
tap.done()

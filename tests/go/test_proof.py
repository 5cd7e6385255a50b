"""What nothing can reach is found, and nothing else is said to be: programs of tests/go/proof under
several Go versions, in cores taken while they run.

held     keeps what goroutines wait for in some seventy ways. Only three goroutines, whose channels
         nothing has, may be called stuck; then all others are woken, which shows that they were
         not.
busy     hands channels and locks about without rest: nothing may be called stuck, at no moment;
         in all ways at once, and in each alone.
         It ends by itself afterwards, which shows that nothing was. With the kind "never" three
         goroutines wait for ever beside the others: these are told at once, and only these.
preempted has a goroutine that was stopped in the midst of its code know what another waits for.
         Nothing may be called stuck; then it goes on, and wakes the other.
leaky    leaks in many ways, and has Go's own profile of leaked goroutines say which are (1.27).

By default two Go versions and a few cores; with COREGO=all all versions and COREPROOF_CORES (120)
cores of busy each, of which some will hold pointers in places that no other test makes.
"""

import contextlib
import json
import os
import re
import subprocess
import time

import gocore
import realcore
import tap

# Until sysmon takes the processor from the thread that reads standard input, some 10 ms later, that
# thread counts as at work, and all words of its processor as pointers.
SETTLE_S = 0.5
SOURCE = os.path.join(tap.ROOT, "tests", "go", "proof")
SNAPSHOT = os.path.join(tap.ROOT, "tests", "core", "snapshot.c")
PROOFS = ("unreachable-wait", "nil-channel", "select-no-cases")
KINDS = ("ring", "timers", "closers", "locks", "finalizers", "turned", "stacks", "moves", "pipes",
         "switchedOff")
# Of them Go's own profile says nothing: what they send lies in a struct that holds the channels,
# and the profile takes that for a way to reach it. Our search does not look into queues.
BEYOND_GO = {"main.(*service).loop"}


def build(program, version, experiment=""):
    """Path of a program of tests/go/proof, built by a Go version."""
    if not experiment and version == "1.26":
        experiment = "goroutineleakprofile"
    return gocore.build_other(SOURCE, program, version, experiment)


def build_snapshot():
    """Path of the program that takes cores of running processes."""
    exe = os.path.join(tap.BUILD, "samples", "snapshot")
    os.makedirs(os.path.dirname(exe), exist_ok=True)
    with realcore.locked(exe + ".lock"):
        code, _, err = tap.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", exe, SNAPSHOT])
    if code:
        raise RuntimeError("snapshot.c does not compile:\n" + err)
    return exe


@contextlib.contextmanager
def running(exe, *arguments, debug=""):
    """Runs a program with a pipe to it and yields the process once it is ready."""
    with subprocess.Popen([exe] + list(arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          env={"GOTRACEBACK": "all", "GODEBUG": debug},
                          preexec_fn=realcore.before_exec) as process:
        try:
            realcore.wait_for_ready(process)
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def rest_of(process, said):
    """Sends a line, and returns all that the program says until it ends."""
    try:
        return process.communicate(said, timeout=120)[0].decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        return "did not end"


def report_of(snapshot, process, cwd, name, *options):
    """The report of a core that is taken now; None: it cannot be taken here."""
    core = os.path.join(cwd, name)
    code, _, err = tap.run([snapshot, str(process.pid), core])
    if code:
        raise realcore.CannotDump(err.strip())
    code, out, err = tap.run([realcore.tool(), "report", "--json", "--all", *options, core])
    if code not in (0, 3):
        raise RuntimeError("code %d: %s" % (code, err))
    report = json.loads(out)
    os.rename(core, core + ".last")
    return report


def claimed(report):
    """{goroutine: its first functions outside of the runtime} of all that is proved, or likely."""
    stacks = {}
    for group in report["groups"]:
        functions = [frame["function"] or "" for frame in group["frames"]]
        for number in group["members"]:
            stacks[number] = [name for name in functions if not name.startswith("runtime.")]
    return {member["id"]: stacks.get(member["id"], [])
            for finding in report["findings"] if finding["certainty"] in ("proved", "likely")
            for member in finding["members"] if member["kind"] == "goroutine"}


def obstacles(report):
    """What kept the search from saying anything."""
    return [gap["detail"] for gap in report["gaps"] if gap["kind"] == "proof"]


def check_held(snapshot, version, mode, experiment=""):
    """Everything is held but for three."""
    name = "held by Go %s, %s: " % (version, " ".join([mode, experiment]).strip())
    exe = build("held", version, experiment)
    with realcore.scratch() as cwd, running(exe, mode) as process:
        time.sleep(SETTLE_S)
        for number in range(2):
            report = report_of(snapshot, process, cwd, "core.%d" % number)
            names = sorted(stack[:1] for stack in claimed(report).values())
            tap.equal(name + "only what nothing holds is called stuck", names,
                      [["main.forgotten"]] * 3)
            tap.equal(name + "nothing stood in the way", obstacles(report), [])
        said = rest_of(process, b"wake\n")
        tap.check(name + "all the others were woken", "woken" in said, said[:3000])


def check_busy(snapshot, version, num_cores, *kinds):
    """Nothing is ever stuck."""
    name = "busy %sby Go %s: " % ("".join(kind + " " for kind in kinds), version)
    exe = build("busy", version)
    wrong, num_blind = [], 0
    with realcore.scratch() as cwd, running(exe, *kinds) as process:
        for number in range(num_cores):
            report = report_of(snapshot, process, cwd, "core")
            num_blind += bool(obstacles(report))
            bad = claimed(report)
            if bad:
                wrong.append("core %d: %s" % (number, list(bad.items())[:5]))
            time.sleep(0.001 * (number % 7))
        said = rest_of(process, b"x")
    tap.check(name + "nothing is called stuck in %d cores" % num_cores, not wrong,
              "\n".join(wrong[:20]))
    tap.check(name + "the search was made in most of them", num_blind * 10 <= num_cores,
              "not in %d of %d" % (num_blind, num_cores))
    tap.check(name + "it ends by itself", "\nfinished" in "\n" + said, said[:3000])


def check_never(snapshot, version, num_cores):
    """What needs no search is told of any moment, while collections run, and of nothing else."""
    name = "busy never by Go %s: " % version
    wanted = {"main.receiveNil": "nil-channel", "main.selectNil": "nil-channel",
              "main.selectNothing": "select-no-cases"}
    wrong = []
    with realcore.scratch() as cwd, \
            running(build("busy", version), "switchedOff", "closers", "stacks", "never") as process:
        time.sleep(SETTLE_S)
        for number in range(num_cores):
            report = report_of(snapshot, process, cwd, "core", "--no-proof")
            got = {stack[0]: None for stack in claimed(report).values()}
            for finding in report["findings"]:
                for function in got:
                    if function in finding["title"] and finding["certainty"] == "proved":
                        got[function] = finding["rule"]
            if got != wanted:
                wrong.append("core %d: %s" % (number, got))
            time.sleep(0.001 * (number % 7))
    tap.check(name + "just these three in %d cores, without the search" % num_cores, not wrong,
              "\n".join(wrong[:10]))


def check_preempted(snapshot, version, kind, debug, function):
    """What only a goroutine knows that was stopped anywhere is held."""
    name = "preempted %s by Go %s: " % (kind, version)
    exe = build("preempted", version)
    with realcore.scratch() as cwd, running(exe, kind, debug=debug) as process:
        report = report_of(snapshot, process, cwd, "core")
        rest = [group["frames"] for group in report["groups"] if group["state"] == "runnable"]
        tap.check(name + "it was stopped where it should",
                  any(frame["function"] == function for frames in rest for frame in frames),
                  "%s" % rest)
        tap.equal(name + "nothing is called stuck", claimed(report), {})
        tap.equal(name + "nothing stood in the way", obstacles(report), [])
        said = rest_of(process, b"x\n")
        tap.check(name + "it goes on, and wakes the other", "woken" in said, said[:3000])


def check_leaky(snapshot, version, times):
    """All that Go itself finds leaked is."""
    name = "leaky by Go %s: " % version
    exe = build("leaky", version)
    with realcore.scratch() as cwd, running(exe, str(times)) as process:
        time.sleep(SETTLE_S)
        report = report_of(snapshot, process, cwd, "core")
        profile = os.path.join(cwd, "profile")
        process.stdin.write(profile.encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()
        text = realcore.read_text(profile)
    theirs = {int(number) for number in
              re.findall(r"^goroutine (\d+) \[[^\]]*\(leaked\)", text, re.MULTILINE)}
    ours = claimed(report)
    missed, beyond = theirs - set(ours), set(ours) - theirs
    tap.check(name + "Go finds as many as there are ways, and more", len(theirs) >= 40 * times,
              "%d" % len(theirs))
    tap.check(name + "99.9 %% of the %d that Go finds are found" % len(theirs),
              len(missed) * 1000 <= len(theirs), "missed %d: %s" % (
                  len(missed), sorted(missed)[:20]))
    strange = {tuple(ours[number]) for number in beyond if not BEYOND_GO & set(ours[number])}
    tap.check(name + "nothing else is called stuck", not strange, "\n".join(map(str, strange)))


def main():
    """A few, or all."""
    everything = os.environ.get("COREGO") == "all"
    num_cores = int(os.environ.get("COREPROOF_CORES", "120")) if everything else 4
    versions, complaints = gocore.toolchains("--all" if everything else "--two")
    if complaints:
        tap.check("all toolchains are to be had", False, complaints)
    snapshot = build_snapshot()
    try:
        for version, _ in versions:
            for mode in ("gc", "nogc") if everything else ("gc",):
                check_held(snapshot, version, mode)
            # In 1.22 objects can be made to tell of their pointers as they did before.
            if everything and version == "1.22":
                check_held(snapshot, version, "nogc", "noallocheaders")
            check_busy(snapshot, version, num_cores)
            # Alone each has more on its way at any moment: four cores in 300
            # of locks alone called a waiter of a condition stuck, two in 1,000 of all kinds.
            for kind in KINDS if everything else ("locks",):
                check_busy(snapshot, version, max(num_cores // 6, 4), kind)
            check_never(snapshot, version, num_cores)
            check_preempted(snapshot, version, "arguments", "", "main.spin")
            check_preempted(snapshot, version, "closure", "asyncpreemptoff=1",
                            "main.passClosure.func1")
            if gocore.number(version) >= 26:
                check_leaky(snapshot, version, 100 if everything else 10)
    except realcore.CannotDump as reason:
        tap.skip("cores of running Go programs", str(reason))
    tap.done()


main()

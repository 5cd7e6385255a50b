"""Real cores of Go programs: a sample, built by one of several Go versions in one of several
ways, run until all its goroutines rest, and dumped.

    exe = gocore.build("leaky_handler", "1.27", "pie-stripped")
    core, truth = gocore.dump("leaky_handler", exe, how="kernel")

truth is the text that the program itself wrote just before: see samples/go/truth/truth.go and
debug2.py. The ways to dump:

    kernel   SIGXCPU, whose handler the samples give back to the kernel: it dumps at once, and no
             goroutine is disturbed. Every other signal that dumps ends in Go's own handler.
    crash    SIGABRT under GOTRACEBACK=crash: Go's handler interrupts the threads one by one,
             prints all goroutines and ends by SIGABRT. Without GOTRACEBACK=crash Go leaves no core.
    gcore    GDB's gcore: 1.3 GB of zeros for address space that Go has only reserved, 10 MB
             when stored sparse.
    qemu     A program of AArch64 under qemu-user, which writes a core of what it emulates. Only
             for signals that end in Go's handler, so as crash.
"""

import contextlib
import glob
import json
import os
import shutil
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "core")]
import realcore
import tap

import goexpect

SAMPLES = os.path.join(tap.ROOT, "samples", "go")
TOOLCHAINS = os.path.join(tap.ROOT, "build", "go")
# Outside of the flavours' folders: the programs are the same for all of them.
PROGRAMS = os.path.join(tap.ROOT, "build", "go-samples")
CACHE = os.path.join(PROGRAMS, "cores")
CACHE_LIMIT_SIZE = 1 << 30  # bytes on disk of all kept cores
RECIPE = "1"  # raise it when the way cores are made changes

STRIPPED = ["-ldflags=-s -w", "-trimpath"]
# name: (CGO_ENABLED, flags)
MODES = {
    "plain": (0, []),
    "stripped": (0, STRIPPED),
    "cgo": (1, []),
    "cgo-stripped": (1, STRIPPED),
    "pie": (0, ["-buildmode=pie"]),
    "pie-stripped": (0, ["-buildmode=pie"] + STRIPPED),
    "cgo-pie-stripped": (1, ["-buildmode=pie"] + STRIPPED),
}
# Of another machine, and not among those of all samples: see test_arm64.py.
ARM64_MODES = {"arm64": (0, []), "arm64-stripped": (0, STRIPPED)}


# ---- Toolchains -------------------------------------------------------------------------------


def toolchains(*words):
    """[(version, GOROOT)] of what tests/go/toolchains makes of the words, and what it complains."""
    _, out, err = tap.run([os.path.join(HERE, "toolchains")] + list(words), timeout=900)
    roots = out.split()
    return [(os.path.basename(root)[len("go-"):], root) for root in roots], err.strip()


def number(version):
    """1.27 as a number that can be compared: 27."""
    return int(version.split(".")[1])


# ---- Building ---------------------------------------------------------------------------------


def cases():
    """Names of all samples."""
    return sorted(os.path.basename(path)[:-len(".expect")]
                  for path in glob.glob(os.path.join(SAMPLES, "*.expect")))


def exists_for(case, version, mode):
    """None when the sample can be built so, otherwise why not."""
    truth = goexpect.Expectation(case)
    if number(version) < number(truth.since):
        return "needs Go %s" % truth.since
    if truth.cgo and not MODES[mode][0]:
        return "needs cgo"
    return None


def build(case, version, mode):
    """Path of the sample built by a Go version in a mode; the same path for the same content."""
    cgo, flags = (ARM64_MODES if mode in ARM64_MODES else MODES)[mode]
    root = root_of(version)
    env = build_env(root, version, cgo, goexpect.Expectation(case).experiment(version))
    if mode in ARM64_MODES:
        env["GOARCH"] = "arm64"
    folder = os.path.join(PROGRAMS, version, mode)
    exe = os.path.join(folder, case)
    os.makedirs(folder, exist_ok=True)
    # Of this version itself, so that its own defaults (GODEBUG) hold, as in a program of its day.
    module = os.path.join(PROGRAMS, version, "go.mod")
    command = [os.path.join(root, "bin", "go"), "build", "-modfile=" + module, "-buildvcs=false",
               "-o", exe + ".new"] + flags + ["./" + case]
    stamp = _stamp(case, command, env)
    with realcore.locked(exe + ".lock"):
        if not os.path.exists(exe) or realcore.read_text(exe + ".stamp") != stamp:
            _write(module, "module samples\n\ngo %s\n" % version)
            code, _, err = tap.run(command, cwd=SAMPLES, env=env, timeout=600)
            if code:
                raise RuntimeError("%s does not compile by Go %s:\n%s" % (case, version, err))
            os.replace(exe + ".new", exe)
            _write(exe + ".stamp", stamp)
    return exe


def report_of(name, core, exe):
    """All that the analyzer says of a core, as JSON, or None; both are checks."""
    code, out, err = tap.run([realcore.tool(), "report", "--json", "--all", "--members", "1000000",
                              "--max-frames", "4096", core, exe])
    tap.equal(name + "exit code", code, 0)
    try:
        return json.loads(out)
    except ValueError as error:
        tap.check(name + "is JSON", False, "%s\n%s" % (error, err))
        return None


def root_of(version):
    """GOROOT of a version, which is fetched if it is not there yet."""
    root = os.path.join(TOOLCHAINS, version, "usr", "lib", "go-" + version)
    if not os.path.exists(os.path.join(root, "bin", "go")):
        complaint = toolchains(version)[1]
        if complaint:
            raise RuntimeError(complaint)
    return root


def build_other(source, package, version, experiment="", flags=()):
    """Path of a program that is no sample, built by a Go version from a package below source. A
    source with a go.mod that names dependencies keeps it, others get that version's own."""
    root = root_of(version)
    folder = os.path.join(PROGRAMS, version, os.path.basename(source))
    exe, module = os.path.join(folder, package), os.path.join(folder, "go.mod")
    os.makedirs(folder, exist_ok=True)
    words = list(flags)
    with realcore.locked(exe + ".lock"):
        if "require" not in realcore.read_text(os.path.join(source, "go.mod")):
            _write(module, "module %s\n\ngo %s\n" % (os.path.basename(source), version))
            words.append("-modfile=" + module)
        code, _, err = tap.run(
            [os.path.join(root, "bin", "go"), "build", "-buildvcs=false", *words, "-o", exe,
             "./" + package],
            cwd=source, env=build_env(root, version, 0, experiment), timeout=600)
    if code:
        raise RuntimeError("%s does not compile by Go %s:\n%s" % (package, version, err))
    return exe


def build_env(root, version, cgo, experiment):
    env = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    env.update(GOROOT=root, GOTOOLCHAIN="local", GOPROXY="off", GOFLAGS="-mod=mod", GOENV="off",
               GOWORK="off", GOTELEMETRY="off", CGO_ENABLED=str(cgo), GOEXPERIMENT=experiment,
               GOPATH=os.path.join(PROGRAMS, "path"), HOME=PROGRAMS,
               GOCACHE=os.path.join(PROGRAMS, version, "cache"))
    return env


def _stamp(case, command, env):
    parts = [repr((command, sorted(env.items()), RECIPE)).encode()]
    for folder in (case, "truth"):
        for path in sorted(glob.glob(os.path.join(SAMPLES, folder, "*"))):
            with open(path, "rb") as file:
                parts.append(os.path.basename(path).encode() + b"\0" + file.read())
    return realcore.hash_of(*parts)


def _write(path, text):
    """Writes a file if it does not hold that text yet; other builds may be reading it."""
    if realcore.read_text(path) != text:
        temporary = "%s.%d" % (path, os.getpid())
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)


# ---- Running and dumping ----------------------------------------------------------------------


@contextlib.contextmanager
def running(case, exe, cwd, crash=False, emulator=()):
    """Runs a sample in cwd and yields (process, truth) when it rests; kills it afterwards."""
    wanted = goexpect.Expectation(case)
    path = os.path.join(cwd, "truth")
    env = {"PATH": os.environ.get("PATH", ""), "COREGO_TRUTH": path, **wanted.env}
    if crash:
        env["GOTRACEBACK"] = "crash"
    with realcore.started([*emulator, exe] + wanted.args, cwd, env) as process:
        _wait_until_quiet(process.pid, wanted.busy)
        yield process, realcore.read_text(path)


def dump(case, exe, how="kernel"):
    """(path of a core of the sample, its truth as text); kept for the next time."""
    with open(exe, "rb") as file:
        wanted = goexpect.Expectation(case)
        key = realcore.hash_of(file.read(), exe.encode(),
                               repr((how, wanted.args, wanted.env, RECIPE)).encode())
    folder = os.path.join(CACHE, key[:20])
    core, truth = os.path.join(folder, "core"), os.path.join(folder, "truth")
    os.makedirs(CACHE, exist_ok=True)
    with realcore.locked(folder + ".lock"):
        if os.path.exists(core):
            os.utime(folder)
            return core, realcore.read_text(truth)
        with realcore.scratch() as cwd:
            emulator = [arm64_emulator()] if how == "qemu" else []
            with running(case, exe, cwd, how in ("crash", "qemu"), emulator) as (process, text):
                death = signal.SIGABRT if how == "crash" else signal.SIGXCPU
                made = (emulated_core(process, cwd) if how == "qemu" else
                        realcore.dump(process, cwd, how, death))
            os.makedirs(folder, exist_ok=True)
            _write(truth, text)
            realcore.move_sparse(made, core)
    _bound_cache(folder)
    return core, text


def arm64_emulator():
    found = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if found is None:
        raise realcore.CannotDump("qemu-user is not installed")
    return found


def emulated_core(process, cwd):
    """Ends an emulated program so that qemu writes its core; the core's path."""
    process.send_signal(signal.SIGABRT)
    process.wait(realcore.DUMP_TIMEOUT_S)
    found = glob.glob(os.path.join(cwd, "qemu_*.core"))
    if len(found) != 1:
        raise RuntimeError("qemu ended with %s and left %s" % (process.returncode,
                                                               os.listdir(cwd)))
    return found[0]


def _wait_until_quiet(pid, busy):
    """Until main has come to rest: three looks in a row at which only the busy threads ran.

    What main does after `ready` takes microseconds. With busy goroutines the runtime's monitor
    wakes up all the time, so switches cannot be counted as for native programs.
    """
    deadline, quiet = time.monotonic() + realcore.SETTLE_TIMEOUT_S, 0
    while quiet < 3:
        if time.monotonic() > deadline:
            raise RuntimeError("process %d did not come to rest" % pid)
        time.sleep(0.005)
        running_now = 0
        for tid in os.listdir("/proc/%d/task" % pid):
            stat = realcore.read_text("/proc/%d/task/%s/stat" % (pid, tid))
            running_now += stat.rpartition(")")[2].split()[:1] not in (["S"], [])
        quiet = quiet + 1 if running_now <= busy else 0


def _bound_cache(keep):
    """Deletes the cores that were longest not used until the rest fits."""
    entries = []
    for core in glob.glob(os.path.join(CACHE, "*", "core")):
        with contextlib.suppress(FileNotFoundError):
            folder = os.path.dirname(core)
            entries.append((os.stat(folder).st_mtime_ns, os.stat(core).st_blocks * 512, folder))
    total_size = sum(size for _, size, _ in entries)
    for age, size, folder in sorted(entries):
        if total_size <= CACHE_LIMIT_SIZE:
            return
        # What was used in the last minutes may be in use by another test right now.
        if folder != keep and time.time_ns() - age > 600 * 10**9:
            shutil.rmtree(folder, ignore_errors=True)
            total_size -= size


# ---- Cut cores ----------------------------------------------------------------------------------

# Of the descriptor the fields that matter, and the smallest stack: runtime/runtime2.go, stack.go.
DESCRIPTOR_SIZE, STACK_SIZE = 440, 2048


def whole_at(core, goroutines, size):
    """Ids of those whose descriptor and stack are in the first bytes of the file."""
    ids = set()
    for task in goroutines:
        if not task["registers"]:
            continue
        sp, g = int(task["registers"]["sp"], 16), int(task["g"], 16)
        parts = (core.file_range(g, g + DESCRIPTOR_SIZE),
                 core.file_range(sp, (sp | STACK_SIZE - 1) + 1))
        if all(part and part[1] <= size for part in parts):
            ids.add(task["id"])
    return ids

"""Real cores of the sample programs: build a sample, run it until it has settled, dump it.

    exe = realcore.build("queue_no_producer")
    core = realcore.make_core(exe, ["120"], how="kernel", threads=121)

A program prints `ready`; then its tasks are watched in /proc until all that should sleep slept
from one look to the next without being switched in, so nothing can still be on its way. Cores
are kept in COREBUILD/cores under a hash of program, arguments and dumper, sparse, and the
oldest go when there are too many. Every process started here is killed here.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

SAMPLES = os.path.join(tap.ROOT, "samples", "native")
CACHE = os.path.join(tap.BUILD, "cores")
PROGRAMS = os.path.join(tap.BUILD, "samples")
CACHE_LIMIT_SIZE = 1 << 30  # bytes on disk of all kept cores
SETTLE_TIMEOUT_S = 120
DUMP_TIMEOUT_S = 120
# A program that reserves terabytes makes gcore fill the disk: it stops here instead.
GCORE_LIMIT_SIZE = 4 << 30
# A new number makes all kept cores old: raise it when the way they are made changes.
RECIPE = "2"


class CannotDump(Exception):
    """This machine cannot make such a core; the text says why. A reason to skip, not to fail."""


# ---- Building ---------------------------------------------------------------------------------


def build(sample, flags=(), variant=None, compiler=None):
    """Compiles samples/native/SAMPLE.{c,cc,rs} with -g; the flags of its .expect and these.

    The .expect may name another sample's source, and the flags may name further sources. Returns
    the program's path: the same path for the same content, so that cores stay valid. variant
    gives a differently compiled program its own name.
    """
    from_source = expected_words(sample, "source") or [sample]
    source, command = _compile_command(from_source[0], compiler)
    command += expected_words(sample, "cflags") + list(flags) + [source]
    exe = os.path.join(PROGRAMS, sample + ("-" + variant if variant else ""))
    content = []
    for path in [word for word in command if os.path.isfile(word)] + _headers():
        with open(path, "rb") as file:
            content.append(file.read())
    stamp = hash_of("\0".join(command).encode(), *content)
    os.makedirs(PROGRAMS, exist_ok=True)
    with locked(exe + ".lock"):
        if not os.path.exists(exe) or read_text(exe + ".stamp") != stamp:
            temporary = exe + ".new"
            code, _, err = tap.run(command + ["-o", temporary])
            if code:
                raise RuntimeError("%s does not compile:\n%s" % (source, err))
            os.replace(temporary, exe)
            with open(exe + ".stamp", "w", encoding="ascii") as file:
                file.write(stamp)
    return exe


def build_beside(source, words):
    """Compiles a test's own program beside the samples: words are the compiler and its flags."""
    exe = os.path.join(PROGRAMS, os.path.splitext(os.path.basename(source))[0])
    os.makedirs(PROGRAMS, exist_ok=True)
    with locked(exe + ".lock"):
        code, _, err = tap.run(list(words) + ["-g", "-Wall", "-Wextra", "-pthread", source,
                                              "-o", exe])
    if code:
        raise RuntimeError("%s does not compile:\n%s" % (source, err))
    return exe


def _compile_command(sample, compiler):
    """(its source, the words before flags and source)"""
    for ending, default, words in (
            (".c", "gcc", ["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-pthread"]),
            (".cc", "g++", ["-std=gnu++17", "-g", "-O1", "-Wall", "-Wextra", "-pthread"]),
            (".rs", "rustc", ["--edition=2021", "-g", "-Copt-level=1"])):
        source = os.path.join(SAMPLES, sample + ending)
        if os.path.exists(source):
            if not shutil.which(compiler or default):
                raise CannotDump("%s is not installed" % (compiler or default))
            return source, [compiler or default] + words
    raise RuntimeError("there is no sample %s" % sample)


def _headers():
    return sorted(os.path.join(SAMPLES, name) for name in os.listdir(SAMPLES)
                  if name.endswith(".h"))


def expected_words(sample, name):
    """The words after a name in the sample's .expect, of a line that stands there once."""
    for line in read_text(os.path.join(SAMPLES, sample + ".expect")).splitlines():
        if line.startswith(name + " "):
            return line.split()[1:]
    return []


# ---- Running ----------------------------------------------------------------------------------


def limits_allow(threads):
    """None when this machine can run so many threads, otherwise what stands against it."""
    wanted = {
        "/proc/sys/kernel/threads-max": threads + 2000,
        "/proc/sys/kernel/pid_max": threads + 2000,
        "/proc/sys/vm/max_map_count": 2 * threads + 1000,
    }
    for path, number in wanted.items():
        if int(read_text(path) or number) < number:
            return "%s is below %d" % (path, number)
    pids = read_text("/sys/fs/cgroup/pids.max").strip()
    if pids.isdigit() and int(pids) < threads + 100:
        return "the cgroup's pids.max is below %d" % (threads + 100)
    soft = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if soft != resource.RLIM_INFINITY and soft < threads + 100:
        return "ulimit -u is below %d" % (threads + 100)
    return None


def before_exec():
    """For preexec_fn: cores are allowed, and the program dies with the test."""
    # PR_SET_PDEATHSIG: a test that is killed leaves no program behind.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


@contextlib.contextmanager
def started(argv, cwd, env=None, ready=True):
    """Runs argv in cwd and yields the process once it is ready; kills it afterwards.

    What it printed until then is the attribute said. The one to dump is the attribute dumped_pid:
    that of a child which the program named, or its own.
    """
    with subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE if ready else subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, preexec_fn=before_exec) as process:
        try:
            process.said = wait_for_ready(process) if ready else ""
            words = re.search(r"^dump (\d+)$", process.said, re.MULTILINE)
            process.dumped_pid = int(words.group(1)) if words else process.pid
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@contextlib.contextmanager
def running(argv, cwd, threads, busy=0, env=None, ready=True):
    """As started(), but yields the process once so many threads have settled.

    threads None: the program says how many it has, see threads_said().
    """
    with started(argv, cwd, env, ready) as process:
        if threads is None:
            threads, busy = threads_said(process.said)
        wait_until_settled(process.dumped_pid, threads, busy)
        yield process


def wait_for_ready(process):
    """Until the program has printed `ready`; returns all that it printed."""
    deadline, text = time.monotonic() + SETTLE_TIMEOUT_S, b""
    while b"ready\n" not in text:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise RuntimeError("%s did not get ready" % process.args[0])
        part = os.read(process.stdout.fileno(), 4096)
        if not part:
            raise RuntimeError("%s ended with %s before it was ready"
                               % (process.args[0], process.wait()))
        text += part
    return text.decode("utf-8", "replace")


def threads_said(said):
    """The numbers of the line `threads N busy M` that a program printed."""
    words = re.search(r"^threads (\d+) busy (\d+)$", said, re.MULTILINE)
    if not words:
        raise RuntimeError("the program did not say how many threads it has")
    return int(words.group(1)), int(words.group(2))


def wait_until_settled(pid, threads, busy=0):
    """Until the process has so many threads and all but the busy ones sleep for good.

    Two looks with equal switch counts mean that every sleeper slept in between: at one moment
    all were asleep, so only time or another process can wake them.
    """
    deadline, before = time.monotonic() + SETTLE_TIMEOUT_S, None
    pause_s = 0.001
    while True:
        now = _look(pid)
        sleeping = {tid for tid, (state, _) in now.items() if state == "S"}
        if (before is not None and len(now) == threads and len(sleeping) == threads - busy
                and all(before.get(tid) == now[tid] for tid in sleeping)):
            return
        if time.monotonic() > deadline:
            raise RuntimeError("process %d did not settle: %d threads, %d asleep, wanted %d and %d"
                               % (pid, len(now), len(sleeping), threads, threads - busy))
        before = now
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.1)


def _look(pid):
    """{thread id: (state, times it was switched out)}"""
    seen = {}
    try:
        tids = os.listdir("/proc/%d/task" % pid)
    except OSError:
        return seen
    for tid in tids:
        state, switches = "?", 0
        for line in read_text("/proc/%d/task/%s/status" % (pid, tid)).splitlines():
            name, _, value = line.partition(":")
            if name == "State":
                state = value.split()[0]
            elif name.endswith("ctxt_switches"):
                switches += int(value)
        if state not in ("?", "Z", "X"):
            seen[int(tid)] = (state, switches)
    return seen


# ---- Dumping ----------------------------------------------------------------------------------


def make_core(exe, args=(), how="kernel", threads=1, busy=0, kill_signal=signal.SIGABRT):
    """Path of a core of `exe args`, dumped by the kernel or by GDB's gcore; kept for next time.

    What the program printed is kept as the file `said` beside the core. threads: see running().
    """
    with open(exe, "rb") as file:
        content = file.read()
    libc = os.stat("/lib/x86_64-linux-gnu/libc.so.6")
    key = hash_of(content, exe.encode(), repr((list(args), how, threads, busy, RECIPE)).encode(),
                  b"%d %d" % (libc.st_size, libc.st_mtime_ns))
    folder = os.path.join(CACHE, key[:20])
    core = os.path.join(folder, "core")
    os.makedirs(CACHE, exist_ok=True)
    with locked(folder + ".lock"):
        if os.path.exists(core):
            os.utime(folder)
            return core
        with scratch() as cwd:
            with running([exe] + list(args), cwd, threads, busy) as process:
                made = dump(process, cwd, how, kill_signal)
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "said"), "w", encoding="utf-8") as file:
                file.write(process.said)
            move_sparse(made, core)
    _bound_cache(folder)
    return core


def dump(process, cwd, how, kill_signal=signal.SIGABRT):
    """Dumps a running process into cwd and ends it; returns the core's path."""
    if how == "gcore":
        return gcore(process.dumped_pid, os.path.join(cwd, "gcore"))
    return kernel_core(process, kill_signal)


def gcore(pid, path):
    """Has GDB write a core of a running process."""
    if not shutil.which("gdb"):
        raise CannotDump("gdb is not installed")
    if any(read_text("/proc/%d/task/%s/syscall" % (pid, tid)).startswith("58 ")
           for tid in os.listdir("/proc/%d/task" % pid)):
        raise CannotDump("a thread waits in vfork(): no debugger can stop it")
    code, out, err = tap.run(["gdb", "-nx", "-batch", "-p", str(pid), "-ex", "gcore " + path],
                             timeout=DUMP_TIMEOUT_S, preexec_fn=_limit_file_size)
    if os.path.exists(path) and os.path.getsize(path) >= GCORE_LIMIT_SIZE:
        os.unlink(path)
        raise CannotDump("gcore writes more than %d GB of it" % (GCORE_LIMIT_SIZE >> 30))
    if not os.path.exists(path):
        if "ptrace: Operation not permitted" in out + err:
            raise CannotDump("gdb may not attach to processes here")
        raise RuntimeError("gcore failed (%d):\n%s%s" % (code, out, err))
    return path


def _limit_file_size():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (GCORE_LIMIT_SIZE, GCORE_LIMIT_SIZE))


def kernel_core(process, kill_signal=signal.SIGABRT):
    """Ends the process by a signal so that the kernel writes its core into its current folder.

    A program that named a child for this waits for the child, and ends after it.
    """
    cwd = os.readlink("/proc/%d/cwd" % process.dumped_pid)
    name = _core_name(process.dumped_pid)
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        raise CannotDump("core files are switched off: the hard limit of ulimit -c is 0")
    os.kill(process.dumped_pid, kill_signal)
    try:
        process.wait(DUMP_TIMEOUT_S)
    except subprocess.TimeoutExpired as expired:
        raise RuntimeError("%s outlived signal %d" % (process.args[0], kill_signal)) from expired
    path = os.path.join(cwd, name)
    if not os.path.exists(path):
        raise RuntimeError("%s ended with %s and left no %s in %s (there: %s)"
                           % (process.args, process.returncode, name, cwd, os.listdir(cwd)))
    return path


def _core_name(pid):
    """The file name the kernel will give this process's core, see core(5)."""
    pattern = read_text("/proc/sys/kernel/core_pattern").strip()
    name = pattern.replace("%p", str(pid)).replace("%%", "%")
    if pattern.startswith("|") or "/" in name or "%" in name or not name:
        raise CannotDump("/proc/sys/kernel/core_pattern is %r: cores do not go into the program's "
                         "folder; `sysctl kernel.core_pattern=core` changes it" % pattern)
    if "%p" not in pattern and read_text("/proc/sys/kernel/core_uses_pid").strip() == "1":
        name += ".%d" % pid
    return name


def move_sparse(source, target):
    """Moves a core; pages of zeros become holes."""
    temporary = target + ".new"
    tap.run(["cp", "--sparse=always", source, temporary], timeout=DUMP_TIMEOUT_S)
    # The kernel cuts a core without a word when the disk is full, and so does cp.
    if os.path.getsize(temporary) != os.path.getsize(source):
        raise RuntimeError("%s could not be copied: is the disk full?" % source)
    os.replace(temporary, target)
    os.unlink(source)


def _bound_cache(keep):
    """Deletes the cores that were longest not used until the rest fits."""
    entries = []
    for name in os.listdir(CACHE):
        core = os.path.join(CACHE, name, "core")
        if os.path.exists(core):
            entries.append((os.stat(os.path.join(CACHE, name)).st_mtime_ns,
                            os.stat(core).st_blocks * 512, os.path.join(CACHE, name)))
    total_size = sum(size for _, size, _ in entries)
    for age, size, folder in sorted(entries):
        if total_size <= CACHE_LIMIT_SIZE:
            return
        # What was used in the last minutes may be in use by another test right now.
        if folder != keep and time.time_ns() - age > 600 * 10**9:
            shutil.rmtree(folder, ignore_errors=True)
            total_size -= size


# ---- The tool ---------------------------------------------------------------------------------


def tool():
    """Path of the coreleaks under test."""
    return os.environ.get("CORELEAKS") or os.path.join(tap.BUILD, "coreleaks")


def report(arguments, **kw):
    """Runs coreleaks --json; returns (exit code, parsed report or None, stderr)."""
    import json

    code, out, err = tap.run([tool(), "--json"] + list(arguments), **kw)
    try:
        return code, json.loads(out), err
    except ValueError:
        return code, None, err


# ---- Small help -------------------------------------------------------------------------------


@contextlib.contextmanager
def scratch():
    """A folder of its own below the build folder, removed afterwards."""
    parent = os.path.join(tap.BUILD, "tmp")
    os.makedirs(parent, exist_ok=True)
    path = tempfile.mkdtemp(dir=parent)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def locked(path):
    """Holds a lock file, so that tests that run side by side do not make the same thing twice."""
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_text(path):
    """A file's text, or "" when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def hash_of(*parts):
    """Hex digest over byte strings."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part) + part)
    return digest.hexdigest()

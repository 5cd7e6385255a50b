#!/usr/bin/python3
"""The command "leaks" on a program that runs and that GDB has stopped."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

import support
import elfcore
import realcore
import tap

# What the program holds is a fraction of what it has reserved.
SPARSE = r"""
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { MIB = 1 << 20 };

static char *map(size_t size, int protection, int flags)
{
	return mmap(NULL, size, protection, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void *wait_for_ever(void *lock)
{
	pthread_mutex_lock(lock);
	return NULL;
}

int main(void)
{
	pthread_mutex_t *lock = (void *)map(512ul * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *shared = map(256ul * MIB, PROT_READ | PROT_WRITE, MAP_SHARED);
	pthread_t thread;
	map(1ul << 40, PROT_NONE, MAP_PRIVATE);
	memset(shared + MIB, 'x', MIB);
	pthread_mutex_init(lock, NULL);
	pthread_mutex_lock(lock);
	pthread_create(&thread, NULL, wait_for_ever, lock);
	puts("ready");
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}
"""

# Runs coreleaks and keeps its report, and the core it was given, beside it.
KEEPER = """#!/bin/sh
cd %(folder)s
number=$(ls | grep -c '^report[0-9]')
stat -L -c '%%s %%b %%B' /dev/stdin > size$number
cp --sparse=always /dev/stdin core$number
%(tool)s "$@" > report$number
code=$?
cat report$number
exit $code
"""

# struct elf_prstatus of x86-64.
PRSTATUS_SIZE = 336

# GDB's own way, which the command takes when it cannot read the process itself.
BY_GCORE = "python import sys; sys.modules['leaks.coredump']._is_suitable = lambda pid: False"


class Attached:
    """GDB runs on a program of which threads have settled."""

    def __init__(self, folder, process):
        self.folder, self.process = folder, process
        self.kept = os.path.join(folder, "kept")
        os.makedirs(self.kept, exist_ok=True)
        self.keeper = os.path.join(folder, "keeper")
        with open(self.keeper, "w", encoding="utf-8") as file:
            file.write(KEEPER % {"folder": self.kept, "tool": support.TOOL})
        os.chmod(self.keeper, 0o755)

    def options(self, analyzer=None):
        return ["-ex", "source " + support.LOADER,
                "-ex", "set leaks analyzer-path " + (analyzer or self.keeper),
                "-ex", "set leaks temporary-directory " + self.folder]

    def gdb(self, commands, analyzer=None):
        """What each command wrote, or None where GDB may not attach."""
        argv = [support.GDB, "-nx", "-q", "-batch", "-ex", "attach %d" % self.process.dumped_pid]
        argv += self.options(analyzer)
        for command in commands:
            argv += ["-ex", "echo \\n== \\n", "-ex", command]
        code, out, err = tap.run(argv + ["-ex", "echo \\n== \\n"], timeout=300,
                                 stderr=subprocess.STDOUT)
        if "ptrace: Operation not permitted" in out:
            return None
        parts = out.split("\n== \n")[1:-1]
        if len(parts) != len(commands):
            raise RuntimeError("GDB ended with %d:\n%s" % (code, out))
        return parts

    @contextlib.contextmanager
    def terminal(self, program=()):
        """GDB on a terminal. program: the arguments that attach it."""
        argv = [support.GDB, "-nx", "-q", "-iex", "set pagination off"] + list(program)
        gdb = support.Terminal(argv + self.options(), dict(os.environ, LC_ALL="C.UTF-8"),
                               self.folder)
        try:
            yield gdb
        finally:
            # A program that is traced does not die.
            os.kill(gdb.pid, signal.SIGKILL)
            gdb.close()

    def report(self, number):
        with open(os.path.join(self.kept, "report%d" % number), encoding="utf-8") as file:
            return json.load(file)

    def core(self, number):
        return os.path.join(self.kept, "core%d" % number)

    def sizes(self, number):
        """(length, bytes on disk) of the core."""
        size, blocks, unit = map(int, realcore.read_text(
            os.path.join(self.kept, "size%d" % number)).split())
        return size, blocks * unit

    def left_behind(self):
        return [name for name in os.listdir(self.folder) if name.startswith("coreleaks-")]


@contextlib.contextmanager
def attached(argv, threads):
    with realcore.scratch() as folder, realcore.running(argv, folder, threads) as process:
        yield Attached(folder, process)


def compile_text(folder, name, text):
    source, exe = os.path.join(folder, name + ".c"), os.path.join(folder, name)
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    code, _, err = tap.run(["gcc", "-g", "-O1", "-pthread", source, "-o", exe])
    if code:
        raise RuntimeError(err)
    return exe


def check_attached(exe):
    with attached([exe], 34) as made:
        answers = made.gdb(["thread 3", "leaks", "leaks locks", "thread", "shell ls " + made.folder,
                            "leaks thread 1", "detach", "leaks"])
        if answers is None:
            return False
        both = "\n".join(answers)
        _, listing, locks, thread, files, unknown, _, after = answers
        tap.check("a program that is stopped: what blocks the others comes first",
                  listing.startswith("PROVED: threads ") and
                  "are deadlocked and block 31 others" in listing.splitlines()[0], both)
        tap.check("it is called what it is", "\nstopped process · three_way_deadl, pid %d ·" %
                  made.process.pid in listing, both)
        tap.check("its locks", "departments" in locks, both)
        tap.check("the selected thread stays", "[Current thread is 3 " in thread, both)
        tap.check("the core is gone", not [name for name in files.split() if "core" in name],
                  files)
        tap.check("a thread that it has not", "No thread 1 in this program" in unknown, both)
        tap.check("without a program there is nothing to read",
                  "No core file and no program" in after, both)
        tap.check("the program goes on", made.process.poll() is None)
        tap.equal("nothing is left behind", made.left_behind(), [])
    return True


def judged(report):
    """What a report says, without what it says of the file."""
    said = {name: value for name, value in report.items() if name not in ("core", "modules")}
    # Since GDB 18 its cores have the threads in another order.
    return dict(said, tasks=sorted(said["tasks"], key=lambda task: task["id"]))


def registers(path):
    """{thread id: its general registers, as bytes}"""
    core = elfcore.Core(path)
    with open(path, "rb") as file:
        content = {}
        for thread in core.threads:
            file.seek(thread["end_off"] - PRSTATUS_SIZE + elfcore.REGISTERS_OFF)
            content[thread["tid"]] = file.read(27 * 8)
    return content


def check_same_as_gcore():
    for sample, args in (("three_way_deadlock_30_behind", []), ("zombies", ["50"]),
                         ("sleepers", []), ("signal_handler_blocks", []), ("idle_pool", None)):
        expected = realcore.expected_words(sample, "args") if args is None else args
        threads = int(realcore.expected_words(sample, "threads")[0])
        with attached([realcore.build(sample)] + expected, threads) as made:
            made.gdb(["leaks -all", BY_GCORE, "set var $rax = $rax", "leaks -all"])
            own, other = made.report(0), made.report(1)
            tap.equal("%s: the same report as by gcore" % sample, judged(own), judged(other))
            tap.check("%s: of %d threads" % (sample, threads),
                      own["summary"]["threads"] == threads and own["summary"]["groups"] > 0 and
                      other["core"]["dumper"] == "gcore")
            tap.equal("%s: the same modules" % sample, own["modules"], other["modules"])
            tap.equal("%s: the same program, signal and files" % sample,
                      *({name: value for name, value in report["core"].items()
                         if name not in ("size", "command", "captured_at")}
                        for report in (own, other)))
            tap.check("%s: the same registers" % sample, registers(made.core(0)) ==
                      registers(made.core(1)) and len(registers(made.core(0))) == threads)
            # By GDB 13 in half of it; later ones write holes, too.
            tap.check("%s: in less room" % sample, made.sizes(0)[1] < made.sizes(1)[1],
                      (made.sizes(0), made.sizes(1)))
            tap.equal("%s: nothing is left behind" % sample, made.left_behind(), [])


def memory_in(smaps):
    """[heading, sizes]... of the mappings that are no library's: what of these is in memory is
    the system's affair."""
    found = []
    for line in smaps.splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            found.append([line])
        elif line.split(":")[0] in ("Rss", "Anonymous", "Swap"):
            found[-1].append(line)
    return [each for each in found if not re.search(r" /(?!dev/zero)", each[0])]


def check_sparse(folder):
    """What was never touched is neither written nor made the process's by being read."""
    exe = compile_text(folder, "sparse", SPARSE)
    look = "shell cat /proc/%d/smaps"
    with attached([exe], 2) as made:
        look %= made.process.pid
        before, listing, after = made.gdb([look, "leaks -all", look])
        tap.check("a mutex in reserved memory is found", "held by thread %d" % made.process.pid in
                  listing, listing)
        length, disk = made.sizes(0)
        tap.check("a terabyte that is reserved takes no room", disk < 8 << 20 and
                  length < 2 << 30, (length, disk))
        if os.geteuid() == 0:
            tap.check("the process has memory", len(memory_in(before)) > 5, before)
            tap.equal("the process's memory is what it was", memory_in(after), memory_in(before))
        else:
            tap.skip("the process's memory is what it was", "shared memory's holes take rights")
        core = elfcore.Core(made.core(0))
        shared = next(each for each in core.segments if each[1] == each[3] == 256 << 20)
        with open(made.core(0), "rb") as file:
            file.seek(shared[2] + (1 << 20) - 1)
            tap.equal("shared memory is in the core", file.read((1 << 20) + 2),
                      b"\0" + b"x" * (1 << 20) + b"\0")
        tap.check("and what is only reserved is not",
                  [each[3] for each in core.segments if each[1] == 1 << 40] == [0], core.segments)


def check_files(folder):
    """A program whose file was deleted, or that sees another file system."""
    exe = compile_text(folder, "gone", SPARSE)
    with attached([exe], 2) as made:
        os.unlink(exe)
        listing, = made.gdb(["leaks"])
        tap.check("a program whose file was deleted", "wait_for_ever" in listing and
                  "INCOMPLETE" not in listing, listing)
    compile_text(folder, "inside", SPARSE)
    command = "mount -t tmpfs none /mnt && cp %s/inside /mnt/ && exec /mnt/inside" % folder
    enter = ["unshare", "--mount", "sh", "-c"]
    if tap.run(enter + ["mount -t tmpfs none /mnt"])[0]:
        tap.skip("a program in a container", "mounts take rights")
        return
    with attached(enter + [command], 2) as made:
        listing, = made.gdb(["leaks"])
        tap.check("a program in a container", "wait_for_ever" in listing and
                  "INCOMPLETE" not in listing, listing)


def check_clocks():
    with attached([realcore.build("sleepers")], 7) as made:
        listing, = made.gdb(["leaks"])
        tap.check("how long it is until a moment", re.search(
            r"until [\d.,]+ (?:s|min|h|days) after the machine's start \(\d+ (min|h) from now\)",
            listing), listing)


def check_changes(exe):
    """A report holds while nothing changes, and no longer."""
    steps = (("leaks", 1), ("leaks findings", 1), ("leaks", 1),
             ("set var departments[0] = departments[0]", 1), ("leaks", 2),
             ("set var $rax = $rax", 2), ("leaks", 3), ("thread 2", 3), ("leaks", 3),
             ("detach", 3), ("attach PID", 3), ("leaks", 4),
             ("detach", 4), ("core-file CORE", 4), ("leaks", 5))
    with attached([exe], 34) as made:
        count = "shell ls %s | grep -c '^report'" % made.kept
        answers = made.gdb([command for step, _ in steps for command in
                            (step.replace("PID", str(made.process.pid)).replace(
                                "CORE", made.core(0)), count)])
        tap.equal("a report is made again after a change, and only then",
                  [int(answer) for answer in answers[1::2]], [number for _, number in steps])


def check_failures(exe):
    with attached([exe], 34) as made:
        failing = os.path.join(made.folder, "failing")
        with open(failing, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho it is broken >&2\nexit 2\n")
        os.chmod(failing, 0o755)
        nowhere = os.path.join(made.folder, "nowhere")
        answers = made.gdb([
            "leaks", "leaks why", "set leaks analyzer-path " + made.keeper,
            "set leaks temporary-directory " + nowhere, "leaks",
            BY_GCORE, "leaks", "set leaks temporary-directory " + made.folder,
            "python import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, -1))",
            "leaks", "python sys.modules['leaks.coredump']._SPARE_SIZE = 1 << 60", "leaks",
            "python resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))",
            "python sys.modules['leaks.coredump']._SPARE_SIZE = 0", "leaks"], analyzer=failing)
        tap.equal("an analyzer that fails", answers[0].strip(), "it is broken")
        tap.equal("fails again", answers[1].strip(), "it is broken")
        for number in (4, 6):
            tap.equal("no such folder %d" % number, answers[number].strip(),
                      "Cannot write to \"%s\": No such file or directory; see \"help set leaks "
                      "temporary-directory\"." % nowhere)
        for number in (9, 11):
            tap.check("gcore does not fill the disk %d" % number,
                      "temporary-directory" in answers[number] and
                      len(answers[number].strip().splitlines()) == 1, answers[number])
        tap.check("then all is well", "PROVED" in answers[-1], answers[-1])
        tap.equal("nothing is left behind", made.left_behind(), [])


def check_full_disk(exe):
    with attached([exe], 34) as made:
        module = "sys.modules['leaks.coredump']"
        small, short, good = made.gdb([
            "python import sys, resource; %s._SPARE_SIZE = 1 << 60" % module, "leaks",
            "python %s._SPARE_SIZE = 0; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, -1))"
            % module, "leaks", "python resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))",
            "leaks"])[1::2]
        tap.check("a core that has no room is not begun", re.match(
            r"The temporary core of the program takes up to [\d.]+ [KM]iB, and only 0 bytes may be "
            r"used there; see \"help set leaks temporary-directory\"\.$", small.strip()), small)
        tap.check("a core that cannot be finished", re.match(
            r"Cannot write a core of the program: File too large", short.strip()), short)
        tap.check("then all is well", "PROVED" in good, good)
        tap.equal("nothing is left behind", made.left_behind(), [])


def wait_for_running(gdb, wanted):
    """Until GDB, which learns of each thread's stop by itself, has so many threads that run."""
    deadline = time.monotonic() + 60
    while True:
        said = gdb.command("python print('running', sum(thread.is_running() for thread in "
                           "gdb.selected_inferior().threads()), 'of',"
                           "len(gdb.selected_inferior().threads()))", r"running \d+ of \d+")
        if "running %d of 34" % wanted in said:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(gdb.output)


def check_running(exe):
    with attached([exe], 34) as made, made.terminal() as gdb:
        # Each thread's stop is told behind the prompt.
        gdb.send("set non-stop on\nattach %d\n" % made.process.pid)
        wait_for_running(gdb, 0)
        gdb.send("thread apply 2 continue &\n")
        wait_for_running(gdb, 1)
        gdb.send("thread 1\nleaks\n")
        shown = gdb.expect(r"running, and[^\n]*first\.|PROVED")
        tap.check("a thread that runs is named", "Thread 2 is running, and \"leaks\" needs all of "
                  "them stopped. Use \"interrupt -a\" first." in shown, shown)
        gdb.send("interrupt -a\n")
        wait_for_running(gdb, 0)
        gdb.send("leaks\n")
        shown = gdb.expect(r"running, and[^\n]*first\.|next: leaks")
        tap.check("a report once it has stopped", "PROVED" in shown, shown)
        gdb.send("thread\n")
        shown = gdb.expect(r"Current thread is \d+ ")
        tap.check("the selection stays", "thread is 1 " in shown, shown)


def check_interrupt(exe):
    """Ctrl-C while the core is written."""
    with attached([exe], 34) as made, made.terminal(["-p", str(made.process.pid)]) as gdb:
        started = os.path.join(made.folder, "started")
        os.mkfifo(started)
        gdb.command("thread 5")
        before = gdb.command("thread")
        gdb.command("python import sys, time; dump = sys.modules['leaks.coredump']; "
                    "copy = dump._copy")
        gdb.command("python dump._copy = lambda *a: (open(%r, 'w').close(), time.sleep(1000))"
                    % started)
        gdb.send("leaks\n")
        with open(started, encoding="ascii"):
            pass
        tap.check("the core has no name", deleted_files(gdb.pid, made.folder) and
                  not made.left_behind(), made.left_behind())
        gdb.send("\x03")
        shown = gdb.expect(gdb.PROMPT)
        tap.check("Ctrl-C returns to the prompt", "Quit" in shown and "Python" not in shown, shown)
        tap.equal("the core is gone", deleted_files(gdb.pid, made.folder), [])
        tap.equal("the selection stays", gdb.command("thread"), before)
        gdb.command("python dump._copy = copy")
        tap.check("and leaks works", "PROVED" in gdb.command("leaks"))
        gdb.command("detach")
        tap.check("the program goes on", made.process.poll() is None)


def deleted_files(pid, folder):
    """Files without a name in the folder that a process has open."""
    folder_of_fds = "/proc/%d/fd" % pid
    held = [os.readlink(os.path.join(folder_of_fds, fd)) for fd in os.listdir(folder_of_fds)]
    return [name for name in held if name.startswith(folder) and name.endswith("(deleted)")]


def check_remote(exe):
    """What is debugged over a wire is read by gcore, whatever process has its number here."""
    server = shutil.which("gdbserver")
    if server is None:
        tap.skip("a program behind gdbserver", "gdbserver is not installed")
        return
    with attached([exe], 34) as made:
        argv = [support.GDB, "-nx", "-q", "-batch", "-ex",
                "target remote | %s --once --attach - %d" % (server, made.process.pid)]
        code, out, err = tap.run(argv + made.options() + ["-ex", "leaks", "-ex", "detach"],
                                 timeout=300)
        tap.check("a program behind gdbserver", "are deadlocked and block 31 others" in out and
                  made.report(0)["core"]["command"].startswith("three_way"), (code, out, err))
        # The program is read through the wire, and its name says so.
        tap.check("with its program", made.report(0)["core"]["executable"]["verified"] and
                  "executable-unused" not in out, (out, made.report(0)["core"]))
        tap.equal("nothing is left behind", made.left_behind(), [])


program = realcore.build("three_way_deadlock_30_behind")
if not check_attached(program):
    tap.skip("a program that is stopped", "GDB may not attach here")
    tap.done()
check_same_as_gcore()
with realcore.scratch() as work:
    check_sparse(work)
    check_files(work)
check_clocks()
check_changes(program)
check_failures(program)
check_full_disk(program)
check_running(program)
check_interrupt(program)
check_remote(program)
tap.done()

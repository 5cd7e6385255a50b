"""Every wait of the zoos (samples/native/waits_zoo*) against what its thread said before it slept.

The programs print, a line a thread,

    wait TID REASON OBJECTKIND 0xADDRESS HOLDERTID TIMED [KEY=VALUE...]

with "-" where nothing applies, `0xADDRESS+SIZE` for an address somewhere in an object, `?` for an
address the program does not know, and `TID?` for a holder that no memory names. Besides:
`joined TID BY`, `finding RULE CERTAINTY TID...`, `skip WHAT WHY`, `threads N busy M`.
"""

import glob
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import realcore

ZOO_SOURCES = sorted(set(glob.glob(os.path.join(realcore.SAMPLES, "waits_zoo_*.c"))))
# Without a symbol table and libc's descriptors the kernel's side is all there is.
KERNEL_ONLY = {"mutex", "rwlock-read", "rwlock-write", "condition", "semaphore", "barrier", "once",
               "join", "futex"}


class Truth:
    """What a zoo said."""

    def __init__(self, said):
        self.waits, self.joined, self.findings, self.skipped = {}, {}, [], []
        self.nameless = set()  # threads of which the report may also say nothing
        for line in said.splitlines():
            words = line.split()
            if words[0] == "wait":
                self.waits[int(words[1])] = words[2:]
            elif words[0] == "joined":
                self.joined[int(words[1])] = int(words[2])
            elif words[0] == "finding":
                self.findings.append((words[1], words[2], tuple(sorted(map(int, words[3:])))))
            elif words[0] == "skip":
                self.skipped.append(" ".join(words[1:]))

    def kinds(self):
        """Ways to wait that differ in what the report must say, or in the waiting function."""
        return len({(words[0], words[1], words[4], tuple(words[5:])) for words in
                    self.waits.values()})

    def differences(self, tid, task):
        """What is wrong with the report's task."""
        reason, kind, addr, holder, timed = self.waits[tid][:5]
        extra = dict(word.partition("=")[::2] for word in self.waits[tid][5:])
        wrong = []
        if tid in self.nameless and task["reason"] is None and task["object"] is None:
            return wrong

        def compare(name, got, want):
            if got != want:
                wrong.append("%s: got %r, want %r" % (name, got, want))

        compare("state", task["state"], "running" if reason == "running" else "waiting")
        compare("reason", task["reason"], reason)
        compare("object", task["object"]["kind"] if task["object"] else "-", kind)
        if task["object"] and not address_fits(task["object"]["address"], addr):
            wrong.append("address: got %s, want %s" % (task["object"]["address"], addr))
        got = str(task["holder"]["id"]) if task["holder"] else "-"
        if got != holder.rstrip("?") and not (holder.endswith("?") and got == "-"):
            wrong.append("holder: got %s, want %s" % (got, holder))
        if task["holder"]:
            alive = "alive" if task["holder"]["id"] in self.waits else "exited"
            compare("the holder's state", task["holder"]["state"], alive)
        compare("timed", task["timeout"] is not None, timed == "timed")
        compare("waking", task["waking"], False)
        compare("joined_by", task["joined_by"], self.joined.get(tid))
        if "mutex" in extra:
            compare("mutex", task["mutex"], extra["mutex"])
        if "start" in extra:
            compare("detached", task["detached"], "detached" in extra)
            compare("start", task["start"], extra["start"] if extra["start"] != "-" else None)
        return wrong


def address_fits(got, want):
    """want: 0x…, 0x…+SIZE or ?"""
    if want == "?":
        return True
    low, _, size = want.partition("+")
    return int(low, 16) <= int(got, 16) < int(low, 16) + int(size or 1)


def described(task):
    """What a report's task says, for a message."""
    return {name: task[name] for name in ("reason", "object", "holder", "timeout", "start")}


def finding_of(finding):
    """(rule, certainty, its threads)"""
    return (finding["rule"], finding["certainty"],
            tuple(sorted(member["id"] for member in finding["members"])))


def dumped(name, sample, how, flags, variant):
    """(path of the core, Truth) or None, when that cannot be done here."""
    try:
        core = realcore.make_core(realcore.build(sample, flags, variant), (), how, None)
    except realcore.CannotDump as reason:
        tap.skip(name, str(reason))
        return None
    with open(os.path.join(os.path.dirname(core), "said"), encoding="utf-8") as file:
        return core, Truth(file.read())


def reported(name, arguments, truth):
    """{thread id: task}, report; None when there is none."""
    code, report, err = realcore.report(arguments)
    if not tap.check(name + "gives a complete report", code == 0 and report,
                     "exit code %d\n%s%s" % (code, err, report["gaps"] if report else "")):
        return None
    tasks = {task["id"]: task for task in report["tasks"] if task["kind"] == "thread"}
    tap.equal(name + "has all threads", sorted(tasks), sorted(truth.waits))
    return tasks, report


def weaken_if_static(truth, flags):
    """A static program's file does not tell whether a signal's handler may leave a wait."""
    if "-static" in flags:
        truth.findings = [(rule, "likely", tids) for rule, _, tids in truth.findings]


def check_zoo(sample, how, at_least, flags=(), variant=None, arguments=()):
    """All reasons, objects, holders and findings of one program, by one dumper. Returns how many
    waits are right, and of how many."""
    name = "%s%s by %s%s: " % (sample, " " + variant if variant else "", how,
                               " " + " ".join(arguments) if arguments else "")
    core_and_truth = dumped(name + "report", sample, how, flags, variant)
    if not core_and_truth:
        return 0, 0
    core, truth = core_and_truth
    weaken_if_static(truth, flags)
    for what in truth.skipped:
        tap.skip(name + what.split()[0], what)
    tap.check(name + "has kinds enough", truth.kinds() + len(truth.skipped) >= at_least,
              truth.kinds())
    return check_report(name, core, truth, arguments)


def check_restarted():
    """A stop and a start: the kernel makes timed waits go on by restart_syscall(), which does not
    show what was called."""
    name = "waits_zoo after a stop, by kernel: "
    with realcore.scratch() as cwd:
        exe = realcore.build("waits_zoo", ZOO_SOURCES)
        with realcore.running([exe], cwd, None) as process:
            threads, busy = realcore.threads_said(process.said)
            for number in (signal.SIGSTOP, signal.SIGCONT):
                os.kill(process.pid, number)
                if number == signal.SIGSTOP:
                    os.waitpid(process.pid, os.WUNTRACED)
            realcore.wait_until_settled(process.pid, threads, busy)
            try:
                core = realcore.dump(process, cwd, "kernel")
            except realcore.CannotDump as reason:
                tap.skip(name + "report", str(reason))
                return
        truth = Truth(process.said)
        # Called through syscall(), nothing on the stack names the call: nothing may be said.
        truth.nameless = {tid for tid, words in truth.waits.items()
                          if words[0] == "futex" and words[4] == "timed"}
        check_report(name, core, truth)


def check_report(name, core, truth, arguments=()):
    """The report of a core against what its program said; see check_zoo()."""
    tasks_and_report = reported(name, list(arguments) + [core], truth)
    if not tasks_and_report:
        return 0, len(truth.waits)
    tasks, report = tasks_and_report
    by_reason, num_right = {}, 0
    for tid, words in truth.waits.items():
        by_reason.setdefault(words[0], []).append(tid)
    for reason, tids in sorted(by_reason.items()):
        wrong = []
        for tid in tids:
            differences = truth.differences(tid, tasks[tid]) if tid in tasks else ["not there"]
            num_right += not differences
            if differences:
                wrong += ["wait %d %s" % (tid, " ".join(truth.waits[tid]))]
                wrong += ["  " + line for line in differences]
        tap.check(name + "%s, %d threads" % (reason, len(tids)), not wrong, "\n".join(wrong))
    tap.equal(name + "findings", sorted(map(finding_of, report["findings"])),
              sorted(truth.findings))
    return num_right, len(truth.waits)


def check_bare(how):
    """A static program without any symbol: what is said is right, and nothing is proved but what
    was planted."""
    name = "waits_zoo static, stripped, by %s: " % how
    core_and_truth = dumped(name + "report", "waits_zoo", how,
                            ZOO_SOURCES + ["-static", "-s"], "bare")
    if not core_and_truth:
        return
    core, truth = core_and_truth
    weaken_if_static(truth, ["-static"])
    tasks_and_report = reported(name, [core], truth)
    if not tasks_and_report:
        return
    tasks, report = tasks_and_report
    wrong = []
    for tid, task in tasks.items():
        reason, kind, addr, holder, timed = truth.waits[tid][:5]
        named = reason not in KERNEL_ONLY or task["reason"] == reason
        if not named and (task["reason"] != "futex" or task["object"]["certain"]):
            wrong.append("%s\n  got %s" % (truth.waits[tid], described(task)))
        if named and task["object"] and (task["object"]["kind"] != kind or
                                         not address_fits(task["object"]["address"], addr)):
            wrong.append("%s\n  got %s" % (truth.waits[tid], described(task)))
        if task["holder"] and str(task["holder"]["id"]) != holder.rstrip("?"):
            wrong.append("%s\n  got %s" % (truth.waits[tid], described(task)))
        if (task["timeout"] is not None) != (timed == "timed"):
            wrong.append("%s\n  got %s" % (truth.waits[tid], described(task)))
    tap.check(name + "nothing wrong is said", not wrong, "\n".join(wrong))
    extra = [finding for finding in map(finding_of, report["findings"])
             if finding not in truth.findings]
    tap.check(name + "no finding but those planted", not extra, extra)


def main():
    """The zoos, each by both dumpers; static ones; and without libc's debug information."""
    libc = re.search(r"[\d.]+$", tap.run(["getconf", "GNU_LIBC_VERSION"])[1].strip())
    tap.check("the C library is known", libc, "no glibc")
    for how in ("kernel", "gcore"):
        check_zoo("waits_zoo", how, 60, ZOO_SOURCES)
        check_zoo("waits_zoo", how, 60, ZOO_SOURCES, arguments=["--debug-dir=/nonexistent"])
        check_zoo("waits_zoo_cpp", how, 17, ["-std=gnu++20"])
        check_zoo("waits_zoo_rs", how, 12)
        check_bare(how)
    check_zoo("waits_zoo", "kernel", 60, ZOO_SOURCES + ["-static"], "static")
    check_zoo("waits_zoo", "kernel", 60, ZOO_SOURCES + ["-O2"], "fast")
    check_zoo("waits_zoo_cpp", "kernel", 17, ["-std=gnu++20", "-O2"], "fast")
    check_restarted()
    tap.done()


if __name__ == "__main__":
    main()

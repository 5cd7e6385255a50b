"""Stacks address by address as eu-stack has them, names of inlined frames as GDB has them."""

import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import expect
import oracle
import realcore

NUM_THREADS, NUM_BUSY = 9, 4
NUM_DUMPS = 4
NUM_HOPS = 200
TORTURE_FLAGS = ["-O2", "-fomit-frame-pointer", "-Wl,-z,lazy"]


def lost_threads(stacks, pid):
    """Threads whose stacks eu-stack cannot follow to where all threads begin.

    While libgcc's uw_install_context_1 runs, it writes the target's registers over those that
    _Unwind_Resume's frame saved: nobody can unwind from there, and what is found is chance.
    """
    first_frames = [pcs[-1] for pcs in stacks.values()]
    usual = max(first_frames, key=first_frames.count)
    return {tid for tid, pcs in stacks.items() if pcs[-1] != usual and tid != pid}


def compare_but_lost(ours, theirs, pid):
    """Differences, without the threads that eu-stack loses."""
    lost = lost_threads(theirs, pid)
    if set(ours) != set(theirs):
        return ["threads: %s, theirs %s" % (sorted(ours), sorted(theirs))]
    return oracle.pc_differences({tid: pcs for tid, pcs in ours.items() if tid not in lost},
                                 {tid: pcs for tid, pcs in theirs.items() if tid not in lost})


def sound_part(pcs, modules):
    """The first two addresses, as far as code is there: eu-stack prints any word, 0 too, as a
    frame."""
    sound = [pc for pc in pcs if pc != 0][:2]
    for index, pc in enumerate(sound):
        if not any(low <= pc < high for low, high in modules):
            return sound[:index]
    return sound


def check_torture(name, exe, dumps):
    """Several dumps, because every one stops the busy threads somewhere else."""
    wrong, num_frames, num_lost, ends = [], 0, 0, []
    for number in range(dumps):
        with realcore.scratch() as folder:
            with realcore.running([exe], folder, NUM_THREADS, NUM_BUSY) as process:
                core = realcore.kernel_core(process)
            ours, report = oracle.coreleaks_pcs(core)
            theirs = oracle.eu_stack_pcs(core, exe)
        lost = lost_threads(theirs, process.pid)
        num_lost += len(lost)
        # Up to the spoilt frame they are still right.
        modules = [(int(module["low"], 16), int(module["high"], 16))
                   for module in report["modules"]]
        for tid in lost:
            sound = sound_part(theirs[tid], modules)
            if ours[tid][:len(sound)] != sound:
                wrong.append("lost thread %d: %s, theirs %s" % (
                    tid, [hex(pc) for pc in ours[tid]], [hex(pc) for pc in theirs[tid]]))
        lines = compare_but_lost(ours, theirs, process.pid)
        wrong += ["dump %d: %s" % (number, line) for line in lines]
        num_frames += sum(map(len, theirs.values()))
        ends += [expect.describe(group) for group in report["groups"]
                 if group["stack_end"] != "complete" and not set(group["members"]) <= lost]
    tap.check("%s: %d dumps, %d threads, %d frames equal eu-stack's"
              % (name, dumps, NUM_THREADS * dumps - num_lost, num_frames),
              not wrong and num_frames > 3 * NUM_THREADS * dumps, "\n".join(wrong))
    tap.check("%s: both of the throwing threads are rarely lost" % name, num_lost <= dumps,
              num_lost)
    tap.check(name + ": all stacks complete", not ends, "\n".join(ends))


def check_real_fault(exe):
    """The program dies of its own SIGSEGV, not of one we send."""
    with realcore.scratch() as folder:
        with realcore.running([exe, "segv"], folder, NUM_THREADS, NUM_BUSY) as process:
            core = realcore.kernel_core(process, signal.SIGUSR2)
        ours, report = oracle.coreleaks_pcs(core)
        tap.equal("killed by SIGSEGV: the report's signal", report["core"]["signal"], 11)
        wrong = compare_but_lost(ours, oracle.eu_stack_pcs(core, exe), process.pid)
        tap.check("killed by SIGSEGV: addresses equal eu-stack's", not wrong, "\n".join(wrong))


def check_null_call(exe):
    """A call through a null pointer: eu-stack stops there, GDB goes on to the caller."""
    with realcore.scratch() as folder:
        with realcore.running([exe, "null-call"], folder, NUM_THREADS + 1, NUM_BUSY) as process:
            core = realcore.kernel_core(process)
        ours, report = oracle.coreleaks_pcs(core)
        theirs = oracle.eu_stack_pcs(core, exe)
        # That thread's own stack is among the lost ones; it is looked at below.
        wrong = compare_but_lost(ours, theirs, process.pid)
        tap.check("call through null: addresses of the others equal eu-stack's", not wrong,
                  "\n".join(wrong))
        theirs = {tid: [frame["pc"] for frame in frames if not frame["inlined"]]
                  for tid, frames in oracle.gdb_stacks(core, exe).items()}
        # With its caller behind it: what GDB loses inside libgcc's uw_install_context ends at 0.
        through_null = [tid for tid, pcs in theirs.items() if 0 in pcs[:-1]]
        tap.equal("call through null: GDB has one such thread", len(through_null), 1)
        for tid in through_null:
            tap.equal("call through null: addresses equal GDB's", ours[tid], theirs[tid])
        tap.check("call through null: the caller is named",
                  any(expect.has_frames(group, ["null_call_main"]) for group in report["groups"]),
                  "\n".join(map(expect.describe, report["groups"])))


def check_hops():
    """One stack after the other, each higher in memory than the one before."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stack_hops.c")
    core = realcore.make_core(realcore.build_beside(source, ["gcc", "-std=gnu11", "-O1"]), [],
                              "kernel", 4)
    code, report, err = realcore.report(["--self-check", core])
    if not tap.check("200 changes of stacks: exit code", code == 0 and report, err):
        return
    hops = {group["count"]: [frame["function"] for frame in group["frames"]].count("hop")
            for group in report["groups"] if group["stack_end"] == "complete"
            and any(frame["function"] == "hop" for frame in group["frames"])}
    tap.equal("200 changes of stacks: all in one whole stack", hops, {1: NUM_HOPS})
    tap.equal("200 changes of stacks: libdwfl has the same", report["self_check"]["disagreements"],
              [])


def base_name(name):
    """A function's own name, without the scopes it lies in."""
    return name and expect.plain_name(name).split("::")[-1]


def check_names(case, arguments, threads):
    """Function by function, inlined ones too, in the program itself."""
    name = case + ": "
    exe = realcore.build(case)
    core = realcore.make_core(exe, arguments, "kernel", threads)
    code, report, err = realcore.report(["--max-frames", oracle.ALL_FRAMES, core])
    if not tap.check(name + "a report", code == 0 and report, err):
        return
    module = os.path.basename(exe)
    theirs = oracle.gdb_stacks(core, exe)
    wrong, num_names, num_inlined = [], 0, 0
    for group in report["groups"]:
        ours = [(base_name(frame["function"]), frame["inlined"], frame["line"])
                for frame in group["frames"] if frame["module"] == module]
        for tid in group["members"]:
            want = [(base_name(frame["name"]), frame["inlined"], frame["line"] or None)
                    for frame in theirs[tid] if frame["library"] is None]
            if ours != want:
                wrong.append("thread %d:\n  ours   %s\n  theirs %s" % (tid, ours, want))
            num_names += len(want)
            num_inlined += sum(inlined for _, inlined, _ in want)
    tap.check(name + "%d functions, %d of them inlined, and lines equal GDB's"
              % (num_names, num_inlined),
              not wrong and num_inlined >= threads - 1, "\n".join(wrong[:5]))


def main():
    """The torture test in four builds, then names."""
    if not shutil.which("eu-stack") or not shutil.which("gdb"):
        tap.skip("stacks as eu-stack and GDB have them", "eu-stack or gdb is not installed")
        tap.done()
    builds = {
        "torture": ([], None),
        "torture, stripped": (["-s"], "stripped"),
        "torture, no PIE, -O1": (["-O1", "-no-pie"], "nopie"),
        "torture, clang": ([], "clang"),
    }
    try:
        for name, (flags, variant) in builds.items():
            compiler = "clang++" if variant == "clang" else None
            if compiler and not shutil.which(compiler):
                tap.skip(name, compiler + " is not installed")
                continue
            exe = realcore.build("unwind_torture", TORTURE_FLAGS + flags, variant, compiler)
            check_torture(name, exe, NUM_DUMPS)
        exe = realcore.build("unwind_torture", TORTURE_FLAGS)
        check_real_fault(exe)
        check_null_call(exe)
        check_hops()
        check_names("cpp_exceptions", [], 4)
        check_names("cpp_pool", [], 5)
        check_names("many_stacks", ["20"], 21)
    except realcore.CannotDump as reason:
        tap.skip("stacks as eu-stack and GDB have them", str(reason))
    tap.done()


main()

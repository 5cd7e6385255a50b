"""What keeps threads from being proved to wait for what nobody can reach, and what show says of
it."""

import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import expect
import realcore

# Debian's libjemalloc2, libtcmalloc-minimal4 and libmimalloc2.0.
ALLOCATORS = ("libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2")


def core_of(case):
    """The kernel's core of a sample."""
    truth = expect.Expectation(case)
    return realcore.make_core(realcore.build(case), truth.args, "kernel", truth.threads, truth.busy)


def strong(report):
    """[(rule, certainty)] of all that is more than a suspicion."""
    return [(finding["rule"], finding["certainty"]) for finding in report["findings"]
            if finding["certainty"] in ("proved", "likely")]


def gap_words(report, kind):
    """The details of the gaps of a kind, in one line."""
    return "; ".join(gap["detail"] for gap in report["gaps"] if gap["kind"] == kind)


def check_switch(core):
    """--no-proof leaves out this search alone, and says nothing."""
    report = realcore.report(["--no-proof", core])[1]
    tap.equal("--no-proof: nothing is proved", strong(report), [])
    tap.equal("--no-proof: no gap", report["gaps"], [])
    tap.equal("without it one is", strong(realcore.report([core])[1]),
              [("unreachable-wait", "proved")])


def check_damaged(core):
    """A core that lacks anything proves nothing, and says why."""
    with realcore.scratch() as folder:
        path = os.path.join(folder, "core")
        size = os.path.getsize(core)
        for name, left in (("one byte", size - 1), ("a page", size - 4096), ("half", size // 2)):
            shutil.copyfile(core, path)
            os.truncate(path, left)
            report = realcore.report([path])[1]
            tap.equal("cut by %s: nothing is proved" % name, strong(report), [])
            if name != "half":
                tap.check("cut by %s: the report says why" % name,
                          "cut off" in gap_words(report, "nothing-proved"), report["gaps"])


def check_allocator(name):
    """Another allocator's memory is not understood: nothing is proved, and the report says so."""
    path = os.path.join("/usr/lib/x86_64-linux-gnu", name)
    label = "under %s: " % name
    if not os.path.exists(path):
        tap.skip(label + "nothing is proved", "%s is not installed" % name)
        return
    exe = realcore.build("dropped_but_nobody")
    with realcore.scratch() as cwd:
        env = dict(os.environ, LD_PRELOAD=path)
        with realcore.started([exe], cwd, env=env) as process:
            realcore.wait_until_settled(process.pid, len(os.listdir("/proc/%d/task" % process.pid)))
            core = realcore.kernel_core(process)
        report = realcore.report([core])[1]
    tap.equal(label + "nothing is proved", strong(report), [])
    tap.check(label + "the report says why",
              "not glibc's heap" in gap_words(report, "heap-unknown"), report["gaps"])


def check_musl():
    """Threads that are not glibc's: nothing is proved, and the report says so."""
    # The kernel's headers, which musl-gcc has not on its path.
    headers = ["-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"]
    if not shutil.which("musl-gcc"):
        tap.skip("under musl: nothing is proved", "musl-gcc is not installed")
        return
    for variant in ("dynamic", "static"):
        label = "under musl, %s: " % variant
        exe = realcore.build("dropped_but_nobody", headers + ["-static"] * (variant == "static"),
                             "musl-" + variant, "musl-gcc")
        report = realcore.report([realcore.make_core(exe, (), "kernel", 2)])[1]
        tap.equal(label + "nothing is proved", strong(report), [])
        tap.check(label + "the report says why",
                  "not glibc's" in gap_words(report, "nothing-proved"), report["gaps"])


def check_jump_by_library():
    """The program's handler has a library jump out of the wait: no proof without that caveat."""
    source = os.path.join(realcore.SAMPLES, "deadlock_that_ends.c")
    with realcore.scratch() as folder:
        library = os.path.join(folder, "libleave.so")
        with open(os.path.join(folder, "leave.c"), "w", encoding="ascii") as file:
            file.write("#include <setjmp.h>\nvoid leave(sigjmp_buf place, int value)\n"
                       "{\n\tsiglongjmp(place, value);\n}\n")
        exe = os.path.join(folder, "program")
        for words in (["-shared", "-fPIC", file.name, "-o", library],
                      ["-DWAY=JUMP", "-Dsiglongjmp=leave", "-pthread", source, library, "-o", exe]):
            code, _, err = tap.run(["gcc", "-std=gnu11", "-g", "-O1"] + words)
            if not tap.equal("gcc " + " ".join(words[:2]), (code, err), (0, "")):
                return
        report = realcore.report([realcore.make_core(exe, (), "kernel", 3)])[1]
    tap.equal("a handler whose library jumps: likely", strong(report),
              [("deadlock-cycle", "likely")])
    tap.check("and the caveat is named",
              any("jump out of the wait" in caveat for finding in report["findings"]
                  for caveat in finding["caveats"]), report["findings"])


def shown(case, function):
    """What show says of the thread that runs a function."""
    core = core_of(case)
    report = realcore.report([core])[1]
    tid = next(group["members"][0] for group in report["groups"]
               if expect.has_frames(group, [function]))
    return " ".join(tap.run([realcore.tool(), "show", core, "thread:%d" % tid])[1].split())


def check_show():
    """Why one is proved, and what keeps the others within reach."""
    rows = [
        ("dropped", "stuck_queue", "no live thread or global can reach it"),
        ("dropped", "stuck_own_stack", "no live word leads into its frames"),
        ("dropped", "live_global", "kept by global global_queue of dropped"),
        ("dropped", "live_through_two_boxes",
         "through the word at offset 0 of the heap chunk .* through the word at offset 0 of the "
         "heap chunk .* kept by global global_boxes of dropped"),
        ("dropped", "live_own_stack", "kept by global global_own_stack of dropped"),
        ("dropped", "live_on_live_stack", r"it lies on the stack of thread \d+, which may go on"),
        ("dropped", "live_global_object", "it is a global itself"),
        ("dropped", "live_result_of_ended", "through the stack of a thread that has ended"),
        ("dropped_but_xmm", "waiter_main", r"kept by a vector register of thread \d+"),
        ("dropped_but_register", "waiter_main", r"kept by r11 of thread \d+"),
        ("dropped_but_packed", "waiter_main", r"kept by global packed\+1 of"),
        ("dropped_but_main_elsewhere", "waiter_main", r"kept by thread \d+'s stack"),
        ("dropped_but_epoll", "waiter_main", "not proved: the kernel may hold a pointer"),
    ]
    for case, function, want in rows:
        said = shown(case, function)
        tap.check("show %s of %s: %s" % (function, case, want), re.search(want, said), said)


def check_object():
    """An object's own page says what leads to it."""
    core = core_of("dropped")
    report = realcore.report([core])[1]
    addr = next(group["objects"][0]["address"] for group in report["groups"]
                if expect.has_frames(group, ["live_global"]))
    said = " ".join(tap.run([realcore.tool(), "show", core, addr])[1].split())
    tap.check("show 0x…: what keeps an object within reach",
              "kept by global global_queue of dropped" in said, said)


def main():
    """All of it."""
    try:
        core = core_of("dropped_but_nobody")
    except realcore.CannotDump as reason:
        tap.skip("proofs about native threads", str(reason))
        tap.done()
        return
    check_switch(core)
    check_damaged(core)
    for name in ALLOCATORS:
        check_allocator(name)
    check_musl()
    check_jump_by_library()
    check_show()
    check_object()
    tap.done()


main()

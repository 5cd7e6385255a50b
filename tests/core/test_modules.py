"""Where program files come from: deleted, replaced, missing, moved, stripped, compressed."""

import os
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap

import elfcore
import expect
import realcore

SAMPLE, NUM_THREADS = "queue_no_producer", 121
# What the consumers' stacks say when the program's own file can be read.
FRAMES = ["queue_take", "process_orders", "consumer_main"]


def shape(report):
    """What must not change when only the place of files does."""
    return sorted((group["count"], group["state"], group["reason"], group["stack_end"],
                   tuple((frame["function"], frame["file"], frame["line"], frame["inlined"])
                         for frame in group["frames"])) for group in report["groups"])


def run_and_dump(exe, folder, while_running=None, env=None):
    """A kernel core of exe in folder; while_running is called once it has settled."""
    with realcore.running([exe], folder, NUM_THREADS, env=env) as process:
        if while_running:
            while_running()
        return realcore.kernel_core(process)


def copy_program(source, folder, name="orders"):
    """The sample under another path, so that it can be deleted or replaced."""
    path = os.path.join(folder, name)
    shutil.copy2(source, path)
    return path


def objcopy(*arguments):
    """Runs objcopy; a failure is the test's own."""
    subprocess.run(["objcopy"] + list(arguments), check=True, stderr=subprocess.PIPE)


def check_whole(name, arguments, want, **kw):
    """A report that must equal the undisturbed one."""
    code, report, err = realcore.report(arguments, **kw)
    if tap.check(name + ": a complete report", code == 0 and report, "exit %s\n%s\n%s"
                 % (code, err, report and report["gaps"])):
        tap.equal(name + ": the same groups", shape(report), want)
    return report


def check_partial(name, core, path, words, arguments=()):
    """The program's file cannot be used: said by name, and the rest is reported."""
    code, report, err = realcore.report(list(arguments) + [core])
    if not tap.check(name + ": incomplete, exit 3", code == 3 and report, "exit %s\n%s"
                     % (code, err)):
        return
    said = [gap for gap in report["gaps"] if path in gap["detail"]
            and any(word in gap["detail"] + gap["kind"] for word in words)]
    tap.check(name + ": a gap names the file", said, report["gaps"])
    tap.check(name + ": the text says it too",
              said and all(" ".join(gap["detail"].split())
                           in " ".join(tap.run([realcore.tool(), "-v"] + list(arguments)
                                               + [core])[1].split()) for gap in said))
    tap.equal(name + ": all threads are in groups",
              sum(group["count"] for group in report["groups"]), NUM_THREADS)
    functions = {frame["function"] for group in report["groups"] for frame in group["frames"]}
    tap.check(name + ": libc's functions are named",
              any(function and "pthread_cond_wait" in function for function in functions),
              functions)
    tap.check(name + ": no name comes from the wrong file", not functions & set(FRAMES), functions)


def check_deleted(source, want):
    """The file goes while the program runs; the kernel notes it as (deleted)."""
    with realcore.scratch() as folder:
        exe = copy_program(source, folder)
        core = run_and_dump(exe, folder, lambda: os.unlink(exe))
        check_partial("deleted program", core, exe, ["deleted", "missing", "not found", "No such"])
        check_whole("deleted program, given as EXE", [core, source], want)
        check_whole("deleted program, given by -e", ["-e", source, core], want)
        shutil.copy2(source, exe)
        check_whole("deleted program, put back", [core], want)


def check_replaced(source, want):
    """Another build lies at the same path."""
    other = realcore.build(SAMPLE, ["-O2", "-DREBUILT=1", "-fno-inline"], "rebuilt")
    with realcore.scratch() as folder:
        exe = copy_program(source, folder)
        core = run_and_dump(exe, folder)
        os.unlink(exe)
        shutil.copy2(other, exe)
        check_partial("replaced program", core, exe, ["mismatch", "differs", "does not match"])
        check_partial("wrong program given by -e", core, other,
                      ["mismatch", "differs", "does not match"], ["-e", other])
        os.unlink(exe)
        check_partial("missing program", core, exe, ["missing", "not found", "No such"])
        check_whole("missing program, given by -e", ["-e", source, core], want)


def check_sysroot(source, want):
    """Program and libraries lie below another root; the originals are gone."""
    with realcore.scratch() as folder:
        exe = copy_program(source, folder)
        libraries = os.path.join(folder, "lib")
        os.mkdir(libraries)
        shutil.copy2("/lib/x86_64-linux-gnu/libc.so.6", libraries)
        core = run_and_dump(exe, folder, env=dict(os.environ, LD_LIBRARY_PATH=libraries))
        mapped = {name for _, _, _, name in elfcore.Core(core).files}
        tap.check("sysroot: the program ran with its own libc",
                  os.path.join(libraries, "libc.so.6") in mapped, mapped)
        sysroot = os.path.join(folder, "sysroot")
        for path in sorted(mapped):
            target = sysroot + path
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(path, target)
        os.unlink(exe)
        os.unlink(os.path.join(libraries, "libc.so.6"))
        code, report, err = realcore.report([core])
        tap.check("without --sysroot it is incomplete", code == 3 and report, err)
        check_whole("--sysroot", ["--sysroot", sysroot, core], want)


def check_debug_files(source, want):
    """A stripped program, its debug information elsewhere."""
    with realcore.scratch() as folder:
        debug = os.path.join(folder, "orders.debug")
        objcopy("--only-keep-debug", source, debug)
        exe = os.path.join(folder, "orders")
        objcopy("--strip-all", source, exe)
        core = run_and_dump(exe, folder)
        code, report, err = realcore.report([core])
        if tap.check("stripped program: a complete report", code == 0 and report, err):
            tap.check("stripped program: its functions have no names",
                      not any(frame["function"] in FRAMES for group in report["groups"]
                              for frame in group["frames"]))
            tap.equal("stripped program: the same counts",
                      sorted(group["count"] for group in report["groups"]),
                      sorted(group[0] for group in want))
        build_id = report["core"]["executable"]["build_id"]
        debug_dir = os.path.join(folder, "debug")
        target = os.path.join(debug_dir, ".build-id", build_id[:2], build_id[2:] + ".debug")
        os.makedirs(os.path.dirname(target))
        shutil.copy2(debug, target)
        # The system's folder too: libc's debug files, when they are installed, lie there.
        both = debug_dir + ":/usr/lib/debug"
        check_whole("--debug-dir with .build-id", ["--debug-dir", both, core], want)
        check_whole("--debug-dir, second of three",
                    ["--debug-dir", os.path.join(folder, "none") + ":" + both, core], want)

        linked = os.path.join(folder, "linked")
        os.mkdir(linked)
        exe = os.path.join(linked, "orders")
        shutil.copy2(debug, linked)
        objcopy("--strip-all", "--add-gnu-debuglink=" + debug, source, exe)
        core = run_and_dump(exe, linked)
        check_whole(".gnu_debuglink beside the program", [core], want)
        os.mkdir(os.path.join(linked, ".debug"))
        os.rename(os.path.join(linked, "orders.debug"),
                  os.path.join(linked, ".debug", "orders.debug"))
        check_whole(".gnu_debuglink in .debug", [core], want)
        target = debug_dir + linked
        shutil.rmtree(os.path.join(debug_dir, ".build-id"))
        os.makedirs(target)
        os.rename(os.path.join(linked, ".debug", "orders.debug"),
                  os.path.join(target, "orders.debug"))
        check_whole(".gnu_debuglink below --debug-dir", ["--debug-dir", both, core], want)
        os.unlink(os.path.join(target, "orders.debug"))
        other = realcore.build(SAMPLE, ["-O2", "-DREBUILT=1", "-fno-inline"], "rebuilt")
        objcopy("--only-keep-debug", other, os.path.join(linked, "orders.debug"))
        code, report, err = realcore.report([core])
        if tap.check("debug file of another build: a report", report is not None, err):
            tap.check("debug file of another build: not used",
                      not any(frame["function"] in FRAMES for group in report["groups"]
                              for frame in group["frames"]))


def check_mini_debuginfo(source, want):
    """.gnu_debugdata: names from a compressed symbol table inside the program."""
    with realcore.scratch() as folder:
        mini = os.path.join(folder, "mini")
        objcopy("--strip-debug", "--remove-section=.comment", source, mini)
        objcopy("--only-keep-debug", mini)
        subprocess.run(["xz", "-k", mini], check=True)
        exe = os.path.join(folder, "orders")
        objcopy("--strip-all", "--add-section=.gnu_debugdata=" + mini + ".xz", source, exe)
        core = run_and_dump(exe, folder)
        code, report, err = realcore.report([core])
        if tap.check("mini-debuginfo: a complete report", code == 0 and report, err):
            biggest = report["groups"][0]
            tap.check("mini-debuginfo: names", expect.has_frames(biggest, FRAMES),
                      expect.describe(biggest))
            tap.equal("mini-debuginfo: the same counts",
                      sorted(group["count"] for group in report["groups"]),
                      sorted(group[0] for group in want))


def check_compressed(core, want):
    """Compressed cores, a cut one, standard input."""
    with realcore.scratch() as folder:
        for program in ("zstd", "xz", "lz4", "gzip", "bzip2"):
            if not shutil.which(program):
                tap.skip("core packed by " + program, program + " is not installed")
                continue
            path = os.path.join(folder, "core." + program)
            with open(path, "wb") as file:
                level = ["-1"] if program != "bzip2" else []
                subprocess.run([program, "-c"] + level + [core], stdout=file, check=True)
            check_whole("core packed by " + program, [path], want)
            with open(path, "rb") as file:
                check_whole("core packed by %s on standard input" % program, ["-"], want,
                            stdin=file)
            size = os.path.getsize(path)
            os.truncate(path, size * 9 // 10)
            code, report, err = realcore.report([path])
            if program == "bzip2":
                # One block may be all there is: then nothing can be unpacked.
                tap.check("cut bzip2: exit 2 or 3", code in (2, 3), "exit %s\n%s" % (code, err))
            elif tap.check("cut %s: exit 3 with a report" % program, code == 3 and report,
                           "exit %s\n%s" % (code, err)):
                tap.equal("cut %s: all threads" % program, report["summary"]["threads"],
                          NUM_THREADS)
        with open(core, "rb") as file:
            report = check_whole("core on standard input", ["-"], want, stdin=file)
        if report:
            tap.equal("standard input has no time", report["core"]["captured_at"], None)
        feeder = subprocess.Popen(["cat", core], stdout=subprocess.PIPE)
        check_whole("core from a pipe", ["-"], want, stdin=feeder.stdout)
        feeder.stdout.close()
        feeder.wait()


def check_without_file_note(core, want):
    """NT_FILE renamed: the dynamic linker's own list of modules must do."""
    with realcore.scratch() as folder:
        path = os.path.join(folder, "core")
        shutil.copyfile(core, path)
        with open(path, "r+b") as file:
            for off, name, kind in elfcore.Core(core).note_types:
                if name == b"CORE" and kind == elfcore.NT_FILE:
                    file.seek(off)
                    file.write(struct.pack("<I", 0x12345))
        tap.check("without NT_FILE: the copy has none", not elfcore.Core(path).files)
        code, report, err = realcore.report([path])
        if tap.check("without NT_FILE: a report", code in (0, 3) and report, err):
            tap.equal("without NT_FILE: the same groups", shape(report), want)


def main():
    """Every way a file can be in the wrong place."""
    source = realcore.build(SAMPLE)
    try:
        core = realcore.make_core(source, [], "kernel", NUM_THREADS)
    except realcore.CannotDump as reason:
        tap.skip("modules", str(reason))
        tap.done()
    code, report, err = realcore.report([core])
    if not tap.check("the undisturbed core", code == 0 and report, err):
        tap.done()
    want = shape(report)
    tap.check("has the consumers' frames", expect.has_frames(report["groups"][0], FRAMES))
    check_deleted(source, want)
    check_replaced(source, want)
    check_sysroot(source, want)
    check_debug_files(source, want)
    check_mini_debuginfo(source, want)
    check_compressed(core, want)
    check_without_file_note(core, want)
    tap.done()


main()

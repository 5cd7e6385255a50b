#!/usr/bin/python3
"""What CORE and EXE can be: anything that is no core, damaged cores, compressed ones, pipes."""

import os
import shutil
import struct

import cli
import tap

FAILED, INCOMPLETE = 2, 3
COMPRESSORS = {"zst": "zstd -q", "xz": "xz -0 -T1", "lz4": "lz4 -q -z", "gz": "gzip -1",
               "bz2": "bzip2 -1"}


def elf_header(bits=64, machine=62, kind=4):
    """An ELF header with one program header that promises nothing."""
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1, 1, 0]) + bytes(8)
    if bits == 64:
        return ident + struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0,
                                   0, 0) + bytes(56)
    return ident + struct.pack("<HHIIIIIHHHHHH", kind, machine, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0,
                               0) + bytes(32)


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)
    return name


def fails(name, path, *words):
    code, out, err = cli.run(path, timeout=20)
    tap.check("%s: exit 2, one clear line" % name,
              code == FAILED and out == "" and cli.one_line(err)
              and all(word in err for word in words), "%d\n%s%s" % (code, out, err))


def no_cores():
    fails("missing file", "missing.core", "missing.core", "No such file")
    fails("empty name", "")
    os.mkdir("folder")
    fails("directory", "folder", "folder")
    fails("text file", write("text", b"hello, this is no core\n" * 20), "text")
    fails("empty file", write("empty", b""), "empty")
    fails("ordinary executable", cli.program(), "cli-program")
    fails("zeros", write("zeros", bytes(100000)), "zeros")
    fails("32-bit core", write("core32", elf_header(bits=32, machine=3)), "core32", "32")
    fails("x32 core", write("corex32", elf_header(bits=32, machine=62)), "corex32")
    fails("core of RISC-V", write("core-riscv", elf_header(machine=243)), "core-riscv")
    fails("core of RISC-V", write("core-riscv", elf_header(machine=243)), "core-riscv")
    big = bytearray(elf_header())
    big[5] = 2
    fails("big-endian core", write("core-big", bytes(big)), "core-big")
    fails("the magic alone", write("magic", b"\x7fELF"), "magic")
    if os.geteuid() != 0:
        os.chmod(write("unreadable", b"\x7fELF"), 0)
        fails("unreadable file", "unreadable", "Permission denied")
    fails("a device", "/dev/null")
    fails("a folder in the place of a file", "text/core", "Not a directory")
    os.mkfifo("fifo")
    fails("FIFO", "fifo", "FIFO")


def pipes(core, plain):
    with open(core, "rb") as file:
        data = file.read()
    code, report, err = cli.report("-", input=data, text=False)
    tap.equal("standard input: exit code, messages", (code, err), (0, b""))
    tap.equal("standard input: path and time", report and (
        report["core"]["path"], report["core"]["captured_at"]), ("-", None))
    tap.equal("standard input: the same groups", report and report["groups"], plain["groups"])
    with open(core, "rb") as file:
        code, report, _ = cli.report("-", stdin=file)
    tap.equal("a redirected file: the same groups", report and report["groups"], plain["groups"])
    code, out, err = cli.run("-")
    tap.check("empty standard input", code == FAILED and cli.one_line(err), err)


def compressed(core, plain):
    for suffix, command in COMPRESSORS.items():
        if not shutil.which(command.split()[0]):
            tap.skip("core." + suffix, "%s is not installed" % command.split()[0])
            continue
        with open(core, "rb") as source, open("core." + suffix, "wb") as target:
            tap.run(command.split() + ["-c"], stdin=source, stdout=target)
        code, report, err = cli.report("core." + suffix)
        tap.equal("core.%s: exit code, messages" % suffix, (code, err), (0, ""))
        tap.equal("core.%s: the same groups" % suffix, report and report["groups"],
                  plain["groups"])
        tap.equal("core.%s: the unpacked size" % suffix, report and report["core"]["size"],
                  plain["core"]["size"])
    with open("core.gz", "rb") as file:
        half = file.read()[:os.path.getsize("core.gz") // 2]
    code, report, err = cli.report(write("half.gz", half))
    tap.check("half a compressed core is incomplete or no core",
              code == FAILED and cli.one_line(err) or code == INCOMPLETE
              and not report["core"]["complete"], "%d %s" % (code, err))
    os.mkdir("spool")
    os.chmod("spool", 0o500)
    code, report, _ = cli.report("--spool", "spool", "core.gz")
    if os.geteuid() == 0:
        tap.equal("--spool", code, 0)
    else:
        tap.equal("--spool: a folder that cannot be written", code, FAILED)
    tap.equal("the spool folder is empty afterwards", os.listdir("spool"), [])
    code, _, err = cli.run("--spool", "missing", "core.gz")
    tap.check("--spool: a folder that is not there", code == FAILED and cli.one_line(err)
              and "missing" in err, "%d %s" % (code, err))
    code, _, err = cli.run("core.gz", env={"TMPDIR": os.path.abspath("missing")})
    tap.check("TMPDIR is where a core is unpacked", code == FAILED and "missing" in err, err)


def truncated(core):
    size = os.path.getsize(core)
    for percent in (90, 50):
        shutil.copyfile(core, "cut")
        os.truncate("cut", size * percent // 100)
        code, report, _ = cli.report("cut")
        tap.equal("cut at %d %%: exit code" % percent, code, INCOMPLETE)
        tap.equal("cut at %d %%: all threads are there" % percent,
                  report and report["summary"]["threads"], cli.NUM_THREADS)
        tap.check("cut at %d %%: a gap says so" % percent, report and any(
            gap["kind"] == "core-truncated" and gap["incomplete"] for gap in report["gaps"]))
        code, out, err = cli.run("cut")
        tap.check("cut at %d %%: text says so" % percent,
                  code == INCOMPLETE and "missing" in out and err == "", out + err)
    code, _, _ = cli.run("--fail-on=suspect", "--threshold=2", "--ignore", "nothing", "cut")
    tap.check("findings come before incompleteness", code in (1, INCOMPLETE), str(code))


def executables(core, plain):
    right = cli.program()
    code, report, err = cli.report(core, right)
    tap.equal("the right EXE: clean and silent", (code, err), (0, ""))
    tap.equal("the right EXE: the same groups", report and report["groups"], plain["groups"])
    tap.equal("--executable is the same", cli.report("-e", right, core)[1], report)
    tap.equal("report CORE EXE is the same", cli.report("report", core, right)[1], report)
    code, report, err = cli.report(core, "/bin/true")
    tap.check("a wrong EXE: one warning that names it", cli.one_line(err) and "/bin/true" in err,
              err)
    tap.check("a wrong EXE: a gap", report and any(
        "mismatch" in gap["kind"] + gap["detail"] for gap in report["gaps"]),
        report and str(report["gaps"]))
    tap.equal("a wrong EXE: the rest of the report", report and report["summary"]["threads"],
              cli.NUM_THREADS)
    tap.equal("-q: without the warning", cli.report("-q", core, "/bin/true")[::2], (code, ""))
    code, report, err = cli.report(core, "missing-exe")
    tap.check("a missing EXE: said on stderr", "missing-exe" in err and cli.one_line(err), err)
    tap.check("a missing EXE: the rest of the report, or exit 2", code == FAILED or
              report["summary"]["threads"] == cli.NUM_THREADS, "%d %s" % (code, err))
    code, report, err = cli.report(core, write("script", b"#!/bin/sh\n"))
    tap.check("an EXE that is a script: said, and the rest",
              "script" in err and (code == FAILED or report), "%d %s" % (code, err))
    code, report, err = cli.report(core, write("foreign", elf_header(machine=183, kind=2)))
    tap.check("an EXE of another machine: said, and the rest", cli.one_line(err)
              and "foreign" in err and (code == FAILED or report
                                        and report["summary"]["threads"] == cli.NUM_THREADS),
              "%d %s" % (code, err))


def sysroots(core, plain):
    os.mkdir("root")
    code, report, err = cli.report("--sysroot=root", core)
    tap.equal("no file of the core is there: exit code, messages", (code, err), (INCOMPLETE, ""))
    tap.equal("no file of the core is there: all threads",
              report and report["summary"]["threads"], cli.NUM_THREADS)
    tap.check("no file of the core is there: gaps name them", report and any(
        gap["kind"] == "file-missing" and cli.program() in gap["detail"]
        for gap in report["gaps"]), report and str(report["gaps"]))
    for module in plain["modules"]:
        if module["path"].startswith("/"):
            os.makedirs("root" + os.path.dirname(module["path"]), exist_ok=True)
            shutil.copy(module["path"], "root" + module["path"])
    code, report, err = cli.report("--sysroot", "root", core)
    tap.equal("--sysroot with the files: exit code, messages", (code, err), (0, ""))
    tap.equal("--sysroot with the files: the same groups",
              report and [group["members"] for group in report["groups"]],
              [group["members"] for group in plain["groups"]])
    tap.equal("--sysroot with the files: the executable of there",
              report and report["core"]["executable"]["file"], "root" + cli.program())


def sysroots_that_are_none(core):
    write("file", b"")
    for path, why in (("nowhere", "No such file or directory"), ("file", "Not a directory")):
        _, report, err = cli.report("--sysroot", path, core)
        tap.equal("--sysroot %s: said, and the rest" % path,
                  (err, report and report["summary"]["threads"]),
                  ("coreleaks: warning: --sysroot: %s: %s\n" % (path, why), cli.NUM_THREADS))
    tap.equal("-q: no warning", cli.report("-q", "--sysroot=nowhere", core)[2], "")


def debug_dirs_that_are_none(core):
    """Only when none of them is there: a search path may name some that are not."""
    os.mkdir("some")
    os.makedirs("below/only")
    nowhere, file = "nowhere: No such file or directory", "file: Not a directory"
    for options, problem in (
            (["--debug-dir=nowhere"], nowhere), (["--debug-dir=file"], file),
            (["--debug-dir=file:nowhere"], file), (["--debug-dir=:nowhere:"], nowhere),
            (["--debug-dir=nowhere", "--debug-dir=file"], nowhere),
            (["--debug-dir=nowhere:some"], None), (["--debug-dir=nowhere:/usr/lib/debug"], None),
            (["--debug-dir=nowhere", "--debug-dir=some"], None),
            (["-q", "--debug-dir=nowhere"], None),
            (["--sysroot=below", "--debug-dir=/only"], None)):
        _, report, err = cli.report(*options, core)
        tap.equal("%s: said, and the rest" % " ".join(options),
                  (err, report and report["summary"]["threads"]),
                  ("coreleaks: warning: --debug-dir: %s\n" % problem if problem else "",
                   cli.NUM_THREADS))


with cli.Scratch():
    CORE = cli.core()
    no_cores()
    CODE, PLAIN, ERR = cli.report(CORE)
    if tap.check("the core itself: clean", CODE == 0 and ERR == "" and PLAIN, ERR):
        pipes(CORE, PLAIN)
        compressed(CORE, PLAIN)
        truncated(CORE)
        executables(CORE, PLAIN)
        sysroots(CORE, PLAIN)
        sysroots_that_are_none(CORE)
        debug_dirs_that_are_none(CORE)
tap.done()

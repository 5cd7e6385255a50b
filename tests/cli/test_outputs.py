#!/usr/bin/python3
"""Where the report goes: standard output, report files, closed pipes, full disks, terminals."""

import fcntl
import json
import os
import pty
import select
import stat
import struct
import subprocess
import termios

import cli
import tap

CLEAN, FAILED, USAGE = 0, 2, 64
# The directory of the tests may lie anywhere; these are gone before the next test.
OLD = "an old file\n"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def files(core):
    text, json_ = cli.run(core)[1], cli.run("--json", core)[1]
    code, out, err = cli.run("-o", "a.txt", "-o", "b.json", core)
    tap.equal("-o twice: exit code, nothing printed", (code, out, err), (CLEAN, "", ""))
    tap.equal("-o a.txt is the text report", read("a.txt"), text)
    tap.equal("-o b.json is the JSON report", read("b.json"), json_)
    tap.equal("mode of a report file", stat.S_IMODE(os.stat("a.txt").st_mode), 0o600)
    tap.equal("no temporary files are left", sorted(os.listdir(".")), ["a.txt", "b.json"])
    tap.equal("-o -", cli.run("-o", "-", core), (CLEAN, text, ""))
    tap.equal("-o c.txt -o - --json", cli.run("-o", "c.txt", "-o", "-", "--json", core),
              (CLEAN, json_, ""))
    tap.equal("... and the file", read("c.txt"), text)
    tap.equal("a suffix that says nothing, with --format",
              cli.run("-o", "report.log", "--format=json", core), (CLEAN, "", ""))
    tap.equal("... and the file, as JSON", read("report.log"), json_)
    os.mkdir("folder")
    tap.equal("-o in a folder", cli.run("-ofolder/d.json", core), (CLEAN, "", ""))
    tap.equal("... and the file, in the folder", read("folder/d.json"), json_)
    for name in ("x.xml", "x", "x.docx", ".txt"):
        code, out, err = cli.run("-o", name, core)
        tap.check("-o %s: no format" % name, code == USAGE and out == "" and cli.one_line(err)
                  and not os.path.exists(name), "%d %s" % (code, err))
    code, _, err = cli.run("-o", "e.txt", "-o", "e.txt", core)
    tap.check("the same -o twice", code == USAGE and cli.one_line(err), err)
    code, _, err = cli.run("-o", "nowhere/f.txt", core)
    tap.check("-o in a folder that is not there", code == FAILED and cli.one_line(err), err)
    code, _, _ = cli.run("-o", "g.txt", "missing.core")
    tap.equal("no file when the analysis fails", (code, os.path.exists("g.txt")), (FAILED, False))
    code, _, _ = cli.run("show", "-o", "h.txt", core, "no-such-group")
    tap.equal("no file when show finds nothing", (code, os.path.exists("h.txt")), (FAILED, False))
    tap.equal("no temporary files after failures",
              [name for name in os.listdir(".") if "tmp" in name], [])


def replacing(core):
    text = cli.run(core)[1]
    write("old.txt", OLD)
    code, out, err = cli.run("-o", "old.txt", core)
    tap.check("a file that exists is not replaced", code == FAILED and out == ""
              and cli.one_line(err) and "--force" in err and read("old.txt") == OLD, err)
    tap.equal("--force replaces it", cli.run("-o", "old.txt", "--force", core), (CLEAN, "", ""))
    tap.equal("... with the report", read("old.txt"), text)
    write("target.txt", OLD)
    os.symlink("target.txt", "link.txt")
    os.symlink("nowhere", "dangling.txt")
    os.mkfifo("pipe.txt")
    os.mkdir("folder.txt")
    for name in ("link.txt", "dangling.txt", "pipe.txt", "folder.txt"):
        for force in ([], ["--force"]):
            before = os.lstat(name)
            code, _, err = cli.run("-o", name, *force, core, timeout=20)
            after = os.lstat(name)
            tap.check("%s is refused %s" % (name, " ".join(force)), code == FAILED
                      and cli.one_line(err)
                      and (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode), err)
    tap.equal("nothing was written through the links",
              (read("target.txt"), os.path.exists("nowhere")), (OLD, False))
    for name in ("/dev/null", "/dev/full"):
        code, _, err = cli.run("--json", "--force", "-o", name, core)
        tap.check("%s is not replaced" % name, code == FAILED and cli.one_line(err)
                  and stat.S_ISCHR(os.stat(name).st_mode), err)
    code, _, err = cli.run("-o", "new.txt", "-o", "link.txt", core)
    tap.check("outputs are checked before the analysis", code == FAILED
              and not os.path.exists("new.txt"), err)


def stdout_failures(core):
    for arguments in ([core], ["--json", core], ["--version"], ["--help"]):
        with open("/dev/full", "wb") as full:
            code, _, err = cli.run(*arguments, stdout=full)
        tap.check("/dev/full: %s" % " ".join(arguments[:1]), code == FAILED and cli.one_line(err)
                  and "No space left" in err, "%d %s" % (code, err))
    for arguments in ([core], ["--version"]):
        code, _, err = cli.run(*arguments, stdout=None, preexec_fn=lambda: os.close(1))
        tap.check("standard output is closed: %s" % " ".join(arguments[:1]),
                  code == FAILED and cli.one_line(err), "%d %s" % (code, err))
    for arguments in ([core], ["--json", core], ["--help"]):
        reader, writer = os.pipe()
        os.close(reader)
        code, _, err = cli.run(*arguments, stdout=writer)
        os.close(writer)
        tap.equal("nobody reads standard output: %s" % " ".join(arguments[:1]), (code, err),
                  (CLEAN, ""))
    code, out, err = tap.run(["bash", "-c", 'set -o pipefail; "$0" -v "$1" | head -n 1',
                              cli.CORELEAKS, core], env=cli.environment())
    tap.equal("| head -n 1", (code, out.count("\n"), err), (CLEAN, 1, ""))
    reader, writer = os.pipe()
    os.close(reader)
    code, _, err = cli.run("-o", "-", "-o", "later.json", core, stdout=writer)
    os.close(writer)
    tap.check("a closed pipe does not keep the other outputs", code == CLEAN and err == ""
              and json.loads(read("later.json")), err)
    code, out, _ = cli.run(core, stderr=None, preexec_fn=lambda: os.close(2))
    tap.equal("standard error is closed", (code, out), (CLEAN, cli.run(core)[1]))


def full_disk(core):
    """Report files and the spool on a file system with room for a page. Its files are gone with it,
    so that it says itself what was left there."""
    os.mkdir("full")
    script = ("mount -t tmpfs -o size=4k none full && { \"$@\"; code=$?; ls -A full >left; "
              "exit $code; }")
    command = ["unshare", "-m", "sh", "-c", script, "sh", cli.CORELEAKS]
    if tap.run(["unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=4k none full"])[0]:
        tap.skip("a full disk", "no file system can be mounted here")
        return
    code, out, err = tap.run(command + ["-o", "full/a.json", "-o", "beside.json", core],
                             env=cli.environment())
    tap.equal("a full disk: exit code, one line", (code, out, err), (
        FAILED, "", "coreleaks: cannot write full/a.json: No space left on device\n"))
    tap.equal("... nothing is left of the report", read("left"), "")
    tap.check("... the other one is written", json.loads(read("beside.json")))
    with open(core, "rb") as file:
        code, _, err = tap.run(command + ["check", "--spool", "full", "-"], stdin=file,
                               env=cli.environment())
    tap.check("a full spool: a line that names the file", code == FAILED
              and "cannot write full/core." in err and "No space left on device" in err, err)


def refused(core):
    """Files that nobody can make."""
    code, out, err = cli.run("-o", "/proc/a.txt", "-o", "beside.txt", core)
    tap.check("-o where no file can be made", code == FAILED and out == "" and cli.one_line(err)
              and "/proc/a.txt" in err, err)
    tap.check("... the other one is written", "consume" in read("beside.txt"))
    folder = os.open(".", os.O_RDONLY)
    os.mkdir("spool")
    code, _, err = cli.run("check", "--spool", "spool", "-", stdin=folder)
    os.close(folder)
    tap.check("--spool: standard input cannot be read", code == FAILED
              and "coreleaks: cannot read standard input: Is a directory\n" in err, err)
    code, _, err = cli.run("check", "--spool", "/proc", "-")
    tap.check("--spool where no file can be made", code == FAILED and cli.one_line(err)
              and "/proc" in err, err)


def colors(core):
    plain = cli.run(core)[1]
    tap.check("no colours where there is no terminal", "\x1b" not in plain, plain)
    tap.equal("--color=never", cli.run("--color=never", core)[1], plain)
    colored = cli.run("--color=always", core)[1]
    tap.check("--color=always", "\x1b[" in colored, colored)
    tap.equal("--color=always against NO_COLOR: asked is asked",
              cli.run("--color=always", core, env={"NO_COLOR": "1"})[1], colored)
    tap.check("JSON is never coloured",
              "\x1b" not in cli.run("--color=always", "--json", core)[1])
    cli.run("--color=always", "-o", "colored.txt", core)
    tap.equal("report files are never coloured", read("colored.txt"), plain)
    tap.check("a terminal has colours", "\x1b[" in on_terminal(core)[0])
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": None}):
        tap.check("a terminal has none with %s" % env,
                  "\x1b" not in on_terminal(core, env=env)[0])
    tap.check("an empty NO_COLOR does not count",
              "\x1b[" in on_terminal(core, env={"NO_COLOR": ""})[0])
    tap.check("--color=never on a terminal", "\x1b" not in on_terminal("--color=never", core)[0])


def widths(core):
    def widest(text):
        return max(len(line) for line in text.splitlines())

    # The core's path stands in the report and cannot be broken.
    os.symlink(core, "c")
    core = "c"
    tap.check("the default width is 100", 60 < widest(cli.run("-v", core)[1]) <= 100)
    for columns, allowed in (("60", 60), ("40", 40), ("10", 40), ("x", 100), ("0", 100)):
        got = widest(cli.run(core, env={"COLUMNS": columns})[1])
        tap.check("COLUMNS=%s" % columns, got <= allowed, "%d columns" % got)
    out, _ = on_terminal("--color=never", core, columns=50)
    tap.check("a terminal of 50 columns", widest(out) <= 50, out)


def characters(core):
    for locale in ("C", "POSIX"):
        text = cli.run("-v", core, env={"LC_ALL": locale})[1]
        tap.check("ASCII alone in locale " + locale, text.isascii() and len(text) > 200, text)
    tap.equal("what turns or hides text, in a message", cli.run(
        "a\u200eb\u2066c\u0085d\u061ce\u202ef\u2028g"),
              (FAILED, "", "coreleaks: a???b???c??d??e???f???g: No such file or directory\n"))
    tap.equal("JSON does not depend on the locale",
              cli.run("--json", core, env={"LC_ALL": "C"}), cli.run("--json", core))


def on_terminal(*arguments, columns=80, env=None):
    """Runs coreleaks on a terminal of its own: (what it shows, exit code)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([cli.CORELEAKS, *arguments], stdin=subprocess.DEVNULL, stdout=theirs,
                          stderr=theirs, env=cli.environment(**(env or {}))) as process:
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(ours)
        process.kill()
    return shown.decode("utf-8", "replace").replace("\r\n", "\n"), process.returncode


def progress(core):
    _, out, err = cli.run("--progress=always", core)
    tap.check("--progress=always: on stderr, in lines", err != "" and all(
        line.startswith("coreleaks: ") for line in err.splitlines()) and "\x1b" not in err, err)
    tap.equal("--progress=always: the report is the same", out, cli.run(core)[1])
    _, bare, err = cli.run("--no-sandbox", "--progress=always", core)
    tap.check("--progress=always without a confined process", err != "" and all(
        line.startswith("coreleaks: ") for line in err.splitlines()), err)
    tap.equal("... and its report", bare, cli.run("--no-sandbox", core)[1])
    for arguments in (["--progress=never", core], ["--progress=auto", core], ["-q", core],
                      [core]):
        tap.equal("no progress: " + " ".join(arguments[:-1]), cli.run(*arguments)[2], "")
    shown, _ = on_terminal("--progress=always", "--color=never", core)
    tap.check("a bar on a terminal is taken away again", shown.count("\r\x1b[K") > 1
              and shown.rpartition("\r\x1b[K")[2].strip() == on_terminal(
                  "--color=never", core)[0].strip(), repr(shown[:300]))


with cli.Scratch():
    CORE = cli.core()
    files(CORE)
    replacing(CORE)
    stdout_failures(CORE)
    full_disk(CORE)
    refused(CORE)
    colors(CORE)
    widths(CORE)
    characters(CORE)
    progress(CORE)
tap.done()

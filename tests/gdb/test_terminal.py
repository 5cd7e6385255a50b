#!/usr/bin/python3
"""The command "leaks" as a user meets it on a terminal: styles, pager, completion, Ctrl-C."""

import os

import support
import realcore
import tap


def terminal(hunt, *more):
    argv = [support.GDB, "-nx", "-q", "-iex", "set pagination off", hunt.exe, hunt.core,
            "-ex", "source " + support.LOADER, "-ex", "set leaks analyzer-path " + hunt.fake]
    return support.Terminal(argv + list(more), hunt.environment(LC_ALL="C.UTF-8"), hunt.folder)


def plain(text):
    return support.re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", text)


def in_style(colour, more, text, output):
    # GDB 18 says of each attribute what it is.
    return support.re.search(r"\x1b\[%d(?:;49)?%s(?:;2\d)*m%s" % (colour, more, text), output)


def check_styles(hunt):
    gdb = terminal(hunt)
    styled = gdb.command("leaks")
    tap.check("function names have GDB's style", in_style(33, "", "consume", styled), repr(styled))
    tap.check("file names have GDB's style", in_style(32, "", "worker.c", styled), repr(styled))
    gdb.command("set style function foreground magenta")
    gdb.command("set style function intensity bold")
    styled = gdb.command("leaks")
    tap.check("and follow its settings", in_style(35, ";1", "consume", styled), repr(styled))
    piped = gdb.command("| leaks | cat -v")
    tap.check("a pipe gets no styles", "consume" in piped and "^[" not in piped, repr(piped))
    text = gdb.command("python print(ascii(gdb.execute('leaks', to_string=True)))")
    tap.check("text gets no styles", "consume" in text and "\\x1b" not in text, repr(text))
    gdb.command("set logging file log")
    gdb.command("set logging enabled on")
    gdb.command("leaks")
    gdb.command("set logging enabled off")
    logged = realcore.read_text(os.path.join(hunt.folder, "log"))
    tap.check("a log gets no styles", "consume" in logged and "\x1b" not in logged, repr(logged))
    gdb.command("set style enabled off")
    unstyled = gdb.command("leaks")
    tap.check("styles can be switched off", "consume" in unstyled and "\x1b[3" not in unstyled,
              repr(unstyled))
    tap.equal("with the same text", plain(unstyled), plain(styled))
    gdb.close()


def check_pager(hunt):
    gdb = terminal(hunt, "-ex", "set pagination on", "-ex", "set height 6")
    first = gdb.command("leaks", r"--Type <RET>")
    tap.check("the pager stops a long report", "bbbb00000003" not in first, first)
    gdb.send("q\n")
    quitted = gdb.expect(gdb.PROMPT)
    tap.check("q leaves it", "Quit" in quitted and "Error" not in quitted and
              "Traceback" not in quitted, quitted)
    gdb.command("leaks", r"--Type <RET>")
    gdb.send("c\n")
    rest = gdb.expect(gdb.PROMPT)
    tap.check("c goes on to the end", "bbbb00000003" in rest, rest)
    gdb.close()


def check_completion(hunt):
    gdb = terminal(hunt)
    gdb.command("leaks")
    for typed, wanted in (("leaks gro\t", "leaks group "), ("leaks -gr\t", "leaks -group-by "),
                          ("leaks --gr\t", "leaks --group-by "),
                          ("leaks -group-by f\t", "leaks -group-by function "),
                          ("leaks group t-b\t", "leaks group t-bbbb00000003 "),
                          ("leaks -reason m\t", "leaks -reason mutex "),
                          ("leaks apply all -s backtr\t", "leaks apply all -s backtrace "),
                          ("set leaks an\t", "set leaks analyzer-path ")):
        gdb.send(typed)
        shown = plain(gdb.expect(support.re.escape(wanted) + r"$"))
        tap.check("completes %r" % typed, shown.endswith(wanted), shown)
        gdb.send("\x15")
    gdb.close()


def check_interrupt(hunt):
    started = os.path.join(hunt.folder, "started")
    os.mkfifo(started)
    hanging = hunt.script("hanging", "echo $$ > %s; sleep 1000; echo" % started)
    gdb = terminal(hunt, "-ex", "thread 2")
    before = gdb.command("thread")
    gdb.command("set leaks analyzer-path " + hanging)
    for name in ("leaks", "leaks group 1", "leaks thread %d" % hunt.ids[1]):
        gdb.send(name + "\n")
        with open(started, encoding="ascii") as fifo:
            pid = int(fifo.read())
        gdb.send("\x03")
        shown = gdb.expect(gdb.PROMPT)
        tap.check("Ctrl-C during %s returns to the prompt" % name,
                  shown.rstrip().split("\n")[-2].strip().endswith("Quit"), repr(shown))
        tap.check("without a Python error", "Python" not in shown and "Trace" not in shown, shown)
        tap.check("the analyzer is ended", not os.path.exists("/proc/%d" % pid))
    tap.equal("and the selection stays", gdb.command("thread"), before)
    gdb.command("set leaks analyzer-path " + hunt.fake)
    tap.check("and leaks works", "consume" in gdb.command("leaks"))
    gdb.close()


with support.hunt() as made:
    check_styles(made)
    check_pager(made)
    check_completion(made)
    check_interrupt(made)
tap.done()

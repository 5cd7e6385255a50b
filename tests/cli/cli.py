"""What the tests of the command line share: a small program with known stacks, cores of it made
by the kernel, and a way to run coreleaks in a clean environment.

The program has 13 threads: main joins, 6 consume (condition), 4 nap (sleep), 1 reads a pipe that
nobody writes (lonely), 1 naps below another function (doze).
"""

import html.parser
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import realcore
import tap

CORELEAKS = realcore.tool()
NUM_THREADS, NUM_CONSUMERS, NUM_NAPPERS = 13, 6, 4
SCHEMA = os.path.join(tap.ROOT, "analyzer", "report", "coreleaks-1.schema.json")

SOURCE = r"""
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static int pipe_ends[2];

__attribute__((noinline)) static void sleep_long(void)
{
	struct timespec hour = {3600, 0};
	nanosleep(&hour, NULL);
	__asm__ volatile("");
}

static void *consume(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	for (;;)
		pthread_cond_wait(&filled, &lock);
}

static void *nap(void *unused)
{
	(void)unused;
	sleep_long();
	return NULL;
}

static void *doze(void *unused)
{
	(void)unused;
	sleep_long();
	return NULL;
}

static void *lonely(void *unused)
{
	char byte;
	(void)unused;
	return read(pipe_ends[0], &byte, 1) == 1 ? NULL : &lock;
}

int main(void)
{
	pthread_t thread;
	if (pipe(pipe_ends) != 0)
		return 1;
	for (int i = 0; i < NUM_CONSUMERS; i++)
		pthread_create(&thread, NULL, consume, NULL);
	for (int i = 0; i < NUM_NAPPERS; i++)
		pthread_create(&thread, NULL, nap, NULL);
	pthread_create(&thread, NULL, lonely, NULL);
	pthread_create(&thread, NULL, doze, NULL);
	puts("ready");
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}
"""


def environment(**changes):
    """The environment without what changes coreleaks' output; None as a value removes."""
    dropped = ("NO_COLOR", "COLUMNS", "TERM", "TMPDIR", "DEBUGINFOD_URLS", "ARGP_HELP_FMT")
    env = {name: value for name, value in os.environ.items()
           if name not in dropped and not name.startswith("LC_") and name != "LANG"}
    env["LC_ALL"] = "C.UTF-8"
    env["TERM"] = "xterm"
    for name, value in changes.items():
        env.pop(name, None)
        if value is not None:
            env[name] = value
    return env


def run(*arguments, env=None, **kw):
    """coreleaks with these arguments: (exit code, stdout, stderr)."""
    return tap.run([CORELEAKS, *arguments], env=environment(**(env or {})), **kw)


def report(*arguments, **kw):
    """The same with --json: (exit code, parsed report or None, stderr)."""
    code, out, err = run("--json", *arguments, **kw)
    try:
        return code, json.loads(out), err
    except ValueError:
        return code, None, err


def program():
    """Path of the compiled program."""
    folder = os.path.join(tap.BUILD, "cores")
    os.makedirs(folder, exist_ok=True)
    exe = os.path.join(folder, "cli-program")
    source = exe + ".c"
    text = SOURCE.replace("NUM_CONSUMERS", str(NUM_CONSUMERS)).replace(
        "NUM_NAPPERS", str(NUM_NAPPERS))
    with realcore.locked(exe + ".lock"):
        if realcore.read_text(source) != text or not os.path.exists(exe):
            with open(source, "w", encoding="ascii") as file:
                file.write(text)
            code, _, err = tap.run(["gcc", "-std=gnu11", "-g", "-O1", "-Wall", "-pthread",
                                    source, "-o", exe])
            if code:
                os.unlink(source)
                raise RuntimeError("the program does not compile:\n" + err)
    return exe


def core(how="kernel"):
    """Path of a core of the program; leaves the test as skipped where none can be made."""
    try:
        return realcore.make_core(program(), how=how, threads=NUM_THREADS)
    except realcore.CannotDump as reason:
        tap.skip("a core of the test's program", str(reason))
        tap.done()


def frames_of(group):
    """The function names of a group of the JSON report."""
    return [frame["function"] for frame in group["frames"]]


def groups_with(report_, function):
    """The groups with a frame of that function."""
    return [group for group in report_["groups"] if function in frames_of(group)]


class Scratch:
    """A folder for one test, current while in use and removed afterwards."""

    def __enter__(self):
        self.before = os.getcwd()
        self.path = tempfile.mkdtemp(prefix="coreleaks-cli-")
        os.chdir(self.path)
        return self.path

    def __exit__(self, *unused):
        os.chdir(self.before)
        shutil.rmtree(self.path, ignore_errors=True)


def one_line(text):
    """Whether text is exactly one line of coreleaks'."""
    return text.startswith("coreleaks: ") and text.count("\n") == 1 and text.endswith("\n")


class Page(html.parser.HTMLParser):
    """An HTML page: its words, its elements, the words of each cell of each table's row."""

    def __init__(self, source):
        super().__init__()
        self.text, self.tags, self.rows, self._skip = "", [], [], 0
        self.feed(source)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._skip += tag in ("style", "script", "title")
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self._skip -= tag in ("style", "script", "title")

    def handle_data(self, data):
        if not self._skip:
            self.text += " " + data
            if self.rows and self.rows[-1]:
                self.rows[-1][-1] += " " + data

#!/usr/bin/python3
"""The example of the C interface, built against both libraries as a user would, on a real core."""

import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap

PROGRAM = r"""
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static sem_t slots;
static volatile int num_started;

__attribute__((noinline)) static void wait_for_item(void)
{
	pthread_mutex_lock(&lock);
	num_started++;
	for (;;)
		pthread_cond_wait(&filled, &lock);
}

static void *consume(void *data)
{
	wait_for_item();
	return data;
}

static void *fill(void *data)
{
	sem_wait(&slots);
	return data;
}

static void *spin(void *data)
{
	for (volatile unsigned i = 0;; i++)
		;
	return data;
}

int main(void)
{
	pthread_t id;
	sem_init(&slots, 0, 0);
	for (int i = 0; i < 7; i++)
		pthread_create(&id, NULL, consume, NULL);
	for (int i = 0; i < 3; i++)
		pthread_create(&id, NULL, fill, NULL);
	while (num_started < 7)
		usleep(1000);
	usleep(200000);
	puts("ready");
	fflush(stdout);
	spin(NULL);
	return 0;
}
"""

EXAMPLE = os.path.join(tap.ROOT, "samples", "api", "groups.c")
INCLUDE = "-I" + os.path.join(tap.ROOT, "analyzer")
FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", *os.environ.get("CORELDFLAGS", "").split()]


def build(work, name, libraries):
    path = os.path.join(work, name)
    code, out, err = tap.run(["cc", *FLAGS, INCLUDE, EXAMPLE, *libraries, "-o", path])
    tap.check("the example builds with the %s library" % name, code == 0, out + err)
    return path


def lines_of(example, *arguments, env=None):
    code, out, err = tap.run([example, *arguments], env=env)
    return code, out.splitlines(), err


def check_answer(name, code, lines, err):
    tap.equal(name + ": exit code", code, 0)
    tap.equal(name + ": nothing on stderr", err, "")
    waits = [line for line in lines if line.startswith("7 threads in ")]
    tap.check(name + ": 7 threads in wait_for_item", len(waits) == 1 and
              waits[0].startswith("7 threads in wait_for_item, ") and
              len(waits[0].split(":")[1].split()) == 7, "\n".join(lines))
    fills = [line for line in lines if line.startswith("3 threads in fill, ")]
    tap.check(name + ": 3 threads in fill", len(fills) == 1, "\n".join(lines))
    tap.check(name + ": the running thread is left out", "1 threads left out" in lines and
              not any("spin" in line or "main" in line for line in lines), "\n".join(lines))


def main():
    work = tempfile.mkdtemp(prefix="coreleaks-api-")
    try:
        source, program = os.path.join(work, "program.c"), os.path.join(work, "program")
        with open(source, "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        code, out, err = tap.run(["cc", "-g", "-O1", "-pthread", source, "-o", program])
        tap.check("the threaded program builds", code == 0, out + err)
        code, out, err = tap.run([os.path.join(tap.ROOT, "samples", "dump"), program,
                                  os.path.join(work, "dump")])
        core = out.strip()
        if not tap.check("a core is written", code == 0 and os.path.isfile(core), out + err):
            return

        code, libs, err = tap.run(["pkg-config", "--libs", "libelf", "libdw", "libarchive", "zlib",
                                   "jansson"])
        tap.check("pkg-config knows the libraries", code == 0, err)
        static = build(work, "static", [os.path.join(tap.BUILD, "libcoreleaks.a"),
                                        *libs.split(), "-liberty"])
        shared = build(work, "shared", ["-L" + tap.BUILD, "-lcoreleaks"])
        code, lines, err = lines_of(static, core)
        check_answer("static", code, lines, err)
        env = dict(os.environ, LD_LIBRARY_PATH=tap.BUILD)
        code, shared_lines, err = lines_of(shared, core, env=env)
        tap.equal("shared: exit code", code, 0)
        tap.equal("both libraries give the same answer", shared_lines, lines)

        code, lines, err = lines_of(static, os.path.join(work, "nowhere"))
        tap.equal("no such core: exit code", code, 1)
        tap.check("no such core: a line that names it", err.startswith("groups: ") and
                  "nowhere" in err and err.count("\n") == 1, err)
    finally:
        shutil.rmtree(work)


main()
tap.done()

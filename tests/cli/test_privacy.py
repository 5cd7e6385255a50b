#!/usr/bin/python3
"""--privacy and --strip-prefix: secrets planted wherever a process keeps text are in no report."""

import gzip
import os
import re

import cli
import realcore
import tap

SECRET = "s3cr3t"
FORMATS = ("text", "json", "ndjson", "debug2", "debug1", "goleak", "pprof", "folded",
           "speedscope", "html", "dot", "markdown", "junit", "sarif", "github", "gitlab",
           "prometheus", "logfmt")
GO_PROGRAM = """
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"time"
)

var held = "s3cr3t-global"

func wait(c chan string) { <-c }

func main() {
	pprof.Do(context.Background(), pprof.Labels("s3cr3t-key", "s3cr3t-value"),
		func(context.Context) { go wait(make(chan string)) })
	time.Sleep(300 * time.Millisecond)
	fmt.Println("ready")
	time.Sleep(time.Hour)
	fmt.Println(held, os.Args)
}
"""
C_PROGRAM = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static volatile char global[] = "s3cr3t-global";

static void *worker(void *argument)
{
	char local[32];
	snprintf(local, sizeof(local), "s3cr3t-stack %s", (char *)argument);
	prctl(PR_SET_NAME, "s3cr3t-thread");
	/* What code without frame pointers may keep in that register: eight letters. */
	__asm__ volatile("movabs $0x3374337263337331, %%rbp\\n\\t"
			 "mov $34, %%eax\\n\\t"
			 "syscall" : : "r"(local) : "rax", "rcx", "r11", "memory");
	return NULL;
}

int main(void)
{
	pthread_t thread;
	global[0] = 's'; /* written to: the kernel dumps its page */
	prctl(PR_SET_NAME, "s3cr3t-process");
	pthread_create(&thread, NULL, worker, strdup("s3cr3t-heap"));
	printf("%s\\n", global[0] ? "ready" : "");
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}
"""
# The letters of that register as a number, as a debugger prints it.
REGISTER = "3374337263337331"


def reports(core, *arguments):
    """(name, bytes) of every format, and of what show says of the threads and groups."""
    for name in FORMATS:
        out = cli.run("--format", name, *arguments, core, text=False)[1]
        yield name, gzip.decompress(out) if name == "pprof" else out
    report = cli.report(core)[1]
    names = ["%s:%d" % (task["kind"], task["id"]) for task in report["tasks"][:4]] + [
        group["id"] for group in report["groups"][:2]]
    for name in names:
        for form in ("text", "json"):
            yield "show %s %s" % (form, name), cli.run(
                "show", "--format", form, "-v", *arguments, core, name, text=False)[1]


def check(what, core, without):
    """without: secrets that reports have unless --privacy is given."""
    plain = b"".join(out for _, out in reports(core))
    for one in without:
        tap.check("%s: without --privacy %s is told" % (what, one), one.encode() in plain)
    told = []
    for name, out in reports(core, "--privacy"):
        tap.check("%s: %s is not empty" % (what, name), out)
        if SECRET.encode() in out or REGISTER.encode() in out:
            told.append(name)
    tap.equal("%s: with --privacy nothing tells a secret" % what, told, [])
    paths = []
    for name in FORMATS:
        paths += ["-o", "%s-%s.%s" % (what, name, {
            "text": "txt", "pprof": "pb.gz", "markdown": "md", "junit": "junit.xml",
            "gitlab": "gitlab.json", "speedscope": "speedscope.json",
            "prometheus": "prom"}.get(name, name))]
    code, out, err = cli.run("--privacy", *paths, core)
    tap.check("%s: all files at once" % what, code == 0 and out == "" and SECRET not in err, err)
    for path in paths[1::2]:
        with open(path, "rb") as file:
            data = file.read()
        tap.check("%s is private" % path, SECRET.encode() not in (
            gzip.decompress(data) if path.endswith(".gz") else data))


def native():
    with open("private.c", "w", encoding="ascii") as file:
        file.write(C_PROGRAM)
    code, _, err = tap.run(["gcc", "-O2", "-g", "-fomit-frame-pointer", "-pthread", "private.c",
                            "-o", "private"])
    if not tap.check("the program compiles", code == 0, err):
        return
    with realcore.running([os.path.abspath("private"), "--password=s3cr3t-argument"], os.getcwd(),
                          2, env=cli.environment(TOKEN="s3cr3t-environment")) as process:
        core = realcore.dump(process, os.getcwd(), "kernel")
    with open(core, "rb") as file:
        data = file.read()
    for planted in ("argument", "environment", "heap", "stack", "global", "process"):
        tap.check("the core has s3cr3t-" + planted, b"s3cr3t-" + planted.encode() in data)
    check("native", core, ["s3cr3t-process", REGISTER])
    report = cli.report("--privacy", core)[1]
    tap.check("names and places stay", "worker" in [
        frame["function"] for group in report["groups"] for frame in group["frames"]], report)
    text = cli.run("--json", "--strip-prefix", os.getcwd(), core)[1]
    tap.check("--strip-prefix: the source is named from there",
              '"file":"private.c"' in text and '"%s/private.c"' % os.getcwd() not in text, text)
    tap.check("... in every report", not [
        name for name, out in reports(core, "--strip-prefix", os.getcwd())
        if re.search(rb"%s/private\b(?!\.core)" % re.escape(os.getcwd().encode()), out)])


def goroutines():
    with open("main.go", "w", encoding="utf-8") as file:
        file.write(GO_PROGRAM)
    code, _, err = tap.run(["go", "build", "-o", "program", "main.go"],
                           env=cli.environment(GOCACHE=os.path.abspath("cache")))
    if not tap.check("the Go program compiles", code == 0, err):
        return
    with realcore.started([os.path.abspath("program"), "s3cr3t-argument"], os.getcwd(),
                          cli.environment(GOTRACEBACK="crash")) as process:
        core = realcore.dump(process, os.getcwd(), "kernel")
    check("go", core, ["s3cr3t-key", "s3cr3t-value"])


with cli.Scratch():
    try:
        native()
        goroutines()
    except realcore.CannotDump as reason:
        tap.skip("secrets in a core", str(reason))
tap.done()

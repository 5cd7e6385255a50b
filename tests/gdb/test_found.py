#!/usr/bin/python3
"""Files of the program that lie where only GDB or a debuginfod server knows."""

import contextlib
import glob
import http.server
import os
import re
import shutil
import threading

import support
import realcore
import tap

LIBRARY = r"""
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t book = PTHREAD_MUTEX_INITIALIZER;

static void *reader(void *unused)
{
	pthread_mutex_lock(&book);
	return unused;
}

void read_books(void)
{
	pthread_t threads[2];
	pthread_mutex_lock(&book);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, reader, NULL);
	puts("ready");
	fflush(stdout);
	pthread_join(threads[0], NULL);
}
"""
PROGRAM = "void read_books(void);\nint main(void)\n{\n\tread_books();\n\treturn 0;\n}\n"


def must(*argv):
    code, out, err = tap.run(argv)
    if code:
        raise RuntimeError("%s: %s%s" % (" ".join(argv), out, err))
    return out


@contextlib.contextmanager
def server(files):
    """The URL of a debuginfod server that has {path below /buildid/: file}, and what it was asked
    for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            path = files.get(self.path[len("/buildid/"):])
            if path is None:
                self.send_error(404)
                return
            with open(path, "rb") as file:
                data = file.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield "http://127.0.0.1:%d" % made.server_address[1], asked
        made.shutdown()


def left_behind(folder):
    return glob.glob(os.path.join(folder, "coreleaks-*"))


def check_debuginfod(hunt):
    if shutil.which("debuginfod-find") is None:
        tap.skip("debuginfod", "debuginfod-find is not installed")
        return
    build_id = re.search(r"Build ID: ([0-9a-f]+)", must("readelf", "-n", hunt.exe))[1]
    whole, debug = hunt.exe + ".whole", hunt.exe + ".debug"
    os.rename(hunt.exe, whole)
    must("objcopy", "--only-keep-debug", whole, debug)
    must("strip", whole, "-o", hunt.exe)
    on, gdbs_own = "set leaks debuginfod on", "set debuginfod enabled off"

    def gdb(name, commands, **kw):
        # Each with a cache of its own, and with GDB's own fetching off.
        env = hunt.environment(DEBUGINFOD_URLS="", TMPDIR=hunt.folder,
                               DEBUGINFOD_CACHE_PATH=os.path.join(hunt.folder, "cache-" + name))
        return hunt.gdb([gdbs_own] + commands, analyzer=support.TOOL, env=env, **kw)[1:]

    files = {build_id + "/debuginfo": debug, build_id + "/executable": hunt.exe}
    with server(files) as (url, asked):
        urls = "set debuginfod urls " + url
        off, = gdb("off", ["leaks"])
        tap.check("off: no lines, and nobody is asked", "worker.c:" not in off.out and
                  "6 threads" in off.out and not asked, off.both)
        _, _, first, second = gdb("on", [urls, on, "leaks", "leaks -group-by function"])
        tap.check("on: lines of the server's file", "consume" in first.out and
                  "worker.c:13" in first.out and "worker.c:19" in first.out, first.both)
        tap.check("and how many there were is told", re.search(
            r"^debuginfod: 1 of \d+ files fetched$", first.both, re.MULTILINE), first.both)
        tap.check("once", "worker.c:" in second.out and "debuginfod:" not in second.both and
                  asked.count("/buildid/%s/debuginfo" % build_id) == 1, (second.both, asked))
        os.rename(hunt.exe, hunt.exe + ".gone")
        files[build_id + "/executable"] = hunt.exe + ".gone"
        _, _, gone = gdb("gone", [urls, on, "leaks"], core=["-c", hunt.core])
        tap.check("a program that is nowhere else", "worker.c:13" in gone.out, gone.both)
        os.rename(hunt.exe + ".gone", hunt.exe)
        files[build_id + "/debuginfo"] = "/bin/true"
        _, _, wrong = gdb("wrong", [urls, on, "leaks"])
        tap.check("a server that has another file under that name", "worker.c:" not in wrong.out and
                  "6 threads" in wrong.out, wrong.both)
    _, _, nobody = gdb("nobody", [urls, on, "leaks"])
    tap.check("a server that is not there", "6 threads" in nobody.out and
              "debuginfod: 0 of " in nobody.both, nobody.both)
    _, unset = gdb("unset", [on, "leaks"])
    tap.equal("no server at all", unset.err,
              "No debuginfod server is known; see \"help set debuginfod urls\".")
    tap.equal("nothing is left behind", left_behind(hunt.folder), [])
    os.replace(whole, hunt.exe)


def check_search_path(folder):
    """A library that has moved."""
    paths = {}
    for name, text in (("lib.c", LIBRARY), ("main.c", PROGRAM)):
        paths[name] = os.path.join(folder, name)
        with open(paths[name], "w", encoding="utf-8") as file:
            file.write(text)
    first, other = os.path.join(folder, "first"), os.path.join(folder, "other")
    os.mkdir(first)
    library, exe = os.path.join(first, "libbooks.so"), os.path.join(folder, "books")
    must("gcc", "-g", "-shared", "-fPIC", "-pthread", paths["lib.c"], "-o", library)
    must("gcc", "-g", paths["main.c"], "-o", exe, "-L" + first, "-lbooks", "-Wl,-rpath," + first)
    with realcore.running([exe], folder, 3) as process:
        core = realcore.dump(process, folder, "gcore")
    os.rename(first, other)
    env = dict(os.environ, TMPDIR=folder)
    without, = support.run_gdb([exe, core], ["leaks"], analyzer=support.TOOL, env=env)
    _, given, group = support.run_gdb(
        [exe, core], ["set solib-search-path " + other, "leaks", "leaks group 1"],
        analyzer=support.TOOL, env=env)
    tap.check("without solib-search-path the report says what is missing",
              "libbooks.so" in without.out and "lib.c:" not in without.out, without.both)
    tap.check("with it the library is used", "reader" in given.out and "lib.c:9" in given.out and
              "no file for" not in given.out and "lib.c:9" in group.out, given.both + group.both)
    tap.equal("and nothing is left behind", left_behind(folder), [])


try:
    with support.hunt() as made:
        check_debuginfod(made)
    with realcore.scratch() as scratch:
        check_search_path(scratch)
except realcore.CannotDump as reason:
    tap.skip("files found elsewhere", str(reason))
tap.done()

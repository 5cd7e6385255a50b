"""`make check-real`: goroutines of real Go servers, against what their own runtime says of them.

Starts prometheus, etcd, caddy, nats-server and syncthing in scratch folders on loopback and
dumps each under load: by the kernel all of them, where Go's crash text on standard error tells
the truth of that very moment, frame by frame; and one by gcore, where the profiles of a moment
before have to do. Programs that are not installed are skipped. Everything is killed and every
core deleted afterwards.
"""

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import tap

import realcore

START_TIMEOUT_S = 60
LOAD_S = 3
PAUSE_S = 0.5  # between two profiles: longer than any request
NUM_CLIENTS = 8
TIME_LIMIT_S = 1.0
# Reasons of those that do not wait.
BUSY = ("running", "runnable", "syscall")
# The number stated and the number in the core are of different moments. Connections stay; each has
# one goroutine more while its request is served, the reader in the background of net/http. Our own
# question adds its connection, that reader, and up to two that gather its answer.
NUM_ON_THE_MOVE = NUM_CLIENTS + 4

PROMETHEUS_CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs:
  - job_name: itself
    static_configs: [{targets: ["127.0.0.1:PORT0"]}]
"""

CADDY_CONFIG = {
    "admin": {"listen": "127.0.0.1:PORT1"},
    "apps": {"http": {"servers": {"pages": {
        "listen": ["127.0.0.1:PORT0"],
        "automatic_https": {"disable": True},
        "routes": [{"handle": [{"handler": "encode", "encodings": {"gzip": {}}},
                               {"handler": "file_server", "root": "pages"}]}]}}}}}

NATS_CONFIG = """
listen: "127.0.0.1:PORT0"
prof_port: PORT1
"""


class Server:
    """How to start one program, to keep it busy and to ask it for its goroutines.

    PORT0, PORT1 … in argv are free ports. profile: the path and port of its goroutine profile;
    stated: (port, path, pattern) of the number it states.
    """

    def __init__(self, name, program, argv, load, profile, stated, prepare=None):
        self.name, self.argv, self.load, self.prepare = name, argv, load, prepare
        self.program = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
        self.profile, self.stated = profile, stated


class Place:
    """One run of a server: its folder, its ports, and a key if it wants one."""

    def __init__(self, folder):
        self.folder, self.key = folder, None
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
        self.ports = [each.getsockname()[1] for each in sockets]
        for each in sockets:
            each.close()

    def fill(self, text):
        """The text with this place's folder and ports."""
        text = text.replace("FOLDER", self.folder)
        for i, port in enumerate(self.ports):
            text = text.replace("PORT%d" % i, str(port))
        return text

    def write(self, name, text):
        """A file in the scratch folder."""
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.fill(text))

    def connect(self, port):
        """A connection that is kept for further requests."""
        return http.client.HTTPConnection("127.0.0.1", self.ports[port], timeout=START_TIMEOUT_S)

    def ask(self, port, path, connection=None, method="GET", body=None):
        """A request's answer, as text."""
        asked = connection or self.connect(port)
        headers = {"X-API-Key": self.key} if self.key else {}
        asked.request(method, path, body, headers)
        answer = asked.getresponse()
        text = answer.read().decode("utf-8", "replace")
        if not connection:
            asked.close()
        if answer.status >= 400:
            raise RuntimeError("%s: %d %s" % (path, answer.status, text[:200]))
        return text


# ---- The servers and their load ---------------------------------------------------------------


def prepare_prometheus(place):
    """It scrapes itself."""
    place.write("prometheus.yml", PROMETHEUS_CONFIG)


def load_prometheus(place, stop, _):
    """Queries over its own metrics, which it reads every second."""
    connection = place.connect(0)
    while not stop.is_set():
        place.ask(0, "/api/v1/query?query=sum(rate(go_memstats_alloc_bytes_total[1m]))", connection)
        place.ask(0, "/api/v1/label/__name__/values", connection)


def load_etcd(place, stop, number):
    """Puts and reads through the gateway, which makes gRPC calls of them."""
    connection = place.connect(0)
    count = 0
    while not stop.is_set():
        count += 1
        key = base64.b64encode(b"key/%d/%d" % (number, count % 100)).decode()
        value = base64.b64encode(b"value %d" % count).decode()
        place.ask(0, "/v3/kv/put", connection, "POST", json.dumps({"key": key, "value": value}))
        place.ask(0, "/v3/kv/range", connection, "POST", json.dumps({"key": key}))


def prepare_caddy(place):
    """One page, and its settings."""
    place.write("pages/index.html", "hello " * 20000)
    place.write("caddy.json", json.dumps(CADDY_CONFIG))


def load_caddy(place, stop, _):
    """The page."""
    connection = place.connect(0)
    while not stop.is_set():
        place.ask(0, "/", connection)


def prepare_nats(place):
    """Its settings."""
    place.write("nats.conf", NATS_CONFIG)


def load_nats(place, stop, number):
    """Even clients listen, odd ones publish."""
    with socket.create_connection(("127.0.0.1", place.ports[0]), START_TIMEOUT_S) as client:
        client.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\n')
        client.sendall(b"SUB news.%d 1\r\nPING\r\n" % (number // 2))
        message = b"PUB news.%d 1000\r\n%s\r\n" % (number // 2, b"x" * 1000)
        client.settimeout(0.1)
        while not stop.is_set():
            if number % 2:
                client.sendall(message * 20)
            try:
                client.recv(1 << 16)
            except socket.timeout:
                pass


def prepare_syncthing(place):
    """Keys and settings; it shall not look for other devices."""
    home = os.path.join(place.folder, "home")
    code, out, err = tap.run(["syncthing", "generate", "--home", home, "--no-default-folder",
                              "--skip-port-probing"], cwd=place.folder)
    if code:
        raise RuntimeError("syncthing generate failed: " + out + err)
    path = os.path.join(home, "config.xml")
    text = realcore.read_text(path)
    for name in ("globalAnnounceEnabled", "localAnnounceEnabled", "relaysEnabled", "natEnabled",
                 "crashReportingEnabled", "startBrowser"):
        text = text.replace("<%s>true<" % name, "<%s>false<" % name)
    text = re.sub(r"<listenAddress>[^<]*<", "<listenAddress>tcp://127.0.0.1:PORT2<", text)
    place.key = re.search(r"<apikey>([^<]+)<", text).group(1)
    shared = '<folder id="notes" label="notes" path="FOLDER/notes" type="sendreceive" ' \
             'rescanIntervalS="1" fsWatcherEnabled="true" fsWatcherDelayS="1"/>'
    text = text.replace("</configuration>", shared + "</configuration>")
    place.write("home/config.xml", text)
    place.write("notes/.stfolder/there", "")


def load_syncthing(place, stop, number):
    """Files that change, scans, and questions to its interface."""
    connection = place.connect(0)
    count = 0
    while not stop.is_set():
        count += 1
        place.write("notes/%d/%d" % (number, count % 50), "note %d" % count)
        place.ask(0, "/rest/system/status", connection)
        place.ask(0, "/rest/db/status?folder=notes", connection)
        if number == 0:
            place.ask(0, "/rest/db/scan?folder=notes", connection, "POST")


METRIC = r"^go_goroutines (\d+)"
PROFILE_TOTAL = r"^goroutine profile: total (\d+)"

SERVERS = [
    Server("prometheus", "prometheus",
           ["--config.file=prometheus.yml", "--storage.tsdb.path=FOLDER/data",
            "--web.listen-address=127.0.0.1:PORT0"],
           load_prometheus, 0, (0, "/metrics", METRIC), prepare_prometheus),
    Server("etcd", "etcd",
           ["--data-dir=FOLDER/data", "--listen-client-urls=http://127.0.0.1:PORT0",
            "--advertise-client-urls=http://127.0.0.1:PORT0",
            "--listen-peer-urls=http://127.0.0.1:PORT1",
            "--initial-advertise-peer-urls=http://127.0.0.1:PORT1",
            "--initial-cluster=default=http://127.0.0.1:PORT1", "--enable-pprof"],
           load_etcd, 0, (0, "/metrics", METRIC)),
    Server("caddy", "caddy", ["run", "--config", "caddy.json"],
           load_caddy, 1, (1, "/metrics", METRIC), prepare_caddy),
    Server("nats-server", "nats-server", ["-c", "nats.conf"],
           load_nats, 1, (1, "/debug/pprof/goroutine?debug=1", PROFILE_TOTAL), prepare_nats),
    Server("syncthing", "syncthing",
           ["serve", "--home=FOLDER/home", "--gui-address=http://127.0.0.1:PORT0", "--no-browser",
            "--no-upgrade", "--debug-profiler-listen=127.0.0.1:PORT1"],
           load_syncthing, 1, (0, "/rest/system/status", r'^ *"goroutines": (\d+)'),
           prepare_syncthing),
]
BY_GCORE = "nats-server"


def environment(place):
    """The crash text and the core are asked for; nothing is kept in the user's folders."""
    env = dict(os.environ, GOTRACEBACK="crash", HOME=place.folder,
               XDG_CONFIG_HOME=place.folder, XDG_DATA_HOME=place.folder)
    # Syncthing runs itself a second time and watches that; this makes it the watched one.
    env["STMONITORED"] = "yes"
    # etcd takes any variable of this prefix for a flag.
    return {name: value for name, value in env.items() if not name.startswith("ETCD_")}


@contextlib.contextmanager
def started(server, place):
    """The running server; what it prints goes to the file `said`."""
    if server.prepare:
        server.prepare(place)
    argv = [server.program] + [place.fill(word) for word in server.argv]
    with open(os.path.join(place.folder, "said"), "wb") as said, \
            subprocess.Popen(argv, cwd=place.folder, env=environment(place),
                             stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                             preexec_fn=realcore.before_exec) as process:
        try:
            process.dumped_pid = process.pid
            wait_until_up(server, place, process)
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def wait_until_up(server, place, process):
    """Until it states its goroutines and its other port answers."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("%s ended with %s:\n%s" % (
                server.name, process.returncode,
                realcore.read_text(os.path.join(place.folder, "said"))[-2000:]))
        try:
            number_stated(server, place)
            socket.create_connection(("127.0.0.1", place.ports[0]), 5).close()
            return
        except (OSError, http.client.HTTPException, RuntimeError):
            time.sleep(0.05)
    raise RuntimeError("%s did not come up" % server.name)


@contextlib.contextmanager
def loaded(server, place):
    """The server answers clients until the end; they end with the server or with the block."""
    stop, failed = threading.Event(), []

    def client(number):
        try:
            server.load(place, stop, number)
        except (OSError, http.client.HTTPException) as error:
            if not stop.is_set():
                failed.append(error)
        except RuntimeError as error:
            failed.append(error)

    clients = [threading.Thread(target=client, args=(i,), daemon=True)
               for i in range(NUM_CLIENTS)]
    for each in clients:
        each.start()
    try:
        time.sleep(LOAD_S)
        if failed:
            raise RuntimeError("the load failed: %r" % failed[0])
        yield stop
    finally:
        stop.set()
        for each in clients:
            each.join(START_TIMEOUT_S)


# ---- What the server says ---------------------------------------------------------------------


def number_stated(server, place):
    """The number of goroutines it states now."""
    port, path, pattern = server.stated
    text = place.ask(port, path)
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise RuntimeError("no number of goroutines in %s" % path)
    return int(found.group(1))


class Goroutine:
    """One goroutine of a dump in Go's words."""

    def __init__(self, reason):
        self.reason, self.frames, self.created_by, self.in_full = reason, [], None, True

    def of_user(self):
        """(function of its first frame outside the runtime, reason, creator)"""
        functions = [name for name, _ in self.frames if not name.startswith("runtime.")]
        return (functions[0] if functions else None, self.reason, self.created_by)

    def returning(self):
        """It is on its way back from a system call."""
        return bool(self.frames) and self.frames[0][0] == "runtime.exitsyscall"

    def before_return(self):
        """Itself as Go's crash text has it.

        That prints a goroutine on its way back from a system call where it went into it
        (traceback.go begins at g.syscallpc while that is set): at another line of the call.
        """
        if not self.returning():
            return self
        before = Goroutine(self.reason)
        before.frames = [(self.frames[1][0], "returning")] + self.frames[2:]
        return before


def read_dump(text):
    """{id: goroutine} of a goroutine profile with debug=2, or of a crash's text.

    A crash (Go 1.19) prints every goroutine once, and those that ran on other threads a second
    time, in full, after a line of dashes.
    """
    found, current = {}, None
    for line in text.splitlines():
        head = re.match(r"goroutine (\d+) \[([^\],]+)(?:, [^\]]*)?\]:$", line)
        if head:
            current = Goroutine(head.group(2))
            found[int(head.group(1))] = current
        elif not line.strip():
            current = None
        elif current is not None:
            read_frame(current, line)
    return found


def read_frame(goroutine, line):
    """One line below a goroutine's head."""
    place = re.match(r"\t(.+):(\d+)(?: \+0x[0-9a-f]+)?(?: fp=.*)?$", line)
    creator = re.match(r"created by (.+?)(?: in goroutine \d+)?$", line)
    call = re.match(r"(\S.*)\([^()]*\)$", line)
    if place:
        # The place of the creator follows it and is not one of the frames.
        if not goroutine.created_by and goroutine.frames:
            goroutine.frames[-1] = (goroutine.frames[-1][0],
                                    "%s:%s" % (place.group(1), place.group(2)))
    elif creator:
        goroutine.created_by = creator.group(1)
    elif call:
        goroutine.frames.append((call.group(1), None))
    elif "stack unavailable" in line or "elided" in line:
        goroutine.in_full = False


# ---- Checks -----------------------------------------------------------------------------------


def reported(core, exe):
    """(exit code, report with all that is hidden otherwise, goroutines, s of the fastest of 3)

    Go's words and JSON have to name the same goroutines and creators.
    """
    seconds = []
    for _ in range(3):
        begin = time.monotonic()
        code, report, err = realcore.report(["--all", core, exe])
        seconds.append(time.monotonic() - begin)
    if report is None:
        raise RuntimeError("coreleaks ended with %d: %s" % (code, err))
    ours = read_report(report)
    _, out, _ = tap.run([realcore.tool(), "--all", "--format", "debug2", core, exe])
    dump = read_dump(out)
    if dump.keys() != ours.keys():
        raise RuntimeError("JSON has goroutines %s\ndebug2 has %s" % (sorted(ours), sorted(dump)))
    wrong = unlike(ours, dump, lambda goroutine: goroutine.created_by)
    if wrong:
        raise RuntimeError("creators, JSON first:\n" + "\n".join(wrong))
    return code, report, ours, min(seconds)


def read_report(report):
    """{id: goroutine} of the report."""
    found = {}
    for group in report["groups"]:
        if group["kind"] != "goroutine":
            continue
        for member in group["members"]:
            goroutine = Goroutine(group["reason"])
            goroutine.frames = [(frame["function"], "%s:%s" % (frame["file"], frame["line"]))
                                for frame in group["frames"]]
            goroutine.created_by = (group["created_by"] or {}).get("function")
            found[member] = goroutine
    return found


def unlike(ours, theirs, what):
    """Lines about the goroutines of both for which what(goroutine) differs."""
    return ["goroutine %d:\n  ours   %s\n  theirs %s" % (number, what(ours[number]),
                                                       what(theirs[number]))
            for number in sorted(ours.keys() & theirs.keys())
            if what(ours[number]) != what(theirs[number])]


def check_health(name, code, report, seconds):
    """A server that only works for its clients has nothing to find, and all of it was read."""
    tap.equal(name + "exit code", code, 0)
    tap.equal(name + "no finding, no gap", (report["findings"], report["gaps"]), ([], []))
    tap.equal(name + "stacks that are not complete",
              [group["id"] for group in report["groups"]
               if group["kind"] == "goroutine" and group["stack_end"] != "complete"], [])
    tap.check(name + "%.3f s, below %.1f" % (seconds, TIME_LIMIT_S), seconds < TIME_LIMIT_S)


def check_facts(name, report, ours, numbers, age_s):
    """Sums of the runtime. numbers: stated just before; age_s: from start to the dump."""
    go = report["go"]
    low, high = min(numbers) - NUM_ON_THE_MOVE, max(numbers) + NUM_ON_THE_MOVE
    tap.check(name + "%d goroutines, stated %d to %d" % (go["num_goroutine"], min(numbers),
                                                         max(numbers)),
              low <= go["num_goroutine"] <= high, "not within %d to %d" % (low, high))
    tap.equal(name + "system goroutines and others are all", go["goroutines"],
              go["system_goroutines"] + go["num_goroutine"])
    tap.equal(name + "every goroutine stands in one group", len(ours),
              sum(group["count"] for group in report["groups"] if group["kind"] == "goroutine"))
    tap.equal(name + "groups hold all goroutines", len(ours), go["goroutines"])
    tap.equal(name + "GOMAXPROCS", go["gomaxprocs"], len(os.sched_getaffinity(0)))
    # Go prints its crash for up to 5 s (runtime/signal_unix.go) before it ends; the time that a
    # core knows of is that of the scheduler's last look, at most 10 ms and a bit before.
    uptime_s, gc_age_s = go["uptime_ns"] / 1e9, go["last_gc_age_ns"] / 1e9
    tap.check(name + "up %.2f s, started %.2f s before" % (uptime_s, age_s),
              age_s - 1 <= uptime_s <= age_s + 6)
    tap.check(name + "%d GCs, the last %.3f s before" % (go["gc_cycles"], gc_age_s),
              go["gc_cycles"] > 0 and 0 <= gc_age_s <= uptime_s)


def check_against_crash(name, ours, said):
    """Every goroutine, every frame, as the crash printed them while the core was on its way."""
    theirs = {number: goroutine for number, goroutine in read_dump(said).items() if number != 0}
    tap.equal(name + "goroutines of the crash's text", sorted(ours), sorted(theirs))
    full = {number: goroutine for number, goroutine in theirs.items() if goroutine.in_full}
    # One that ran on another thread while the text was printed has no stack in it.
    tap.check(name + "stacks that the crash's text leaves out",
              len(theirs) - len(full) <= len(os.sched_getaffinity(0)))
    busy = {number for number, goroutine in full.items() if goroutine.reason in BUSY}
    num_moved = 0
    for number in ours.keys() & full.keys():
        goroutine = full[number]
        if ours[number].returning():
            goroutine.frames[0] = (goroutine.frames[0][0], "returning")
        # Woken, or back from its call, since it was printed: it cannot run any more.
        if ours[number].reason == "runnable" != goroutine.reason:
            goroutine.reason = "runnable"
            num_moved += 1
    wrong = unlike(ours, full, lambda goroutine: goroutine.created_by)
    tap.check(name + "creators equal to the crash's text", not wrong, "\n".join(wrong))
    before = {number: goroutine.before_return() for number, goroutine in ours.items()}
    parked = {number: full[number] for number in full.keys() - busy}
    wrong = unlike(before, parked, lambda goroutine: (goroutine.reason, goroutine.frames))
    tap.check(name + "reason and frames of %d waiting goroutines equal to the crash's text"
              % len(parked), not wrong, "\n".join(wrong))
    # The text does not stop the world: one on each processor may go on until it is preempted.
    wrong = unlike(before, {number: full[number] for number in busy},
                   lambda goroutine: (goroutine.reason, goroutine.frames))
    tap.check(name + "%d of %d busy ones equal to the crash's text"
              % (len(busy) - len(wrong), len(busy)),
              len(wrong) <= len(os.sched_getaffinity(0)), "\n".join(wrong))
    return num_moved


def check_against_profiles(name, ours, profiles):
    """Those that stand in two profiles before the core: they live longer than a request."""
    first, last = (read_dump(text) for text in profiles)
    stayed = {number: last[number] for number in first.keys() & last.keys()}
    gone = sorted(stayed.keys() - ours.keys())
    # One that lived just long enough for two profiles may end before the core.
    tap.check(name + "%d of %d of two profiles are there" % (len(stayed) - len(gone), len(stayed)),
              len(gone) <= 2, "missing: %s" % gone)
    wrong = unlike(ours, stayed, lambda goroutine: goroutine.created_by)
    tap.check(name + "creators equal to the profiles'", not wrong, "\n".join(wrong))
    rest = {number: goroutine for number, goroutine in stayed.items()
            if goroutine.of_user() == first[number].of_user()}
    wrong = unlike(ours, rest, Goroutine.of_user)
    # A client keeps one such goroutine of the server busy at a time, and the server's own work
    # (scrapes, raft and its log, scans) four.
    tap.check(name + "%d of %d are where both profiles have them"
              % (len(rest) - len(wrong), len(rest)),
              len(wrong) <= NUM_CLIENTS + 4, "\n".join(wrong))


def dump_server(server, place, how):
    """(core, numbers stated before, two profiles before, age in s)"""
    begin = time.monotonic()
    with started(server, place) as process, loaded(server, place) as stop:
        profiles = [place.ask(server.profile, "/debug/pprof/goroutine?debug=2")]
        time.sleep(PAUSE_S)
        profiles.append(place.ask(server.profile, "/debug/pprof/goroutine?debug=2"))
        numbers = [number_stated(server, place) for _ in range(5)]
        age_s = time.monotonic() - begin
        core = realcore.dump(process, place.folder, how, signal.SIGABRT)
        stop.set()
    if how == "gcore":
        # It writes the reserved address space, more than 1 GB of zeros.
        realcore.move_sparse(core, core + ".sparse")
        core += ".sparse"
    return core, numbers, profiles, age_s


def check_server(server, how, rows):
    """One server by one dumper: a row of the table."""
    name = "%s by %s: " % (server.name, how)
    if not server.program:
        tap.skip(name + "goroutines", server.name + " is not installed")
        return
    with realcore.scratch() as folder:
        place = Place(folder)
        try:
            core, numbers, profiles, age_s = dump_server(server, place, how)
        except realcore.CannotDump as reason:
            tap.skip(name + "goroutines", str(reason))
            return
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            tap.check(name + "a core", False, error)
            return
        code, report, ours, seconds = reported(core, os.path.realpath(server.program))
        size = os.path.getsize(core)
        check_health(name, code, report, seconds)
        check_facts(name, report, ours, numbers, age_s)
        check_against_profiles(name, ours, profiles)
        frames, moved = sum(len(goroutine.frames) for goroutine in ours.values()), "-"
        if how == "kernel":
            said = realcore.read_text(os.path.join(folder, "said"))
            moved = check_against_crash(name, ours, said)
    rows.append((server.name, how, size >> 20, len(ours), frames, len(report["groups"]),
                 moved, seconds))


def main():
    """All servers, a table."""
    rows, wanted = [], sys.argv[1:]
    for server in SERVERS:
        if wanted and server.name not in wanted:
            continue
        check_server(server, "kernel", rows)
        if server.name == BY_GCORE:
            check_server(server, "gcore", rows)
    print("# %-12s %-7s %9s %11s %7s %7s %7s %7s" % (
        "program", "dumper", "core MiB", "goroutines", "frames", "groups", "woken", "s"))
    for row in rows:
        print("# %-12s %-7s %9d %11d %7d %7d %7s %7.3f" % row)
    tap.done()


if __name__ == "__main__":
    main()

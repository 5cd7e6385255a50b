"""`make check-real`: stacks of real servers, address by address as eu-stack has them.

Starts redis, nginx, memcached, mariadb, java, node and python in scratch folders, on loopback
or Unix sockets, dumps each by the kernel and by gcore, and compares every thread. Programs that
are not installed are skipped. Everything is killed and every core deleted afterwards.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import tap

import oracle
import realcore

START_TIMEOUT_S = 60

JAVA_SOURCE = """
import java.util.concurrent.*;
public class Orders {
    static final BlockingQueue<String> queue = new LinkedBlockingQueue<>();
    static final Object monitor = new Object();
    static volatile long spins;
    static int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
    public static void main(String[] args) throws Exception {
        for (int i = 0; i < 4; i++) new Thread(() -> {
            try { queue.take(); } catch (InterruptedException e) { }
        }, "consumer-" + i).start();
        for (int i = 0; i < 3; i++) new Thread(() -> {
            try { Thread.sleep(3600000); } catch (InterruptedException e) { }
        }).start();
        new Thread(() -> { for (;;) spins += fibonacci(20); }).start();
        synchronized (monitor) {
            for (int i = 0; i < 3; i++) new Thread(() -> {
                synchronized (monitor) { spins++; }
            }).start();
            Thread.sleep(1500);
            System.out.println("ready");
            Thread.sleep(3600000);
        }
    }
}
"""

NODE_SOURCE = """
const { Worker, isMainThread } = require('worker_threads');
const fs = require('fs');
if (isMainThread) {
  let online = 0;
  for (let i = 0; i < 2; i++)
    new Worker(__filename).on('message', () => { if (++online === 2) console.log('ready'); });
  fs.promises.readFile(__filename);
  setInterval(() => {}, 1000000);
} else {
  require('worker_threads').parentPort.postMessage('online');
  setInterval(() => {}, 1000000);
}
"""

PYTHON_SOURCE = """
import threading, time, queue, socket
pair = socket.socketpair()
work, lock, event = queue.Queue(), threading.Lock(), threading.Event()
lock.acquire()
for target in ([work.get] * 4 + [lock.acquire] * 2 + [event.wait] * 2
               + [lambda: pair[0].recv(1), lambda: time.sleep(100000)]):
    threading.Thread(target=target, daemon=True).start()
def spin():
    while True:
        sum(range(1000))
threading.Thread(target=spin, daemon=True).start()
print("ready", flush=True)
event.wait()
"""

NGINX_CONFIG = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events { worker_connections 64; }
thread_pool default threads=4 max_queue=16;
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    aio threads;
    server { listen unix:socket; location / { root html; } }
}
"""


class Server:
    """How to start one program and how to tell that it is up."""

    def __init__(self, name, program, argv, prepare=None, unix_socket=None, says_ready=False,
                 ask=None):
        self.name, self.argv = name, argv
        self.program = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
        self.prepare, self.unix_socket, self.says_ready = prepare, unix_socket, says_ready
        self.ask = ask


def write(folder, name, text):
    """A file in the scratch folder."""
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def prepare_nginx(folder):
    """Configuration and one page."""
    write(folder, "nginx.conf", NGINX_CONFIG)
    os.makedirs(os.path.join(folder, "html"))
    write(folder, "html/index.html", "hello " * 10000)


def prepare_java(folder):
    """A class with waiting, sleeping, blocked and busy threads."""
    write(folder, "Orders.java", JAVA_SOURCE)
    code, out, err = tap.run(["javac", "Orders.java"], cwd=folder, timeout=120)
    if code:
        raise RuntimeError("javac failed: " + out + err)


def prepare_mariadb(folder):
    """An empty data directory; the system tables are not needed."""
    os.makedirs(os.path.join(folder, "data"))


SERVERS = [
    Server("redis", "redis-server",
           ["--port", "0", "--unixsocket", "socket", "--io-threads", "4", "--io-threads-do-reads",
            "yes", "--save", "", "--crash-log-enabled", "no"],
           unix_socket="socket", ask=b"PING\r\n"),
    Server("nginx", "nginx", ["-p", ".", "-e", "error.log", "-c", "nginx.conf"], prepare_nginx,
           unix_socket="socket", ask=b"GET / HTTP/1.0\r\n\r\n"),
    Server("memcached", "memcached", ["-t", "8", "-s", "socket", "-u", "root"],
           unix_socket="socket", ask=b"stats\r\n"),
    Server("mariadb", "mariadbd",
           ["--no-defaults", "--datadir=FOLDER/data", "--socket=socket", "--skip-networking",
            "--skip-grant-tables", "--user=root", "--innodb-buffer-pool-size=16M",
            "--core-file", "--skip-stack-trace", "--lc-messages-dir=/usr/share/mysql"],
           prepare_mariadb, unix_socket="data/socket"),
    Server("java", "java", ["-Xmx64m", "-XX:+UseSerialGC", "-cp", ".", "Orders"], prepare_java,
           says_ready=True),
    Server("java G1", "java", ["-Xmx128m", "-XX:+UseG1GC", "-cp", ".", "Orders"], prepare_java,
           says_ready=True),
    Server("node", "node", ["workers.js"],
           lambda folder: write(folder, "workers.js", NODE_SOURCE), says_ready=True),
    Server("python", "/usr/bin/python3", ["threads.py"],
           lambda folder: write(folder, "threads.py", PYTHON_SOURCE), says_ready=True),
]


def wait_until_up(server, process, folder):
    """Until it says ready, or answers on its socket."""
    if server.says_ready:
        realcore.wait_for_ready(process)
        return
    deadline, path = time.monotonic() + START_TIMEOUT_S, os.path.join(folder, server.unix_socket)
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("%s ended with %s" % (server.name, process.returncode))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            try:
                # The scratch path may be longer than a socket's name can be.
                folder_fd = os.open(folder, os.O_RDONLY)
                try:
                    client.connect("/proc/self/fd/%d/%s" % (folder_fd, server.unix_socket))
                finally:
                    os.close(folder_fd)
                client.settimeout(START_TIMEOUT_S)
                if server.ask:
                    client.sendall(server.ask)
                if client.recv(1):
                    return
            except OSError:
                time.sleep(0.05)
    raise RuntimeError("%s did not come up" % server.name)


def num_threads(pid):
    """Threads of a process now."""
    return len(os.listdir("/proc/%d/task" % pid))


def wait_until_quiet(pid):
    """Until the number of threads has stayed the same for a second; some are always busy."""
    same, before = 0, -1
    while same < 10:
        time.sleep(0.1)
        now = num_threads(pid)
        same, before = (same + 1 if now == before else 0), now


def dump_server(server, how, folder):
    """A core of the running server."""
    if server.prepare:
        server.prepare(folder)
    argv = [server.program] + [word.replace("FOLDER", folder) for word in server.argv]
    with subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE if server.says_ready else subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL,
                          preexec_fn=realcore.before_exec) as process:
        try:
            wait_until_up(server, process, folder)
            wait_until_quiet(process.pid)
            # None of them handles SIGXCPU; SIGABRT, SIGSEGV and SIGSYS some do.
            return realcore.dump(process, folder, how, signal.SIGXCPU)
        finally:
            if process.poll() is None:
                process.kill()


def check_server(server, how, rows):
    """One server by one dumper: a row of the table."""
    name = "%s by %s: " % (server.name, how)
    if not server.program:
        tap.skip(name + "addresses", server.name + " is not installed")
        return
    with realcore.scratch() as folder:
        os.chmod(folder, 0o777)
        try:
            core = dump_server(server, how, folder)
        except realcore.CannotDump as reason:
            tap.skip(name + "addresses", str(reason))
            return
        except (RuntimeError, OSError) as error:
            tap.check(name + "a core", False, error)
            return
        exe = os.path.realpath(server.program)
        begin = time.monotonic()
        ours, report = oracle.coreleaks_pcs(core)
        ours_s = time.monotonic() - begin
        begin = time.monotonic()
        theirs = oracle.eu_stack_pcs(core, exe)
        theirs_s = time.monotonic() - begin
    wrong = oracle.pc_differences(ours, theirs)
    ends = {}
    for group in report["groups"]:
        ends[group["stack_end"]] = ends.get(group["stack_end"], 0) + group["count"]
    rows.append((server.name, how, len(theirs), sum(map(len, theirs.values())), len(wrong),
                 " ".join("%s %d" % item for item in sorted(ends.items())), ours_s, theirs_s))
    tap.check(name + "%d threads, %d frames equal eu-stack's"
              % (len(theirs), sum(map(len, theirs.values()))), not wrong, "\n".join(wrong))


def main():
    """All servers, both dumpers, a table."""
    if not shutil.which("eu-stack"):
        tap.skip("real servers", "eu-stack is not installed")
        tap.done()
    rows, wanted = [], sys.argv[1:]
    for server in SERVERS:
        if wanted and server.name not in wanted:
            continue
        for how in ("kernel", "gcore"):
            check_server(server, how, rows)
    print("# %-10s %-7s %7s %7s %7s %9s %9s  %s" % ("program", "dumper", "threads", "frames",
                                                  "differ", "ours s", "eu-stack s", "ends"))
    for name, how, threads, frames, wrong, ends, ours_s, theirs_s in rows:
        print("# %-10s %-7s %7d %7d %7d %9.2f %9.2f  %s"
              % (name, how, threads, frames, wrong, ours_s, theirs_s, ends))
    tap.done()


main()

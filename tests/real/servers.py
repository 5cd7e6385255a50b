"""Real servers at rest: how each is started in a scratch folder, on Unix sockets, and dumped.

Programs that are not installed have no path. Everything started here is killed here.
"""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import tap

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


RSYSLOG_CONFIG = """
module(load="imudp")
input(type="imudp" address="127.0.0.1" port="%d")
action(type="omfile" file="%s")
"""


class Server:
    """How to start one program and how to tell that it is up.

    user: whom it runs as when the test is root; dumped(process): the id of the process to dump.
    """

    def __init__(self, name, program, argv, prepare=None, unix_socket=None, says_ready=False,
                 ask=None, is_up=None, user=None, dumped=None):
        self.name, self.argv = name, argv
        places = [program] + sorted(glob.glob(program), reverse=True)
        found = [shutil.which(place, path=path) for place in places
                 for path in (None, "/usr/sbin:/sbin")]
        self.program = next(filter(None, found), None)
        self.prepare, self.unix_socket, self.says_ready = prepare, unix_socket, says_ready
        self.ask, self.is_up, self.user, self.dumped = ask, is_up, user, dumped

    def before_exec(self):
        """For preexec_fn."""
        realcore.before_exec()
        if self.user and os.getuid() == 0:
            entry = pwd.getpwnam(self.user)
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)


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


def prepare_rsyslog(folder):
    """A free port and a file of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    write(folder, "port", str(port))
    write(folder, "rsyslog.conf", RSYSLOG_CONFIG % (port, os.path.join(folder, "out")))


def is_rsyslog_up(folder):
    """It has written what it was sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", int(realcore.read_text(os.path.join(folder, "port")))))
        client.send(b"<13>orders: ready")
    return realcore.read_text(os.path.join(folder, "out")) != ""


def prepare_postgresql(folder):
    """A database cluster that its user may write."""
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    initdb = os.path.join(os.path.dirname(named("postgresql").program), "initdb")
    code, _, err = tap.run([initdb, "-D", "data", "-N", "-A", "trust"], cwd=folder,
                           preexec_fn=named("postgresql").before_exec)
    if code:
        raise RuntimeError("initdb failed: " + err)


def is_postgresql_up(folder):
    """It says so in its lock file."""
    return "ready" in realcore.read_text(os.path.join(folder, "data", "postmaster.pid"))


def named(name):
    """The server of that name."""
    return next(server for server in SERVERS if server.name == name)


def a_child(process):
    """The youngest child."""
    pids = realcore.read_text("/proc/%d/task/%d/children" % (process.pid, process.pid)).split()
    return max(map(int, pids))


POSTGRESQL = ["-D", "data", "-k", "FOLDER", "-c", "listen_addresses=", "-c", "shared_buffers=1MB",
              "-c", "fsync=off", "-c", "restart_after_crash=off"]
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
            "--core-file", "--skip-stack-trace", "--lc-messages-dir=/usr/share/mysql",
            # Without it, 8 TiB are reserved, all of which GDB would write.
            "--loose-innodb-buffer-pool-size-max=64M"],
           prepare_mariadb, unix_socket="data/socket"),
    Server("java", "java", ["-Xmx64m", "-XX:+UseSerialGC", "-cp", ".", "Orders"], prepare_java,
           says_ready=True),
    Server("java G1", "java", ["-Xmx128m", "-XX:+UseG1GC", "-cp", ".", "Orders"], prepare_java,
           says_ready=True),
    Server("node", "node", ["workers.js"],
           lambda folder: write(folder, "workers.js", NODE_SOURCE), says_ready=True),
    Server("python", "/usr/bin/python3", ["threads.py"],
           lambda folder: write(folder, "threads.py", PYTHON_SOURCE), says_ready=True),
    Server("rsyslog", "rsyslogd", ["-n", "-f", "FOLDER/rsyslog.conf", "-i", "FOLDER/pid"],
           prepare_rsyslog, is_up=is_rsyslog_up),
    Server("postgresql", "/usr/lib/postgresql/*/bin/postgres", POSTGRESQL, prepare_postgresql,
           is_up=is_postgresql_up, user="postgres"),
    Server("postgresql child", "/usr/lib/postgresql/*/bin/postgres", POSTGRESQL,
           prepare_postgresql, is_up=is_postgresql_up, user="postgres", dumped=a_child),
]


@contextlib.contextmanager
def at_folder(folder):
    """A short path of it: the scratch path may be longer than a socket's name can be."""
    folder_fd = os.open(folder, os.O_RDONLY)
    try:
        yield "/proc/self/fd/%d" % folder_fd
    finally:
        os.close(folder_fd)


def answers(server, folder):
    """It says something on its socket."""
    with at_folder(folder) as place, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(os.path.join(place, server.unix_socket))
        client.settimeout(START_TIMEOUT_S)
        if server.ask:
            client.sendall(server.ask)
        return client.recv(1) != b""


def wait_until_up(server, process, folder):
    """Until it says ready, or shows that it is."""
    if server.says_ready:
        realcore.wait_for_ready(process)
        return
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("%s ended with %s" % (server.name, process.returncode))
        try:
            if server.is_up(folder) if server.is_up else answers(server, folder):
                return
        except OSError:
            pass
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
                          stderr=subprocess.DEVNULL, preexec_fn=server.before_exec) as process:
        try:
            wait_until_up(server, process, folder)
            process.dumped_pid = server.dumped(process) if server.dumped else process.pid
            wait_until_quiet(process.dumped_pid)
            # None of them handles SIGXCPU; SIGABRT, SIGSEGV and SIGSYS some do.
            return realcore.dump(process, folder, how, signal.SIGXCPU)
        finally:
            if process.poll() is None:
                process.kill()

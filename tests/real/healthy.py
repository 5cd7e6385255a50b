"""What a report must say of each server at rest: nothing is wrong, and what every thread waits for.

The truth is written down from the programs' sources and documentation. A row is

    (how many threads, reasons, name)

with a number or (fewest, most), with reasons separated by "|", and with the name of a function or
module that stands on the stack, or =NAME for helper threads of the runtime of that name. Every
thread belongs to the first row that fits.
"""

MANY = 1000

TRUTH = {
    # bio.c: three background queues; networking.c: I/O threads that main parks by a mutex each.
    "redis": [
        (3, "condition", "bioProcessBackgroundJobs"),
        (3, "mutex", "IOThreadMain"),
        (1, "epoll", "aeMain"),
        ((1, 4), "condition", "=jemalloc"),
    ],
    # ngx_thread_pool.c: `thread_pool default threads=4`.
    "nginx": [
        (4, "condition", "=nginx thread pool"),
        (1, "epoll", "ngx_process_events_and_timers"),
    ],
    # -t 8; main; four maintainers on conditions of their own; one that sleeps between crawls.
    "memcached": [
        (9, "epoll", "event_base_loop"),
        (4, "condition", "memcached"),
        (1, "sleep", "memcached"),
    ],
    "mariadb": [
        ((1, 16), "condition", "=MariaDB thread pool"),
        (1, "poll", "handle_connections_sockets"),
        (1, "signal", "signal_hand"),
        (1, "condition", "handle_manager"),
        (1, "condition", "slave_deadlock_handler"),
        # A thread that served the bootstrap connection waits for the next.
        ((0, 2), "condition", "handle_one_connection"),
        # InnoDB's and Aria's own; asynchronous input and output where the kernel lends it.
        ((1, 8), "condition", "mariadbd"),
        ((0, 1), "io-uring|syscall:io_getevents", "mariadbd"),
    ],
    "java": [
        ((9, MANY), "condition|semaphore", "=Java VM"),
        (1, "join", "CallJavaMainInNewThread"),
        (4, "condition", "Unsafe_Park"),
        (4, "condition", "JVM_Sleep"),
        (3, "condition", "ObjectMonitor::enter"),
        # The finalizer and the cleaner, in Java.
        (2, "condition", "JVM_MonitorWait"),
        # The one that spins, in code without a file, starts in libjvm or cannot be unwound.
        (1, "running", ""),
    ],
    "node": [
        (4, "condition", "=libuv"),
        ((5, MANY), "condition|semaphore|epoll", "=Node.js"),
        (2, "epoll", "node::worker::Worker::Run"),
        (1, "epoll", "node::SpinEventLoopInternal"),
    ],
    "python": [
        # Four in Queue.get(), two in Lock.acquire(), two in Event.wait(), and main in another.
        (9, "semaphore", "PyThread_acquire_lock_timed"),
        (1, "recv", "PyEval"),
        (1, "sleep", "PyEval"),
        # Now and then it waits for the interpreter's lock.
        (1, "running|condition", "PyEval"),
    ],
    "rsyslog": [
        (1, "condition", "wtiWorker"),
        (1, "epoll", "imudp.so"),
        (1, "select", "main"),
    ],
    "postgresql": [(1, "select|epoll", "PostmasterMain")],
    "postgresql child": [(1, "epoll", "WaitEventSetWait")],
}
TRUTH["java G1"] = TRUTH["java"]


def names_of(group, tasks):
    """Functions and modules on a group's stack, and its threads' start routines."""
    words = [frame[key] for frame in group["frames"] for key in ("function", "module")]
    words += [tasks[member]["start"] for member in group["members"]]
    return [word for word in words if word]


def row_of(group, tasks, rows):
    """Index of the row that the group belongs to, or None."""
    names = names_of(group, tasks)
    for index, (_, reasons, name) in enumerate(rows):
        if name.startswith("="):
            fits = group["system"] == name[1:]
        else:
            fits = group["system"] is None and (not name or any(name in word for word in names))
        if fits and group["reason"] in reasons.split("|"):
            return index
    return None


def differences(server, shown, everything):
    """Lines that say what is wrong with the two reports, by default and with --all."""
    rows, lines = TRUTH[server], []
    tasks = {task["id"]: task for task in everything["tasks"]}
    counts = [0] * len(rows)
    for group in everything["groups"]:
        index = row_of(group, tasks, rows)
        if index is None:
            lines.append("not expected: %d %s: %s" % (group["count"], group["reason"],
                                                      " ".join(names_of(group, tasks)[:12])))
        else:
            counts[index] += group["count"]
    for (wanted, reasons, name), count in zip(rows, counts):
        low, high = wanted if isinstance(wanted, tuple) else (wanted, wanted)
        if not low <= count <= high:
            lines.append("%d threads wait for %s in %s, wanted %s" % (count, reasons, name, wanted))
    return lines + noise(shown) + noise(everything) + hidden_differences(shown, everything)


def noise(report):
    """Whatever a report claims to be wrong."""
    lines = ["%s %s: %s" % (finding["certainty"], finding["rule"], finding["title"])
             for finding in report["findings"]]
    if report["summary"]["verdict"] != "unknown":
        lines.append("verdict %s" % report["summary"]["verdict"])
    return lines


def hidden_differences(shown, everything):
    """Helper threads, and they alone, are hidden by default."""
    system = sum(group["count"] for group in everything["groups"] if group["system"])
    got = (shown["summary"]["system"], shown["summary"]["hidden"],
           everything["summary"]["system"], everything["summary"]["hidden"])
    if got != (system, system, system, 0):
        return ["helpers %d, but counted and hidden: %s" % (system, got)]
    return []

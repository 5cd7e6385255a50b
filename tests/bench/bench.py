"""`make bench`: coreleaks against every installed peer on cores of 1,001 and 10,001 threads.

All programs run in turns in one run, so that the ratios hold whatever else the machine does.
Each must find the five groups of the sample many_stacks and main's; a disagreement ends with 1.

    bench.py [--runs N] [--threads N,N]
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import tap

import realcore

PEER_LIMIT_S = 150
# What stands on each of the five stacks and on no other.
MARKS = ("wait_for_change", "lock_account", "take_ticket", "read_packet", "sleep_long")


# ---- What each program prints, as {mark: threads} ---------------------------------------------


def mark_of(functions):
    """The stack's mark, `main` for main's own, or the functions themselves."""
    for mark in MARKS:
        if mark in functions:
            return mark
    return "main" if "main" in functions else " ".join(functions)


def group_by_stack(stacks):
    """Groups of equal stacks, as an awk script over a list of stacks would make them."""
    counts = {}
    for stack in stacks:
        counts[tuple(stack)] = counts.get(tuple(stack), 0) + 1
    return counts


def sizes(groups):
    """[(mark, count)] of {functions: count}; two groups with one mark stay two."""
    return sorted((mark_of(functions), count) for functions, count in groups.items())


def read_coreleaks_json(out):
    """Groups of the JSON report."""
    import json

    return sorted((mark_of([frame["function"] for frame in group["frames"]]), group["count"])
                  for group in json.loads(out)["groups"])


def read_coreleaks_text(out):
    """Groups of the text report: a line `#1  200 threads …`, then a line a frame."""
    groups, count, functions = [], 0, []
    for line in out.splitlines() + ["#0 0 threads"]:
        match = re.match(r"\W*#\d+\s+([\d,]+) threads?\b", line)
        if match:
            if functions:
                groups.append((mark_of(functions), count))
            count, functions = int(match.group(1).replace(",", "")), []
        elif line.startswith("  ") and count:
            functions += line.split()[:1]
    return sorted(groups)


def read_gdb(out):
    """Stacks of `thread apply all bt`; the frame printed for the current thread is no stack."""
    stacks, stack = [], None
    for line in out.splitlines():
        if line.startswith("Thread ") and "LWP" in line:
            stack = []
            stacks.append(stack)
        match = re.match(r"#\d+\s+(?:0x[0-9a-f]+ in )?([^\s(]+)", line)
        if match and stack is not None:
            stack.append(match.group(1))
    return sizes(group_by_stack(stacks))


def read_eu_stack(out):
    """Stacks of eu-stack."""
    stacks, stack = [], None
    for line in out.splitlines():
        if line.startswith("TID "):
            stack = []
            stacks.append(stack)
        match = re.match(r"#\d+\s+0x[0-9a-f]+(?:\s+-\s+1)?\s*([^\s(]*)", line)
        if match and stack is not None:
            stack.append(match.group(1))
    return sizes(group_by_stack(stacks))


def read_lldb(out):
    """Groups of `thread backtrace unique`."""
    groups, count, functions = [], 0, []
    for line in out.splitlines() + ["0 thread(s) "]:
        match = re.match(r"(\d+) thread\(s\) ", line)
        if match:
            if functions:
                groups.append((mark_of(functions), count))
            count, functions = int(match.group(1)), []
            continue
        match = re.search(r"frame #\d+: 0x[0-9a-f]+ \S+?`(\w+)", line)
        if match:
            functions.append(match.group(1))
    return sorted(groups)


def read_drgn(out):
    """Groups of the script below: count and functions."""
    return sorted((mark_of(line.split()[1:]), int(line.split()[0]))
                  for line in out.splitlines() if line[:1].isdigit())


DRGN_SCRIPT = """
import sys
import drgn
program = drgn.Program()
program.set_core_dump(sys.argv[1])
try:
    program.load_default_debug_info()
except drgn.MissingDebugInfoError:
    pass


def name(frame):
    try:
        return frame.name or hex(frame.pc)
    except LookupError:
        return "?"


groups = {}
for thread in program.threads():
    key = tuple(name(frame) for frame in thread.stack_trace())
    groups[key] = groups.get(key, 0) + 1
for key, count in sorted(groups.items(), key=lambda item: -item[1]):
    print(count, *key)
"""


def programs(folder):
    """[(name, argv with CORE and EXE in it, reader of the output)] of what is installed."""
    script = os.path.join(folder, "group.py")
    with open(script, "w", encoding="utf-8") as file:
        file.write(DRGN_SCRIPT)
    tool = realcore.tool()
    found = [("coreleaks text", [tool, "CORE", "EXE"], read_coreleaks_text),
             ("coreleaks json", [tool, "--json", "CORE", "EXE"], read_coreleaks_json)]
    peers = [
        ("gdb bt", "gdb", ["gdb", "-nx", "-batch", "-ex", "thread apply all bt", "EXE", "CORE"],
         read_gdb),
        ("gdb bt, no arguments", "gdb",
         ["gdb", "-nx", "-batch", "-ex", "set print frame-arguments none", "-ex",
          "thread apply all -s bt", "EXE", "CORE"], read_gdb),
        ("eu-stack", "eu-stack", ["eu-stack", "--core=CORE", "-e", "EXE"], read_eu_stack),
        ("lldb unique", "lldb", ["lldb", "--no-lldbinit", "-b", "-o", "thread backtrace unique",
                                 "-c", "CORE", "EXE"], read_lldb),
    ]
    for name, program, argv, reader in peers:
        if shutil.which(program):
            found.append((name, argv, reader))
        else:
            print("not installed: " + program)
    if tap.run(["/usr/bin/python3", "-c", "import drgn"])[0] == 0:
        found.append(("drgn script", ["/usr/bin/python3", script, "CORE"], read_drgn))
    else:
        print("not installed: drgn")
    return found


# ---- Measuring --------------------------------------------------------------------------------


def measure(argv):
    """(wall s, CPU s, peak MiB, exit code, output); exit code None when the limit was reached."""
    with open(os.path.join(tap.BUILD, "tmp", "bench.out"), "w+b") as output:
        begin = time.monotonic()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        killer = threading.Timer(PEER_LIMIT_S, process.kill)
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - begin
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    timed_out = wall_s >= PEER_LIMIT_S
    return (wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024,
            None if timed_out else process.returncode, text)


def compare(num_threads, exe, core, todo, num_runs):
    """{name: (wall, CPU, peak, agrees)}; medians over runs that take turns."""
    results = {name: [] for name, _, _ in todo}
    outputs, stopped = {}, set()
    for run in range(num_runs):
        for name, argv, reader in todo:
            if name in stopped:
                continue
            argv = [{"CORE": core, "EXE": exe}.get(word, word.replace("=CORE", "=" + core))
                    for word in argv]
            wall_s, cpu_s, peak, code, text = measure(argv)
            results[name].append((wall_s, cpu_s, peak))
            if code is None:
                stopped.add(name)
                outputs[name] = None
            elif run == 0:
                outputs[name] = (code, reader(text), text[:2000])
            # Slow ones are steady enough after one run.
            if wall_s > 30:
                stopped.add(name)
    truth = sorted([(mark, num_threads // 5) for mark in MARKS] + [("main", 1)])
    table = {}
    for name, runs in results.items():
        medians = tuple(statistics.median(column) for column in zip(*runs))
        agrees = None if outputs[name] is None else outputs[name][1] == truth
        if agrees is False:
            print("%s: groups are %s\n  want %s" % (name, outputs[name][1], truth))
            print(outputs[name][2])
        table[name] = medians + (agrees, len(runs))
    return table


def print_table(num_threads, table):
    """One core's rows, with the ratio to the fastest peer."""
    peers = {name: row for name, row in table.items()
             if not name.startswith("coreleaks") and row[3]}
    best = min(peers, key=lambda name: peers[name][0]) if peers else None
    print("\n%d threads (medians%s)" % (num_threads + 1,
                                        "; fastest peer: " + best if best else ""))
    print("%-22s %9s %9s %9s %5s  %-8s  %s" % ("program", "wall s", "CPU s", "peak MiB", "runs",
                                               "groups", "fastest peer / this: wall, CPU"))
    for name, (wall_s, cpu_s, peak, agrees, num_runs) in table.items():
        groups = {True: "equal", False: "DIFFER", None: "time-out"}[agrees]
        ratio = "%9.1f %9.1f" % (peers[best][0] / wall_s, peers[best][1] / cpu_s) if best else ""
        print("%-22s %9.3f %9.3f %9.1f %5d  %-8s  %s"
              % (name, wall_s, cpu_s, peak, num_runs, groups, ratio))


def print_scaling(tables):
    """How wall and CPU time grow from the first core to the last."""
    first, last = min(tables), max(tables)
    if first == last:
        return
    print("\ntime of %d threads / of %d threads: wall, CPU (threads: %.1f)"
          % (last + 1, first + 1, (last + 1) / (first + 1)))
    for name in tables[last]:
        mark = ">" if tables[last][name][3] is None else ""
        print("%-22s %s%9.1f %9.1f" % ((name, mark) + tuple(
            tables[last][name][column] / tables[first][name][column] for column in (0, 1))))


def main():
    """Makes the cores, runs everybody, prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", default="1000,10000")
    arguments = parser.parse_args()
    failed = False
    exe, tables = realcore.build("many_stacks"), {}
    with realcore.scratch() as folder:
        todo = programs(folder)
        for num_threads in map(int, arguments.threads.split(",")):
            reason = realcore.limits_allow(num_threads + 1)
            if reason:
                print("%d threads: not run: %s" % (num_threads + 1, reason))
                failed = True
                continue
            try:
                core = realcore.make_core(exe, [str(num_threads)], "kernel", num_threads + 1)
            except realcore.CannotDump as error:
                print("no core: %s" % error)
                sys.exit(1)
            size = os.stat(core)
            print("core of %d threads: %d MB, %d MB on disk"
                  % (num_threads + 1, size.st_size // 10**6, size.st_blocks * 512 // 10**6),
                  flush=True)
            tables[num_threads] = compare(num_threads, exe, core, todo, arguments.runs)
            print_table(num_threads, tables[num_threads])
            failed = failed or any(row[3] is False for row in tables[num_threads].values())
    if tables:
        print_scaling(tables)
    sys.exit(1 if failed else 0)


main()

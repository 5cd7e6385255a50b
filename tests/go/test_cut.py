"""A Go core that was cut: every goroutine that is still in the file is reported, whole.

What is there is worked out from the whole core: the runtime's list of goroutines (the longest run
of words that are addresses of them), their descriptors, their stacks.
"""

import os
import shutil
import struct

import gocore
import elfcore
import realcore
import tap

VERSION, MODE, CASE = "1.27", "plain", "ten_thousand"


def list_end(path, addrs):
    """Where in the file the runtime's list of goroutines ends."""
    with open(path, "rb") as file:
        content = file.read()
    words = {struct.pack("<Q", addr) for addr in addrs}
    best = (0, 0)
    for word in sorted(words)[:3]:
        at = content.find(word)
        while at >= 0:
            low = high = at
            while content[low - 8:low] in words:
                low -= 8
            while content[high:high + 8] in words:
                high += 8
            best = max(best, (high - low, high))
            at = content.find(word, at + 1)
    tap.check("the list of goroutines is in the core", best[0] >= 8 * len(words) * 9 // 10, best)
    return best[1]


def check_cut(path, percent, whole, has_list):
    """One cut."""
    name = "cut at %d %%: " % percent
    code, report, err = realcore.report(["--all", path], timeout=60)
    tap.equal(name + "exit code", code, 3)
    if not tap.check(name + "gives a report", report, err):
        return
    tap.check(name + "it is said to be cut", report["core"]["complete"] is False and
              "core-truncated" in [gap["kind"] for gap in report["gaps"]], report["gaps"])
    ends = {member: group["stack_end"] for group in report["groups"]
            if group["kind"] == "goroutine" for member in group["members"]}
    if not has_list:
        tap.check(name + "that the list of goroutines is missing is said",
                  "go-layout" in [gap["kind"] for gap in report["gaps"]], report["gaps"])
        return
    lost = [goroutine for goroutine in whole if ends.get(goroutine) != "complete"]
    tap.check(name + "all of the %d goroutines still in the file are whole" % len(whole), not lost,
              [(goroutine, ends.get(goroutine)) for goroutine in lost[:5]])


def main():
    """Every 10 %."""
    complaints = gocore.toolchains(VERSION)[1]
    try:
        if complaints:
            raise realcore.CannotDump(complaints)
        path = gocore.dump(CASE, gocore.build(CASE, VERSION, MODE))[0]
    except realcore.CannotDump as reason:
        tap.skip("a Go core that was cut", str(reason))
        tap.done()
    code, report, err = realcore.report(["--all", path])
    if tap.check("the whole core is reported", code == 0 and report, err):
        goroutines = [task for task in report["tasks"] if task["kind"] == "goroutine"]
        tap.check("and has its goroutines", len(goroutines) > 10000, len(goroutines))
        core, size = elfcore.Core(path), os.path.getsize(path)
        end = list_end(path, [int(task["g"], 16) for task in goroutines])
        with realcore.scratch() as folder:
            cut = os.path.join(folder, "core")
            shutil.copyfile(path, cut)
            for percent in range(90, 0, -10):
                os.truncate(cut, size * percent // 100)
                check_cut(cut, percent, gocore.whole_at(core, goroutines, size * percent // 100),
                          end <= size * percent // 100)
    tap.done()


main()

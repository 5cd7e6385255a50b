"""`show CORE goroutine:N`: its own addresses, held against the memory of the core itself."""

import json
import subprocess

import gocore
import elfcore
import realcore
import tap

PLANS = (("leaky_handler", "1.19", "plain"), ("leaky_handler", "1.27", "pie-stripped"),
         ("cgo_blocked", "1.27", "cgo-stripped"))


def physical(frames):
    """The frames that have a place on the stack."""
    return [frame for frame in frames if not frame["inlined"]]


def wrong_links(core, frames):
    """Frames whose caller's address does not stand below their end."""
    wrong = []
    for frame, caller in zip(frames, frames[1:]):
        place = core.file_range(int(frame["cfa"], 16) - 8, int(frame["cfa"], 16))
        with open(core.path, "rb") as file:
            file.seek(place[0])
            if int.from_bytes(file.read(8), "little") != int(caller["pc"], 16) or \
                    frame["cfa"] != caller["sp"]:
                wrong.append("%s at %s" % (frame["function"], frame["sp"]))
    return wrong


def check(case, version, mode):
    """All goroutines of one core."""
    exe = gocore.build(case, version, mode)
    try:
        path, _ = gocore.dump(case, exe)
    except realcore.CannotDump as reason:
        tap.skip(case, str(reason))
        return
    name, core = "%s by Go %s, %s: " % (case, version, mode), elfcore.Core(path)
    tool = [realcore.tool(), "--json", "--executable=" + exe]
    report = json.loads(tap.run(tool + ["--all", "--self-check", path])[1])
    checked, tasks = report["self_check"], report["tasks"]
    tap.check(name + "the threads' stacks are libdwfl's", not checked["disagreements"] and
              checked["stacks"] == checked["threads"] > 0, checked)
    goroutines = [task for task in tasks if task["kind"] == "goroutine"]
    wrong, num_links, seen = [], 0, set()
    for task in goroutines:
        # Of many that are alike, the last ones are like the others.
        if sum(task["stack"] == other for other, _ in seen) > 3:
            continue
        seen.add((task["stack"], task["id"]))
        code, out, err = tap.run(tool + ["show", path, "goroutine:%d" % task["id"]])
        if code:
            wrong.append(err)
            continue
        shown = json.loads(out)["task"]
        frames = physical(shown["frames"])
        own = [frame for frame in frames if frame["sp"] is not None]
        if own[0]["pc"] == shown["registers"]["pc"]:
            wrong += wrong_links(core, own)
            wrong += [] if own[0]["sp"] == shown["registers"]["sp"] == task["registers"]["sp"] \
                else ["sp of %d" % task["id"]]
        elif shown["c_call"] is None:
            wrong.append("goroutine %d begins elsewhere" % task["id"])
        if shown["c_call"] is not None:
            wrong += [] if frames[0]["module"] == "libc.so.6" else ["no C"]
        num_links += len(own) - 1
    tap.check(name + "addresses of goroutines", not wrong and num_links > 20,
              "\n".join(wrong) + "\n%d frames" % num_links)
    if "cgo" in mode:
        tap.equal(name + "goroutines in C", sum(task["c_call"] is not None for task in goroutines),
                  4)


def check_wide_count():
    """A line that stands alone has no columns: a large number has no room there."""
    exe = gocore.build("ten_thousand", "1.27", "plain")
    try:
        path, _ = gocore.dump("ten_thousand", exe)
    except realcore.CannotDump as reason:
        tap.skip("ten_thousand", str(reason))
        return
    with subprocess.Popen([realcore.tool(), "--color=never", "show", path, "1"],
                          stdout=subprocess.PIPE) as shown:
        # As it once was, 4 GiB of blanks came next.
        begun = shown.stdout.read(1000).decode("utf-8", "replace")
        shown.kill()
    tap.equal("the title of a group of 10,000", begun.split()[:5],
              ["!!", "#1", "10,000", "goroutines", "99.9"])


for plan in PLANS:
    check(*plan)
check_wide_count()
tap.done()

"""`make check-real`: Prometheus' own checker reads our metrics, without a complaint."""

import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "core")]
import tap

import realcore


def check(sample):
    truth = realcore.expected_words(sample, "threads")
    try:
        core = realcore.make_core(realcore.build(sample), realcore.expected_words(sample, "args"),
                                  threads=int(truth[0]))
    except realcore.CannotDump as reason:
        tap.skip("metrics of " + sample, str(reason))
        return
    _, metrics, _ = tap.run([realcore.tool(), "--format", "prometheus", core])
    code, out, err = tap.run(["promtool", "check", "metrics"], input=metrics)
    tap.check("promtool check metrics, of " + sample, code == 0 and not out and not err,
              "%d %s%s\n%s" % (code, out, err, metrics))


def main():
    """A proved and a suspect program; finished threads."""
    if not shutil.which("promtool"):
        tap.skip("promtool check metrics", "prometheus is not installed")
    else:
        for sample in ("ab_ba", "queue_no_producer", "zombies"):
            check(sample)
    tap.done()


main()

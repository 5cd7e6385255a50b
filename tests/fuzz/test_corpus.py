"""What has broken a fuzzing target before, the seeds, and some mutations of each: no crash, no
sanitizer's report, nothing in a report that is not escaped."""

import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import tap

PROGRAMS = os.path.join(tap.ROOT, "build", "asan")
# Mutations of each seed: other ones than a fuzzer would try are of no use, these are for all days.
NUM_RANDOM = {"core": 60, "module": 25}


def replay(target, *arguments):
    """(exit code, what it said)"""
    code, out, err = tap.run([os.path.join(PROGRAMS, "replay-" + target)] + list(arguments),
                             timeout=300)
    return code, (out + err)[-2000:]


def main():
    """All targets there are."""
    targets = [os.path.basename(path)[len("fuzz_"):-len(".c")]
               for path in sorted(glob.glob(os.path.join(HERE, "fuzz_*.c")))]
    tap.check("there are targets", targets)
    for target in targets:
        code, said = replay(target, "--seeds")
        tap.check("%s: seeds" % target, code == 0, said)
        if target in NUM_RANDOM:
            code, said = replay(target, "--random", str(NUM_RANDOM[target]), "1")
            tap.check("%s: mutations" % target, code == 0, said)
        for path in sorted(glob.glob(os.path.join(HERE, "corpus", target, "*"))):
            code, said = replay(target, path)
            tap.check("%s: %s" % (target, os.path.basename(path)), code == 0, said)
    tap.done()


main()

"""Every Go sample does what stands in its .expect file: by the truth that the program writes.

No core is needed for this, and no analysis: it is the samples that are tested here.
usage: test_truth.py [VERSION|--two|--all]... (default --two; with COREGO=all --all)
"""

import os
import sys

import debug2
import gocore
import goexpect
import realcore
import tap


def check(case, version, mode):
    """One sample by one version."""
    name = "%s by Go %s, %s: " % (case, version, mode)
    wanted = goexpect.Expectation(case)
    exe = gocore.build(case, version, mode)
    with realcore.scratch() as cwd, gocore.running(case, exe, cwd) as (_, text):
        goroutines, notes = debug2.parse_truth(text)
    writer = int(notes["writer"][0])
    tap.check(name + "it is of that version",
              notes["version"][0].startswith("go" + version), notes["version"])
    tap.equal(name + "number of goroutines", int(notes["goroutines"][0]),
              wanted.goroutines(version))
    wrong = goexpect.differences(wanted, version, goroutines, writer)
    tap.check(name + "groups as written down", not wrong, "\n".join(wrong[:20]))
    wrong = goexpect.untold(wanted, version, goroutines, writer,
                            {int(note.split()[0]) for note in notes.get("wait", [])})
    tap.check(name + "it says what each waits on", not wrong, "\n".join(wrong[:20]))


def check_form(root):
    """All sources are formatted, and gofmt finds no fault in them."""
    code, out, err = tap.run([os.path.join(root, "bin", "gofmt"), "-l", gocore.SAMPLES])
    tap.check("the samples are formatted as gofmt does", code == 0 and not out, out + err)


def main(words):
    versions, complaints = gocore.toolchains(*words)
    if complaints:
        tap.check("all toolchains are to be had", False, complaints)
    if versions:
        check_form(versions[-1][1])
    tap.check("there are at least 25 samples", len(gocore.cases()) >= 25, gocore.cases())
    for version, _ in versions:
        for case in gocore.cases():
            mode = "cgo" if goexpect.Expectation(case).cgo else "plain"
            if gocore.exists_for(case, version, mode) is None:
                check(case, version, mode)
    tap.done()


if __name__ == "__main__":
    main(sys.argv[1:] or ["--all" if os.environ.get("COREGO") == "all" else "--two"])

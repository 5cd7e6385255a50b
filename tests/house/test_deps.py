#!/usr/bin/python3
""".ci/deps and .ci/run, with stand-ins for the system's programs that write down their calls."""

import os
import shutil
import stat
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap

DEPS = os.path.join(tap.ROOT, ".ci", "deps")
SETS = ("build", "check", "bench", "fuzz", "lint")


class System:
    """A folder of stand-ins at the front of PATH, and the log of their calls."""

    def __init__(self, work, name, missing, user=0, sudo=True, update=0, install=0):
        self.folder = os.path.join(work, name)
        os.makedirs(self.folder)
        self.log_path = os.path.join(self.folder, "log")
        self.write("id", "echo %d" % user)
        self.write("sudo", "[ %d = 1 ] || exit 1; shift; exec \"$@\"" % sudo)
        self.write("dpkg-query", "case \" %s \" in *\" $4 \"*) exit 1;; esac\n"
                   "echo installed | tr -d '\\n'" % " ".join(missing))
        self.write("apt-get", "echo \"apt-get $* [$DEBIAN_FRONTEND]\" >>'%s'\n"
                   "case \"$*\" in *update*) exit %d;; esac\nexit %d"
                   % (self.log_path, update, install))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n%s\n" % text)
        os.chmod(path, stat.S_IRWXU)

    def run(self, *sets):
        env = dict(os.environ, PATH=self.folder + ":/usr/bin:/bin")
        env.pop("DEBIAN_FRONTEND", None)
        return tap.run([DEPS, *sets], env=env)

    def calls(self):
        if not os.path.exists(self.log_path):
            return []
        with open(self.log_path, encoding="utf-8") as file:
            return file.read().splitlines()


def check_deps(work):
    system = System(work, "complete", [])
    tap.equal("all there: silence", system.run("build", "check"), (0, "", ""))
    tap.equal("all there: apt-get is not called", system.calls(), [])

    system = System(work, "root", ["libelf-dev", "libxxhash-dev"])
    code, out, err = system.run("build")
    tap.check("root: says what it installs", code == 0 and
              out.startswith("deps: installing libelf-dev libxxhash-dev\n"), out + err)
    calls = system.calls()
    tap.check("root: updates once, then installs once", len(calls) == 2 and "update" in calls[0] and
              calls[1].endswith("install --no-install-recommends libelf-dev libxxhash-dev "
                                "[noninteractive]"), calls)

    system = System(work, "sets", ["libelf-dev", "python3-jsonschema"])
    code, out, err = system.run("build")
    tap.check("build does not ask for the tests' packages", "jsonschema" not in out, out + err)

    system = System(work, "sudo", ["libelf-dev"], user=1000)
    code, out, err = system.run("build")
    tap.check("user with sudo: installs", code == 0 and len(system.calls()) == 2, out + err)

    system = System(work, "user", ["libelf-dev", "check"], user=1000, sudo=False)
    code, out, err = system.run("build", "check")
    tap.check("user without sudo: names the packages", code == 1 and "As root" in err and
              "libelf-dev check" in err, "%d\n%s" % (code, out + err))
    tap.equal("user without sudo: apt-get is not called", system.calls(), [])

    system = System(work, "offline", ["libelf-dev"], update=100)
    code, out, err = system.run("build")
    tap.check("a failed update is told and not the end", code == 0 and "update failed" in err and
              len(system.calls()) == 2, out + err)

    system = System(work, "broken", ["libelf-dev"], install=100)
    code, out, err = system.run("build")
    tap.check("a failed installation fails", code != 0, out + err)

    system = System(work, "again", ["python3-drgn", "lldb", "elfutils"])
    code, out, err = system.run(*SETS)
    installed = [call for call in system.calls() if "install" in call]
    tap.check("a package of two sets is named once", len(installed) == 1 and
              installed[0].split().count("python3-drgn") == 1, installed)

    code, out, err = System(work, "unknown", []).run("everything")
    tap.check("an unknown set", code == 64 and "everything" in err, out + err)


def check_ci(work):
    """The closing line of .ci/run, whatever make does."""
    tree = os.path.join(work, "tree")
    os.makedirs(os.path.join(tree, ".ci"))
    shutil.copy(os.path.join(tap.ROOT, ".ci", "run"), os.path.join(tree, ".ci"))
    cases = [
        ("passes", "echo '12 passed, 0 failed'", 0, "12 passed, 0 failed"),
        ("fails", "echo '11 passed, 1 failed'; echo 'make: *** [check] Error 1' >&2; exit 2", 2,
         "11 passed, 1 failed"),
        ("does not build", "echo 'cc: error' >&2; exit 2", 2, "0 passed, 1 failed"),
    ]
    for name, text, wanted_code, wanted_line in cases:
        system = System(work, "make-" + name.replace(" ", "-"), [])
        system.write("make", "[ \"$1\" = check ] || exit 0\n" + text)
        env = dict(os.environ, PATH=system.folder + ":/usr/bin:/bin")
        code, out, err = tap.run([os.path.join(tree, ".ci", "run")], env=env)
        tap.equal("ci: a tree that %s: exit code" % name, code, wanted_code)
        tap.equal("ci: a tree that %s: last line" % name, (out.splitlines() or [""])[-1],
                  wanted_line)


def main():
    work = tempfile.mkdtemp(prefix="coreleaks-deps-")
    try:
        check_deps(work)
        check_ci(work)
    finally:
        shutil.rmtree(work)


main()
tap.done()

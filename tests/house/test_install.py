#!/usr/bin/python3
"""make install puts everything in its place, what is there works, and uninstall leaves nothing."""

import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap

EXPECTED = [
    "bin/coreleaks",
    "include/coreleaks.h",
    "lib/libcoreleaks.a",
    "lib/libcoreleaks.so",
    "lib/libcoreleaks.so.0",
    "lib/libcoreleaks.so.0.1.0",
    "lib/pkgconfig/coreleaks.pc",
    "share/bash-completion/completions/coreleaks",
    "share/coreleaks/coreleaks-1.schema.json",
    "share/coreleaks/coreleaks-check-1.schema.json",
    "share/coreleaks/coreleaks-compare-1.schema.json",
    "share/coreleaks/gdb/leaks.py",
    "share/coreleaks/gdb/leaks/__init__.py",
    "share/man/man1/coreleaks.1",
]


def make(*words):
    return tap.run(["make", "-s", *words], cwd=tap.ROOT, timeout=300)


def files_below(folder):
    found = set()
    for path, _, names in os.walk(folder):
        found.update(os.path.relpath(os.path.join(path, name), folder) for name in names)
    return found


def check_staged(work):
    """With DESTDIR, as a packager does."""
    root = os.path.join(work, "root")
    code, out, err = make("install", "DESTDIR=" + root, "PREFIX=/usr")
    tap.check("install with DESTDIR", code == 0, out + err)
    found = files_below(root)
    missing = [name for name in EXPECTED if os.path.join("usr", name) not in found]
    tap.equal("everything is installed", missing, [])
    modules = sorted(name for name in os.listdir(os.path.join(tap.ROOT, "gdb", "leaks"))
                     if name.endswith(".py"))
    installed = sorted(os.path.basename(name) for name in found
                       if name.startswith("usr/share/coreleaks/gdb/leaks/"))
    tap.equal("every module of the GDB package is installed", installed, modules)
    tap.check("GDB's loader lies in /etc", "etc/gdb/gdbinit.d/leaks.py" in found, sorted(found))
    wrong = []
    for name in found:
        path = os.path.join(root, name)
        if os.path.islink(path):
            continue
        with open(path, "rb") as file:
            if root.encode() in file.read():
                wrong.append(name)
    tap.equal("no installed file knows DESTDIR", wrong, [])
    code, out, err = make("uninstall", "DESTDIR=" + root, "PREFIX=/usr")
    tap.check("uninstall with DESTDIR", code == 0, out + err)
    left = [path for path, _, names in os.walk(root) if path != root or names]
    tap.equal("uninstall leaves nothing, no folder either", left, [])


def check_used(work):
    """Without DESTDIR, into a folder of one's own: what is there is used from there."""
    prefix = os.path.join(work, "prefix")
    etc = os.path.join(work, "etc")
    places = ["PREFIX=" + prefix, "SYSCONFDIR=" + etc]
    code, out, err = make("install", *places)
    tap.check("install with PREFIX", code == 0, out + err)
    code, out, err = tap.run([os.path.join(prefix, "bin", "coreleaks"), "--version"])
    tap.check("the installed command runs", code == 0 and out.startswith("coreleaks "), out + err)

    env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(prefix, "lib", "pkgconfig"),
               LD_LIBRARY_PATH=os.path.join(prefix, "lib"))
    code, flags, err = tap.run(["pkg-config", "--cflags", "--libs", "coreleaks"], env=env)
    tap.check("pkg-config knows it", code == 0 and "-lcoreleaks" in flags, flags + err)
    example = os.path.join(work, "groups")
    code, out, err = tap.run(["cc", os.path.join(tap.ROOT, "samples", "api", "groups.c"),
                              *flags.split(), "-o", example])
    tap.check("a program builds with its flags", code == 0, out + err)
    code, out, err = tap.run([example], env=env)
    tap.check("and starts with the shared library", code == 1 and "usage" in err, out + err)
    code, flags, err = tap.run(["pkg-config", "--static", "--libs", "coreleaks"], env=env)
    tap.check("pkg-config --static names the rest", code == 0 and "-liberty" in flags and
              "-ldw" in flags and "-larchive" in flags, flags + err)

    loader = os.path.join(etc, "gdb", "gdbinit.d", "leaks.py")
    code, out, err = tap.run(["gdb", "-nx", "-q", "-batch", "-ex", "source " + loader,
                              "-ex", "help leaks"])
    tap.check("the loader gives GDB its command", code == 0 and "Undefined" not in out + err and
              "leaks" in out, out + err)
    shutil.rmtree(os.path.join(prefix, "share", "coreleaks"))
    code, out, err = tap.run(["gdb", "-nx", "-q", "-batch", "-ex", "source " + loader])
    tap.check("a loader whose package is gone is silent", code == 0 and not out + err, out + err)
    code, out, err = make("uninstall", *places)
    tap.check("uninstall with PREFIX", code == 0, out + err)
    tap.equal("uninstall leaves no file", sorted(files_below(prefix) | files_below(etc)), [])
    code, out, err = make("uninstall", "DESTDIR=" + os.path.join(work, "nowhere"))
    tap.check("uninstall of nothing is fine", code == 0 and not err, out + err)


def check_loaded(work):
    """GDB itself loads what lies where Debian's looks, and not with -nx."""
    prefix, etc = os.path.join(work, "loaded"), os.path.join(work, "etc-of-loaded")
    code, configuration, _ = tap.run(["gdb", "--configuration"])
    places = re.search(r"--with-system-gdbinit-dir=(\S+)", configuration)
    if places is None:
        tap.skip("GDB loads the command by itself", "this GDB has no folder for such files")
        return
    folder = places[1]
    places = ["PREFIX=" + prefix, "GDBINIT_DIR=" + etc]
    code, out, err = make("install", *places)
    tap.check("install for GDB", code == 0, out + err)
    # Its own folder is this machine's: the test has another one there.
    hidden = ["unshare", "-rm", "sh", "-c", "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"",
              "sh", etc, folder]
    if not os.path.isdir(folder) or tap.run(hidden + ["true"])[0]:
        tap.skip("GDB loads the command by itself", "no mounts of one's own here")
    else:
        ask = ["-q", "-batch", "-ex", "help leaks", "-ex", "show leaks limit"]
        code, out, err = tap.run(hidden + ["gdb"] + ask)
        tap.check("GDB loads the command by itself", "Usage: leaks" in out and
                  "that \"leaks\" prints is 20." in out and "Undefined" not in err, out + err)
        code, out, err = tap.run(hidden + ["gdb", "-nx"] + ask)
        tap.check("but not with -nx", "Undefined command: \"leaks\"" in err, out + err)
        code, out, err = tap.run(hidden + ["gdb", "-q", "-batch", "-ex", "leaks doctor"])
        tap.check("with the program that was installed with it",
                  os.path.join(prefix, "bin", "coreleaks") in out, out + err)
    make("uninstall", *places)
    tap.equal("uninstall leaves nothing of it", sorted(files_below(prefix) | files_below(etc)), [])


def check_fedora(work):
    """Fedora's GDB loads /etc/gdbinit.d/*.py, its libraries are in lib64 (gdb.spec, Fedora 41)."""
    root = os.path.join(work, "fedora")
    places = ["DESTDIR=" + root, "PREFIX=/usr", "LIBDIR=/usr/lib64", "GDBINIT_DIR=/etc/gdbinit.d"]
    code, out, err = make("install", *places)
    found = files_below(root)
    tap.check("install as Fedora has it", code == 0 and {
        "etc/gdbinit.d/leaks.py", "usr/lib64/libcoreleaks.so.0", "usr/lib64/pkgconfig/coreleaks.pc",
        "usr/share/coreleaks/gdb/leaks.py"} <= found, out + err)
    tap.equal("nothing lies where only Debian looks",
              [name for name in found if name.startswith(("usr/lib/", "etc/gdb/"))], [])
    with open(os.path.join(root, "etc/gdbinit.d/leaks.py"), encoding="utf-8") as file:
        tap.check("the loader names the place", "/usr/share/coreleaks/gdb/leaks.py" in file.read())
    code, out, err = make("uninstall", *places)
    left = [path for path, _, names in os.walk(root) if path != root or names]
    tap.equal("uninstall leaves nothing, as Fedora has it", (code, left), (0, []))


def check_help():
    code, out, err = make("help")
    listed = [line.split()[0] for line in out.splitlines() if line.strip()]
    for name in ("all deps demo check check-unit check-core check-cli check-gdb bench lint "
                 "check-layers check-headers check-abi cov install uninstall clean help").split():
        tap.check("help lists " + name, code == 0 and name in listed, out + err)
    with open(os.path.join(tap.ROOT, "GNUmakefile"), encoding="utf-8") as file:
        lines = file.readlines()
    tap.check("the makefile has at most 250 lines", len(lines) <= 250, len(lines))
    tap.equal("none is longer than 100 columns", [line for line in lines if len(line) > 101], [])
    code, out, err = make("FLAVOUR=fancy", "all")
    tap.check("an unknown flavour is refused", code == 2 and "FLAVOUR is" in err, out + err)


def check_completion():
    script = os.path.join(tap.ROOT, "analyzer", "packaging", "coreleaks.bash")

    def complete(*words):
        code, out, err = tap.run(["bash", "-c", """
            source "$1"; shift
            compopt() { :; }
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _coreleaks
            printf '%s\\n' "${COMPREPLY[@]}" """, "-", script, *words], cwd=tap.ROOT)
        return out.split() if code == 0 else [err]

    tool = os.path.join(tap.BUILD, "coreleaks")
    tap.equal("completion: an option", complete(tool, "--min-c"), ["--min-count"])
    tap.equal("completion: a value", complete(tool, "--state", "w"), ["waiting"])
    tap.equal("completion: a value behind =", complete(tool, "--color", "=", "al"), ["always"])
    tap.equal("completion: a file", complete(tool, "README"), ["README.md"])
    tap.equal("completion: a subcommand", complete(tool, "sho"), ["show"])
    options = complete(tool, "--")
    tap.check("completion: what is not built is not offered", "--json" in options and
              "--debuginfod" not in options and "--pid" not in options, options)


def main():
    work = tempfile.mkdtemp(prefix="coreleaks-install-")
    try:
        check_staged(work)
        check_used(work)
        check_loaded(work)
        check_fedora(work)
        check_help()
        check_completion()
    finally:
        shutil.rmtree(work)


main()
tap.done()

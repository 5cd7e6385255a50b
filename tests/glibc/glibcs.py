"""Other versions of glibc, out of Debian's packages, unpacked below COREBUILD/glibc.

A private apt client fetches them: the system's own lists, packages and settings are only read,
never touched. Programs are linked against such a version by the compiler that is installed.
"""

import os
import re
import shutil
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), part)
                for part in ("..", os.path.join("..", "core"))]
import tap

import realcore

FOLDER = os.path.join(tap.BUILD, "glibc")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TRIPLET = "x86_64-linux-gnu"
FETCH_TIMEOUT_S = 600


class Glibc:
    """One version: where it comes from, and what links a program against it."""

    def __init__(self, version, suite, gcc):
        self.version, self.suite, self.gcc = version, suite, gcc
        self.root = os.path.join(FOLDER, suite, "root")
        self.package = None  # its full version, once unpacked

    def linked(self):
        """Compiler flags for C programs."""
        libraries = [os.path.join(self.root, part, TRIPLET) for part in ("lib", "usr/lib")]
        flags = ["--sysroot=" + self.root, "-B%s/" % libraries[1]]
        flags += ["-L" + path for path in libraries]
        flags += ["-L%s/usr/lib/gcc/%s/%d" % (self.root, TRIPLET, self.gcc)]
        # Linux's own headers are not part of these packages, and newer ones do no harm.
        flags += ["-idirafter", "/usr/include", "-idirafter", "/usr/include/" + TRIPLET]
        flags += ["-Wl,--dynamic-linker=%s/lib64/ld-linux-x86-64.so.2" % self.root,
                  "-Wl,-rpath," + ":".join(libraries),
                  # Also for what the libraries themselves need.
                  "-Wl,--disable-new-dtags"]
        return flags

    def linked_cxx(self):
        """Compiler flags for C++ programs: the library's headers are the compiler's."""
        major = tap.run(["g++", "-dumpversion"])[1].strip().split(".")[0]
        paths = ["/usr/include/c++/" + major, "/usr/include/%s/c++/%s" % (TRIPLET, major)]
        return [word for path in paths for word in ("-isystem", path)] + self.linked()

    def fetch(self):
        """Unpacks it unless it is there. CannotDump: there is no way to it here."""
        folder, stamp = os.path.dirname(self.root), self.root + ".stamp"
        packages = ["libc6", "libc6-dev", "libstdc++6", "libgcc-s1", "libgomp1",
                    "libgcc-%d-dev" % self.gcc]
        os.makedirs(folder, exist_ok=True)
        with realcore.locked(folder + ".lock"):
            if realcore.read_text(stamp).split()[1:] != packages:
                shutil.rmtree(folder)
                os.makedirs(folder)
                _download(folder, self.suite, packages)
                _unpack(folder, self.root)
                with open(stamp, "w", encoding="ascii") as file:
                    file.write(" ".join([_package_version(folder)] + packages))
        self.package = realcore.read_text(stamp).split()[0]
        if not self.package.startswith(self.version):
            raise realcore.CannotDump("%s has glibc %s" % (self.suite, self.package))


def _archive():
    """The address from which this system takes Debian's packages."""
    if not shutil.which("apt-get"):
        raise realcore.CannotDump("there is no apt here to fetch it with")
    if not os.path.exists(KEYRING):
        raise realcore.CannotDump("%s is not there" % KEYRING)
    out = tap.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages",
                   "Origin: Debian", "Label: Debian", "Component: main"])[1].split()
    if not out:
        raise realcore.CannotDump("apt has no list of Debian's packages here")
    return out[0]


def _download(folder, suite, packages):
    for name in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d"):
        os.makedirs(os.path.join(folder, name))
    sources, status = os.path.join(folder, "etc", "sources"), os.path.join(folder, "status")
    for path, text in ((status, ""),
                       (sources, "deb [signed-by=%s] %s %s main\n" % (KEYRING, _archive(), suite))):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    settings = {"Dir::State": folder + "/state", "Dir::State::status": status,
                "Dir::Cache": folder + "/cache", "Dir::Etc": folder + "/etc",
                "Dir::Etc::SourceList": sources, "Dir::Etc::SourceParts": "/dev/null",
                "Dir::Etc::Parts": "/dev/null", "APT::Sandbox::User": "root",
                "APT::Architecture": "amd64", "APT::Architectures": "amd64",
                "Acquire::Languages": "none"}
    argv = ["apt-get", "-q"] + ["-o%s=%s" % item for item in settings.items()]
    for words in (["update", "--error-on=any"], ["download"] + packages):
        code, out, err = tap.run(argv + words, cwd=folder, timeout=FETCH_TIMEOUT_S)
        if code:
            lines = (out + err).strip().splitlines() or ["exit code %d" % code]
            raise realcore.CannotDump("apt-get %s for %s: %s" % (words[0], suite, lines[-1]))


def _unpack(folder, root):
    # Newer packages expect them of the system.
    for name in ("lib", "lib64"):
        os.makedirs(os.path.join(root, "usr", name))
    debs = sorted(name for name in os.listdir(folder) if name.endswith(".deb"))
    for name in debs:
        code, _, err = tap.run(["dpkg", "-x", os.path.join(folder, name), root])
        if code:
            raise RuntimeError("dpkg -x %s: %s" % (name, err))
    for name in ("lib", "lib64"):
        if not os.path.exists(os.path.join(root, name)):
            os.symlink("usr/" + name, os.path.join(root, name))
    for library, name in (("libstdc++.so.6", "usr/lib"), ("libgcc_s.so.1", "lib"),
                          ("libgomp.so.1", "usr/lib")):
        link = os.path.join(root, name, TRIPLET, re.sub(r"\.\d$", "", library))
        if not os.path.lexists(link):
            os.symlink(library, link)
    _keep_links_inside(root)


def _keep_links_inside(root):
    """Absolute links would lead to the system's own libraries."""
    for folder, folders, names in os.walk(root):
        for name in folders + names:
            path = os.path.join(folder, name)
            if os.path.islink(path) and os.readlink(path).startswith("/"):
                target = root + os.readlink(path)
                os.unlink(path)
                os.symlink(os.path.relpath(target, os.path.realpath(folder)), path)


def _package_version(folder):
    for name in os.listdir(folder):
        found = re.match(r"libc6_(.*)_amd64\.deb$", name)
        if found:
            return found.group(1)
    raise RuntimeError("no libc6 in " + folder)


ALL = [Glibc("2.31", "bullseye", 10), Glibc("2.41", "trixie", 14)]

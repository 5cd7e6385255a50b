"""An apt client of its own, beside the system's: own lists, configuration and cache, from the
machine's own Debian source with other suites. The system's lists, packages and settings are only
read.

    client = aptclient.Client(folder, ["trixie"])
    client.update()                          # its lists; raises CannotHave
    client.run(["apt-get", "download", ...])
    aptclient.unpack(package, tree)          # no script of the package runs
"""

import contextlib
import fcntl
import glob
import os
import re
import subprocess

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# The settings of the machine's apt that say how its source is reached, and those alone: the
# others (hooks, pins, cleaning after each download) are about the system's packages.
KEPT_SETTINGS = re.compile(r"^Acquire::(https?|ftp|Check-Valid-Until|Check-Date|Retries|ForceIPv)",
                           re.IGNORECASE)


class CannotHave(Exception):
    """Why something is not to be had here."""


def run(argv, **kw):
    """Runs a program; returns what it printed, or says why it failed."""
    try:
        ran = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, errors="replace", check=False, **kw)
    except OSError as error:
        raise CannotHave("%s: %s" % (argv[0], error.strerror)) from error
    if ran.returncode:
        said = [line for line in ran.stderr.splitlines() if line.startswith("E:")]
        raise CannotHave("%s: %s" % (" ".join(argv[:2]), " ".join(said) or ran.stderr.strip()
                                     or "exit code %d" % ran.returncode))
    return ran.stdout


@contextlib.contextmanager
def locked(folder):
    """One process at a time in that folder, which is made."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def unpack(package, tree):
    run(["dpkg", "-x", package, tree])


# ---- The machine's Debian source ----------------------------------------------------------------


def stanzas(text):
    """The fields of each paragraph of a .sources file, see sources.list(5)."""
    fields, name = {}, None
    for line in text.splitlines() + [""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, None
        elif line[0] in " \t" and name:
            fields[name] += "\n" + line.strip()
        elif ":" in line:
            name, value = line.split(":", 1)
            name = name.strip().lower()
            fields[name] = value.strip()


def one_liners(text):
    """The fields of each line of a .list file, named as in a .sources file."""
    for line in text.splitlines():
        words = re.match(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line.strip())
        if words:
            options = dict(word.lower().split("=", 1)[:1] + word.split("=", 1)[1:]
                           for word in (words[1] or "").split() if "=" in word)
            yield dict(options, types="deb", uris=words[2], suites=words[3], components=words[4])


def debian_source(folder="/etc/apt", release="/etc/os-release"):
    """(URI, suites, keyring) of the source that this machine's own packages come from."""
    with open(release, encoding="utf-8") as file:
        codename = re.search(r'^VERSION_CODENAME="?(\w+)', file.read(), re.MULTILINE)
    names = {"stable", "testing", "unstable", "sid"} | ({codename[1]} if codename else set())
    files = ([os.path.join(folder, "sources.list")]
             + sorted(glob.glob(os.path.join(folder, "sources.list.d", "*.list")))
             + sorted(glob.glob(os.path.join(folder, "sources.list.d", "*.sources"))))
    for path in files:
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for entry in stanzas(text) if path.endswith(".sources") else one_liners(text):
            suites = entry.get("suites", "").split()
            if ("deb" in entry.get("types", "").split() and names & set(suites)
                    and "main" in entry.get("components", "").split()
                    and entry.get("enabled", "yes").lower() not in ("no", "false")):
                # A key may also stand in the file itself.
                key = entry.get("signed-by", "")
                return (entry["uris"].split()[0], suites,
                        key if key.startswith("/") and "\n" not in key else KEYRING)
    raise CannotHave("%s names no source of Debian %s" % (folder, codename[1] if codename else ""))


class Client:
    """folder: where it keeps its own files. suites: of Debian; the machine's come besides."""

    def __init__(self, folder, suites, with_own=True):
        self.folder, self._suites, self._with_own = folder, suites, with_own

    def run(self, argv, **kw):
        """Runs a program of apt's, with this client's configuration."""
        return run(argv, env=dict(os.environ, APT_CONFIG=os.path.join(self.folder, "apt.conf"),
                                  LC_ALL="C.UTF-8"), **kw)

    def update(self):
        """Fetches the lists of the suites. What went wrong; "": nothing."""
        self._write_configuration()
        try:
            self.run(["apt-get", "-q", "update"])
        except CannotHave as reason:
            return str(reason)
        return ""

    def _write_configuration(self):
        for name in ("state/lists/partial", "cache/archives/partial", "etc"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        open(os.path.join(self.folder, "status"), "w", encoding="ascii").close()
        uri, own, key = debian_source()
        suites = self._suites + [name for name in own if self._with_own and
                                 name not in self._suites]
        with open(os.path.join(self.folder, "sources.list"), "w", encoding="utf-8") as file:
            for suite in suites:
                file.write("deb [signed-by=%s] %s %s main\n" % (key, uri, suite))
        places = [("Dir::State", "state"), ("Dir::State::status", "status"),
                  ("Dir::Cache", "cache"), ("Dir::Etc", "etc"),
                  ("Dir::Etc::SourceList", "sources.list")]
        settings = [(name, os.path.join(self.folder, place)) for name, place in places]
        settings += [(name, "/dev/null") for name in (
            "Dir::Etc::SourceParts", "Dir::Etc::Main", "Dir::Etc::Parts", "Dir::Etc::Preferences",
            "Dir::Etc::PreferencesParts")]
        settings += [("APT::Sandbox::User", "root"), ("Acquire::Languages", "none")]
        lines = ['%s "%s";' % pair for pair in settings]
        lines += [line for line in run(["apt-config", "dump"]).splitlines()
                  if KEPT_SETTINGS.match(line)]
        with open(os.path.join(self.folder, "apt.conf"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

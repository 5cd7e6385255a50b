"""The apt client of tests/go/toolchains finds the machine's own Debian source in both forms."""

import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, ".."))
import aptclient
import tap

SCRIPT = os.path.join(HERE, "toolchains")
KEY = "/usr/share/keyrings/debian-archive-keyring.gpg"
OWN = ("http://mirror.example/debian", ["bookworm", "bookworm-updates"], "/keys/own.gpg")
STANZA = """\
# The mirror of the house.
Types: deb deb-src
# an address in a comment
URIs: http://mirror.example/debian http://second.example/debian
Suites: bookworm
  bookworm-updates
Components: main contrib
Signed-By: /keys/own.gpg
"""
OTHER = "Types: deb\nURIs: http://other.example\nSuites: nodistro\nComponents: main\n\n"
LINE = "deb [arch=amd64 signed-by=/keys/own.gpg] http://mirror.example/debian bookworm main\n"

# What is tried, the files below /etc/apt, the source that must be found (None: none).
SOURCES = [
    ("a .sources file", {"sources.list.d/debian.sources": STANZA}, OWN),
    ("behind another stanza", {"sources.list.d/a.sources": OTHER + STANZA}, OWN),
    ("behind another file", {"sources.list.d/a.sources": OTHER, "sources.list.d/b.sources": STANZA},
     OWN),
    ("one that is switched off", {"sources.list.d/a.sources": STANZA + "Enabled: no\n"}, None),
    ("a key inside the file",
     {"sources.list.d/a.sources": STANZA.replace("/keys/own.gpg", "\n -----BEGIN\n .\n abc")},
     OWN[:2] + (KEY,)),
    ("sources alone", {"sources.list.d/a.sources": STANZA.replace("deb deb-src", "deb-src")}, None),
    ("without main", {"sources.list.d/a.sources": STANZA.replace("main ", "")}, None),
    ("sources.list", {"sources.list": "# deb http://no.example bookworm main\n" + LINE},
     (OWN[0], ["bookworm"], OWN[2])),
    ("a .list file without options",
     {"sources.list.d/x.list": "deb http://mirror.example/debian stable main # ours\n"},
     (OWN[0], ["stable"], KEY)),
    ("another release", {"sources.list": LINE.replace("bookworm", "buster")}, None),
    ("no file", {}, None),
]


def check_source(name, files, want):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "sources.list.d"))
        for path, text in list(files.items()) + [("os-release", 'ID=debian\n'
                                                  'VERSION_CODENAME=bookworm\n')]:
            with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                file.write(text)
        try:
            got = aptclient.debian_source(folder, os.path.join(folder, "os-release"))
        except aptclient.CannotHave:
            got = None
    tap.equal("source: " + name, got, want)


def main():
    for name, files, want in SOURCES:
        check_source(name, files, want)
    for words in ([], ["1.27", "--all"], ["27"], ["../1.27"]):
        code, out, err = tap.run([SCRIPT] + words)
        tap.check("usage: %s" % words, code == 64 and not out and "usage:" in err, (code, out, err))
    kept = ['Acquire::http::Proxy "a";', 'Acquire::Check-Valid-Until "false";']
    left = ['APT::Update::Post-Invoke "";', 'Acquire::GzipIndexes "true";', 'Dir::State "x";']
    tap.equal("settings taken over",
              [line for line in kept + left if aptclient.KEPT_SETTINGS.match(line)], kept)
    tap.done()


main()

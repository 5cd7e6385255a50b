#!/usr/bin/python3
"""check-layers, check-headers and check-abi: this tree keeps them, and each notices its faults."""

import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import tap

HOUSE = os.path.join(tap.ROOT, "tests", "house")
SONAME = "libcoreleaks.so.0"

# What is wrong, the file it is put into (at its end), the text, and what must be said of it.
LAYER_FAULTS = [
    ("a lower floor includes a higher one", "core/image.c", '#include "stack/stacks.h"', "higher"),
    ("base includes core", "base/text.c", '#include "core/image.h"', "higher"),
    ("a report is included below", "proof/findings.h", '#include "report/text.h"', "higher"),
    ("the recipe includes cli", "analyzer.c", '#include "cli/options.h"', "higher"),
    ("the public header includes another", "coreleaks.h", '#include "base/text.h"', "higher"),
    ("a floor includes the recipe", "proof/findings.c", '#include "analysis.h"', "folder"),
    ("cli looks inside", "cli/main.c", '#include "base/arena.h"', "coreleaks.h alone"),
    ("an include without folder", "core/image.c", '#include "modules.h"', "folder"),
    ("an include through ..", "core/image.c", '#include "../core/modules.h"', "folder"),
    ("libdw in the unwinder's tables alone", "group/groups.c", "#include <elfutils/libdw.h>",
     "not for this file"),
    ("libelf in task/", "task/tasks.c", "#include <libelf.h>", "not for this file"),
    ("jansson below report/", "group/groups.c", "#include <jansson.h>", "not for this file"),
    ("libarchive above core/", "stack/stacks.c", "#include <archive.h>", "not for this file"),
    ("argp below cli/", "analyzer.c", "#include <argp.h>", "not for this file"),
    ("output below report/", "group/groups.c", "void f(void) { printf(\"\"); }", "output"),
    ("a FILE in stack/", "stack/stacks.h", "void f(FILE *file);", "output"),
    ("stderr in core/", "core/image.c", "void f(void) { fputs(\"\", stderr); }", "output"),
    ("open outside core/", "stack/stacks.c", "int f(void) { return open(\"/\", 0); }", "opens"),
    ("fopen in report/", "report/write.c", "void *f(void) { return fopen(\"\", \"\"); }", "opens"),
    ("exit below cli/", "analyzer.c", "void f(void) { exit(1); }", "ends the process"),
    ("getenv below cli/", "core/image.c", "char *f(void) { return getenv(\"A\"); }", "environment"),
    ("a function of 61 lines", "base/text.c", "void f(void)\n{\n" + "\tg();\n" * 61 + "}",
     "61 lines"),
    ("a file of over 700 lines", "base/text.c", "int a;\n" * 700, "at most 700"),
    ("a header of over 120 lines", "base/text.h", "int a;\n" * 120, "at most 120"),
    ("a line of over 100 columns", "base/text.c", "\t/* " + "x" * 92 + " */", "100 columns"),
]
LAYER_FINE = [
    ("an output word in a comment", "group/groups.c", "/* printf(), exit(1), open() */"),
    ("an output word in a comment of two lines", "group/groups.c", "/* or\n * printf() */"),
    ("an output word in a string", "group/groups.c", "char *a = \"printf(); exit(1)\";"),
    ("a field of that name", "group/groups.c", "void f(struct a *a) { a->open(1); a->x.exit(); }"),
    ("a variable of that name", "group/groups.c", "bool write = open && exit;"),
    ("snprintf", "group/groups.c", "void f(char *a) { snprintf(a, 1, \"\"); }"),
    ("a function of 60 lines", "base/text.c", "void f(void)\n{\n" + "\tg();\n" * 60 + "}"),
    ("cli opens its outputs", "cli/main.c", "void f(void) { fopen(\"\", \"w\"); exit(1); }"),
]
HEADER_FAULTS = [
    ("a header that needs another one", "base/text.h", "struct other { FILE *a; uid_t b; };"),
    ("a C++ word in the public header", "coreleaks.h", "int coreleaks_new(int class);"),
    ("a C11 word in the public header", "coreleaks.h", "_Static_assert(1, \"\");"),
]


def copy_tree(work):
    tree = os.path.join(work, "tree")
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(os.path.join(tap.ROOT, "analyzer"), os.path.join(tree, "analyzer"))
    shutil.copytree(HOUSE, os.path.join(tree, "tests", "house"))
    return tree


class Planted:
    """Text at the end of a file, before a header's last #endif; gone afterwards."""

    def __init__(self, tree, file, text):
        self.path = os.path.join(tree, "analyzer", file)
        with open(self.path, encoding="utf-8") as source:
            self.before = source.read()
        head, endif, tail = self.before.rpartition("#endif")
        if file.endswith(".h") and endif:
            self.after = head + text + "\n" + endif + tail
        else:
            self.after = self.before + text + "\n"

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as target:
            target.write(text)

    def __enter__(self):
        self.write(self.after)

    def __exit__(self, *_):
        self.write(self.before)


def check_layers(work):
    code, out, err = tap.run([os.path.join(HOUSE, "check-layers")])
    tap.check("this tree keeps to the floors", code == 0 and " 0 faults" in out, out + err)
    tree = copy_tree(work)
    script = [os.path.join(HOUSE, "check-layers"), tree]
    before = out.splitlines()
    for name, file, text, said in LAYER_FAULTS:
        with Planted(tree, file, text):
            code, out, err = tap.run(script)
        lines = [line for line in out.splitlines() if line not in before and said in line and
                 "analyzer/" + file in line]
        tap.check("layers: " + name, code == 1 and lines, "exit code %d\n%s" % (code, out + err))
    for name, file, text in LAYER_FINE:
        with Planted(tree, file, text):
            code, out, err = tap.run(script)
        tap.equal("layers: fine: " + name, out.splitlines(), before)

    extra = os.path.join(tree, "analyzer", "base", "extra.c")
    with open(extra, "w", encoding="utf-8") as file:
        file.write("int extra;\n")
    code, out, err = tap.run(script)
    tap.check("layers: a file in no sources.mk", code == 1 and "extra.c: in no" in out, out + err)
    os.unlink(extra)
    os.rename(os.path.join(tree, "analyzer", "base", "text.c"), extra)
    code, out, err = tap.run(script)
    tap.check("layers: a listed file that is gone", code == 1 and "text.c: listed" in out, out)


def check_headers(work):
    code, out, err = tap.run(["make", "-s", "check-headers"], cwd=tap.ROOT)
    tap.check("this tree's headers compile alone", code == 0 and " 0 faults" in out, out + err)
    tree = copy_tree(work)
    script = [os.path.join(HOUSE, "check-headers"), tree]
    for name, file, text in HEADER_FAULTS:
        with Planted(tree, file, text):
            code, out, err = tap.run(script)
        tap.check("headers: " + name, code == 1 and file in out + err, out + err)
    path = os.path.join(tree, "analyzer", "base", "text.h")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("CORELEAKS_BASE_TEXT_H", "TEXT_H"))
    code, out, err = tap.run(script)
    tap.check("headers: a guard of another name", code == 1 and "include guard" in out, out + err)


def check_abi(work):
    script = os.path.join(HOUSE, "check-abi")
    code, out, err = tap.run([script, tap.BUILD, SONAME])
    tap.check("header, map and libraries agree", code == 0 and " 0 faults" in out, out + err)
    tree = copy_tree(work)
    with Planted(tree, "coreleaks.h", "int coreleaks_forgotten(int a);"):
        code, out, err = tap.run([script, tap.BUILD, SONAME, tree])
    tap.check("abi: a declared function that is not there",
              code == 1 and out.count("coreleaks_forgotten") == 3, out + err)
    path = os.path.join(tree, "analyzer", "coreleaks.map")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("\tcoreleaks_run;\n", ""))
    code, out, err = tap.run([script, tap.BUILD, SONAME, tree])
    tap.check("abi: a name that the map forgot", code == 1 and "coreleaks_run" in out, out + err)
    code, out, err = tap.run([script, tap.BUILD, "libcoreleaks.so.9"])
    tap.check("abi: another soname", code == 1 and "soname" in out, out + err)

    source, library = os.path.join(work, "extra.c"), os.path.join(work, "libcoreleaks.so")
    with open(source, "w", encoding="utf-8") as file:
        file.write("int image_read(void) { return 0; }\n")
    tap.run(["cc", "-shared", "-fPIC", "-Wl,-soname," + SONAME, source, "-o", library])
    shutil.copy(os.path.join(tap.BUILD, "libcoreleaks.a"), work)
    code, out, err = tap.run([script, work, SONAME])
    tap.check("abi: an inner name that got out", code == 1 and "image_read" in out, out + err)


def main():
    work = tempfile.mkdtemp(prefix="coreleaks-rules-")
    try:
        check_layers(work)
        check_headers(work)
        check_abi(work)
    finally:
        shutil.rmtree(work)


main()
tap.done()

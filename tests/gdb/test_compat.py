#!/usr/bin/python3
"""What differs between GDB versions, with a stand-in for GDB's module.

The running GDB is tested by the other tests; this one looks at the ways of versions that are
not installed: Inferior.corefile and gdb.Style, since GDB 18.
"""

import importlib
import sys
import types

import support
import tap

support.import_package()

FILES = """Symbols from "/tmp/x".
Local core dump file:
\t%s/tmp/a b', file type c.core%s, file type elf64-x86-64.
\t0x0000000000400000 - 0x0000000000401000 is load1
"""


class Style:
    def __init__(self, name):
        self.name = name


def make_gdb(**more):
    written = []
    gdb = types.ModuleType("gdb")
    gdb.STDOUT = 0
    gdb.host_charset = lambda: "ASCII"
    gdb.write = lambda *args: written.append(args)
    gdb.parameter = lambda name: None
    gdb.execute = lambda *args, **kw: ""
    for name, value in more.items():
        setattr(gdb, name, value)
    sys.modules["gdb"] = gdb
    sys.modules.pop("leaks.compat", None)
    return importlib.import_module("leaks.compat"), written


compat, _ = make_gdb()
new = types.SimpleNamespace(corefile=types.SimpleNamespace(filename="/new/core"))
old = types.SimpleNamespace()
tap.equal("the core of GDB 18", compat.core_path(new), "/new/core")
tap.equal("no core in GDB 18, none before", compat.core_path(
    types.SimpleNamespace(corefile=None)), None)
for quotes in ("`'", "''", "\"\""):
    compat, _ = make_gdb(execute=lambda *args, **kw: FILES % tuple(quotes))
    tap.equal("the core of older GDB, quoted by %s" % quotes, compat.core_path(old),
              "/tmp/a b', file type c.core")
compat, _ = make_gdb(execute=lambda *args, **kw: "Symbols from \"x\".\n")
tap.equal("no core", compat.core_path(old), None)

compat, written = make_gdb(Style=Style)
write = compat.writer(False)
write("plain\xe9", None)
write("named", "function")
tap.equal("GDB 18 writes plain text", written[0], ("plain\\xe9",))
tap.equal("GDB 18 writes styled text", (written[1][:2], written[1][2].name),
          (("named", 0), "function"))

compat, written = make_gdb()
compat.writer(True)("named", "function")
tap.equal("no styles when they are off", written, [("named",)])
tap.done()

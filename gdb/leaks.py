"""Adds the command "leaks" to GDB: (gdb) source gdb/leaks.py

Loads the package leaks/ that lies beside this file, afresh each time, and nothing else.
"""

import importlib.util
import os
import sys


def _load(folder):
    for name in [name for name in sys.modules if name.partition(".")[0] == "leaks"]:
        del sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        "leaks", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
    package = importlib.util.module_from_spec(spec)
    sys.modules["leaks"] = package
    spec.loader.exec_module(package)
    importlib.import_module("leaks.commands").register()


# Not __file__: GDB does not promise to set it for a sourced script.
_load(os.path.join(os.path.dirname(os.path.realpath(_load.__code__.co_filename)), "leaks"))

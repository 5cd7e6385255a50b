"""What "leaks doctor" says: what was found, and how to get what is missing."""

import os
import sys

from .words import clean, plural

# Files that are told of one by one.
_MAX_FILES = 8


class Facts:
    """What is known; None: not, or no problem."""

    def __init__(self, gdb_version):
        self.gdb_version = gdb_version
        self.analyzer = self.analyzer_version = self.analyzer_problem = None
        self.core = self.executable = self.core_problem = self.report = None
        self.sysroot = self.debug_dirs = ""
        self.temporary_directory = ""


def lines(facts):
    """Lines of styled text: "ok", "problem" or "note", and what to do."""
    rows = [("ok", "GDB %s with Python %d.%d" % ((facts.gdb_version,) + sys.version_info[:2]))]
    if facts.analyzer_problem is not None:
        rows.append(("problem", facts.analyzer_problem))
    else:
        rows.append(("ok", "%s: %s" % (facts.analyzer_version, facts.analyzer)))
    rows += _core(facts)
    rows += _temporary(facts.temporary_directory)
    return [[(kind + ": ", {"problem": "highlight", "note": "title"}.get(kind, "metadata")),
             (clean(said), None)] for kind, said in rows]


def _core(facts):
    if facts.core_problem is not None:
        return [("problem", facts.core_problem)]
    rows = [("ok", "the program that is stopped" if facts.core == "-" else "core " + facts.core)]
    if not facts.executable:
        program = facts.report.program_file() if facts.report is not None else None
        rows.append(("note", "GDB has no program for it; use \"file %s\"" % (
            program or "PROGRAM")))
    if facts.report is None:
        return rows
    if facts.report.incomplete:
        rows.append(("problem", "the core is incomplete; \"leaks\" says what is missing"))
    without = [module for module in facts.report.modules if module.problem]
    for module in without[:_MAX_FILES]:
        rows.append(("problem", "%s: %s" % (module.path or "?", module.problem)))
    if len(without) > _MAX_FILES:
        rows.append(("problem", "and %s more" % plural(len(without) - _MAX_FILES, "file")))
    if without:
        rows.append(("note", "files of another machine: \"set sysroot FOLDER\" (now \"%s\")"
                     % facts.sysroot))
    nameless = sum(not frame.function for group in facts.report.groups for frame in group.frames)
    lineless = sum(not frame.line and not frame.runtime for group in facts.report.groups
                   for frame in group.frames)
    if nameless or lineless:
        rows.append(("note", "%s without a function's name, %s without a line: install debug "
                     "packages, or \"set debug-file-directory FOLDER\" (now \"%s\")" % (
                         plural(nameless, "frame"), format(lineless, ","), facts.debug_dirs)))
    if not without and not nameless:
        rows.append(("ok", "all files of the core were found"))
    return rows


def _temporary(folder):
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        return [("problem", "\"%s\", where cores of stopped programs are kept for a moment, cannot "
                 "be written to; see \"help set leaks temporary-directory\"" % folder)]
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    return [("ok", "%s has %d MiB free for cores of stopped programs" % (folder, free >> 20))]

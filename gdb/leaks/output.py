"""Writes rendered lines to GDB, one at a time so that its pager can stop them."""

import gdb

from . import compat


def width():
    """Columns of the screen; None when there is no limit."""
    return gdb.parameter("width")


def write_lines(lines, from_tty):
    """lines: each a list of (text, style name or None)."""
    write = compat.writer(from_tty)
    for line in lines:
        for text, style in line:
            write(text, style)
        write("\n", None)

"""What differs between GDB 13.1, the oldest that is supported, and later versions."""

import os
import re

import gdb

# The line that names the core in "info files"; later versions quote with '...' or "...".
_CORE_LINE = re.compile(r"^\s+[`'\"](.*)['\"], file type .*\.$")

# What the report draws with, in ASCII.
_PLAIN_GLYPHS = str.maketrans(dict(zip("·█▏▎▍▌▋▊▉…←×", list("-#   ####") + ["..", "<-", "x"])))

_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def core_path(inferior):
    """The path of the core that inferior was loaded from, or None."""
    # Inferior.corefile: since GDB 18.
    corefile = getattr(inferior, "corefile", None)
    if corefile is not None:
        return corefile.filename
    lines = gdb.execute("info files", to_string=True).splitlines()
    for heading, line in zip(lines, lines[1:]):
        if heading.startswith("Local core dump file:"):
            found = _CORE_LINE.match(line)
            return found.group(1) if found else None
    return None


def writer(from_tty):
    """A function that writes text to GDB's pager in the style of that name, None for plain."""
    if hasattr(gdb, "Style"):
        return _write_with_style
    escapes = _EscapeSequences() if _is_terminal(from_tty) else None

    def write(text, style):
        text = _fit_charset(text)
        escape = escapes.of(style) if escapes is not None and style is not None else ""
        gdb.write(escape + text + "\033[m" if escape else text)
    return write


def _write_with_style(text, style):
    # Since GDB 18 the stream itself knows whether it can show styles.
    text = _fit_charset(text)
    if style is None:
        gdb.write(text)
    else:
        gdb.write(text, gdb.STDOUT, gdb.Style(style))


def _fit_charset(text):
    """text without characters that GDB's character set has no place for, which it refuses."""
    charset = gdb.host_charset()
    try:
        text.encode(charset)
        return text
    except UnicodeEncodeError:
        text = text.translate(_PLAIN_GLYPHS)
        return text.encode(charset, "backslashreplace").decode(charset)


def _is_terminal(from_tty):
    """Whether GDB writes to a terminal that shows styles.

    Before GDB 18 a script cannot see where its output goes. Output that is returned as text
    comes from a call that is not from_tty; "pipe leaks | less" shows in the child that GDB has
    while it runs.
    """
    if not from_tty or not gdb.parameter("style enabled") or not os.isatty(1):
        return False
    try:
        with open("/proc/self/task/%d/children" % os.getpid()) as children:
            return not children.read().strip()
    except OSError:
        return True


class _EscapeSequences:
    """The escape sequences that "set style" asks for, looked up once each."""

    def __init__(self):
        self._known = {}

    def of(self, style):
        if style not in self._known:
            self._known[style] = self._look_up(style)
        return self._known[style]

    @staticmethod
    def _look_up(style):
        codes = []
        for name, base in (("foreground", 30), ("background", 40)):
            colour = gdb.parameter("style %s %s" % (style, name))
            # GDB 17 has gdb.Color here, whose text is the name or number that was set.
            if str(colour) in _COLOURS:
                codes.append(str(base + _COLOURS.index(str(colour))))
        intensity = gdb.parameter("style %s intensity" % style)
        codes += {"bold": ["1"], "dim": ["2"]}.get(intensity, [])
        return "\033[%sm" % ";".join(codes) if codes else ""

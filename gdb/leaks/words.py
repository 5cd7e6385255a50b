"""Numbers, sizes and names as the report says them.

Names come from a dump that may be hostile: whatever does not print is shown by its number.
"""

import signal
import time

_BAR_CELLS = 10
_EIGHTHS = " ▏▎▍▌▋▊▉"


def decimal(text):
    """The number that text spells, or None. int() alone would take "1_0", " 1" and digits of other
    scripts, and fail on thousands of digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def clean(text):
    """text without control characters, escape sequences, changes of direction and the like."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\\x%02x" % ord(c) if ord(c) < 256
                   else "\\u%04x" % ord(c) for c in text)


def plural(count, noun):
    return "%s %s%s" % (format(count, ","), noun, "" if count == 1 else "s")


def share(part, whole):
    """Rounded, but only all of them are 100.0 %."""
    if whole <= 0:
        return "0.0 %"
    tenths = (part * 2000 + whole) // 2 // whole
    if part < whole:
        tenths = min(tenths, 999)
    return "<0.1 %" if tenths == 0 and part > 0 else "%d.%d %%" % (tenths // 10, tenths % 10)


def public_name(name):
    """libc's own alias of a function to the name that programs call it by."""
    if not name.startswith("_") or name.startswith("__libc_start") or "::" in name:
        return name
    result = name[5:] if name.startswith("__GI_") else name
    result = result.lstrip("_")
    result = result[5:] if result.startswith("libc_") else result
    return result or name


def bar(fraction):
    eighths = min(max(int(fraction * 8 * _BAR_CELLS), 1 if fraction > 0 else 0), 8 * _BAR_CELLS)
    full = "█" * (eighths // 8)
    return (full + _EIGHTHS[eighths % 8]).ljust(_BAR_CELLS)[:_BAR_CELLS]


def size(num_bytes):
    tenths = num_bytes * 10
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if tenths < 10240 or unit == "TiB":
            break
        tenths //= 1024
    if unit == "bytes" or tenths >= 100:
        return "%d %s" % (tenths // 10, unit)
    return "%d.%d %s" % (tenths // 10, tenths % 10, unit)


def duration(num_ns):
    """3.2 s, 250 ms, 9 h"""
    ms = max(num_ns, 0) // 1000000
    if num_ns > 0 and ms == 0:
        return "1 ms"
    if ms < 1000:
        return "%d ms" % ms
    if ms < 120 * 1000:
        return "%d.%d s" % (ms // 1000, ms % 1000 // 100)
    for unit, length, most in (("min", 60, 7200), ("h", 3600, 172800)):
        if ms < most * 1000:
            return "%d %s" % (ms // 1000 // length, unit)
    return "%s days" % format(ms // 86400000, ",")


def utc(seconds):
    """A moment of the calendar, or None."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return None


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def shorten(name, columns):
    """name in at most that many columns: its end says more than its beginning."""
    if columns is None or len(name) <= columns or columns < 4:
        return name
    head = (columns - 1) // 3
    return name[:head] + "…" + name[len(name) - (columns - 1 - head):]

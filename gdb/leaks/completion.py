"""What a word that is being typed can become, the way GDB wants it: from where it thinks that its
last word begins, which is at the last "-" for instance."""

import re

# The words of a line, for gdb.string_to_argv(): a backslash takes what follows as it is.
_WORD = re.compile(r"(?:\\.|\S)+")

# What a regular expression matches as it is written; "." matches itself, too.
_PLAIN = re.compile(r"[\w.:~$/-]+")


def split_last(text):
    """The whole words of text, and the one that is being typed: "" after a space."""
    words = _WORD.findall(text)
    if not words or not text.endswith(words[-1]):
        return words, ""
    return words[:-1], words[-1]


def continuations(candidates, last, word):
    """The candidates that begin with last, from where GDB thinks that its last word begins."""
    # GDB first asks where the last word begins, and has no word then.
    start = 0 if word is None else len(last) - len(word)
    return [candidate[start:] for candidate in candidates if candidate.startswith(last)]


def quoted(text):
    """text as one word of a line."""
    return re.sub(r"([\s'\"\\])", r"\\\1", text)


def rest_after(text, num_words, flags=()):
    """What stands in text behind that many words and any flags around them, or None when these are
    still being typed."""
    at = 0
    for found in _WORD.finditer(text):
        if found.group() in flags:
            if found.end() == len(text):
                return None
            continue
        if num_words == 0:
            return text[found.start():]
        num_words -= 1
        at = found.end()
    return "" if num_words == 0 and at < len(text) else None


def of_command(rest, word, execute):
    """Continuations of a whole command of GDB's. execute: gdb.execute()."""
    lines = execute("complete " + rest, to_string=True).splitlines()
    # It says by stars that there are more.
    return continuations([line for line in lines if not line.startswith("*** ")], rest, word)


def known_values(reports):
    """{name of an option: what values it may have}, from what was found before."""
    groups = [group for report in reports for group in report.groups]
    labels = [label for report in reports for task in report.tasks if task.goroutine is not None
              for label in task.goroutine.labels.items()]
    functions = _plain(frame.function for group in groups for frame in group.frames)
    return {
        "reason": _sorted(group.reason for group in groups),
        "focus": functions,
        "ignore": functions,
        "ancestor": _plain(group.creation.place.function for group in groups
                           if group.creation.place is not None),
        "root-goid": [str(number) for number in sorted({
            key.id for report in reports for key in report.task_of if key.kind == "goroutine"})],
        "label": _sorted([key for key, _ in labels] + ["%s=%s" % label for label in labels]),
        "group-by": _sorted("label:" + key for key, _ in labels),
    }


def _sorted(texts):
    return sorted({quoted(text) for text in texts if text})


def _plain(names):
    return sorted({name for name in names if name and _PLAIN.fullmatch(name)})

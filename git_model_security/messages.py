"""What git-model says to a person on standard error, from commands, hooks and the filter.

Owns the form of it: `git-model: …`, `git-model: error: …`, `warning: …` or `hint: …`, in
lower case, without a full stop; and the small phrases that many messages share. Imports
next to nothing: Git spawns the filter for every command that touches a protected file.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NAME = "git-model:"
_COLUMNS = 80
_INDENT = "    "


def info(*texts: str) -> None:
    """Tells what was done."""
    for text in texts:
        _write(text)


def warn(text: str, hint: str | None = None) -> None:
    """Tells what a person should look at, and what to do about it."""
    _write(f"warning: {text}", hint)


def warn_all(texts: Iterable[str]) -> None:
    """Warns of several things."""
    for text in texts:
        warn(text)


def advise(hint: str) -> None:
    """Tells what to do next; several things are a line each."""
    _write(hint=hint)


def tell(error: Exception, place: str = "", *, level: str = "error") -> None:
    """Tells what went wrong, and the hint of an `Error`.

    Args:
        error: what happened.
        place: the file it happened to, where the message does not say.
        level: `warning` where nothing stops.
    """
    _write(f"{level}: {place and place + ': '}{error}", getattr(error, "hint", None))


def _write(text: str | None = None, hint: str | None = None) -> None:
    said = [] if text is None else [text]
    if hint:
        said += [f"hint: {line}" for line in hint.split("\n")]
    # Names are escaped where they are put in; this is for the one that was forgotten.
    lines = "\n".join(f"{_NAME} {line}" for line in said).split("\n")
    lines = [legible(line) for line in lines]
    if sys.stderr.isatty():
        lines = [fold(line) for line in lines]
    # One write: what another process says at the same time stands before it or after.
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def fold(text: str) -> str:
    """Returns a message in lines of at most 80 columns, for a terminal.

    What stands between backticks stays whole, since a person copies it, and so does a line
    of a list, which holds a path. Where a program reads, a message is one line.
    """
    import re  # for a terminal alone

    if text.removeprefix(_NAME).startswith("  "):
        return text
    lines: list[str] = []
    for word in re.findall(r"(?:`[^`\n]*`|\S)+", text):
        if lines and len(lines[-1]) + 1 + len(word) <= _COLUMNS:
            lines[-1] += f" {word}"
        else:
            lines.append(f"{_INDENT}{word}" if lines else word)
    return "\n".join(lines)


def legible(text: str) -> str:
    """Returns text that others chose as it can be shown.

    What is not printable is escaped: controls of the terminal, and those that turn the
    direction of writing, which would show one name as another.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def reason(error: OSError) -> str:
    """Returns what the operating system said, as a part of a message."""
    return (error.strerror or str(error)).lower()


def counted(number: int, noun: str) -> str:
    """Returns a number of things as a message says it: `1 file`, `2 files`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def shortened(lines: Sequence[str], most: int, total: int | None = None) -> list[str]:
    """Returns the first lines, and one that tells how many are left out, if any.

    Of `total` lines a caller need make only the first.
    """
    left_out = (len(lines) if total is None else total) - most
    rest = [f"… and {left_out} more"] * (left_out > 0)
    return [*lines[:most], *rest]


def listed(names: Sequence[str], most: int) -> str:
    """Returns the first names in a sentence, and how many are left out: `a, b and 3 more`."""
    rest = f" and {len(names) - most} more" * (len(names) > most)
    return ", ".join(names[:most]) + rest

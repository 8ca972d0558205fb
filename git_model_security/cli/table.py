"""Tables that fit: on a terminal as wide as it is, in a pipe one line for each row."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.cli import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GAP = "  "
_INDENT = "    "
_LEAST_COLUMNS = 20
_TIED = "\N{NO-BREAK SPACE}"


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        is_right: its cells stand to the right.
        is_spare: it is left out first, where there is no room.
        least: it may be cut to so many characters, with an ellipsis; 0 for never.
    """

    title: str
    is_right: bool = False
    is_spare: bool = False
    least: int = 0


def show(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Writes a table to standard output; see `fitted`."""
    for line in fitted(columns, rows, _room()):
        terminal.result(line)


def show_words(found: Sequence[str]) -> None:
    """Writes words as one line to standard output; see `folded`."""
    for line in folded(found, _room()):
        terminal.result(line)


def _room() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def folded(found: Sequence[str], width: int | None) -> Iterator[str]:
    """Yields words as one line, or as several where they do not fit; no word is cut."""
    line = ""
    for word in found:
        longer = f"{line}{_GAP}{word}" if line else word
        if line and width is not None and len(longer.rstrip()) > width:
            yield line.rstrip()
            longer = f"{_INDENT}{word}"
        line = longer
    yield line.rstrip()


def fitted(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None
) -> Iterator[str]:
    """Yields the lines of a table; a pipe has no `width`.

    No cell is cut that may not be, and no row is without its first one. Where not even a
    table without its spare columns fits, each row is its first cell, and the others in
    words below it.
    """
    table = [[column.title for column in columns], *rows]
    widths = [max(map(_length, cells)) for cells in zip(*table, strict=True)]
    least = [
        min(wide, column.least or wide) for column, wide in zip(columns, widths, strict=True)
    ]
    chosen = list(range(len(columns)))
    while width is not None and _total(least, chosen) > width:
        spare = next((one for one in reversed(chosen) if columns[one].is_spare), None)
        if spare is None:
            yield from _stacked(columns, rows, width)
            return
        chosen.remove(spare)
    over = 0 if width is None else max(0, _total(widths, chosen) - width)
    for one in chosen:
        cut = min(widths[one] - least[one], over)
        widths[one] -= cut
        over -= cut
    for row in table:
        cells = [_padded(row[one], widths[one], columns[one]) for one in chosen]
        yield _GAP.join(cells).rstrip()


def _stacked(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int
) -> Iterator[str]:
    room = max(width, _LEAST_COLUMNS) - len(_GAP)
    for first, *others in rows:
        yield first
        told = zip(columns[1:], others, strict=True)
        facts = [f"{column.title}: {cell}" for column, cell in told if cell]
        # A fact that fits a line is not broken.
        tied = [one.replace(" ", _TIED) if len(one) < room else one for one in facts]
        for line in textwrap.wrap("; ".join(tied), room, break_long_words=False):
            yield _GAP + line.replace(_TIED, " ")


def _total(widths: Sequence[int], chosen: Sequence[int]) -> int:
    return sum(widths[one] for one in chosen) + len(_GAP) * (len(chosen) - 1)


def _length(text: str) -> int:
    """Returns how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _padded(text: str, width: int, column: Column) -> str:
    if _length(text) > width:
        from rich.cells import set_cell_size

        text = set_cell_size(text, width - 1) + "…"
    blank = " " * (width - _length(text))
    return blank + text if column.is_right else text + blank

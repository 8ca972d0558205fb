"""Results of the commands, on standard output; the rest is said by `messages`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from git_model_security import messages
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHOWN_FILES = 12


def result(text: str = "") -> None:
    """Writes a line of the result."""
    click.echo(text)


def document(data: object) -> None:
    """Writes the result as one JSON document."""
    click.echo(json.dumps(data, indent=2))


def files(
    title: str,
    paths: Sequence[bytes],
    noted: Mapping[bytes, str] | None = None,
    *,
    whole: bool = False,
) -> None:
    """Writes a titled list of paths, cut where it gets long.

    Args:
        noted: what to say of some, which stand first, and all of them.
        whole: cut nothing.
    """
    noted = noted or {}
    result(f"{title} ({len(paths)}):")
    for path, note in noted.items():
        result(f"  {shown(path)}  ({note})")
    others = [path for path in paths if path not in noted]
    most = len(others) if whole else SHOWN_FILES
    for line in messages.shortened([shown(path) for path in others], most):
        result(f"  {line}")


def bytes_text(count: int) -> str:
    """Returns a size as people read it, in binary units."""
    if count < 1024:
        return f"{count} B"
    value, units = float(count), iter("KMGTP")
    unit = ""
    while value >= 1024:
        value /= 1024
        unit = next(units)
    return f"{value:.1f} {unit}iB"

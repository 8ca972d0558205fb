"""What the commands say: results on standard output, the rest on standard error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHOWN_FILES = 12


def result(text: str = "") -> None:
    """Writes a line of the result."""
    click.echo(text)


def document(data: object) -> None:
    """Writes the result as one JSON document."""
    click.echo(json.dumps(data, indent=2))


def info(text: str) -> None:
    """Tells what was done."""
    click.echo(f"git-model: {text}", err=True)


def warn(text: str, hint: str | None = None) -> None:
    """Tells what the user should look at."""
    click.echo(f"git-model: warning: {text}", err=True)
    if hint:
        click.echo(f"git-model: hint: {hint}", err=True)


def warn_all(texts: Iterable[str]) -> None:
    """Warns of several things."""
    for text in texts:
        warn(text)


def files(title: str, paths: Sequence[bytes]) -> None:
    """Writes a titled list of paths, cut where it gets long."""
    result(f"{title} ({len(paths)}):")
    for path in paths[:SHOWN_FILES]:
        result(f"  {shown(path)}")
    if len(paths) > SHOWN_FILES:
        result(f"  … and {len(paths) - SHOWN_FILES} more")


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

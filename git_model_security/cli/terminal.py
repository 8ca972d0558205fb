"""What the commands say: results on standard output, the rest on standard error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


def files(
    title: str,
    paths: Sequence[bytes],
    noted: Mapping[bytes, str] | None = None,
    *,
    whole: bool = False,
) -> None:
    """Writes a titled list of paths, cut where it gets long.

    Args:
        title: what they are.
        paths: the paths.
        noted: what to say of some, which stand first, and all of them.
        whole: cut nothing.
    """
    noted = noted or {}
    result(f"{title} ({len(paths)}):")
    for path, note in noted.items():
        result(f"  {shown(path)}  ({note})")
    others = [path for path in paths if path not in noted]
    listed = others if whole else others[:SHOWN_FILES]
    for path in listed:
        result(f"  {shown(path)}")
    if len(listed) < len(others):
        result(f"  … and {len(others) - len(listed)} more")


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

"""Results of the commands: on standard output, and as the exit status of a gate.

The rest is said by `messages`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING

import click

from git_model_security import messages
from git_model_security.cli import wrap_system_error
from git_model_security.errors import UNCHECKED, UNHEARD, Error
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHOWN_FILES = 12
_ADOPT = "look at them, then `git model sign --adopt PATH` (`.` for all)"
_ADOPT_LATER = "who signs can look at them and sign after it: `git model sign --adopt PATH`"


def result(text: str = "") -> None:
    """Writes lines of the result; no name in them writes to the terminal otherwise."""
    for line in text.split("\n"):
        click.echo(messages.legible(line))


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
    """Writes a titled list of paths, those with a note first; cut where it gets long."""
    noted = noted or {}
    result(f"{title} ({len(paths)}):")
    for path, note in noted.items():
        result(f"  {shown(path)}  ({note})")
    others = [path for path in paths if path not in noted]
    most = len(others) if whole else SHOWN_FILES
    for line in messages.shortened([shown(path) for path in others], most):
        result(f"  {line}")


def unvouched(origins: Mapping[bytes, str], *, is_head: bool) -> None:
    """Writes the paths of a commit that nobody vouches for, each with whose they are."""
    said = [(path, origin) for path, origin in origins.items() if origin]
    files("Nobody vouches for", list(origins), dict(said[:SHOWN_FILES]))
    messages.advise(_ADOPT if is_head else _ADOPT_LATER)


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


@contextlib.contextmanager
def judging() -> Iterator[None]:
    """Gives an error within its `gate_status`, which a pipeline acts upon (docs/CI.md)."""
    try:
        yield
    except Error as error:
        error.exit_status = error.gate_status
        raise
    except BrokenPipeError:
        # Click would end with 1, and Python complain of what is left to be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(UNHEARD) from None
    except OSError as error:
        told = wrap_system_error(error)
        told.exit_status = UNCHECKED
        raise told from error

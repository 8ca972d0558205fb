"""Sizes on the command line: `1048576`, `1MiB`, `64m`."""

from __future__ import annotations

import re

import click

from git_model_security.policy.syntax import MAX_SIZE_BYTES

_SIZE = re.compile(r"([0-9]{1,13})\s*(?:([kmgt])(?:ib)?)?", re.IGNORECASE)
_FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def size(text: str | int) -> int:
    """Returns a number of bytes, at least one; the suffixes are binary, as Git's are.

    Raises:
        click.BadParameter: it is none, or more than a file has.
    """
    found = _SIZE.fullmatch(str(text).strip())
    value = int(found[1]) * _FACTORS[(found[2] or "").lower()] if found else 0
    if not 1 <= value <= MAX_SIZE_BYTES:
        raise click.BadParameter(f"{text!r} is no size, as 1048576 and 1MiB are")
    return value

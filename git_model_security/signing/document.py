"""Hostile JSON: one reading only, and one kind of error when it is something else.

docs/SPEC.md, "Signatures: opening".
"""

from __future__ import annotations

import base64
import json
from typing import TypeVar

from git_model_security.errors import Reason, VerificationError

T = TypeVar("T")


def malformed(message: str) -> VerificationError:
    """Returns the error for a bundle that is not what it must be."""
    return VerificationError(
        Reason.MALFORMED, message, hint="ask the signer to sign again, or restore the file"
    )


def load(text: bytes, what: str) -> dict[str, object]:
    """Parses a JSON object; `what` names it in messages.

    Raises:
        VerificationError: `MALFORMED`: it is not an object, or a key stands twice
            (two readers could take different ones).
    """
    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise malformed(f"{what} is not JSON") from error
    if not isinstance(value, dict):
        raise malformed(f"{what} is not a JSON object")
    return value


def member(value: object, name: str, kind: type[T]) -> T:
    """Returns a member of an object, which must be of the type `kind`.

    Raises:
        VerificationError: `MALFORMED`: it is not there, or of another type.
    """
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, kind):
        raise malformed(f"{name!r} is missing or of the wrong type")
    return found


def decoded(text: str) -> bytes:
    """Returns what is written in base64, and in nothing else.

    Raises:
        VerificationError: `MALFORMED`: it is not.
    """
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise malformed("not base64 where it must be") from error


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Makes an object, in which no key stands twice: what `json` takes as a hook.

    Raises:
        ValueError: one does.
    """
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice")
    return members

"""Which names may stand in a signed manifest; bundles are hostile input.

docs/SPEC.md, "Signatures: names". A name that leaves the model root, or that some
file system takes for `.git`, would make a verifier read (and a deployment write)
somewhere else.
"""

from __future__ import annotations

import functools
import re

from git_model_security.errors import PolicyError
from git_model_security.git.paths import is_dot_git, shown

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
"""Names that nothing can be wrong with: no component begins with a dot, nor has a sign
that some file system reads otherwise. A model has ten thousand of them."""
_KEPT_NAMES = 1 << 16
"""Each is asked about four times: in either bundle, as it is signed and as it is there."""


@functools.lru_cache(maxsize=_KEPT_NAMES)
def fault(name: str) -> str | None:
    """Returns why a name cannot stand in a manifest, or None when it can.

    Everything that stock model_signing would normalise away (`//`, `./`, a
    trailing slash: it goes through `PurePosixPath`) is refused, so that two names
    that differ here are two files there. Control characters other than NUL are
    names that Git tracks, and pass.
    """
    if _PLAIN.fullmatch(name):
        return None
    if not name:
        return "is empty"
    if name.startswith("/"):
        return "is absolute"
    if "\0" in name:
        return "holds a NUL"
    if any(0xD800 <= ord(char) < 0xE000 for char in name):
        return "is not UTF-8"
    for component in name.split("/"):
        if component in {"", ".", ".."}:
            return f"has the component {component!r}"
        # A backslash is a letter to Linux and a separator to whoever verifies the
        # same bundle on Windows; Git splits there too (core.protectNTFS).
        for piece in component.split("\\"):
            if piece == ".." or is_dot_git(piece):
                return f"has the component {shown(piece.encode())}"
    return None


def from_path(path: bytes) -> str:
    """Returns the manifest name of a Git path, relative to the model root.

    Raises:
        PolicyError: a manifest cannot name it.
    """
    try:
        name = path.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unsignable(path, "name is not UTF-8") from error
    reason = fault(name)
    if reason is not None:
        raise _unsignable(path, f"name {reason}")
    return name


def _unsignable(path: bytes, reason: str) -> PolicyError:
    return PolicyError(
        f"{shown(path)}: cannot be signed: {reason}",
        hint="rename it, or move it out of the model root",
    )

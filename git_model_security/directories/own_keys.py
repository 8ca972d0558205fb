"""Keys among the files that they are to protect: nothing is written then.

A key that was encrypted under itself is lost, with all that it protects; one that is signed,
or lies beside its ciphertext, goes wherever the model goes. What a file holds tells, and not
its name: a copy, a hard link, and what a variable names are the same key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.directories import selection
from git_model_security.errors import PolicyError
from git_model_security.git import worktree
from git_model_security.git.paths import shown
from git_model_security.guard import judgement
from git_model_security.keyring import key_files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from git_model_security.directories.selection import Selection
    from git_model_security.envelope import Key


def require_none(found: Selection, key: Key) -> None:
    """Raises where a file holds the very key that files are to be encrypted with.

    Raw, in hexadecimal or in base64, hidden files as well.

    Raises:
        PolicyError: one does.
    """
    for file in found.files:
        content = _read(found.top, file.path, file.facts.st_size)
        if judgement.key_id_of(content, file.facts.st_size) == key.id:
            raise _refused(
                found.top,
                file.path,
                "is the key itself, without which nobody decrypts anything again",
            )


def require_no_private(top: Path, names: Iterable[bytes]) -> None:
    """Raises where a file that is to be signed holds a private key in PEM.

    Raises:
        PolicyError: one does.
    """
    for name in names:
        if judgement.is_private_key(_read(top, name)):
            raise _refused(
                top, name, "holds a private key, which would be signed as a part of the model"
            )


def _read(top: Path, name: bytes, size: int | None = None) -> bytes:
    """Returns what a file holds; nothing where it is too long for a key, or no file."""
    if size is not None and size > judgement.ENCODED_LIMIT_BYTES:
        return b""
    try:
        found = worktree.head(top, name, key_files.MAX_BYTES)
    except OSError:  # whoever reads all of it says why it cannot be read
        return b""
    return found[1] if found is not None and found[0].st_size <= key_files.MAX_BYTES else b""


def _refused(top: Path, name: bytes, what: str) -> PolicyError:
    return PolicyError(
        f"{shown(selection.place(top, name))}: {what}",
        hint=f"move it out of the model: {selection.moving_out(top, name)}",
    )

"""Where the files of IBM's model-encryption become envelopes: x.enc becomes x.

Nothing may stand there but what an earlier run left; that is compared when it is written.
"""

from __future__ import annotations

import filecmp
import os
from typing import TYPE_CHECKING

from git_model_security.content import blob, enc_file
from git_model_security.content.blob import Kind
from git_model_security.envelope import HEADER_BYTES
from git_model_security.errors import PolicyError
from git_model_security.git import worktree
from git_model_security.git.paths import shown
from git_model_security.storage import pointer as pointer_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from git_model_security.directories.selection import File, Selection
    from git_model_security.envelope import Key


def place(file: File) -> bytes:
    """Returns what a file is called as an envelope."""
    return file.path.removesuffix(enc_file.SUFFIX)


def require_free(found: Selection, chosen: Sequence[File], target: Path, key: Key) -> None:
    """Raises where something stands in the way, before anything is written.

    Raises:
        PolicyError: it does.
    """
    # To another directory these go as well, each under its name.
    others = {file.path for file in found.files} if target != found.top else set()
    for path in sorted(others - {file.path for file in chosen}):
        _require_alike(found.top, target, path)
    for file in chosen:
        if place(file) in others:
            raise both_there(file)
        _require_place(found.top, target, file, key)


def _require_alike(top: Path, target: Path, path: bytes) -> None:
    """Raises where something else stands than what is to be copied there."""
    name = os.fsdecode(path)
    if os.path.lexists(target / name) and not filecmp.cmp(top / name, target / name, False):
        raise PolicyError(
            f"{shown(os.fsencode(target / name))}: stands there already, and is something else",
            hint="name a new directory, or an empty one",
        )


def _require_place(top: Path, target: Path, file: File, key: Key) -> None:
    """Raises where something stands that cannot be what an earlier run left."""
    name = place(file)
    try:
        there = worktree.head(target, name, pointer_file.MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return  # what stands in the place of a directory is told when it is written
    if there is not None:
        kind = blob.classify(there[1], there[0].st_size)
        header = blob.find_header(there[1][:HEADER_BYTES]) if kind is Kind.ENVELOPE else None
        if kind is Kind.EMPTY or (header is not None and header.key_id == key.id):
            return  # compared when that is there which it has to be
    head = worktree.head(top, file.path, enc_file.HEAD_BYTES)
    if head is not None and enc_file.is_unfinished(head[1]):
        raise PolicyError(
            f"{shown(file.path)}: never finished, and {shown(name)} is there:"
            " model-encryption was interrupted",
            hint=f"remove {shown(file.path)}; `git model encrypt` encrypts {shown(name)}",
        )
    raise both_there(file)


def both_there(file: File) -> PolicyError:
    """Returns the error of a file whose envelope may be something else."""
    name = shown(place(file))
    return PolicyError(
        f"{shown(file.path)}: {name} is there too, and may be something else",
        hint="move the one away that nobody needs, then run the same again",
    )

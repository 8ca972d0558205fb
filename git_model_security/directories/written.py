"""One file that is written for another: copied, or with an error that names it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, BinaryIO, cast

from git_model_security.errors import Error, GitError
from git_model_security.files import write_at
from git_model_security.git import worktree
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, naming

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def copy(top: Path, path: bytes, target: Path) -> None:
    """Copies a file of a directory to the same place in another one.

    Raises:
        GitError: it cannot be read or written.
    """
    with naming(path):
        descriptor = worktree.open_file(top, path)
        with (
            cast("BinaryIO", os.fdopen(descriptor, "rb", buffering=0)) as source,
            Replacement(target, path) as new,
        ):
            copy_into(source, new)
            new.commit()


def copy_into(source: BinaryIO, new: Replacement) -> None:
    """Writes what a file holds into a new one."""
    offset = 0
    while chunk := source.read(CHUNK_BYTES):
        write_at(new.descriptor, chunk, offset)
        offset += len(chunk)


def changed() -> GitError:
    """Returns the error of a file that somebody else writes to."""
    return GitError(
        "was changed while it was read, and is left as it is",
        hint="run the same again once nobody writes to it",
    )


@contextlib.contextmanager
def about(path: bytes) -> Iterator[None]:
    """Has an error name the file that it is about."""
    try:
        yield
    except Error as error:
        said = str(error)
        if shown(path) in said:
            raise
        raise type(error)(f"{shown(path)}: {said}", hint=error.hint) from error

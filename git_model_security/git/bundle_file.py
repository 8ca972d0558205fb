"""All refs and their history in one file: `git bundle`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import GitError
from git_model_security.git.run import lines

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.git.repository import Repository


_CREATE = ("bundle", "create", "--quiet", "-", "--stdin")


def write(repo: Repository, path: Path, tips: list[str]) -> None:
    """Writes what refs hold, to a new file that nobody else can read.

    The file appears under its name when it is complete and verified.

    Raises:
        GitError: it is there already, or cannot be written.
    """
    partial = partial_of(path)
    try:
        partial.unlink(missing_ok=True)  # of an earlier run that was killed
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _create(repo, file.fileno(), tips)
                os.fsync(file.fileno())
            repo.git("bundle", "verify", "--quiet", str(partial))
            _name(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except FileExistsError as error:
        raise GitError(
            f"{path}: is there already, and is not overwritten",
            hint="choose another file with --backup FILE",
        ) from error
    except OSError as error:
        raise GitError(
            f"{path}: cannot write the backup: {messages.reason(error)}",
            hint="choose another place with --backup FILE",
        ) from error


def partial_of(path: Path) -> Path:
    """Returns where a bundle grows; of a process that was killed it stays."""
    return path.with_name(f"{path.name}.partial")


def _name(partial: Path, path: Path) -> None:
    # A link is refused where something stands, which a rename would replace.
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
        partial.replace(path)


def _create(repo: Repository, descriptor: int, tips: list[str]) -> None:
    # What is longer is copied through, and not held in memory to look for deltas.
    settings = ("-c", "core.bigFileThreshold=16m")
    try:
        repo.git(*settings, *_CREATE, stdin=lines(tips), stdout=descriptor)
    except GitError as error:
        hint = "is the disk full? choose another with --backup FILE"
        raise GitError(str(error), hint=hint) from error

"""Key files of every kind: read with a limit, written whole and to the disk itself.

A private one is never written where `git add .` would take it along.

Knows nothing of what a key is.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from git_model_security import files, messages
from git_model_security.errors import ConfigError, GitError, PolicyError
from git_model_security.git import excludes
from git_model_security.git.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 64 * 1024
"""No key is as long; a file that is gets not read into memory."""

_NAME_IT = "name the file that holds it; a path is from where you stand"
_LIKE_A_KEY = re.compile(r"[0-9A-Za-z+/=_-]{40,}|-----BEGIN ")
"""Hexadecimal or base64 of a key, or PEM."""

PRIVATE_MODE = 0o600
PUBLIC_MODE = 0o644


def is_exposed(path: Path) -> bool:
    """Tells whether others than a key file's owner can read it; worth a warning."""
    return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def exposure(path: Path) -> str | None:
    """Says that others can read a key file, and what to do; None where they cannot."""
    if not path.exists() or not is_exposed(path):
        return None
    return f"{path}: others than you can read this key; `chmod 600 {path}`"


def named(path: Path) -> str:
    """Returns how a message names a file that cannot be read.

    Who gives the key itself where its file is asked for must not read it in a log.
    """
    in_place = path.parent != path.parent.parent and os.path.isdir(path.parent)  # noqa: PTH112
    is_file = in_place or os.path.lexists(path)  # that errors are no is what Path lacks
    hidden = not is_file and _LIKE_A_KEY.search(str(path))
    return "what was given as the name of a file" if hidden else str(path)


def read(path: Path, what: str = "key") -> bytes:
    """Reads a key file; a message says what it should hold.

    Raises:
        ConfigError: it cannot be read, or is too long for any key.
    """
    pem = head(path, MAX_BYTES + 1, what)
    if len(pem) > MAX_BYTES:
        raise ConfigError(f"{path}: too long for a {what}")
    return pem


def head(path: Path, length: int, what: str = "key", hint: str = _NAME_IT) -> bytes:
    """Reads the beginning of a key file.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(length)
    except (OSError, ValueError) as error:  # a name with a NUL is none
        reason = messages.reason(error) if isinstance(error, OSError) else "no name of a file"
        said = f"{named(path)}: cannot read the {what}: {reason}"
        raise ConfigError(said, hint=hint) from None


def require_outside(path: Path) -> None:
    """Refuses a private key file in a Git directory, or where `git add` would find it.

    Raises:
        PolicyError: the path is in a repository, and would go where that is copied.
    """
    # Where the file really goes; `check-ignore` does not look beyond a link either.
    place = path.expanduser().parent.resolve() / path.name
    try:
        repo = Repository.discover(place.parent, local=False)
    except GitError:
        # In no repository, or in one that git does not work in, nor adds to.
        return
    for directory in (repo.git_dir.resolve(), repo.common_dir.resolve()):
        if place.is_relative_to(directory):
            outside = directory.parent.parent / path.name
            raise PolicyError(
                f"{path}: a private key does not belong in a Git directory: whoever copies"
                f" {directory} would take it along",
                hint=f"choose a path outside, such as {outside}",
            )
    if repo.work_tree is not None and not excludes.is_ignored(repo, place):
        raise PolicyError(
            f"{path}: a private key does not belong in a work tree: the next `git add`"
            f" in {repo.work_tree} would take it along",
            hint=f"choose a path outside, such as {repo.work_tree.parent / path.name}",
        )


def write_new(path: Path, content: bytes, mode: int = PRIVATE_MODE) -> None:
    """Writes a new file, and to the disk itself; what exists is never overwritten.

    Raises:
        ConfigError: the file exists, or cannot be written; then no part of it stays.
    """
    try:
        files.create(path, content, mode)
    except FileExistsError as error:
        raise ConfigError(
            f"{path}: exists; a key file is never overwritten", hint="choose another name"
        ) from error
    except OSError as error:
        raise _unwritten(path, error) from error


def keep(directory: Path, name: str, content: bytes, mode: int = PRIVATE_MODE) -> None:
    """Puts a file into a directory of keys; one that is there already stays as it is.

    Whole or not at all: a torn file would be a lost key.

    Raises:
        ConfigError: the directory or the file cannot be written.
    """
    path = directory / name
    if path.exists():
        return
    make_directory(directory)
    try:
        files.replace(path, content, mode, sync=True)
    except OSError as error:
        raise _unwritten(path, error) from error


def make_directory(directory: Path) -> None:
    """Makes a directory of ours, and the one it is in, which is ours too: both 0700.

    What is above (`~/.config`) is the user's, and made as their umask says.

    Raises:
        ConfigError: it cannot be made.
    """
    home = directory.parent
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        # `parents=True` would make it as the umask says: of 000, open to everybody.
        home.mkdir(mode=0o700, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{directory}: cannot make it: {messages.reason(error)}") from error


def _unwritten(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{path}: cannot write the key: {messages.reason(error)}")

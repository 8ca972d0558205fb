"""Model roots that can be signed: directories, in which everything has content of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, PolicyError
from git_model_security.git.index import GITLINK
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from git_model_security.git.index import Entry
    from git_model_security.policy.gitmodel import Policy

SETTING = "git model config signing.root DIR"
"""The command that gives a repository other model roots."""


def under(root: str, entries: Iterable[Entry]) -> Iterator[tuple[bytes, Entry]]:
    """Yields a root's entries with their names relative to it."""
    prefix = _prefix(root)
    for entry in entries:
        if entry.path.startswith(prefix):
            yield entry.path[len(prefix) :], entry


def is_in(path: bytes, root: str) -> bool:
    """Tells whether a path lies in a model root."""
    return path.startswith(_prefix(root))


def below(path: bytes, root: str) -> bytes:
    """Returns a path of a model root as its bundle has it."""
    return path[len(_prefix(root)) :]


def _prefix(root: str) -> bytes:
    # A directory beside the model roots may have a name that is not UTF-8.
    return b"" if root == "." else root.encode("utf-8", "surrogateescape") + b"/"


def holds(policy: Policy, path: bytes) -> bool:
    """Tells whether a path lies in one of the model roots."""
    return any(is_in(path, root) for root in policy.roots)


def require_directories(top: Path, policy: Policy) -> None:
    """Raises where a model root is a file, or a link.

    Raises:
        ConfigError: with its name.
    """
    for root in policy.roots:
        place = top / root
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise ConfigError(
                f"{shown(root.encode())}: is no directory, so it cannot be a model root",
                hint="name the directory that holds the model",
            )


def require_content(policy: Policy, entries: Iterable[Entry], how: str = SETTING) -> None:
    """Raises where a link or a submodule stands in a model root; `how` chooses other roots.

    Raises:
        PolicyError: with its path.
    """
    for entry in entries:
        if not entry.is_file and holds(policy, entry.path):
            raise unsignable(entry, how)


def unsignable(entry: Entry, how: str = SETTING) -> PolicyError:
    """Returns the error of a link or a submodule that would have to be signed."""
    kind = "submodule" if entry.mode == GITLINK else "symbolic link"
    name = shown(entry.path)
    return PolicyError(
        f"{name}: a {kind} has no content of its own to be signed",
        hint=f"`{how}` names what is a model, without it\n"
        f"or `git rm --cached {name}` leaves it out",
    )

"""Where private keys may be written: never where `git add .` would take them along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import GitError, PolicyError
from git_model_security.git import excludes
from git_model_security.git.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path


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
            outside = _outside(directory.parent, path.name)
            raise PolicyError(
                f"{path}: a private key does not belong in a Git directory: whoever copies"
                f" {directory} would take it along",
                hint=f"choose a path outside, such as {outside}",
            )
    if repo.work_tree is not None and not excludes.is_ignored(repo, place):
        raise PolicyError(
            f"{path}: a private key does not belong in a work tree: the next `git add`"
            f" in {repo.work_tree} would take it along",
            hint=f"choose a path outside, such as {_outside(repo.work_tree, path.name)}",
        )


def _outside(top: Path, name: str) -> Path:
    return top.parent / name

"""A range of commits as CI names one, in a checkout that need not have all history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import GitError, UsageError
from git_model_security.git import history, index

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from git_model_security.git.repository import Repository

FETCH_ALL = "check out with all history (`fetch-depth: 0`, `GIT_DEPTH: 0`)"


def ends(repo: Repository, range_: str) -> tuple[str, list[str]]:
    """Returns the newest commit of a range, and those below it that bound it.

    Args:
        repo: the repository.
        range_: `BASE..HEAD` or `BASE...HEAD`; a side left out is HEAD. A BASE of zeros,
            as hosts say of a new branch, bounds nothing.

    Raises:
        UsageError: it is no range.
        GitError: a commit of it is not here.
    """
    base, dots, head = range_.partition("...")
    if not dots:
        base, dots, head = range_.partition("..")
    if not dots or ".." in head or base.startswith("-") or head.startswith("-"):
        raise UsageError(
            f"{range_}: not a range", hint="BASE..HEAD, for example origin/main..HEAD"
        )
    newest = _commit(repo, head or "HEAD")
    if base and not base.strip("0"):
        return newest, []
    start = _commit(repo, base or "HEAD")
    return newest, list(dict.fromkeys([start, *_merge_bases(repo, start, newest)]))


def require_whole(repo: Repository, commits: Iterable[str]) -> None:
    """Raises when a shallow history is cut at one of the commits: it stands for more.

    Raises:
        GitError: it is.
    """
    cut = edges(repo).intersection(commits)
    if cut:
        raise GitError(
            f"history is cut at commit {min(cut)[:12]}, so not all of the range is here",
            hint=f"{FETCH_ALL}, or `git fetch --unshallow`",
        )


def edges(repo: Repository) -> set[str]:
    """Returns the commits at which a shallow history is cut."""
    return edges_in(repo.common_dir / "shallow")


def edges_in(path: Path) -> set[str]:
    """Returns those that a file lists (gitrepository-layout, "shallow")."""
    return set(path.read_text("ascii", "replace").split()) if path.is_file() else set()


def _commit(repo: Repository, name: str) -> str:
    oid = index.resolve(repo, f"{name}^{{commit}}")
    if oid is None:
        raise GitError(
            f"{name}: this commit is not in the checkout, so nothing can be compared with it",
            hint=f"{FETCH_ALL}, or `git fetch --no-tags origin {name}`",
        )
    return oid


def _merge_bases(repo: Repository, base: str, head: str) -> list[str]:
    found = repo.git("merge-base", "--all", base, head, accept=(0, 1)).decode().split()
    if not found and history.is_shallow(repo):
        raise GitError(
            "history is cut before the commit that both ends of the range come from",
            hint=f"{FETCH_ALL}, or `git fetch --unshallow`",
        )
    return found

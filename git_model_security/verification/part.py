"""The part of a tree that pathspecs choose to be verified, and what is said of the rest.

What is chosen is compared whole. Of the rest it is known that the tree lists just the blobs
that were signed, and nothing of what lies in a work tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import index, pathspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.trust.verdict import Verdict
    from git_model_security.verification.scope import Scope

UNTRACKED = "what lies there and Git does not track"
UNSIGNED = "what lies there and is not signed"


def choose(
    repo: Repository, pathspecs: Sequence[str], entries: Iterable[Entry]
) -> set[bytes] | None:
    """Returns the paths of entries that are to be looked at; None for all."""
    if not pathspecs:
        return None
    return pathspec.select(repo, pathspecs, {entry.path for entry in entries})


def choose_of(repo: Repository, commit: str, scope: Scope) -> set[bytes] | None:
    """Returns the paths of a commit that are to be looked at; None for all.

    Raises:
        GitError: a pathspec matches nothing.
    """
    if not scope.pathspecs:
        return None
    paths = {entry.path for entry in index.tree(repo, commit)}
    return pathspec.choose(repo, scope.pathspecs, paths)[0]


def tell_commit(repo: Repository, verdict: Verdict, scope: Scope) -> None:
    """Notes in a verdict on a commit which of its files were looked at, if not all."""
    chosen = choose_of(repo, verdict.commit, scope)
    if chosen is not None:
        paths = (entry.path for entry in index.tree(repo, verdict.commit))
        tell(verdict, chosen, {path for path in paths if scope.is_below_roots(path)})


def take(
    directory: Path,
    pathspecs: Sequence[str],
    verdict: Verdict,
    signed: dict[bytes, bytes],
    present: dict[bytes, int],
) -> tuple[dict[bytes, bytes], dict[bytes, int]]:
    """Returns what is to be looked at of what a bundle signs, and of what lies there.

    Raises:
        GitError: a pathspec matches nothing.
    """
    if not pathspecs:
        return signed, present
    looked, there = pathspec.choose(directory, pathspecs, signed, present)
    verdict.narrow(looked, signed.keys() - looked, UNSIGNED)
    verdict.files = len(looked)
    return (
        {name: digest for name, digest in signed.items() if name in looked},
        {name: mode for name, mode in present.items() if name in there},
    )


def tell(
    verdict: Verdict, chosen: Collection[bytes], paths: Iterable[bytes], beside: str = ""
) -> None:
    """Notes in a verdict which files of all that could be were looked at.

    Raises:
        GitError: it holds, and of no file at all.
    """
    every = set(paths)
    looked = every.intersection(chosen)
    verdict.narrow(looked, every - looked, beside)
    require_any(verdict)


def require_any(verdict: Verdict) -> None:
    """Raises where a part holds because there is nothing in it.

    Raises:
        GitError: so it is.
    """
    if verdict.good and verdict.part is not None and not verdict.part.files:
        raise GitError(
            "what matches is no file that a signature is over",
            hint="without paths all files are verified",
        )

"""git-rev-list over the history that is pushed, from refs of which one may be broken.

A ref may name an object that is lost. Where refs are files Git passes over it; where they
are tables (reftable, git 2.45 to 2.55 at least) every walk over refs ends there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git.run import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.git.repository import Repository

TRUE_HISTORY = {"GIT_GRAFT_FILE": os.devnull}
FROM_COMMITS = ("-c", "core.commitGraph=false", "-c", "advice.graftFileDeprecated=false")
"""A commit-graph file repeats what commits say; here only the commits count."""


def read(repo: Repository, *options: str, names: Iterable[str] = ()) -> list[str]:
    """Returns the lines of a walk that ignores grafts and passes over broken refs.

    Args:
        names: revisions and ranges, as many as there are.

    Raises:
        GitError: a name names nothing, or a commit is missing.
    """
    return walk(repo, *options, names=names).decode().splitlines()


def walk(repo: Repository, *options: str, names: Iterable[str] = ()) -> bytes:
    """Returns what such a walk says, of which a format may be any bytes; see `read`."""
    asked = lines(names)

    def run(*words: str) -> bytes:
        command = (*FROM_COMMITS, "rev-list", *words, "--stdin")
        return repo.git(*command, stdin=asked, extra=TRUE_HISTORY)

    try:
        return run(*options)
    except GitError:
        # --ignore-missing holds for names too, and one that is missing must not be nothing.
        run("--max-count=1")
        return run("--ignore-missing", *options)


def last_changes(repo: Repository, commit: str, path: bytes, most: int) -> list[str]:
    """Returns the last commits below one, and it, that changed a path; the newest first."""
    words = (*FROM_COMMITS, "--literal-pathspecs", "rev-list", f"--max-count={most}", commit)
    said = repo.git(*words, "--", path, accept=(0, 128), extra=TRUE_HISTORY)
    return said.decode().split()


def have_held(repo: Repository, commits: Sequence[str], path: bytes, oid: str) -> bool:
    """Tells whether commits, or any below them, have had a blob at a path."""
    said = repo.git(
        *(*FROM_COMMITS, "--literal-pathspecs", "log", "--no-show-signature", "--format=%H"),
        *("--full-history", "--no-renames", "--max-count=1", f"--find-object={oid}", *commits),
        *("--", path),
        accept=(0, 128),
        extra=TRUE_HISTORY,
    )
    return bool(said.strip())

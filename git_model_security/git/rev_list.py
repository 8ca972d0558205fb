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
    from collections.abc import Iterable

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
    asked = lines(names)

    def walk(*words: str) -> list[str]:
        command = (*FROM_COMMITS, "rev-list", *words, "--stdin")
        return repo.git(*command, stdin=asked, extra=TRUE_HISTORY).decode().splitlines()

    try:
        return walk(*options)
    except GitError:
        # --ignore-missing holds for names too, and one that is missing must not be nothing.
        walk("--max-count=1")
        return walk("--ignore-missing", *options)

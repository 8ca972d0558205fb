"""All that the history holds, seen in one pass over its text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.git import attributes, fast_export
from git_model_security.git.index import GITLINK, REMOVED, SYMLINK
from git_model_security.policy.gitmodel import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.repository import Repository


@dataclass
class Survey:
    """What the commits hold.

    Attributes:
        commits: their oids, parents before children.
        files: paths of regular files, each with all the blobs that ever stood there.
        links: paths of symbolic links and of submodules.
        blocked: paths below what has to be a file of ours.
    """

    commits: list[str] = field(default_factory=list)
    files: dict[bytes, set[str]] = field(default_factory=dict)
    links: set[bytes] = field(default_factory=set)
    blocked: set[bytes] = field(default_factory=set)


def taken(repo: Repository, tips: Iterable[str]) -> Survey:
    """Looks at all commits that tips reach.

    Raises:
        GitError: an object is missing or corrupt.
    """
    seen = Survey()
    ours = (attributes.FILE + b"/", NAME + b"/")
    for commit in fast_export.commits(repo, tips):
        seen.commits.append(commit.oid)
        for change in commit.changes:
            if change.mode in {SYMLINK, GITLINK}:
                seen.links.add(change.path)
            elif change.mode != REMOVED:
                seen.files.setdefault(change.path, set()).add(change.oid)
            if change.path.startswith(ours):
                seen.blocked.add(change.path)
    return seen

"""The refs of a repository, and what a migration does with each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import history, index, refs, stash
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.repository import Repository

SCRATCH = "refs/git-model/migrated/"
"""Where new history waits until all refs move at once."""
NOTES = "refs/notes/"

_NOT_OURS = ("refs/remotes/", "refs/prefetch/", "refs/original/", "refs/git-model/")
"""What shows other repositories, or was left by tools: `purge` drops what is old there."""


@dataclass(frozen=True)
class Ref:
    """A ref that is no link to another one.

    Attributes:
        name: its full name, or `HEAD` where that names no branch.
        oid: what it holds, maybe a tag.
        target: what that is or tags in the end.
        target_kind: of that: `commit`, `tree` or `blob`.
    """

    name: str
    oid: str
    target: str
    target_kind: str

    @property
    def is_tag(self) -> bool:
        """Whether it holds an annotated tag."""
        return self.oid != self.target

    @property
    def is_moved(self) -> bool:
        """Whether it will name new history.

        The stash is a list, and not moved like this; notes speak of old commits.
        """
        is_ours = self.name != stash.REF and not self.name.startswith((*_NOT_OURS, NOTES))
        return is_ours and self.target_kind == "commit"


def find(repo: Repository) -> list[Ref]:
    """Returns all refs, and HEAD where it is detached; links are left out.

    Raises:
        GitError: what a ref names is lost.
    """
    pairs = list(_direct(refs.read(repo)).items())
    if history.branch(repo) is None:
        pairs.append(("HEAD", index.require(repo, "HEAD")))
    targets = history.peeled(repo, (oid for _, oid in pairs))
    for name, oid in pairs:
        if not targets[oid][0]:
            raise GitError(
                f"{shown(os.fsencode(name))} names {oid}, which is lost, or tags what is",
                hint="`git fsck` says what is missing",
            )
    return [Ref(name, oid, *reversed(targets[oid])) for name, oid in pairs]


def find_below(repo: Repository, prefix: str) -> dict[str, str]:
    """Returns the refs whose names begin with `prefix`, with their oids; links are left out."""
    return _direct(refs.read(repo, os.fsencode(prefix)))


def find_left_over(repo: Repository, commits: Iterable[str]) -> dict[str, str]:
    """Returns those that reach any of some commits, are not moved, and a purge drops."""
    found = find_reaching(repo, commits).items()
    return {name: oid for name, oid in found if name.startswith(_NOT_OURS)}


def find_reaching(repo: Repository, commits: Iterable[str]) -> dict[str, str]:
    """Returns the refs that reach any of some commits, with their oids; links are left out."""
    return _direct(refs.read_containing(repo, commits))


def _direct(found: Iterable[refs.Ref]) -> dict[str, str]:
    return {os.fsdecode(ref.name): ref.oid for ref in found if not ref.symref}

"""The refs of a repository, and what a migration does with each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.git import history, stash

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
        kind: of that: `commit`, `tag`, `tree` or `blob`.
        target: what that is or tags in the end.
        target_kind: of that.
    """

    name: str
    oid: str
    kind: str
    target: str
    target_kind: str

    @property
    def is_moved(self) -> bool:
        """Whether it will name new history.

        The stash is a list, and not moved like this; notes speak of old commits.
        """
        is_ours = self.name != stash.REF and not self.name.startswith((*_NOT_OURS, NOTES))
        return is_ours and self.target_kind == "commit"


def found(repo: Repository) -> list[Ref]:
    """Returns all refs, and HEAD where it is detached; links are left out.

    Raises:
        GitError: a ref is broken.
    """
    fields = ("refname", "objectname", "objecttype", "symref")
    listed = repo.git("for-each-ref", "--format=" + "%00".join(f"%({name})" for name in fields))
    rows = [line.split(b"\0") for line in listed.split(b"\n") if line]
    if not repo.git("symbolic-ref", "--quiet", "HEAD", accept=(0, 1)):
        rows.append([b"HEAD", repo.git("rev-parse", "HEAD").strip(), b"commit", b""])
    targets = history.peeled(repo, (row[1].decode() for row in rows))
    return [
        Ref(os.fsdecode(name), oid.decode(), kind.decode(), *_swapped(targets[oid.decode()]))
        for name, oid, kind, link in rows
        if not link
    ]


def _swapped(peeled: tuple[str, str]) -> tuple[str, str]:
    kind, oid = peeled
    return oid, kind


def reaching(repo: Repository, commits: Iterable[str]) -> dict[str, str]:
    """Returns the refs that reach any of some commits, with their oids; links are left out."""
    asked = [word for oid in commits for word in ("--contains", oid)]
    if not asked:
        return {}
    listed = repo.git("for-each-ref", "--format=%(objectname) %(refname)%00%(symref)", *asked)
    found = {}
    for line in listed.splitlines():
        facts, _, link = line.partition(b"\0")
        oid, _, name = facts.partition(b" ")
        if not link:
            found[os.fsdecode(name)] = oid.decode()
    return found


def left_over(repo: Repository, commits: Iterable[str]) -> dict[str, str]:
    """Returns those of them that a migration does not move and a purge drops."""
    found = reaching(repo, commits).items()
    return {name: oid for name, oid in found if name.startswith(_NOT_OURS)}

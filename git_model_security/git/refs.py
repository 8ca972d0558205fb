"""Refs: their names, and the commits they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.git import history, ref_list, worktree_refs
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

REMOTE = b"refs/remotes/"


@dataclass(frozen=True, slots=True)
class Ref:
    """One ref, or a HEAD that stands on no branch.

    Attributes:
        name: in full, as the bytes Git holds.
        oid: the object it names.
        target: the object behind that, where it is a tag; empty where that is lost.
    """

    name: bytes
    oid: str
    target: str

    @property
    def is_remote(self) -> bool:
        """Whether it is this clone's memory of a branch of a remote."""
        return self.name.startswith(REMOTE)

    @property
    def shown(self) -> str:
        """The name as people write it, safe for a terminal."""
        short = self.name
        for prefix in (b"refs/heads/", b"refs/tags/", b"refs/"):
            short = short.removeprefix(prefix) if short == self.name else short
        return shown(short)


def listed(repo: Repository) -> list[Ref]:
    """Returns all refs, and the detached HEADs, of all work trees."""
    pairs = [(ref.name, ref.oid) for ref in ref_list.of(repo)]
    pairs += [*_detached(repo), *worktree_refs.elsewhere(repo)]
    targets = history.peeled(repo, (oid for _, oid in pairs)) if pairs else {}
    return [Ref(name, oid, targets[oid][1]) for name, oid in pairs]


def _detached(repo: Repository) -> list[tuple[bytes, str]]:
    found = []
    name = head = b""
    for line in repo.git("worktree", "list", "--porcelain", "-z").split(b"\0"):
        label, _, value = line.partition(b" ")
        if label == b"worktree":
            name, head = value.rsplit(b"/", 1)[-1], b""
        elif label == b"HEAD" and value.strip(b"0"):
            head = value
        elif label == b"detached" and head:
            found.append((b"HEAD (" + name + b")", head.decode()))
    return found

"""What verified commits say of objects of git-lfs that are not on this machine.

Who has fetched only some shards of a model can still change the others' neighbours and
sign: a commit below, whose two bundles hold, binds each name to its ciphertext and to
its plaintext digest. What it says is used for that signature and never remembered as
something this clone computed.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.errors import Error
from git_model_security.git import index
from git_model_security.policy import gitmodel
from git_model_security.signing.roles import PLAINTEXT
from git_model_security.trust import pinned_trust
from git_model_security.verification import manifests, tree_check
from git_model_security.verification.root import Root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_model_security.clone.clone import Clone


class Inherited:
    """What commits whose signatures hold say of blobs; looked at when first asked.

    Args:
        commits: those that a commit to be carries on, or that leave; the signatures of
            some need not hold.
        digest: the one that is signed now.
    """

    def __init__(self, clone: Clone, commits: Iterable[str], digest: str) -> None:
        self._clone = clone
        self._commits = tuple(commits)
        self._digest = digest

    def plaintext(self, oid: str) -> bytes | None:
        """Returns the plaintext digest of a blob, if a commit that holds signs it."""
        return self._digests.get(oid)

    def vouches(self, oid: str) -> bool:
        """Tells whether a commit that holds signs a pointer: its guards saw ciphertext."""
        return oid in self._digests

    @cached_property
    def _digests(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for commit in self._commits:
            tree = index.resolve(self._clone.repo, f"{commit}^{{tree}}")
            if tree is not None and tree_check.holds(self._clone, tree):
                for part in self._of(tree):
                    found |= part
        return found

    def _of(self, tree: str) -> Iterator[dict[str, bytes]]:
        clone = self._clone
        entries = index.tree(clone.repo, tree)
        policy = gitmodel.find(entries, clone.objects)
        if policy is None:
            return
        verifiers = pinned_trust.pinned(clone.repo).verifiers()
        for name in policy.roots:
            try:
                signed = Root(clone, policy, name, entries, verifiers).open(PLAINTEXT).manifest
            except Error:
                continue
            if signed.digest == self._digest:
                yield manifests.by_oid(name, entries, signed)

"""What verified commits say of objects of git-lfs that are not on this machine.

Who has fetched only some shards of a model can still change the others' neighbours and
sign: a commit below, whose two bundles hold, binds each name to its ciphertext, to the root
of that and to its plaintext digest. What it says is used for that signature and never
remembered as something this clone computed.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.errors import Error
from git_model_security.git import index
from git_model_security.policy import gitmodel
from git_model_security.signing.roles import CIPHERTEXT, PLAINTEXT
from git_model_security.trust import pinned_trust
from git_model_security.verification import manifests, tree_check
from git_model_security.verification.root import Root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.signing.manifest import Manifest


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

    def root(self, oid: str) -> bytes | None:
        """Returns the root of the envelope behind a blob, if a commit that holds signs it."""
        return self._roots.get(oid)

    @cached_property
    def _digests(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for root, entries, signed in self._signed(PLAINTEXT):
            if signed.digest == self._digest:
                found |= manifests.by_oid(root, entries, signed.items)
        return found

    @cached_property
    def _roots(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for root, entries, signed in self._signed(CIPHERTEXT):
            found |= manifests.by_oid(root, entries, signed.roots)
        return found

    def _signed(self, role: str) -> Iterator[tuple[str, Sequence[Entry], Manifest]]:
        """Yields the model roots of commits that hold, with what was signed of each."""
        for commit in self._commits:
            tree = index.resolve(self._clone.repo, f"{commit}^{{tree}}")
            if tree is not None and tree_check.holds(self._clone, tree):
                yield from self._of(tree, role)

    def _of(self, tree: str, role: str) -> Iterator[tuple[str, Sequence[Entry], Manifest]]:
        clone = self._clone
        entries = index.tree(clone.repo, tree)
        policy = gitmodel.find(entries, clone.objects)
        if policy is None:
            return
        verifiers = pinned_trust.pinned(clone.repo).verifiers()
        for name in policy.roots:
            try:
                signed = Root(clone, policy, name, entries, verifiers).open(role).manifest
            except Error:
                continue
            yield name, entries, signed

"""By what a work tree is judged: HEAD's tree, or the index when that is signed as it is.

`git model sign` signs the index. Until it is committed, HEAD is not what was signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, Reason
from git_model_security.git import index
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE
from git_model_security.trust.verdict import Finding, Verdict
from git_model_security.verify import tree_check

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.methods import Verifier

_SIGNER = {Reason.UNTRUSTED, Reason.WRONG_KEY, Reason.WRONG_IDENTITY}
"""What is wrong with somebody's signature, and may be nothing but that nobody trusts them."""


@dataclass(frozen=True)
class Basis:
    """What is to be in the work tree.

    Attributes:
        entries: just what the bundles over ciphertext were looked at for.
        policy: names the model roots; None where there is none.
        sealed: what was found of the bundles over ciphertext.
        index: the entries of the index, with those of a conflict.
        is_index: it is the index that is signed, and not HEAD.
    """

    entries: Sequence[Entry]
    policy: Policy | None
    sealed: Verdict
    index: Sequence[Entry]
    is_index: bool = False

    @cached_property
    def conflicts(self) -> set[bytes]:
        """Paths in conflict."""
        return {entry.path for entry in self.index if entry.stage}

    @cached_property
    def staged(self) -> dict[bytes, Entry]:
        """Entries of the index that are in no conflict, by path."""
        return {entry.path: entry for entry in self.index if not entry.stage}


def of(
    clone: Clone,
    verifiers: Sequence[Verifier],
    *,
    roots: Collection[str] = (),
    committed_only: bool = False,
) -> Basis:
    """Returns what a work tree is judged by.

    Args:
        clone: the clone.
        verifiers: who may have signed.
        roots: the model roots to look at; empty for all.
        committed_only: HEAD, whatever is staged.

    Raises:
        ConfigError: HEAD's `.gitmodel` cannot be used.
    """
    repo = clone.repo
    staged = index.staged(repo)
    head = index.tree(repo, "HEAD") if index.head_tree(repo) is not None else None
    is_signed = signatures(staged) not in (set(), signatures(head or ()))
    if is_signed and not committed_only and not any(entry.stage for entry in staged):
        try:
            sealed = tree_check.check(
                clone, "the index", verifiers, sealed_only=True, roots=roots, entries=staged
            )
        except ConfigError:  # a .gitmodel that is refused signs nothing
            sealed = None
        if sealed is not None and all(one.reason in _SIGNER for one in sealed.findings):
            policy = gitmodel.find(staged, clone.objects)
            return Basis(staged, policy, sealed, staged, is_index=True)
    if head is None:
        nothing = Finding(
            Reason.UNSIGNED, ".", index.NO_COMMIT, hint=f"{index.FIRST_COMMIT}, signed"
        )
        return Basis((), None, Verdict("the work tree", findings=[nothing]), staged)
    sealed = tree_check.check(
        clone, "HEAD", verifiers, sealed_only=True, roots=roots, entries=head
    )
    return Basis(head, gitmodel.find(head, clone.objects), sealed, staged)


def signatures(entries: Sequence[Entry]) -> set[tuple[bytes, str]]:
    """Returns the bundles over ciphertext among entries, with their blobs."""
    name = CIPHERTEXT_SIGNATURE.encode()
    return {(one.path, one.oid) for one in entries if one.path.rpartition(b"/")[2] == name}

"""Verifies the work tree of a locked clone: ciphertext, and compared as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import index
from git_model_security.policy import gitmodel
from git_model_security.verify import worktree_check
from git_model_security.verify.basis import Basis
from git_model_security.verify.signed_files import SignedFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.signing.methods import Verifier
    from git_model_security.trust.verdict import Verdict
    from git_model_security.verify.worktree_check import Scope


def add_locked_files(
    clone: Clone, verdict: Verdict, verifiers: Sequence[Verifier], scope: Scope
) -> None:
    """Adds to a verdict on HEAD what the work tree of a locked clone shows.

    Each file must be, byte for byte, the blob that was verified, or the object behind it.
    An unlocked clone has plaintext there: `worktree_check` is for that.
    """
    if not clone.ring.locked or clone.repo.work_tree is None:
        return
    head = index.tree(clone.repo, verdict.commit)
    policy = gitmodel.find(head, clone.objects)
    if policy is not None:
        basis = Basis(head, policy, verdict, index.staged(clone.repo))
        worktree_check.compare(basis, SignedFiles(clone, policy, verifiers), scope, verdict)
        verdict.others = 0  # all of them count as committed

"""Verifies the work tree of a locked clone: ciphertext, and compared as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import Reason
from git_model_security.git import index
from git_model_security.git.paths import shown
from git_model_security.storage import behind
from git_model_security.workspace.verification.verdict import Finding

if TYPE_CHECKING:
    from git_model_security.filter.clone import Clone
    from git_model_security.workspace.verification.verdict import Verdict


def add_locked_files(clone: Clone, verdict: Verdict) -> None:
    """Adds to a verdict on HEAD what the work tree of a locked clone shows.

    Each file must be, byte for byte, the blob that was verified, or the object behind it.
    An unlocked clone has plaintext there: `worktree_check` is for that.
    """
    if not clone.ring.locked or clone.repo.work_tree is None:
        return
    changed: list[str] = []
    missing: list[str] = []
    files = [entry for entry in index.tree(clone.repo, "HEAD") if entry.is_file]
    sizes, pointers = behind.survey(clone.repo, (entry.oid for entry in files))
    for entry in files:
        pointer, size = pointers.get(entry.oid), sizes.get(entry.oid)
        if behind.is_in_place(clone.repo, entry.path, entry.oid, pointer, size):
            continue
        gone = not index.is_there(clone.repo, entry)
        (missing if gone else changed).append(shown(entry.path))
    extra = tuple(map(shown, index.untracked(clone.repo)))
    if extra:
        verdict.findings.append(Finding(Reason.EXTRA, ".", "there and not signed", extra))
    if changed:
        detail = "not the ciphertext that was signed"
        verdict.findings.append(Finding(Reason.TAMPERED, ".", detail, tuple(changed)))
    if missing:
        detail = "signed and not there"
        verdict.findings.append(Finding(Reason.MISSING, ".", detail, tuple(missing)))

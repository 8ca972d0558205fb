"""After a clean merge: the signatures made for it go into the merge commit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.git import index
from git_model_security.hooks import pre_commit
from git_model_security.policy import gitmodel
from git_model_security.provenance import commits, recording
from git_model_security.trust import pinned_trust

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone


def complete(clone: Clone) -> None:
    """Makes a merge commit again that lacks the signatures which its hook staged.

    `git merge` writes the tree first, then runs pre-merge-commit, then commits that
    tree whatever the hook staged (seen with 2.39; a git that takes the index then
    leaves nothing to do here). Only a commit made this moment is replaced: Git
    removes MERGE_HEAD right after post-merge, and a fast-forward writes none.

    Raises:
        GitError: the merge commit cannot be made again; it stands, unsigned.
    """
    merging = clone.repo.git_dir / "MERGE_HEAD"
    if not merging.is_file():
        return
    if {*merging.read_text().split()} <= {
        *commits.Commits(clone).parents(index.require(clone.repo, "HEAD"))
    }:
        recording.settle_commit(clone)
    policy = gitmodel.find(index.staged(clone.repo), clone.objects)
    if policy is None:
        return
    changed = clone.repo.git("diff-index", "--cached", "--name-only", "-z", "HEAD")
    paths = set(filter(None, changed.split(b"\0")))
    tree = index.write_tree(clone.repo)
    if not paths or paths - policy.signature_paths():
        return
    if not pinned_trust.has_held(clone, tree):
        return
    # Else Git takes itself to be in the middle of the merge, and does not amend.
    merging.unlink()
    # Without hooks: those of a merge have run, and this is no second commit.
    clone.repo.git(
        *("-c", f"core.hooksPath={os.devnull}"),
        *("commit", "--quiet", "--amend", "--no-edit"),
        filters=True,
        show=True,
    )
    pre_commit.settle_commit(clone)

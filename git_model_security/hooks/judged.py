"""What pre-commit has judged, so that neither reference-transaction nor post-commit does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.git import history, index, sharing
from git_model_security.policy.pinned import JUDGED

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

_SIGNED = "git-model-signed"
"""File in the Git directory of a work tree: pre-commit has signed what it judged, and all of
it is vouched for, so that post-commit has nothing to do (hooks/shim.sh, `is_expected`)."""


def remember_signed(repo: Repository, *, is_signed: bool) -> None:
    """Says whether post-commit is spared, for the commit to be."""
    # A partial commit has an index of its own: post-commit carries the signatures over.
    is_own = Path(os.environ.get("GIT_INDEX_FILE", "index")).name not in {"index", "index.lock"}
    if is_signed and not is_own:
        sharing.replace(repo.common_dir, repo.git_dir / _SIGNED, "")
    else:
        (repo.git_dir / _SIGNED).unlink(missing_ok=True)


def remember(repo: Repository) -> None:
    """Writes how the commit to be begins: its tree, and its parents.

    hooks/shim.sh writes `made` and the oid over it when a branch gets that commit.

    The parents count as well as the tree: what a parent holds was not judged. `git commit
    --amend` has other parents than those that a hook can see, so its commit is judged once
    more. So is a commit that follows one which no ref holds: nobody has judged that yet.
    """
    parents = history.parents_to_be(repo)
    is_held = len(parents) == 1 and _is_on_branch(repo)
    if parents and not is_held and history.commits(repo, parents, without=history.REFS):
        forget(repo)
        return
    tree = index.write_tree(repo)
    lines = [f"parent {oid}\n" for oid in parents]
    begin = "".join([f"tree {tree}\n", *lines, "author "])
    sharing.replace(repo.common_dir, repo.git_dir / JUDGED, begin)


def forget(repo: Repository) -> None:
    """Removes what was remembered; of a commit past an overridden guard nothing is."""
    (repo.git_dir / JUDGED).unlink(missing_ok=True)


def _is_on_branch(repo: Repository) -> bool:
    """Tells, without a process, that HEAD names a branch; where refs stand in files.

    In tables the file names none (git-init, "--ref-format").
    """
    try:
        said = (repo.git_dir / "HEAD").read_bytes()
    except OSError:
        return False
    return said.startswith(b"ref: refs/heads/") and not repo.has_ref_tables

"""What pre-commit has judged, so that neither reference-transaction nor post-commit does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import history, index, sharing
from git_model_security.policy.pinned import JUDGED

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository


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

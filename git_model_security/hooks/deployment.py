"""A deploy clone: no ref comes to hold what is not verified, and no link stays.

Git asks no filter for links, empty files, modes and removals (docs/DEPLOY.md). So the
refs are guarded where commits come in: a fetch, and a merge before it touches the work
tree. What a person has Git write by the name of an object is looked at right after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.deploy import links, release
from git_model_security.deploy.release import Gate
from git_model_security.errors import Error
from git_model_security.git import history, index, refs
from git_model_security.git.paths import shown
from git_model_security.policy import pinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.refs import Move


def follow_transaction(clone: Clone, state: Sequence[str], stdin: bytes) -> None:
    """reference-transaction: judges the moves before they are done, remembers them after."""
    if state == ["prepared"]:
        judge_moves(clone, stdin)
    elif state == ["committed"]:
        remember_moves(clone, stdin)


def judge_moves(clone: Clone, stdin: bytes) -> None:
    """Judges the refs that are about to be moved.

    Raises:
        VerificationError: a commit may not be deployed; then no ref is moved.
        ProtocolError: what git says is not understood.
    """
    if pinned.guard(clone.repo):
        messages.warn("info/attributes was changed: everything is verified again")
    gate = Gate(clone)
    for move in refs.parse_moves(stdin):
        if move.ref == "ORIG_HEAD":
            # `git merge` and `git pull` write it first, and name what they will merge.
            for commit in history.parents_to_be(clone.repo)[1:]:
                gate.accept(commit, gate.branch)
        elif is_local(move) or (move.brings and move.ref.startswith("refs/remotes/")):
            branch = gate.branch if move.ref == "HEAD" else release.branch_of(move.ref)
            gate.accept(move.new, branch)


def remember_moves(clone: Clone, stdin: bytes) -> None:
    """Remembers where branches are now: they may not go back behind that.

    From 2.48 Git names no HEAD when it moves the branch that HEAD is on, so HEAD is asked.
    """
    gate = Gate(clone)
    local = list(filter(is_local, refs.parse_moves(stdin)))
    head = gate.head if local else None
    for move in local:
        if move.ref in {"HEAD", head}:
            gate.remember_head(move.new)
        else:
            gate.remember(move.new, release.branch_of(move.ref))
    gate.released.forget_older()


def judge_head(clone: Clone) -> bool:
    """Judges what HEAD is now, after a switch to a branch, which moves no ref.

    Returns:
        Whether it may be deployed; if not, that was said.
    """
    commit = index.resolve(clone.repo, "HEAD^{commit}")
    if commit is None:
        return True
    gate = Gate(clone)
    try:
        gate.accept(commit, gate.branch)
    except Error as error:
        messages.tell(error)
        return False
    gate.remember_head(commit)
    gate.released.forget_older()
    return True


def is_local(move: Move) -> bool:
    """Tells whether HEAD or a branch of this clone gets a commit."""
    return move.brings and (move.is_head or move.ref.startswith("refs/heads/"))


def sweep(clone: Clone, *, of_files: bool = False) -> bool:
    """Removes links that Git made and nobody verified; tells whether there were none.

    Args:
        of_files: single files were checked out, maybe beside the index.
    """
    gate = Gate(clone)
    removed = links.sweep(clone.repo, gate)
    if of_files:
        removed += links.sweep_untracked(clone.repo, gate)
    for path in removed:
        messages.info(f"error: {shown(path)}: a link that is in no verified tree: removed")
    if removed:
        messages.advise("`git reset --hard` to a commit that is verified")
    return not removed

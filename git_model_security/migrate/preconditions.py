"""What must hold of a clone before its history can be written anew."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import GitError, PolicyError
from git_model_security.git import history, index, partial, refs, worktree
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.git.repository import Repository

_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase or `git am`",
    "sequencer": "a cherry-pick or revert",
    "BISECT_LOG": "a bisection",
}
_SHOWN_PATHS = 10


def require(repo: Repository) -> None:
    """Raises a GitError unless all history is here as it is, and nothing is under way."""
    repo.require_work_tree()
    for problem, hint in _problems(repo):
        raise GitError(f"the history cannot be written anew: {problem}", hint=hint)


def _problems(repo: Repository) -> Iterator[tuple[str, str]]:
    if history.is_shallow(repo):
        yield "it is cut (a shallow clone)", "`git fetch --unshallow` brings the rest"
    if partial.remote(repo) is not None:
        yield (
            "this is a partial clone, where objects are missing",
            "migrate in a clone made without --filter",
        )
    grafts = repo.common_dir / "info" / "grafts"
    if grafts.exists() and grafts.read_bytes().strip():
        yield (
            f"{grafts} shows another one than there is, which is not what others have",
            "remove the file, or make it real first: `git replace --convert-graft-file`,"
            " then `git filter-repo --proceed`",
        )
    if refs.read(repo, b"refs/replace/"):
        yield (
            "replace refs show other objects than there are, which is not what others have",
            "`git replace -d` them, or make them real first with `git filter-repo --proceed`",
        )
    for name, what in _UNDER_WAY.items():
        if (repo.git_dir / name).exists() or history.pseudo_ref(repo, name):
            yield f"{what} is under way", "finish it, or give it up, then migrate"
    if trees := repo.work_tree_paths()[1:]:
        names = ", ".join(shown(os.fsencode(tree)) for tree in trees)
        yield (
            "there are other work trees, whose files would no longer be what Git holds:"
            f" {names}",
            "`git worktree remove` them (`git worktree prune` where they are gone)",
        )
    tags = repo.git("ls-files", "-v", "-z").split(b"\0")
    if any(tag[:1] in {b"S", b"h", b"s"} for tag in tags):
        yield (
            "the work tree is sparse, or Git was told to overlook changes in it",
            "`git sparse-checkout disable`; `git update-index --no-assume-unchanged`",
        )


def require_clean(repo: Repository, guarded: set[bytes]) -> None:
    """Raises a PolicyError unless the work tree and the index are what HEAD says.

    What stands at a protected path in clear, as somebody pushed it, never looks clean to
    Git where the filter is at work: there it is compared byte by byte.
    """
    oids = {entry.path: entry.oid for entry in index.staged(repo)}
    changed = {entry.path for entry, _ in index.staged_changes(repo)}
    if index.head_tree(repo) is None:
        changed = set(oids)
    for path in index.list_modified(repo):
        if path not in guarded or not worktree.holds_blob(repo, path, oids.get(path, "")):
            changed.add(path)
    if changed:
        names = [shown(path) for path in sorted(changed)]
        listed = "\n  ".join(messages.shortened(names, _SHOWN_PATHS))
        raise PolicyError(
            f"there are changes that are in no commit:\n  {listed}",
            hint="commit them, or `git stash` them, which is carried along; then migrate",
        )


def require_free(repo: Repository, paths: set[bytes]) -> None:
    """Raises a PolicyError where an untracked file is in the place of one to be written."""
    tracked = {entry.path for entry in index.staged(repo)}
    taken = sorted(path for path in paths - tracked if index.stat(repo, path) is not None)
    if taken:
        names = ", ".join(map(shown, taken))
        raise PolicyError(
            f"files would be overwritten that are in no commit: {names}",
            hint="move them away; git-model writes these itself",
        )

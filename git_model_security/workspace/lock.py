"""`git model lock`: turns plaintext back into ciphertext and ends the key's use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.errors import GitError, PolicyError
from git_model_security.filter.clone import Clone
from git_model_security.git import attributes, index, replacement, worktree
from git_model_security.git.paths import shown
from git_model_security.keyring import ring
from git_model_security.keyring.copies import Copies
from git_model_security.keyring.store import KeyStore
from git_model_security.workspace import file_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository


@dataclass
class Locked:
    """What `lock` did.

    Attributes:
        written: files that hold ciphertext again.
        left: untracked files at protected paths, which stay in clear.
        forgotten: ids of the keys deleted from the keyring.
    """

    written: list[bytes]
    left: list[bytes]
    forgotten: list[str]


def lock(repo: Repository, *, forget: bool = False) -> Locked:
    """Locks a clone, in all of its work trees: they share the permission.

    1. Nothing may be lost: no protected file may differ from the index.
    2. With `forget`, a copy of every key must be known and still be there.
    3. The permission ends, then Git writes the files anew, now as ciphertext.

    Raises:
        PolicyError: step 1 or 2 fails, or the clone is locked already.
        GitError: a file could not be written; the clone stays unlocked.
    """
    repo.top  # noqa: B018 - raises in a bare repository
    clone = Clone(repo)
    wanted = clone.ring.wanted
    if not wanted:
        raise PolicyError("this clone is locked already", hint="`git model unlock` unlocks it")
    trees = repo.work_trees()
    staged = {tree: index.staged(tree) for tree in trees}
    present = {tree: _present(tree, entries) for tree, entries in staged.items()}
    if forget:
        _require_copies(wanted)
    ring.forbid_all(repo)
    try:
        for tree, paths in present.items():
            worktree.rewrite(tree, paths)
            # What is left of a checkout that was killed is plaintext as well.
            directories = {os.path.dirname(path) for path in paths}  # noqa: PTH120 - bytes
            tracked = {entry.path for entry in staged[tree]}
            replacement.sweep(tree.top, directories, tracked)
    except GitError:
        # Else plaintext would stay behind in a clone that says it is locked.
        for key_id in wanted:
            ring.allow(repo, key_id)
        raise
    for key_id in wanted if forget else []:
        KeyStore().remove(key_id)
    written = [path for paths in present.values() for path in paths]
    left = [path for tree in trees for path in _loose(tree)]
    return Locked(written, left, wanted if forget else [])


def _present(repo: Repository, staged: Sequence[Entry]) -> list[bytes]:
    """Returns the protected files of a work tree, none of them changed."""
    entries = [entry for entry in staged if entry.is_file]
    guarded = attributes.protected(repo, (entry.path for entry in entries))
    changed = sorted(set(index.modified(repo)) & guarded)
    if changed:
        raise PolicyError(
            f"locking would lose changes in {repo.top} that are not staged:\n  "
            + "\n  ".join(map(shown, changed)),
            hint="`git add` or `git restore` them first",
        )
    there = [
        entry for entry in entries if entry.path in guarded and index.is_there(repo, entry)
    ]
    _require_ciphertext(repo, there)
    return [entry.path for entry in there]


def _require_ciphertext(repo: Repository, entries: Sequence[Entry]) -> None:
    """Raises where the plaintext that would be overwritten may be the last copy."""
    clone = Clone(repo)
    with clone.objects:
        lost = [
            shown(file.path)
            for file in file_state.of(clone, entries, set())
            if file.work_tree == file_state.DECRYPTED and not (file.here or file.pushed)
        ]
    if lost:
        raise PolicyError(
            "locking would lose files whose git-lfs objects are not here, and were not pushed:"
            "\n  " + "\n  ".join(lost),
            hint="`touch` the files and `git add` them again, or `git lfs fetch --all`",
        )


def _loose(repo: Repository) -> list[bytes]:
    loose = index.untracked(repo)
    return sorted(attributes.protected(repo, loose)) if loose else []


def _require_copies(key_ids: list[str]) -> None:
    for key_id in key_ids:
        if KeyStore().get(key_id) is not None and not Copies().standing(key_id):
            raise PolicyError(
                f"the keyring may hold the last copy of the key {key_id}",
                hint="`git model key export FILE` onto a safe medium, then lock again",
            )

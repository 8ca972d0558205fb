"""`git model lock`: turns plaintext back into ciphertext and ends the key's use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.checkout.index_update import look_again
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.errors import PolicyError
from git_model_security.git import attributes, index
from git_model_security.keyring import ring
from git_model_security.keyring.store import Copies, KeyStore
from git_model_security.setup import resealing

if TYPE_CHECKING:
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

    1. Nothing may be lost: every protected file holds what the index has, by content, and
       the keys are here that decrypt it.
    2. With `forget`, a copy of every key must be known and still be there.
    3. Ciphertext takes the place of plaintext; a file that changes meanwhile is kept.
    4. The permission ends last: what is interrupted before that is only to be run again.

    Raises:
        PolicyError: there is no policy, step 1 or 2 fails, or the clone is locked already.
        GitError: a file could not be written; the clone stays unlocked.
    """
    repo.require_work_tree()
    missing_policy.require_ours(repo)
    held = Clone(repo).ring
    wanted = held.wanted
    if not wanted:
        raise PolicyError("this clone is locked already", hint="`git model unlock` unlocks it")
    for key_id in wanted:
        if key_id not in held.keys and not Copies().standing(key_id):
            raise PolicyError(
                f"the key {key_id} is not here, so nobody could decrypt what is locked now",
                hint="`git model unlock --key FILE` brings it back, then lock",
            )
    found = [resealing.find(tree) for tree in repo.work_trees()]
    if forget:
        _require_copies(wanted)
    for one in found:
        resealing.write(one)
    ring.forbid_all(repo)
    for one in found:
        # Not before: a hook of an unlocked clone may decrypt what it finds.
        look_again(one.clone.repo, one.entries)
    for key_id in wanted if forget else []:
        KeyStore().remove(key_id)
    written = [path for one in found for path in one.paths]
    left = [path for one in found for path in _loose(one.clone.repo)]
    return Locked(written, left, wanted if forget else [])


def _loose(repo: Repository) -> list[bytes]:
    loose = index.list_untracked(repo)
    return sorted(attributes.protected(repo, loose)) if loose else []


def _require_copies(key_ids: list[str]) -> None:
    for key_id in key_ids:
        if KeyStore().get(key_id) is not None and not Copies().standing(key_id):
            raise PolicyError(
                f"the keyring may hold the last copy of the key {key_id}",
                hint="`git model key export FILE` onto a safe medium, then lock again",
            )

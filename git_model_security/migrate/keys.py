"""The keys and settings of a migration: those the clone has, or those it will get.

A clone that is not set up yet becomes so when its refs move, and not before: a filter
in force over an index in clear would show every file as changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from git_model_security.clone.clone import Clone
from git_model_security.errors import PolicyError
from git_model_security.git import config
from git_model_security.git.hash_object import write_blob
from git_model_security.keyring import key_material, ring
from git_model_security.keyring.copies import Copies
from git_model_security.keyring.store import KeyStore
from git_model_security.migrate.journal import PLAN, Journal
from git_model_security.policy import gitmodel, pinned
from git_model_security.setup import setup, signing_setup
from git_model_security.signatures import signers
from git_model_security.storage import LFS
from git_model_security.trust import pinned_trust

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.setup.init import Request


@dataclass(frozen=True)
class Kept:
    """The keys that a migration put into the user's keyring.

    Attributes:
        key_id: the AES key's.
        fingerprint: the signing key's.
    """

    key_id: str
    fingerprint: str


def kept(policy: Policy, journal: Journal) -> Kept | None:
    """Returns the keys of a clone that was not set up before; None for one that was."""
    plan = journal.get(PLAN) or {}
    if not plan.get("is_new"):
        return None
    return Kept(policy.key_id, plan["signing"])


def prepared(repo: Repository, request: Request, policy: Policy, journal: Journal) -> Policy:
    """Puts the keys of a new repository into the user's keyring, and remembers which.

    A run that goes on has them already.

    Returns:
        The policy, which names the key.

    Raises:
        ConfigError: a key file cannot be used.
        PolicyError: the clone has a key meanwhile.
    """
    if (journal.get(PLAN) or {}).get("is_new"):
        return policy
    if config.read(repo).get(ring.KEY_ID):
        raise PolicyError(
            "this clone has a key already, and gets no second one",
            hint="run it again: it goes by the policy and the key that are there",
        )
    # Both files are read before a key is made: a refused one leaves nothing behind.
    raw = key_material.read(request.key) if request.key else key_material.generate()
    fingerprint, public = signing_setup.keep_key(repo, request.signing_key)
    key = KeyStore().add(raw)
    if request.key is not None:
        Copies().add(key.id, request.key)
    pinned_trust.pinned(repo).add_public_key(public)
    policy = replace(policy, key_id=key.id)
    text = gitmodel.render(policy).decode()
    asked = {"asked": str(request), "policy": text, "signing": fingerprint}
    journal.put(PLAN, {"is_new": True, **asked})
    return policy


def opened(repo: Repository, policy: Policy, journal: Journal) -> Clone:
    """Returns the clone as it will be when it is set up."""
    clone = Clone(repo)
    plan = journal.get(PLAN) or {}
    if plan.get("is_new"):
        storage = {"git-model.storage": [policy.storage], "git-model.digest": [policy.digest]}
        if policy.storage == LFS:
            storage["git-model.threshold"] = [str(policy.threshold)]
        held = {ring.KEY_ID: [policy.key_id], signers.SIGNING_KEY: [plan["signing"]]}
        clone.settings = {**config.read(repo, "(git-model|lfs|remote)"), **storage, **held}
    return clone


def set_up(repo: Repository, policy: Policy, journal: Journal) -> list[str]:
    """Sets the clone up, as `init` does; again changes nothing.

    Returns:
        What was done, a line each.
    """
    plan = journal.get(PLAN) or {}
    if not plan.get("is_new"):
        return []
    ring.allow(repo, policy.key_id)
    config.put(repo, signers.SIGNING_KEY, plan["signing"])
    return setup.configure(repo, policy, is_trusted=True)


def take_over(repo: Repository, policy: Policy, journal: Journal) -> None:
    """Makes the new policy this clone's own, for whatever branch is checked out later.

    Only once the refs have moved: until then no commit has it.
    """
    if (journal.get(PLAN) or {}).get("is_new"):
        pinned.take_over(repo, policy, write_blob(repo, gitmodel.render(policy)))

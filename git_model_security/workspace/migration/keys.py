"""The keys and settings of a migration: those the clone has, or those it will get.

A clone that is not set up yet becomes so when its refs move, and not before: a filter
in force over an index in clear would show every file as changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from git_model_security.filter.clone import Clone
from git_model_security.git import config
from git_model_security.keyring import material, ring
from git_model_security.keyring.copies import Copies
from git_model_security.keyring.store import KeyStore
from git_model_security.policy import gitmodel
from git_model_security.storage import LFS
from git_model_security.workspace import initialise, pinned_trust, setup, signatures
from git_model_security.workspace.migration.journal import PLAN, Journal

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.workspace.initialise import Request


def prepared(repo: Repository, request: Request, policy: Policy, journal: Journal) -> Policy:
    """Puts the keys of a new repository into the user's keyring, and remembers which.

    A run that goes on has them already.

    Returns:
        The policy, which names the key.

    Raises:
        ConfigError: a key file cannot be used.
    """
    if (journal.get(PLAN) or {}).get("is_new"):
        return policy
    # Both files are read before a key is made: a refused one leaves nothing behind.
    raw = material.read(request.key) if request.key else material.generate()
    fingerprint, public = initialise.signing_key(request.signing_key)
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
        held = {ring.KEY_ID: [policy.key_id], signatures.SIGNING_KEY: [plan["signing"]]}
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
    config.put(repo, signatures.SIGNING_KEY, plan["signing"])
    return setup.configure(repo, policy, is_trusted=True)

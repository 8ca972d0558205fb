"""The policy, keys and settings of a migration: those the clone has, or those it will get.

A clone agrees to a policy for all of its branches. What is checked out may be one that
never heard of git-model; a second policy and second keys would split the repository.

A clone that is not set up yet becomes so when its refs move, and not before: a filter
in force over an index in clear would show every file as changed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from git_model_security.clone.clone import Clone
from git_model_security.errors import KeyNotFoundError, PolicyError, UsageError
from git_model_security.git import config, pushes
from git_model_security.git.hash_object import write_blob
from git_model_security.git.paths import shown
from git_model_security.keyring import key_material, ring
from git_model_security.keyring.store import Copies, KeyStore
from git_model_security.migrate import moving, survey
from git_model_security.migrate.journal import PLAN, Journal
from git_model_security.policy import gitmodel, pinned
from git_model_security.setup import init, setup, signing_setup
from git_model_security.setup.init import Request
from git_model_security.signatures import signers
from git_model_security.signing import keys as signing_keys
from git_model_security.storage import LFS
from git_model_security.trust import pinned_trust

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.methods import Signer


@dataclass(frozen=True)
class Agreed:
    """A policy, and where it is from.

    Attributes:
        is_new: policy and keys come with the migration.
        is_checked_out: `.gitmodel` is in the index.
        initial: what `git model init` would do here; None where it is set up.
    """

    policy: Policy
    is_new: bool
    is_checked_out: bool
    initial: init.Plan | None = None


def find_policy(repo: Repository, request: Request) -> Agreed:
    """Returns the policy to migrate by; writes nothing.

    Raises:
        ConfigError: a key file that was named cannot be used.
        KeyNotFoundError: the clone is set up, and lacks a key.
        PolicyError: the repository has a policy that this clone did not agree to.
        UsageError: options of `init`, where their time is over.
    """
    policy = init.policy_of(repo)
    begun = _begun(repo, request)
    if begun is not None:
        return Agreed(begun, is_new=True, is_checked_out=policy is not None)
    held = policy if init.is_set_up(repo) else init.held(repo)
    if held is None:
        _require_no_other(repo, policy)
        _require_readable(request)
        initial = init.plan(repo, replace(request, accept_plaintext_history=True))
        return Agreed(initial.policy, is_new=True, is_checked_out=False, initial=initial)
    if request != Request():
        raise UsageError(
            "this repository is set up already: its policy and its keys are those it has",
            hint="leave these options out",
        )
    clone = Clone(repo)
    clone.ring.require_key()
    require_signer(clone)
    return Agreed(held, is_new=False, is_checked_out=policy is not None)


def require_signer(clone: Clone) -> Signer:
    """Returns who signs in this clone.

    Raises:
        KeyNotFoundError: nobody does.
    """
    signer = signers.signer(clone)
    if signer is None:
        raise KeyNotFoundError(
            "this clone has no signing key, and each ref has to be signed",
            hint="`git model unlock --signing-key FILE` gives it one",
        )
    return signer


def _begun(repo: Repository, request: Request) -> Policy | None:
    """Returns the policy of a run that made its keys and was interrupted."""
    here = Journal(repo)
    interrupted = here.initial()
    if not interrupted:
        return None
    if request != Request() and str(request) != interrupted["asked"]:
        raise UsageError(
            "a migration was begun here with other options",
            hint="without options it goes on; to begin anew, with other keys, remove"
            f" {here.directory}",
        )
    policy = gitmodel.parse(interrupted["policy"].encode())
    held = config.read(repo).get(ring.KEY_ID, [])
    if held and policy.key_id not in held:
        raise PolicyError(
            "a migration was begun here with another key than this clone has now",
            hint=f"remove {here.directory}, and migrate with the key the clone has",
        )
    return policy


def _require_no_other(repo: Repository, policy: Policy | None) -> None:
    """Raises where another branch has a policy, and so a key, already."""
    if policy is not None:  # of what is checked out: `init.plan` says so
        return
    tips = {
        ref.target: ref.name for ref in moving.find_refs(repo) if ref.target_kind == "commit"
    }
    name = gitmodel.NAME.decode()
    held = pushes.blobs(repo, tips, name)
    others = survey.read_policies(repo, dict.fromkeys(filter(None, held.values())))
    keyed = {oid for oid, one in others.items() if one.key_id}
    for tip, ref in tips.items():
        if held[tip] in keyed:
            said = shown(os.fsencode(ref))
            raise PolicyError(
                f"{said} is of a git-model repository already, and this clone has no key",
                hint="check that branch out and `git model unlock --key FILE"
                " --signing-key FILE`; then come back, and migrate with that key",
            )


def _require_readable(request: Request) -> None:
    """Raises where a key file that was named cannot be used; nothing is kept of it."""
    if request.key is not None:
        key_material.read(request.key)
    if request.signing_key is not None:
        signing_keys.load_private(request.signing_key, signers.password)


@dataclass(frozen=True)
class Kept:
    """The keys that a migration put into the user's keyring."""

    key_id: str
    fingerprint: str


def find_kept_keys(policy: Policy, journal: Journal) -> Kept | None:
    """Returns the keys of a clone that was not set up before; None for one that was."""
    plan = journal.initial()
    if not plan:
        return None
    return Kept(policy.key_id, plan["signing"])


def prepare_keys(
    repo: Repository, request: Request, policy: Policy, journal: Journal
) -> Policy:
    """Puts the keys of a new repository into the user's keyring, and remembers which.

    A run that goes on has them already.

    Returns:
        The policy, which names the key.

    Raises:
        ConfigError: a key file cannot be used.
        PolicyError: the clone has a key meanwhile.
    """
    if journal.initial():
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
    policy = policy._replace(key_id=key.id)
    text = gitmodel.render(policy).decode()
    asked = {"asked": str(request), "policy": text, "signing": fingerprint}
    journal.put(PLAN, {"is_new": True, **asked})
    return policy


def open_clone(repo: Repository, policy: Policy, journal: Journal) -> Clone:
    """Returns the clone as it will be when it is set up."""
    clone = Clone(repo)
    if plan := journal.initial():
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
    plan = journal.initial()
    if not plan:
        return []
    ring.allow(repo, policy.key_id)
    config.put(repo, signers.SIGNING_KEY, plan["signing"])
    return setup.configure(repo, policy, is_trusted=True)


def take_over(repo: Repository, policy: Policy, journal: Journal) -> None:
    """Makes the new policy this clone's own, for whatever branch is checked out later.

    Only once the refs have moved: until then no commit has it.
    """
    if journal.initial():
        pinned.take_over(repo, policy, write_blob(repo, gitmodel.render(policy)))

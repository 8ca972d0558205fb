"""The policy of a migration: the one this clone agreed to, or the one it will begin with.

A clone agrees to a policy for all of its branches. What is checked out may be one that
never heard of git-model; a second policy and second keys would split the repository.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from git_model_security.clone.clone import Clone
from git_model_security.errors import KeyNotFoundError, PolicyError, UsageError
from git_model_security.git import config, history
from git_model_security.git.paths import shown
from git_model_security.keyring import key_material, ring
from git_model_security.migrate import journal, refs, rewriting
from git_model_security.policy import gitmodel
from git_model_security.setup import init
from git_model_security.setup.init import Request
from git_model_security.signatures import signers
from git_model_security.signing import keys as signing_keys

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy


@dataclass(frozen=True)
class Agreed:
    """A policy, and where it is from.

    Attributes:
        policy: what is protected, and how.
        is_new: policy and keys come with the migration.
        is_checked_out: `.gitmodel` is in the index.
        initial: what `git model init` would do here; None where it is set up.
    """

    policy: Policy
    is_new: bool
    is_checked_out: bool
    initial: init.Plan | None = None


def found(repo: Repository, request: Request) -> Agreed:
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
    clone.ring.current  # noqa: B018 - raises without a key
    if signers.signer(clone) is None:
        raise KeyNotFoundError(
            "this clone has no signing key, and each ref has to be signed",
            hint="`git model unlock --signing-key FILE` gives it one",
        )
    return Agreed(held, is_new=False, is_checked_out=policy is not None)


def _begun(repo: Repository, request: Request) -> Policy | None:
    """Returns the policy of a run that made its keys and was interrupted."""
    here = journal.Journal(repo)
    interrupted = here.get(journal.PLAN)
    if interrupted is None or not interrupted.get("is_new"):
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
    tips = {ref.target: ref.name for ref in refs.find(repo) if ref.target_kind == "commit"}
    name = gitmodel.NAME.decode()
    others = rewriting.kept_policies(repo, history.blobs_at(repo, tips, name))
    keyed = {oid for oid, one in others.items() if one.key_id}
    for tip, ref in tips.items() if keyed else ():
        if keyed.intersection(history.blobs_at(repo, [tip], name)):
            said = shown(ref.encode("utf-8", "surrogateescape"))
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

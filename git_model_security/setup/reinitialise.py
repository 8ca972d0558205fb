"""`git model init` again, while nothing that it decided is committed: it may decide anew.

The keys stay, unless others are given. What was added meanwhile is staged as the new
policy wants it: encrypted, clear, under the other key, in the other place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from git_model_security.clone.clone import Clone
from git_model_security.content import blobs
from git_model_security.errors import PolicyError
from git_model_security.git import attributes, config, index
from git_model_security.git.hash_object import write_blob_from
from git_model_security.git.index import Entry
from git_model_security.keyring import key_material, ring
from git_model_security.keyring.copies import Copies
from git_model_security.keyring.store import KeyStore
from git_model_security.policy import attributes as rules
from git_model_security.policy import pinned
from git_model_security.policy.gitmodel import checked
from git_model_security.provenance import vouching
from git_model_security.setup import (
    accept_policy,
    init,
    sealing,
    setup,
    signing_setup,
    storage_choice,
    write_policy,
)
from git_model_security.setup.init import Done, PlaintextHistoryError, Plan, Request
from git_model_security.setup.storage_choice import Choice
from git_model_security.signatures import signature_place, signers
from git_model_security.signatures.signers import Given
from git_model_security.storage import LFS

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository
    from git_model_security.guard.history import Report
    from git_model_security.policy.gitmodel import Policy

_LISTED = ("rev-list", "--all", "--full-history", "--max-count=1", "--", ":(top).gitmodel")


def undecided(repo: Repository) -> Policy | None:
    """Returns the policy of a set-up that no commit has, so that nobody agreed to it yet.

    None where there is none, or a commit has it, on whatever branch.
    """
    if not config.read(repo).get(ring.KEY_ID) or index.resolve(repo, "HEAD:.gitmodel"):
        return None
    policy = init.policy_of(repo) or pinned.policy(repo)
    return None if policy is None or repo.git(*_LISTED) else policy


def plan(repo: Repository, request: Request, before: Policy) -> Plan:
    """Decides what the set-up will be; what was not asked for stays as it was.

    Raises:
        Error: see `init.survey`; or paths are in conflict.
    """
    if request.key is not None:
        key_material.read(request.key)
    if any(entry.stage for entry in index.staged(repo)):
        raise PolicyError("paths are in conflict", hint="resolve and `git add` them first")
    if request.storage is None and request.threshold is None:
        chosen = Choice(before.storage, before.threshold, before.limit, "as it was")
    else:
        threshold = request.threshold
        if request.storage == before.storage == LFS and threshold is None:
            threshold = before.threshold
        chosen = storage_choice.choose(repo, request.storage or before.storage, threshold)
    policy = replace(
        before,
        profile=request.profile or before.profile,
        include=request.include or before.include,
        exclude=request.exclude or before.exclude,
        digest=request.digest or before.digest,
        signature=before.signature if request.signature is None else request.signature,
        storage=chosen.storage,
        threshold=chosen.threshold,
        limit=chosen.limit,
        method=request.signing.method or before.method,
        roots=request.roots or before.roots,
    )
    found = init.survey(repo, checked(policy), chosen, before, accept_plaintext_history=True)
    if not request.accept_plaintext_history and found.history is not None:
        _require_no_news(repo, found.history, before)
    return found


def is_idle(repo: Repository, request: Request, planned: Plan, before: Policy) -> bool:
    """Tells whether the set-up is as planned already."""
    is_there = init.policy_of(repo) == before and planned.policy == before
    return is_there and not (request.key or _signs_otherwise(request, before))


def _signs_otherwise(request: Request, before: Policy) -> bool:
    is_said = request.signing not in {Given(), Given(method=before.method)}
    return is_said or request.signing_key is not None


def _require_no_news(repo: Repository, found: Report, before: Policy) -> None:
    """Raises where history has more in clear than was accepted at first."""
    from git_model_security.guard import history

    if found.findings:
        known = history.audit(repo, ("--all",), rules=rules.render(before)).findings
        accepted = {(one.path, one.oid) for one in known}
        if any((one.path, one.oid) not in accepted for one in found.findings):
            raise PlaintextHistoryError(found)


def carry_out(repo: Repository, request: Request, planned: Plan, before: Policy) -> Done:
    """Sets the repository up as planned.

    1. The keys, as far as others were given.
    2. What will be clear is so in the index, before the policy that leaves it clear.
    3. The clone, `.gitmodel` and `.gitattributes`.
    4. What is encrypted otherwise than the policy wants is encrypted anew.

    Raises:
        Error: a key cannot be used, or Git refused a step; run it again then.
    """
    key_id = before.key_id
    raw = None if request.key is None else key_material.read(request.key)
    if _signs_otherwise(request, before):
        signing_setup.use(repo, request.signing, request.signing_key)
    if raw is not None and request.key is not None:
        key_id = KeyStore().add(raw).id
        Copies().add(key_id, request.key)
        ring.allow(repo, key_id)
    policy = replace(planned.policy, key_id=key_id)
    clone = Clone(repo)
    with clone.objects:
        entries = [entry for entry in index.staged(repo) if entry.is_file]
        refused = vouching.unvouched(clone, entries, vouching.sources(repo))
        signature_place.discard(clone, before.signature_paths())
        cleared = _open(clone, entries, policy)
    lines = setup.configure(repo, policy, is_trusted=True)
    write_policy.write(repo, policy)
    clone = Clone(repo)  # anew: it has other settings now
    with clone.objects:
        done = [*sealing.seal_staged(clone).paths, *sealing.reseal_staged(clone)]
        changed = {*cleared, *done} - {path for path, _ in refused}
        staged = {entry.path: entry.oid for entry in index.staged(repo)}
        clone.provenance.adopt((path, staged[path]) for path in changed)
    accept_policy.settle(clone, [*cleared, *done])
    if key_id != before.key_id:
        ring.forbid_all(repo)
        ring.allow(repo, key_id)
    fingerprint = config.last(config.read(repo), signers.SIGNING_KEY) or ""
    return Done(
        lines,
        key_id,
        KeyStore().directory / key_id,
        fingerprint,
        policy.method,
        len(done),
        init.exposed(request),
    )


def _open(clone: Clone, entries: list[Entry], policy: Policy) -> list[bytes]:
    """Opens in the index what a policy leaves clear; returns the paths."""
    repo = clone.repo
    guarded = attributes.protected_by(rules.render(policy), (one.path for one in entries))
    clear = [
        Entry(one.path, one.mode, write_blob_from(repo, blobs.open_content(clone, one.oid)))
        for one in entries
        if one.path not in guarded
        and one.path not in policy.signature_paths()
        and blobs.key_id(clone, one.oid) is not None
    ]
    pinned.release(repo, [one.oid for one in clear])
    if clear:
        index.stage(repo, clear)
    return [one.path for one in clear]

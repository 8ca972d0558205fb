"""`git model init` sets up what was planned; and again, while nothing of it is committed.

The second time the keys stay, unless others are given. What was added meanwhile is staged as
the new policy wants it: encrypted, clear, under the other key, in the other place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.clone.clone import Clone
from git_model_security.content import reader
from git_model_security.git import attributes, config, index
from git_model_security.keyring import key_files, key_material, ring
from git_model_security.keyring.store import Copies, KeyStore
from git_model_security.policy import attributes as rules
from git_model_security.provenance import recording
from git_model_security.setup import (
    accept_policy,
    init,
    sealing,
    setup,
    signing_setup,
    write_policy,
)
from git_model_security.signatures import signature_place, signers
from git_model_security.signatures.signers import Given
from git_model_security.trust import pinned_trust

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.setup.init import Plan, Request


@dataclass
class Done:
    """What `init` did.

    Attributes:
        lines: what was set up.
        policy: by which policy, with the id of the key that seals new content.
        fingerprint: the signing key's; empty where the method has none in a file.
    """

    lines: list[str]
    policy: Policy
    fingerprint: str
    sealed_staged: int
    warnings: list[str]


def is_idle(repo: Repository, request: Request, planned: Plan, before: Policy) -> bool:
    """Tells whether the set-up is as planned already."""
    is_there = init.policy_of(repo) == before and planned.policy == before
    return is_there and not (request.key or _signs_otherwise(request, before))


def _signs_otherwise(request: Request, before: Policy) -> bool:
    is_said = request.signing not in {Given(), Given(method=before.method)}
    return is_said or request.signing_key is not None


def carry_out(repo: Repository, request: Request, planned: Plan) -> Done:
    """Sets the repository up as planned.

    1. Both keys are in the user's keyring before anything depends on them.
    2. The clone: permission for the key, trust in the own signature, pinned
       policy, filter and hooks.
    3. `.gitmodel` and `.gitattributes`, in the work tree and staged.
    4. What was tracked and is now protected is encrypted in the index, and what
       is staged now is what the signer vouches for from the beginning.

    Raises:
        ConfigError: a key file cannot be used.
        Error: Git refused a step; run it again when the cause is gone.
    """
    # Both files are read before a key is made: a refused one leaves nothing behind.
    raw = key_material.read(request.key) if request.key else key_material.generate()
    warnings = _exposed(request)
    fingerprint = signing_setup.use(repo, request.signing, request.signing_key)
    policy = planned.policy._replace(key_id=_use_key(repo, raw, request.key))
    of_lfs = sealing.paths_of_lfs(repo)
    lines = setup.configure(repo, policy, is_trusted=True)
    write_policy.write(repo, policy)
    clone = Clone(repo)
    with clone.objects:
        sealed = sealing.seal_staged(clone)
        clone.provenance.adopt(entry[:3] for entry in index.staged(repo))
        tree = index.head_tree(repo)
        if tree is not None:
            pinned_trust.adopt(clone, tree)
        recording.note_history(clone)
    warnings += sealing.left_in_lfs(repo, sealed.taken_over, of_lfs)
    return Done(lines, policy, fingerprint, len(sealed.paths), warnings)


def carry_out_again(repo: Repository, request: Request, planned: Plan, before: Policy) -> Done:
    """Sets the repository up anew, where nothing of `before` is committed.

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
        key_id = _use_key(repo, raw, request.key)
    policy = planned.policy._replace(key_id=key_id)
    clone = Clone(repo)
    with clone.objects:
        entries = [entry for entry in index.staged(repo) if entry.is_file]
        refused = recording.judge_index(clone).doubts
        signature_place.discard(clone, before.signature_paths())
        cleared = _open(clone, entries, policy)
    lines = setup.configure(repo, policy, is_trusted=True)
    write_policy.write(repo, policy)
    clone = Clone(repo)  # anew: it has other settings now
    with clone.objects:
        done = [*sealing.seal_staged(clone).paths, *sealing.reseal_staged(clone)]
        changed = {*cleared, *done} - refused.keys()
        staged = {entry.path: entry for entry in index.staged(repo)}
        clone.provenance.adopt(staged[path][:3] for path in changed)
    accept_policy.settle(clone, [*cleared, *done])
    if key_id != before.key_id:
        ring.forbid_all(repo)
        ring.allow(repo, key_id)
    fingerprint = config.last(config.read(repo), signers.SIGNING_KEY) or ""
    return Done(lines, policy, fingerprint, len(done), _exposed(request))


def _use_key(repo: Repository, raw: bytes, file: Path | None) -> str:
    """Keeps an AES key, lets the clone use it, and returns its id."""
    key = KeyStore().add(raw)
    if file is not None:
        Copies().add(key.id, file)
    ring.allow(repo, key.id)
    return key.id


def _exposed(request: Request) -> list[str]:
    paths = filter(None, (request.key, request.signing_key))
    return [said for path in paths if (said := key_files.exposure(path))]


def _open(clone: Clone, entries: list[Entry], policy: Policy) -> list[bytes]:
    """Opens in the index what a policy leaves clear; returns the paths."""
    guarded = attributes.protected_by(rules.render(policy), (one.path for one in entries))
    kept = guarded | policy.signature_paths()
    sealed = [
        one
        for one in entries
        if one.path not in kept and reader.key_id(clone, one.oid) is not None
    ]
    return [one.path for one in sealing.open_staged(clone, sealed)]

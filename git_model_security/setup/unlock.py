"""`git model unlock`: lets a clone use a key and decrypts its work tree in place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.checkout import checkout, raw_entries
from git_model_security.checkout.report import Report
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import SKIP_SMUDGE, Clone
from git_model_security.content import reader
from git_model_security.envelope import Key
from git_model_security.errors import KeyNotFoundError
from git_model_security.git import attributes, config, index
from git_model_security.git.paths import shown
from git_model_security.keyring import key_files, key_material, ring
from git_model_security.keyring.store import Copies, KeyStore
from git_model_security.setup import setup, signing_setup, storage_choice
from git_model_security.trust import pinned_trust
from git_model_security.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from git_model_security.checkout.materialise import Progress
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.methods import Verifier

_SAMPLED_BLOBS = 8


@dataclass(frozen=True)
class Request:
    """What the user asked of `git model unlock`, or of `clone`.

    Attributes:
        key: key file; else the environment, else the user's keyring is asked for
            the key ids that the repository's envelopes name.
        signers: whom to trust from now on.
        signing_key: private key to sign with from now on.
        skip_smudge: whether to leave the pointers, now and later; None is as before.
    """

    key: Path | None = None
    signers: Sequence[Verifier] = ()
    signing_key: Path | None = None
    skip_smudge: bool | None = None


@dataclass
class Unlocked:
    """What `unlock` did.

    Attributes:
        key_id: the key the clone may use now; empty when only trust was pinned.
        kept: files left alone, since they are not what Git checked out.
        lines: what was set up.
    """

    key_id: str = ""
    report: Report = field(default_factory=Report)
    kept: list[bytes] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def unlock(repo: Repository, request: Request, progress: Progress | None = None) -> Unlocked:
    """Unlocks a clone: `permit`, then `decrypt`, which tells `progress` how far it is.

    Raises:
        Error: see `permit`.
    """
    repo.require_work_tree()
    clone = Clone(repo)
    with clone.objects:
        raw = raw_entries.put_back(clone)
    staged = index.staged(repo)
    result = permit(repo, staged, request)
    if raw:
        result.lines.append(raw_entries.describe(raw))
    content = [entry for entry in staged if entry.is_file]
    result.report = decrypt(repo, content, progress)
    if result.report.kept:
        # Most often files that were decrypted already: not worth a word then.
        guarded = attributes.protected(repo, (entry.path for entry in content))
        result.kept = sorted(guarded.intersection(index.list_modified(repo)))
    return result


def permit(repo: Repository, staged: Sequence[Entry], request: Request) -> Unlocked:
    """Lets a clone use a key and sets it up; the work tree stays as it is.

    Raises:
        KeyNotFoundError: no key, or one that this repository is not sealed under.
        ConfigError: a file is not the kind of key it should be.
        PolicyError: this is no git-model repository.
    """
    clone = Clone(repo)
    with clone.objects:
        policy = missing_policy.require(clone, staged)
        wanted = wanted_ids(clone, policy, [entry for entry in staged if entry.is_file])
    result = Unlocked()
    for signer in request.signers:
        pinned_trust.pinned(repo).add(signer)
        who = signer.identity
        name = shown(who.name.encode()) or who.fingerprint[:32]
        result.lines.append(f"this clone trusts the signer {name} now")
    if request.signing_key is not None:
        result.lines += signing_setup.take_key(repo, request.signing_key)
        result.warnings += filter(None, [key_files.exposure(request.signing_key)])
    else:
        result.lines += signing_setup.take_own(repo, request.signers)
    held = _choose(request.key, wanted, result)
    ring.allow(repo, held.id)
    result.key_id = held.id
    result.lines += signing_setup.agree(repo, policy.method)
    result.lines += setup.configure(repo, policy, is_trusted=is_verified(repo))
    result.warnings += filter(None, [storage_choice.missing_lfs(policy)])
    if request.skip_smudge is not None:
        config.put(repo, SKIP_SMUDGE, "true" if request.skip_smudge else "false")
    return result


def decrypt(
    repo: Repository, entries: Sequence[Entry], progress: Progress | None = None
) -> Report:
    """Decrypts the files of the index that are just what Git checked out, and no others."""
    clone = Clone(repo)  # anew: it may use the key now
    with clone.objects:
        return checkout.restore(
            clone,
            entries,
            missing=False,
            leave_pointers=clone.skips_smudge,
            progress=progress,
        )


def is_verified(repo: Repository) -> bool:
    """Tells whether HEAD is verified, and `.gitmodel` staged just as it is there."""
    tree = index.head_tree(repo)
    clone = Clone(repo)
    with clone.objects:
        if tree is None or not tree_check.holds(clone, tree):
            return False
    return not repo.git("diff-index", "--cached", "--name-only", "HEAD", "--", ".gitmodel")


def wanted_ids(clone: Clone, policy: Policy, entries: Sequence[Entry]) -> list[str]:
    """Returns the ids of the keys this repository is sealed under, likeliest first.

    The headers of a few blobs tell. `.gitmodel` claims one, for a repository without
    protected files, or where the few are all older than the key of now.
    """
    guarded = attributes.protected(clone.repo, (entry.path for entry in entries))
    sealed = [entry.oid for entry in entries if entry.path in guarded]
    found = [reader.key_id(clone, oid) or "" for oid in dict.fromkeys(sealed[:_SAMPLED_BLOBS])]
    return list(dict.fromkeys(filter(None, [*found, policy.key_id])))


def _choose(path: Path | None, wanted: list[str], result: Unlocked) -> Key:
    """Finds the key: from the file, else the environment, else the keyring."""
    store = KeyStore()
    given = None
    if path is not None:
        raw = key_material.read(path)
        given = _fitting(Key(raw), wanted, str(path))
        result.warnings += filter(None, [key_files.exposure(path)])
        store.add(raw)
        Copies().add(given.id, path)
        return given
    given = ring.from_environment()
    if given is not None:
        # From the environment nothing is written: that is how CI has its key.
        return _fitting(given, wanted, "the environment")
    for key_id in wanted:
        kept = store.get(key_id)
        if kept is not None:
            return kept
    raise KeyNotFoundError(
        f"this repository is sealed under the key {' or '.join(wanted)}, and it is not here",
        hint="`git model unlock --key FILE` with the key file somebody gave you",
    )


def _fitting(key: Key, wanted: list[str], origin: str) -> Key:
    if key.id not in wanted:
        raise KeyNotFoundError(
            f"wrong key: {origin} is the key {key.id};"
            f" this repository is sealed under {' and '.join(wanted)}",
            hint="ask for the key of this repository; see `git model key list`",
        )
    return key

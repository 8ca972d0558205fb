"""`git model init`: from a Git repository to an encrypted, signed model repository."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.clone.clone import Clone
from git_model_security.errors import PolicyError
from git_model_security.git import attributes as git_attributes
from git_model_security.git import config, index
from git_model_security.keyring import key_files, key_material, ring
from git_model_security.keyring.copies import Copies
from git_model_security.keyring.store import KeyStore
from git_model_security.policy import attributes, gitmodel, pinned, profiles
from git_model_security.policy.gitmodel import Policy, checked
from git_model_security.setup import (
    clear_files,
    sealing,
    setup,
    signing_setup,
    storage_choice,
    takeover,
    write_policy,
)
from git_model_security.signatures import signature_place
from git_model_security.signatures.signers import Given
from git_model_security.trust import pinned_trust
from git_model_security.verify import model_roots

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.git.repository import Repository
    from git_model_security.guard.history import Report
    from git_model_security.setup.storage_choice import Choice

_OTHER_NAME = "--signature NAME"


@dataclass(frozen=True)
class Request:
    """What the user asked of `git model init`; None and empty mean: choose."""

    key: Path | None = None
    signing_key: Path | None = None
    signing: Given = field(default_factory=Given)
    profile: str | None = None
    digest: str | None = None
    signature: str | None = None
    storage: str | None = None
    threshold: int | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    accept_plaintext_history: bool = False


@dataclass
class Plan:
    """What will be protected, shown before anything is written.

    Attributes:
        policy: what `.gitmodel` will say (its key id comes with the key).
        storage: where ciphertext will live, and why.
        sealed: files that will be encrypted, sorted.
        clear: files that will stay as they are.
        noted: those of them that a person has to look at, and what they are.
        links: names of links and submodules, which have no content to encrypt or sign.
        history: what the history holds in clear.
    """

    policy: Policy
    storage: Choice
    sealed: list[bytes] = field(default_factory=list)
    clear: list[bytes] = field(default_factory=list)
    noted: dict[bytes, clear_files.Glimpse] = field(default_factory=dict)
    links: list[bytes] = field(default_factory=list)
    history: Report | None = None


@dataclass
class Done:
    """What `init` did.

    Attributes:
        lines: what was set up.
        key_id: the key that seals new content.
        key_path: where the keyring has it.
        fingerprint: the signing key's; empty where the method has none in a file.
        method: how it signs.
        sealed_staged: how many tracked files were encrypted in the index.
        warnings: what the user should look at.
    """

    lines: list[str]
    key_id: str
    key_path: Path
    fingerprint: str
    method: str
    sealed_staged: int
    warnings: list[str]


def is_set_up(repo: Repository) -> bool:
    """Tells whether this clone was set up by `init` or `unlock` before."""
    return bool(config.read(repo).get(ring.KEY_ID)) and policy_of(repo) is not None


def policy_of(repo: Repository) -> Policy | None:
    """Returns the policy in the index."""
    clone = Clone(repo)
    with clone.objects:
        return gitmodel.find(index.staged(repo), clone.objects)


def held(repo: Repository) -> Policy | None:
    """Returns the policy that this clone took over, whatever branch is checked out.

    Returns:
        The policy; None for a clone that has neither policy nor key.

    Raises:
        PolicyError: it may use a key, and there is no policy to use it by; or that is lost.
    """
    found = pinned.policy(repo)
    if found is not None or not config.read(repo).get(ring.KEY_ID):
        return found
    raise PolicyError(
        "this clone was set up, and neither what is checked out nor what it took over has"
        " the policy",
        hint="check out a branch that has .gitmodel, and `git model unlock` there",
    )


def plan(repo: Repository, request: Request) -> Plan:
    """Decides what will be protected; writes nothing.

    Raises:
        ConfigError: a pattern or root cannot be used.
        GitError: git-lfs was asked for, and is not installed.
        NotFetchedError: what git-lfs keeps in clear is not here to be encrypted.
        PolicyError: the repository is a git-model repository of somebody already.
    """
    if policy_of(repo) is not None:
        raise PolicyError(
            "this is a git-model repository already, and this clone has no key",
            hint=ring.UNLOCK,
        )
    if pinned.current(repo) is not None:
        raise PolicyError(
            "this clone is set up already, by the policy of another branch",
            hint="`git checkout BRANCH -- .gitmodel .gitattributes` brings it here",
        )
    if request.key is not None:
        key_material.read(request.key)  # a mistyped name is told before anything else
    paths = [*(entry.path for entry in index.staged(repo)), *index.untracked(repo)]
    chosen = storage_choice.choose(repo, request.storage, request.threshold)
    policy = checked(
        Policy(
            profile=request.profile or profiles.fitting(paths),
            include=request.include,
            exclude=request.exclude,
            digest=request.digest or "sha256",
            signature="model.sig" if request.signature is None else request.signature,
            storage=chosen.storage,
            threshold=chosen.threshold,
            limit=chosen.limit,
            method=request.signing.method or "key",
            roots=request.roots or (".",),
        )
    )
    return survey(
        repo, policy, chosen, accept_plaintext_history=request.accept_plaintext_history
    )


def survey(
    repo: Repository,
    policy: Policy,
    chosen: Choice,
    before: Policy | None = None,
    *,
    accept_plaintext_history: bool = False,
) -> Plan:
    """Looks at what a policy means for what is there; writes nothing.

    Args:
        repo: the repository.
        policy: the policy.
        chosen: where its ciphertext will live.
        before: the one that was set up and not committed yet, if any was.
        accept_plaintext_history: go on although history holds plaintext.

    Raises:
        ConfigError: a model root is no directory.
        NotFetchedError: what git-lfs keeps in clear is not here to be encrypted.
        PolicyError: a signature would overwrite a file; or see `PlaintextHistoryError`.
    """
    from git_model_security.guard import history

    model_roots.require_directories(repo.top, policy)
    staged = index.staged(repo)
    kinds = {entry.path: entry.is_file for entry in staged}
    paths = sorted({*kinds, *index.untracked(repo)})
    rules = attributes.render(policy)
    guarded = git_attributes.protected_by(rules, paths)
    result = Plan(policy, chosen)
    for path in paths:
        if not kinds.get(path, _is_file(repo, path)):
            result.links.append(path)
        else:
            (result.sealed if path in guarded else result.clear).append(path)
    clone = Clone(repo)
    with clone.objects:
        oids = {entry.path: entry.oid for entry in staged}
        new = policy.signature_paths() - (before.signature_paths() if before else set())
        signature_place.require_free(clone, new, oids, _OTHER_NAME)
        sealing.require_content(clone, staged, guarded, policy.limit)
        result.noted = clear_files.noted(clone, staged, result.clear)
    result.history = history.audit(repo, ("--all",), rules=rules)
    if result.history.findings and not accept_plaintext_history:
        raise PlaintextHistoryError(result.history)
    return result


class PlaintextHistoryError(PolicyError):
    """The history holds in clear what would be protected; `report` says what."""

    def __init__(self, report: Report) -> None:
        super().__init__(
            f"the history holds protected files or models in clear, {len(report.findings)} of"
            " them: whoever clones it has them, whatever is encrypted from now on",
            hint="`git model migrate` writes it anew, encrypted (--dry-run shows how)\n"
            "or begin without it: `rm -rf .git && git init`, then init\n"
            "or leave clear what is public anyway: --exclude PATTERN\n"
            "or accept all of it: --accept-plaintext-history",
        )
        self.report = report


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
    warnings = exposed(request)
    fingerprint = signing_setup.use(repo, request.signing, request.signing_key)
    store = KeyStore()
    key = store.add(raw)
    if request.key is not None:
        Copies().add(key.id, request.key)
    ring.allow(repo, key.id)
    policy = Policy(**{**vars(planned.policy), "key_id": key.id})
    of_lfs = takeover.paths_of_lfs(repo)
    lines = setup.configure(repo, policy, is_trusted=True)
    write_policy.write(repo, policy)
    clone = Clone(repo)
    with clone.objects:
        sealed = sealing.seal_staged(clone)
        clone.provenance.adopt((entry.path, entry.oid) for entry in index.staged(repo))
        tree = index.head_tree(repo)
        if tree is not None:
            pinned_trust.adopt(clone, tree)
    warnings += takeover.left_behind(repo, sealed.taken_over, of_lfs)
    count = len(sealed.paths)
    return Done(
        lines, key.id, store.directory / key.id, fingerprint, policy.method, count, warnings
    )


def exposed(request: Request) -> list[str]:
    """Returns warnings of key files that others can read."""
    return [
        f"{path}: others than you can read this key; `chmod 600 {path}`"
        for path in (request.key, request.signing_key)
        if path is not None and path.exists() and key_files.is_exposed(path)
    ]


def _is_file(repo: Repository, path: bytes) -> bool:
    file = repo.top / os.fsdecode(path)
    return file.is_file() and not file.is_symlink()

"""`git model init` decides: what a Git repository will encrypt, and how it will sign.

Writes nothing; that is `init_steps`. While nothing that it decided is committed it may
decide anew.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from git_model_security.clone.clone import Clone
from git_model_security.content import enc_file
from git_model_security.errors import PolicyError
from git_model_security.git import attributes as git_attributes
from git_model_security.git import config, index
from git_model_security.keyring import key_material, ring
from git_model_security.policy import attributes, gitmodel, identity, pinned, profiles
from git_model_security.policy.gitmodel import Policy, checked
from git_model_security.setup import clear_files, enc_files, sealing, storage_choice
from git_model_security.signatures import signature_place, signers
from git_model_security.signatures.signers import Given
from git_model_security.verification import model_roots

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.git.repository import Repository
    from git_model_security.guard.report import Report
    from git_model_security.setup.storage_choice import Choice
    from git_model_security.signing.methods import Verifier

_OTHER_NAME = "--signature NAME"
_LISTED = ("rev-list", "--all", "--full-history", "--max-count=1", "--", ":(top).gitmodel")


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
        noted: those of `clear` that a person has to look at, and what they are.
        foreign: what may be ciphertext of IBM's model-encryption.
        links: names of links and submodules, which have no content to encrypt or sign.
        history: what the history holds in clear.
    """

    policy: Policy
    storage: Choice
    sealed: list[bytes] = field(default_factory=list)
    clear: list[bytes] = field(default_factory=list)
    noted: dict[bytes, clear_files.Glimpse] = field(default_factory=dict)
    foreign: enc_files.Found = field(default_factory=lambda: enc_files.Found([]))
    links: list[bytes] = field(default_factory=list)
    history: Report | None = None


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

    None for a clone that has neither policy nor key.

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


def undecided(repo: Repository) -> Policy | None:
    """Returns the policy of a set-up that no commit has, so that nobody agreed to it yet.

    None where there is none, or a commit has it, on whatever branch.
    """
    if not config.read(repo).get(ring.KEY_ID) or index.resolve(repo, "HEAD:.gitmodel"):
        return None
    policy = policy_of(repo) or pinned.policy(repo)
    return None if policy is None or repo.git(*_LISTED) else policy


def plan(repo: Repository, request: Request, before: Policy | None = None) -> Plan:
    """Decides what will be protected; writes nothing.

    Of `before`, what is `undecided`, all stays that nothing else is asked for.

    Raises:
        ConfigError: a pattern or root cannot be used.
        GitError: git-lfs was asked for, and is not installed.
        NotFetchedError: what git-lfs keeps in clear is not here to be encrypted.
        PolicyError: the repository is a git-model repository of somebody already, paths are
            in conflict, or a signature would overwrite a file; or see
            `PlaintextHistoryError`.
    """
    if before is None:
        _require_new(repo)
    elif any(entry.stage for entry in index.staged(repo)):
        raise PolicyError("paths are in conflict", hint="resolve and `git add` them first")
    if request.key is not None:
        key_material.read(request.key)  # a mistyped name is told before anything else
    if before is None:
        chosen = storage_choice.choose(repo, request.storage, request.threshold)
    else:
        chosen = storage_choice.again(repo, before, request.storage, request.threshold)
    asked: dict[str, Any] = {
        "profile": request.profile or (None if before else profiles.fitting(_paths(repo))),
        "include": request.include,
        "exclude": request.exclude,
        "digest": request.digest,
        "method": request.signing.method,
        "roots": request.roots,
    }
    asked = {name: value for name, value in asked.items() if value}
    if request.signature is not None:
        asked["signature"] = request.signature
    base = before or Policy()
    asked["repository"] = base.repository or identity.new()
    policy = checked(chosen.applied(base)._replace(**asked))
    found = _survey(repo, policy, chosen, before, request)
    found.foreign = enc_files.find(
        repo.top, [*found.sealed, *found.clear], _material(request, before)
    )
    if not request.accept_plaintext_history:
        _require_accepted(repo, found, before)
    return found


def _material(request: Request, before: Policy | None) -> bytes | None:
    """Returns the key that content will be sealed under, where it is not made anew."""
    if request.key is not None:
        return key_material.read(request.key)
    return None if before is None else ring.material_of(before.key_id)


def _require_new(repo: Repository) -> None:
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


def _paths(repo: Repository) -> list[bytes]:
    return sorted({*(entry.path for entry in index.staged(repo)), *index.list_untracked(repo)})


def _survey(
    repo: Repository, policy: Policy, chosen: Choice, before: Policy | None, request: Request
) -> Plan:
    """Looks at what a policy means for what is there."""
    from git_model_security.guard import audit

    model_roots.require_directories(repo.top, policy)
    staged = index.staged(repo)
    kinds = {entry.path: entry.is_file for entry in staged}
    paths = _paths(repo)
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
        own = partial(_own_verifier, clone, request)
        signature_place.require_free(clone, new, oids, _OTHER_NAME, own)
        sealing.require_content(clone, staged, guarded, policy.limit)
        result.noted = clear_files.noted(clone, staged, result.clear)
    result.history = audit.audit(repo, ("--all",), rules=rules)
    return result


def _own_verifier(clone: Clone, request: Request) -> Verifier | None:
    """Returns what accepts the signatures of who will sign here; None where nobody knows."""
    given = request.signing
    if request.signing_key is not None:
        given = given._replace(private_key=request.signing_key)
    signer = signers.signer(clone, given)
    return None if signer is None else signer.verifier()


def _require_accepted(repo: Repository, found: Plan, before: Policy | None) -> None:
    """Raises where history has more in clear than was accepted at first."""
    from git_model_security.guard import audit

    if found.history is None or not found.history.findings:
        return
    accepted = set()
    if before is not None:
        known = audit.audit(repo, ("--all",), rules=attributes.render(before)).findings
        accepted = {(one.path, one.oid) for one in known}
    if any((one.path, one.oid) not in accepted for one in found.history.findings):
        raise PlaintextHistoryError(found.history)


class PlaintextHistoryError(PolicyError):
    """The history holds in clear what would be protected; `report` says what."""

    def __init__(self, report: Report) -> None:
        foreign = "*" + enc_file.SUFFIX.decode()
        is_foreign = all(one.path.endswith(enc_file.SUFFIX) for one in report.findings)
        of_foreign = (
            f"or leave what model-encryption encrypted in it as it is: --exclude '{foreign}'\n"
        )
        super().__init__(
            f"the history holds protected files or models in clear, {len(report.findings)} of"
            " them: whoever clones it has them, whatever is encrypted from now on",
            hint="`git model migrate` writes it anew, encrypted (--dry-run shows how)\n"
            "or begin without it: `rm -rf .git && git init`, then init\n"
            + of_foreign
            * is_foreign
            + "or leave clear what is public anyway: --exclude PATTERN\n"
            "or accept all of it: --accept-plaintext-history",
        )
        self.report = report


def _is_file(repo: Repository, path: bytes) -> bool:
    file = repo.top / os.fsdecode(path)
    return file.is_file() and not file.is_symlink()

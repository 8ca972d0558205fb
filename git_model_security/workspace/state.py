"""What `git model status` shows: each protected file, and the signature of HEAD."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, Error
from git_model_security.git import attributes, index
from git_model_security.policy import gitmodel
from git_model_security.workspace import (
    acceptance,
    agreement,
    file_state,
    hook_setup,
    manifests,
    pinned_trust,
)
from git_model_security.workspace.migration.journal import Journal
from git_model_security.workspace.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.filter.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.workspace.file_state import File


VERIFIED = "verified"


@dataclass
class State:
    """The state of a clone.

    Attributes:
        locked: whether the clone may use no key.
        key_id: the key for new content.
        head: `verified`, or why HEAD is not; empty before the first commit.
        signers: fingerprints of the trusted signers.
        files: the protected files of the index.
        missing_hooks: hooks that would not run.
        policy_drift: how `.gitmodel` differs from what this clone pinned; empty when not.
        is_migrating: `git model migrate` was killed in the middle.
        attributes_hold: whether `.gitattributes` says what `.gitmodel` does.
        digest: what `model.sig` is made over; empty without a policy.
    """

    locked: bool
    key_id: str
    head: str
    signers: list[str]
    files: list[File] = field(default_factory=list)
    missing_hooks: list[str] = field(default_factory=list)
    policy_drift: str = ""
    is_migrating: bool = False
    attributes_hold: bool = True
    digest: str = ""

    @property
    def stock_verifies(self) -> bool:
        """Whether the stock `model_signing verify` command can check `model.sig`.

        It always hashes with SHA-256; of other digests only its Python API knows.
        """
        return self.digest == "sha256"

    def to_json(self) -> dict[str, object]:
        """Returns the state for machines; the keys are stable."""
        return {
            "version": 1,
            "locked": self.locked,
            "key_id": self.key_id,
            "head": self.head,
            "signers": self.signers,
            "files": [file.to_json() for file in self.files],
            "missing_hooks": self.missing_hooks,
            "policy_drift": self.policy_drift,
            "is_migrating": self.is_migrating,
            "attributes_hold": self.attributes_hold,
            "digest": self.digest,
            "stock_verifies": self.stock_verifies,
        }


def of(clone: Clone) -> State:
    """Returns the state of a clone.

    Raises:
        GitError: there is no work tree.
    """
    repo = clone.repo
    repo.top  # noqa: B018 - raises in a bare repository
    locked = clone.ring.locked
    state = State(
        locked,
        "" if locked else clone.ring.wanted[-1],
        head_state(clone),
        pinned_trust.pinned(repo).fingerprints(),
        missing_hooks=[] if locked else hook_setup.missing(repo),
    )
    state.policy_drift = _drift(clone)
    state.is_migrating = Journal(repo).is_moving
    state.attributes_hold = _attributes_hold(clone)
    entries = [entry for entry in index.staged(repo) if entry.is_file and not entry.stage]
    state.digest = _digest(clone, entries)
    guarded = attributes.protected(repo, (entry.path for entry in entries))
    held = _held_by_head(clone) if state.head == VERIFIED else set()
    state.files = file_state.of(clone, [e for e in entries if e.path in guarded], held)
    return state


def _digest(clone: Clone, entries: Sequence[Entry]) -> str:
    try:
        policy = gitmodel.find(entries, clone.objects)
    except ConfigError:  # what HEAD is says it already
        return ""
    return policy.digest if policy else ""


def _drift(clone: Clone) -> str:
    try:
        found = acceptance.drift(clone)
    except ConfigError:  # what HEAD is says it already
        return ""
    return acceptance.described(found) if found and found.is_felt else ""


def _attributes_hold(clone: Clone) -> bool:
    try:
        return agreement.is_written(clone)
    except ConfigError:  # what HEAD is says it already
        return True


def head_state(clone: Clone, *, sealed_only: bool = False) -> str:
    """Returns `verified`, or in a few words why HEAD is not; empty before a commit.

    Args:
        clone: the clone.
        sealed_only: look at ciphertext alone, where objects of git-lfs are not here.
    """
    tree = index.head_tree(clone.repo)
    if tree is None:
        return ""
    trust = pinned_trust.pinned(clone.repo)
    if not trust.fingerprints():
        return "unverified: no trusted signer is pinned"
    if not sealed_only and tree_check.holds(clone, tree):
        return VERIFIED
    try:
        verdict = tree_check.check(clone, "HEAD", trust.verifiers(), sealed_only=sealed_only)
    except Error as error:
        return f"unverified: {error}"
    return VERIFIED if verdict.good else f"unverified: {verdict.why}"


def _held_by_head(clone: Clone) -> set[tuple[bytes, str]]:
    entries = index.tree(clone.repo, "HEAD")
    policy = gitmodel.find(entries, clone.objects)
    roots = policy.roots if policy else ()
    found = (entry for root in roots for _, entry in manifests.under(root, entries))
    return {(entry.path, entry.oid) for entry in found}

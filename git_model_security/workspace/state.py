"""What `git model status` shows: each protected file, and the signature of HEAD."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.envelope import HEADER_BYTES, plaintext_length
from git_model_security.errors import EnvelopeError, Error
from git_model_security.filter import blobs
from git_model_security.git import attributes, index
from git_model_security.git.paths import shown
from git_model_security.policy import gitmodel
from git_model_security.workspace import hook_setup, manifests, pinned_trust, tree_check

if TYPE_CHECKING:
    from git_model_security.filter.clone import Clone
    from git_model_security.git.index import Entry


VERIFIED = "verified"


@dataclass(frozen=True)
class File:
    """One protected file.

    Attributes:
        path: relative to the top.
        encrypted: whether Git holds ciphertext.
        key_id: the key it is sealed under; empty when it is not.
        size: plaintext length in bytes, as far as it can be told.
        storage: where the ciphertext lives.
        work_tree: `decrypted`, `ciphertext` or `missing`.
        signed: whether the signature of HEAD holds for this content.
    """

    path: bytes
    encrypted: bool
    key_id: str
    size: int
    storage: str
    work_tree: str
    signed: bool

    def to_json(self) -> dict[str, object]:
        """Returns the file for machines; the keys are stable."""
        return {**{name: getattr(self, name) for name in _JSON}, "path": shown(self.path)}


_JSON = ("path", "encrypted", "key_id", "size", "storage", "work_tree", "signed")


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
    """

    locked: bool
    key_id: str
    head: str
    signers: list[str]
    files: list[File] = field(default_factory=list)
    missing_hooks: list[str] = field(default_factory=list)

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
    entries = [entry for entry in index.staged(repo) if entry.is_file and not entry.stage]
    guarded = attributes.protected(repo, (entry.path for entry in entries))
    held = _held_by_head(clone) if state.head == VERIFIED else set()
    for entry in entries:
        if entry.path in guarded:
            state.files.append(_file(clone, entry, (entry.path, entry.oid) in held))
    return state


def head_state(clone: Clone) -> str:
    """Returns `verified`, or in a few words why HEAD is not; empty before a commit."""
    tree = index.head_tree(clone.repo)
    if tree is None:
        return ""
    trust = pinned_trust.pinned(clone.repo)
    if not trust.fingerprints():
        return "unverified: no trusted signer is pinned"
    if tree_check.holds(clone, tree):
        return VERIFIED
    try:
        finding = tree_check.check(clone, "HEAD", trust.verifiers()).findings[0]
    except Error as error:
        return f"unverified: {error}"
    return f"unverified: {finding.reason.value}: {finding.detail}"


def _held_by_head(clone: Clone) -> set[tuple[bytes, str]]:
    entries = index.tree(clone.repo, "HEAD")
    policy = gitmodel.find(entries, clone.objects)
    roots = policy.roots if policy else ()
    found = (entry for root in roots for _, entry in manifests.under(root, entries))
    return {(entry.path, entry.oid) for entry in found}


def _file(clone: Clone, entry: Entry, signed: bool) -> File:
    known = clone.digests.get(entry.oid)
    if known is not None:
        key_id, size = known.key_id, known.length
    else:
        key_id, size = _peeked(clone, entry.oid)
    if not index.is_there(clone.repo, entry):
        work_tree = "missing"
    elif size and key_id and _is_sealed(clone, entry.path):
        work_tree = "ciphertext"
    else:
        work_tree = "decrypted"
    return File(entry.path, bool(key_id), key_id, size, clone.engine.name, work_tree, signed)


def _peeked(clone: Clone, oid: str) -> tuple[str, int]:
    """Returns key id and plaintext length by the header and the blob's length alone."""
    stream = clone.objects.stream(oid)
    header = blobs.header(stream.read(HEADER_BYTES))
    if header is None:
        return "", stream.size
    try:
        return header.key_id, plaintext_length(stream.size)
    except EnvelopeError:
        return header.key_id, 0


def _is_sealed(clone: Clone, path: bytes) -> bool:
    try:
        with (clone.repo.top / os.fsdecode(path)).open("rb") as file:
            return blobs.header(file.read(HEADER_BYTES)) is not None
    except OSError:
        return False

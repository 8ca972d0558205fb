"""What `git model status` says of one protected file: in Git, on this machine, pushed.

Found for all files at once, with a few processes; no network is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from git_model_security.content import blob, reader
from git_model_security.content.blob import Kind
from git_model_security.envelope import plaintext_length
from git_model_security.errors import EnvelopeError
from git_model_security.git import config, index
from git_model_security.git.paths import shown
from git_model_security.storage import INLINE, LFS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.storage.pointer import Pointer

DECRYPTED, CIPHERTEXT, POINTER, MISSING = "decrypted", "ciphertext", "pointer", "missing"


@dataclass(frozen=True)
class File:
    """One protected file.

    Attributes:
        path: relative to the top.
        encrypted: whether Git holds ciphertext; None when that cannot be told, since the
            object of git-lfs is not here.
        key_id: the key it is sealed under; empty when it is not, or that is not known.
        size: plaintext length in bytes, as far as it can be told.
        storage: where the ciphertext lives, `inline` or `lfs`.
        here: whether the ciphertext is on this machine.
        pushed: whether a remote branch has the blob, as far as this clone knows, and a
            remote was seen to have the object behind it.
        unseen: whether a remote branch has the pointer, and nobody here saw its object there.
        work_tree: `decrypted`, `ciphertext`, `pointer` or `missing`.
        signed: whether the signature of HEAD holds for this content.
    """

    path: bytes
    encrypted: bool | None
    key_id: str
    size: int
    storage: str
    here: bool
    pushed: bool
    unseen: bool
    work_tree: str
    signed: bool

    def to_json(self) -> dict[str, object]:
        """Returns the file for machines; the keys are stable."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**values, "path": shown(self.path)}


def of(clone: Clone, entries: Sequence[Entry], held: set[tuple[bytes, str]]) -> list[File]:
    """Returns the state of files; the signature of HEAD holds for what is `held`."""
    sizes, pointer_blobs = blob.survey(clone.repo, (entry.oid for entry in entries))
    published = _published(clone.repo)
    found = []
    for entry in entries:
        pointer = pointer_blobs.get(entry.oid)
        known = clone.digests.get(entry.oid)
        if known is not None:
            key_id, size = known.key_id or None, known.length
        else:
            key_id, size = _peeked(clone, entry.oid, pointer, sizes.get(entry.oid, 0))
        here = clone.lfs.holds(pointer) if pointer else entry.oid in sizes
        is_published = (entry.path, entry.oid) in published
        unseen = is_published and pointer is not None and entry.oid not in clone.delivered
        file = File(
            entry.path,
            key_id is not None if here or key_id else None,
            key_id or "",
            size,
            LFS if pointer else INLINE,
            here,
            is_published and not unseen,
            unseen,
            _work_tree(clone.repo, entry, is_lfs=pointer is not None),
            (entry.path, entry.oid) in held,
        )
        found.append(file)
    return found


def _peeked(
    clone: Clone, oid: str, pointer: Pointer | None, size: int
) -> tuple[str | None, int]:
    """Returns key id and plaintext length by header and length of the ciphertext alone."""
    key_id = reader.key_id(clone, oid)
    sealed_bytes = pointer.size if pointer else size
    if key_id is None and not pointer:
        return None, size
    try:
        return key_id, plaintext_length(sealed_bytes)
    except EnvelopeError:
        return key_id, sealed_bytes if key_id is None else 0


def _work_tree(repo: Repository, entry: Entry, *, is_lfs: bool) -> str:
    try:
        kind = blob.classify_file(repo.top, entry.path)
    except OSError:
        return MISSING
    if kind is None:
        return MISSING
    if is_lfs and kind is Kind.POINTER:
        return POINTER
    return CIPHERTEXT if kind.is_sealed else DECRYPTED


def _published(repo: Repository) -> set[tuple[bytes, str]]:
    """Returns paths and blobs of HEAD that a remote-tracking branch has too."""
    if index.head_tree(repo) is None:
        return set()
    if not config.read(repo, "remote"):
        return set()  # as what follows would say, after a walk over all history
    listed = repo.git(
        *("rev-list", "--objects", "--no-object-names", "--missing=allow-any"),
        *("HEAD", "--not", "--remotes"),
    )
    own = set(listed.decode().split())
    entries = index.tree(repo, "HEAD")
    return {(entry.path, entry.oid) for entry in entries if entry.oid not in own}

"""Pointers of git-lfs as the filter meets them: in the work tree, and in Git.

A pointer alone proves nothing. In the work tree it stands where a file was not
written yet; git-lfs before 3.6 also writes there what the pointer stands for, which
is an envelope, and clean knows that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.content import blob, reader
from git_model_security.errors import EnvelopeError, KeyNotFoundError
from git_model_security.git.hash_object import blob_oid
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.storage import pointer as storage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.clone import Clone
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.storage.pointer import Pointer


def clean(clone: Clone, content: bytes) -> Iterable[BytesLike]:
    """Returns a pointer that stands in the work tree, as it is.

    1. What Git has at a protected path passes.
    2. Else it is canonical, and what it points to is here: an envelope that this clone
       made or opened before, or that opens now.

    Raises:
        NotFetchedError: what it points to is not here.
        KeyNotFoundError: it is sealed under another key.
        EnvelopeError: it is no canonical pointer, or points to something else.
    """
    oid = blob_oid(clone.repo.object_format, content)
    if oid in clone.committed:
        return (content,)
    pointer = storage.parse(content)
    if pointer is None:
        raise EnvelopeError(
            "it looks like a pointer of git-lfs and is not written as git-lfs writes them",
            hint="put the file itself there\n"
            "or bring back what Git holds: `git checkout --ours PATH` (or --theirs, or HEAD),"
            " then `git model checkout PATH`",
        )
    if not (clone.knows(oid) and clone.lfs.holds(pointer)):
        _require_envelope(clone, pointer, oid)
    return (content,)


def _require_envelope(clone: Clone, pointer: Pointer, oid: str) -> None:
    from git_model_security.clone.digests import PlaintextHash
    from git_model_security.envelope import HEADER_BYTES, root

    plaintext = PlaintextHash(clone.digest)
    with clone.lfs.open(pointer) as file:
        found = blob.find_header(file.read(HEADER_BYTES))
        if found is None:
            raise EnvelopeError(
                "it is a pointer of git-lfs to something that is not encrypted",
                hint="`git lfs pull` writes the file itself, which can then be added",
            )
        if found.key_id not in clone.ring.keys:
            raise KeyNotFoundError(
                f"it points to ciphertext under the key {found.key_id}, not held here",
                hint="`git model unlock --key FILE` with that key",
            )
        file.seek(0)
        chunks = iter(lambda: file.read(CHUNK_BYTES), b"")
        for _ in reader.open_chunks(clone, chunks, plaintext):
            pass
        sealed_root = root.of_file(file.fileno())
    digests = plaintext.digests(found.key_id, bytes.fromhex(pointer.oid), sealed_root)
    clone.digests.put(oid, digests)

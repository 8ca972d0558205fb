"""Smudge: from Git into the work tree. Decrypts what this clone may decrypt.

Without the key the ciphertext is written as it is, so that a clone succeeds and
its `git status` is clean. An envelope under a held key that does not open is an
error, and Git writes nothing of it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from git_model_security.envelope import Sealer, read_header, sealed_length
from git_model_security.filter import blobs
from git_model_security.filter.digests import PlaintextHash
from git_model_security.filter.sealed import Sealed
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_model_security.envelope.layout import BytesLike
    from git_model_security.filter.clone import Clone


def smudge(
    clone: Clone, path: bytes, content: Iterator[bytes], oid: str | None
) -> Iterable[BytesLike]:
    """Returns the work tree content for a blob.

    Args:
        clone: the clone.
        path: where it goes, relative to the top.
        content: the blob's bytes in pieces; all of it is read before this returns.
        oid: the blob's name, where Git told it.

    Raises:
        EnvelopeError: it begins like an envelope and is none; or, while iterating, it
            does not open: what was yielded before must be discarded.
    """
    head, whole = blobs.peek(content)
    spooled = Sealed(clone.spool(), clone.repo.object_format, None)
    for piece in whole:
        spooled.write(piece)
    if not head or clone.ring.locked:
        return spooled.chunks()
    header = read_header(head)
    if header is None:
        _warn(
            path,
            "is not encrypted in Git",
            "see `git model audit`; `git checkout -f BRANCH` leaves this commit",
        )
        clone.provenance.foreign(_oid_when_sealed(clone, spooled))
        return spooled.chunks()
    if header.key_id not in clone.ring.keys:
        _warn(
            path,
            f"is sealed under the key {header.key_id}, not held here: left encrypted",
            "`git model unlock --key FILE`",
        )
        return spooled.chunks()
    return _decrypted(clone, spooled, header.key_id, oid)


def _decrypted(
    clone: Clone, spooled: Sealed, key_id: str, oid: str | None
) -> Iterator[BytesLike]:
    plaintext = PlaintextHash(clone.digest)
    yield from blobs.open_chunks(clone, spooled.chunks(), plaintext)
    name = spooled.oid() if oid is None or clone.has_replacements else oid
    clone.digests.put(name, plaintext.digests(key_id, spooled.sha256()))


def _oid_when_sealed(clone: Clone, clear: Sealed) -> str:
    """Returns the blob that clean will make of content that came in clear.

    The work tree then differs from the index, so the next `git add` encrypts it: but
    nobody here made it.
    """
    sealed = Sealed(clone.spool(), clone.repo.object_format, sealed_length(clear.size))
    sealer = Sealer(clone.ring.current)
    for chunk in clear.chunks():
        for piece in sealer.update(chunk):
            sealed.write(piece)
    sealed.write(sealer.finish())
    return sealed.oid()


def _warn(path: bytes, what: str, next_step: str) -> None:
    sys.stderr.write(f"git-model: warning: {shown(path)} {what}\n")
    sys.stderr.write(f"git-model: hint: {next_step}\n")

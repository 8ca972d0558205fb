"""Clean: from the work tree into Git. Encrypts; never gives plaintext back.

What arrives is told apart in this order:

1. Empty content stays the empty blob (Git runs no filter on it either).
2. What names a held key in an envelope's header is opened whole. A valid header
   proves nothing about the rest: a copied header before plaintext passes it. All
   good, it is our own ciphertext and passes as it is; else it is an error.
3. Anything that is byte for byte the blob of a protected path in the index or in
   HEAD passes: that is how a locked clone has a clean `git status`.
4. An envelope under a key that is not held is an error: encrypting it once more
   would hide it from everyone who has that key.
5. Everything else is plaintext and is encrypted, or it is an error. Where the key is
   not at hand, plaintext that this clone knows to be unchanged passes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.envelope import Opener, Sealer, sealed_length
from git_model_security.errors import KeyNotFoundError
from git_model_security.filter import blobs
from git_model_security.filter.digests import CLEAR, Digests, PlaintextHash
from git_model_security.filter.sealed import Sealed
from git_model_security.git.objects import blob_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_model_security.envelope import Header
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.filter.clone import Clone

_REMEMBERED_BYTES = 8 << 20


def clean(clone: Clone, path: bytes, content: Iterator[bytes]) -> Iterable[BytesLike]:
    """Returns the blob content for a work tree file.

    Args:
        clone: the clone.
        path: of the file, relative to the top.
        content: the file's bytes in pieces; it may be left partly unread on error.

    Raises:
        KeyNotFoundError: it has to be encrypted and there is no key.
        EnvelopeError: it begins like ciphertext of ours and is not.
    """
    head, whole = blobs.peek(content)
    if not head:
        return ()
    header = blobs.header(head)
    if header is not None and header.key_id in clone.ring.keys:
        return _pass_envelope(clone, path, header, whole)
    if header is not None or clone.ring.locked:
        return _pass_known(clone, path, header, whole)
    if clone.ring.wanted[-1] not in clone.ring.keys:
        return _pass_unchanged(clone, path, whole)
    return _encrypt(clone, path, whole)


def _pass_envelope(
    clone: Clone, path: bytes, header: Header, content: Iterable[bytes]
) -> Iterable[BytesLike]:
    """Opens an envelope whole and gives it back (case 2)."""
    size = _size(clone, path)
    sealed = Sealed(clone.spool(), clone.repo.object_format, size)
    opener = Opener(clone.ring.keys)
    plaintext = PlaintextHash(clone.digest)
    # Opened before it is spooled: plaintext behind a copied header must not reach
    # the disk outside the work tree.
    for piece in content:
        for opened in opener.update(piece):
            plaintext.update(opened)
        sealed.write(piece)
    plaintext.update(opener.finish())
    oid = sealed.oid()
    clone.digests.put(oid, plaintext.digests(header.key_id, sealed.sha256()))
    # Not recorded as made here: whoever sealed it, it was not this clean.
    return sealed.chunks()


def _pass_known(
    clone: Clone, path: bytes, header: Header | None, content: Iterable[bytes]
) -> Iterable[BytesLike]:
    """Gives content back when Git has it already at a protected path (cases 3, 4)."""
    oid = _oid(clone, path, content)
    if oid is not None and oid in clone.committed:
        # From the object store: nothing that may be plaintext was kept meanwhile.
        return blobs.chunks(clone, oid)
    if header is not None:
        raise KeyNotFoundError(
            f"this is ciphertext under the key {header.key_id}, which this clone does not hold",
            hint="`git model unlock --key FILE` with that key, or add the plaintext",
        )
    return _encrypt(clone, path, ())  # which says that there is no key


def _pass_unchanged(clone: Clone, path: bytes, content: Iterable[bytes]) -> Iterable[BytesLike]:
    """Gives back the index's blob when it is known to hold just this plaintext.

    `git status` cleans a file that was only touched. That must not fail in a CI job
    which sets `GIT_MODEL_KEY` for some of its steps.
    """
    staged = clone.staged.get(path)
    known = None if staged is None else clone.digests.get(staged)
    plaintext = PlaintextHash(clone.digest)
    for piece in content:
        plaintext.update(piece)
    if staged is not None and known is not None and known.key_id != CLEAR:
        new = plaintext.digests(known.key_id)
        if _is_same(known, new):
            return blobs.chunks(clone, staged)
    return _encrypt(clone, path, ())  # which says that the key is missing


def _encrypt(clone: Clone, path: bytes, content: Iterable[bytes]) -> Iterable[BytesLike]:
    """Encrypts plaintext (case 5), or gives back the blob it is already (sticky clean)."""
    key = clone.ring.current
    size = _size(clone, path)
    sealed = Sealed(
        clone.spool(), clone.repo.object_format, sealed_length(size) if size else None
    )
    sealer = Sealer(key)
    plaintext = PlaintextHash(clone.digest)
    for piece in content:
        plaintext.update(piece)
        for part in sealer.update(piece):
            sealed.write(part)
    sealed.write(sealer.finish())
    oid = sealed.oid()
    digests = plaintext.digests(key.id, sealed.sha256())
    kept = _sticky(clone, path, digests)
    if kept is not None:
        return blobs.chunks(clone, kept)
    # What the index has already was not made by this clean: `git status` on a file that
    # somebody pushed runs it too. Git writes the blob only after this, so what is in the
    # store was made before, here or by somebody who pushed it: see `provenance`.
    if clone.staged.get(path) != oid and not clone.objects.holds(oid):
        clone.provenance.cleaned(path, oid)
    clone.digests.put(oid, digests)
    return sealed.chunks()


def _sticky(clone: Clone, path: bytes, new: Digests) -> str | None:
    """Returns the index's blob when it opens to the same plaintext under another key.

    Key and storage may change while the plaintext does not: then the entry stays,
    or every file would show as modified for ever. Under the *same* key equal
    plaintext is the equal blob, so there is nothing to look for.
    """
    staged = clone.staged.get(path)
    key_id = None if staged is None else blobs.key_id(clone, staged)
    if staged is None or key_id in {None, CLEAR, new.key_id} or key_id not in clone.ring.keys:
        return None
    old = blobs.digests(clone, staged)
    return staged if _is_same(old, new) else None


def _is_same(one: Digests, other: Digests) -> bool:
    return (one.length, one.sha256) == (other.length, other.sha256)


def _size(clone: Clone, path: bytes) -> int | None:
    """Returns the size of the work tree file, a guess at what will arrive."""
    try:
        return os.lstat(clone.top + b"/" + path).st_size
    except OSError:
        return None


def _oid(clone: Clone, path: bytes, content: Iterable[bytes]) -> str | None:
    """Returns the blob oid of content that may be plaintext, so is not spooled.

    None when it is long and its length, which the oid begins with, was not what
    the work tree said.
    """
    size = _size(clone, path) or 0
    running = blob_hash(clone.repo.object_format, size)
    remembered = bytearray()
    length = 0
    for piece in content:
        running.update(piece)
        length += len(piece)
        if length <= _REMEMBERED_BYTES:
            remembered += piece
    if length != size:
        if length > _REMEMBERED_BYTES:
            return None
        running = blob_hash(clone.repo.object_format, length)
        running.update(remembered)
    return running.hexdigest()

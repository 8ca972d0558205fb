"""Clean: from the work tree into Git. Encrypts; never gives plaintext back.

What arrives is told apart in this order:

1. Empty content stays the empty blob (Git runs no filter on it either).
2. A pointer of git-lfs is never content: it passes when what it points to is known
   to be an envelope, else it is an error.
3. What names a held key in an envelope's header is opened whole. A valid header
   proves nothing about the rest: a copied header before plaintext passes it. All
   good, it is our own ciphertext and passes as it is; else it is an error.
4. Where it cannot be opened or sealed (a locked clone, a key that is not held, a newer
   format) what is byte for byte the blob of a protected path in the index or in HEAD
   passes, and for an object that such a blob points to, the pointer: that is how a locked
   clone has a clean `git status`.
5. Any other envelope under a key that is not held, or of a newer format, is an error:
   encrypting it once more would hide it from everyone who can open it.
6. Everything else is plaintext and is encrypted, or it is an error. Where the key is
   not at hand, plaintext that this clone knows to be unchanged passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.clone.digests import CLEAR, PlaintextHash
from git_model_security.content import blob, enc_file, reader
from git_model_security.content.blob import Kind
from git_model_security.content.pipeline import cut, seal
from git_model_security.content.sealed import Sealed
from git_model_security.envelope import HEADER_BYTES, SEGMENT_BYTES, Opener, plaintext_length
from git_model_security.envelope.layout import SEALED_SEGMENT_BYTES
from git_model_security.errors import (
    EnvelopeError,
    Error,
    GitError,
    KeyNotFoundError,
    NewerFormatError,
)
from git_model_security.filter import pointers, sticky
from git_model_security.git import index
from git_model_security.git.hash_object import blob_hash, blob_oid
from git_model_security.storage.pointer import MAX_BYTES, Pointer

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from git_model_security.clone.clone import Clone
    from git_model_security.envelope import Header
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.git.pktline import Content

_REMEMBERED_BYTES = 8 << 20
_LARGE_BYTES = 1 << 20


def clean(clone: Clone, path: bytes, content: Content) -> Iterable[BytesLike]:
    """Returns the blob content for a work tree file.

    Args:
        content: the file's bytes; it may be left partly unread.

    Raises:
        KeyNotFoundError: it has to be encrypted and there is no key.
        EnvelopeError: it begins like ciphertext of ours and is not.
    """
    head = content.peek(MAX_BYTES)
    kind = blob.classify(head, len(head))
    if kind is Kind.EMPTY:
        return ()
    if kind.is_pointer:
        return pointers.clean(clone, head)
    try:
        header = blob.find_header(head)
    except NewerFormatError as error:
        return _pass_known(clone, path, content, error)
    if header is not None and header.key_id in clone.ring.keys:
        return _pass_envelope(clone, path, header, content)
    if header is not None:
        return _pass_known(clone, path, content, _foreign_key_error(header))
    if clone.ring.locked:
        return _pass_known(clone, path, content, _no_key_error(clone), is_sealed=False)
    if clone.ring.wanted[-1] not in clone.ring.keys:
        return _pass_unchanged(clone, path, content)
    return _encrypt(clone, path, head, content)


def _pass_envelope(
    clone: Clone, path: bytes, header: Header, content: Iterable[BytesLike]
) -> Iterable[BytesLike]:
    """Opens an envelope whole and gives it back (case 3)."""
    opener = Opener(clone.ring.keys)
    plaintext = PlaintextHash(clone.digest)
    size = _size(clone, path)
    with Sealed(clone, _plaintext_length(size), path) as sealed:
        # Opened before it is spooled, segment by segment: plaintext behind a copied
        # header, or behind good segments, must not reach the disk outside the work tree.
        waiting = bytearray()
        for piece in content:
            waiting += piece
            for opened in opener.update(piece):
                plaintext.update(opened)
            proven = HEADER_BYTES + plaintext.length // SEGMENT_BYTES * SEALED_SEGMENT_BYTES
            if plaintext.length and proven > sealed.size:
                count = proven - sealed.size
                sealed.write(bytes(waiting[:count]))
                del waiting[:count]
        plaintext.update(opener.finish())
        sealed.write(waiting)
        # Whoever sealed it: that a person adds what no commit brought is a decision.
        return _place(clone, path, sealed, plaintext, header.key_id)


def _pass_known(
    clone: Clone,
    path: bytes,
    content: Iterable[BytesLike],
    refusal: Error,
    *,
    is_sealed: bool = True,
) -> Iterable[BytesLike]:
    """Gives content back when Git has it already at a protected path (cases 4, 5).

    Args:
        refusal: what is raised where Git has it not.
        is_sealed: it begins as an envelope does, and may be an object of git-lfs.
    """
    sealed = PlaintextHash("sha256") if is_sealed and clone.lfs.is_used else None
    oid = _oid(clone, path, content if sealed is None else _feed(content, sealed))
    if sealed is not None:
        pointer = Pointer(sealed.digest().hex(), sealed.length).render()
        if blob_oid(clone.repo.object_format, pointer) in clone.committed:
            return (pointer,)
    if oid is not None and oid in clone.committed:
        # From the object store: nothing that may be plaintext was kept meanwhile.
        return reader.chunks(clone, oid)
    raise refusal


def _foreign_key_error(header: Header) -> Error:
    return KeyNotFoundError(
        f"this is ciphertext under the key {header.key_id}, which this clone does not hold",
        hint="`git model unlock --key FILE` with that key, or add the plaintext",
    )


def _feed(content: Iterable[BytesLike], running: PlaintextHash) -> Iterator[BytesLike]:
    """Yields content as it comes, taking it into a running digest."""
    for piece in content:
        running.update(piece)
        yield piece


def _pass_unchanged(
    clone: Clone, path: bytes, content: Iterable[BytesLike]
) -> Iterable[BytesLike]:
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
        if sticky.is_same(known, new):
            return reader.chunks(clone, staged)
    raise _no_key_error(clone)


def _no_key_error(clone: Clone) -> Error:
    """Returns the error that says why there is no key to encrypt with."""
    try:
        clone.ring.require_key()
    except Error as error:
        return error
    raise AssertionError("there is a key")


def _encrypt(clone: Clone, path: bytes, head: bytes, content: Content) -> Iterable[BytesLike]:
    """Encrypts plaintext (case 6), or gives back the blob it is already (sticky clean)."""
    key = clone.ring.current
    before = index.stat(clone.repo, path)
    size = before.st_size if before else None
    noticed = None
    if enc_file.is_possible(path, size or 0):
        from git_model_security.filter import enc_notice

        noticed = enc_notice.begin(clone, path, head)
    segments = cut(content) if noticed is None else noticed.taking_in(cut(content))
    if size and size >= _LARGE_BYTES:
        staged = sticky.Staged.find(clone, path, size)
        rest = segments if staged is None else staged.rest(segments)
        if staged is not None and rest is None:
            return reader.chunks(clone, staged.oid)
        segments = rest or iter(())
        # Every host takes what is shorter, and looking would cost each small file its time.
        from git_model_security.storage import limits

        is_object = clone.makes_object(size, path)
        limits.require_fit(clone.settings, path, size, is_object=is_object)
    plaintext = PlaintextHash(clone.digest)
    with Sealed(clone, size, path) as sealed:
        seal(key, segments, sealed, plaintext)
        _require_still(clone, path, before)
        if noticed is not None:
            noticed.tell()
        return _place(clone, path, sealed, plaintext, key.id)


def _place(
    clone: Clone,
    path: bytes,
    sealed: Sealed,
    plaintext: PlaintextHash,
    key_id: str,
) -> Iterable[BytesLike]:
    """Puts an envelope in its place, or gives back the index's blob (sticky clean)."""
    oid = sealed.settle(plaintext.length)
    digests = plaintext.digests(key_id, sealed.sha256(), sealed.root())
    kept = sticky.find_same(clone, path, oid, digests)
    if kept is not None:
        return reader.chunks(clone, kept)
    answer = sealed.keep()
    # What the index has already was not made by this clean: `git status` on a file that
    # somebody pushed runs it too.
    if clone.staged.get(path) != oid and not _was_here(clone, oid):
        clone.provenance.note_made(oid)
    clone.digests.put(oid, digests)
    return answer


def _was_here(clone: Clone, oid: str) -> bool:
    """Tells whether a blob arrived, or was in the store when no record was made of it.

    Git writes the blob only after this (clause 4 of `provenance`).
    """
    record = clone.provenance
    return record.has_brought(oid) or (clone.objects.is_own(oid) and not record.made([oid]))


def _require_still(clone: Clone, path: bytes, before: os.stat_result | None) -> None:
    """Raises when the file changed meanwhile: half of what was read may be of each."""
    after = index.stat(clone.repo, path)
    if before is not None and (after is None or index.stamp(before) != index.stamp(after)):
        raise GitError(
            "it changed while it was read",
            hint="add it again when nothing writes to it any more",
        )


def _plaintext_length(size: int | None) -> int | None:
    """Returns the length of the plaintext in a file that seems to be an envelope."""
    try:
        return plaintext_length(size) if size else None
    except EnvelopeError:
        return None


def _size(clone: Clone, path: bytes) -> int | None:
    """Returns the size of the work tree file, a guess at what will arrive."""
    facts = index.stat(clone.repo, path)
    return None if facts is None else facts.st_size


def _oid(clone: Clone, path: bytes, content: Iterable[BytesLike]) -> str | None:
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

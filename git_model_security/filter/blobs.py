"""Blobs as the filter reads them: is it an envelope, whose, and of what plaintext."""

from __future__ import annotations

import io
import itertools
from typing import TYPE_CHECKING

from git_model_security.envelope import HEADER_BYTES, Opener, encrypt, read_header
from git_model_security.errors import EnvelopeError, KeyNotFoundError
from git_model_security.filter.digests import CLEAR, PlaintextHash
from git_model_security.git.objects import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.envelope import Header
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.filter.clone import Clone
    from git_model_security.filter.digests import Digests


def peek(content: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Returns the first bytes, at least a header if there are as many, and all of it."""
    head = b""
    for piece in content:
        head += piece
        if len(head) >= HEADER_BYTES:
            break
    return head, itertools.chain((head,), content)


def header(head: bytes) -> Header | None:
    """Returns the envelope header that bytes begin with; plaintext may have the magic too."""
    try:
        return read_header(head)
    except EnvelopeError:
        return None


def chunks(clone: Clone, oid: str) -> Iterator[bytes]:
    """Yields a blob's content as it is."""
    stream = clone.objects.stream(oid)
    return iter(lambda: stream.read(CHUNK_BYTES), b"")


def key_id(clone: Clone, oid: str) -> str | None:
    """Returns the id of the key a blob is sealed under; None when it is no envelope."""
    known = clone.digests.get(oid)
    if known is not None:
        return known.key_id or None
    found = header(clone.objects.stream(oid).read(HEADER_BYTES))
    return None if found is None else found.key_id


def digests(clone: Clone, oid: str, digest: str | None = None) -> Digests:
    """Returns the digests of what a blob holds, opened when it is an envelope.

    Args:
        clone: the clone.
        oid: the blob.
        digest: which one is needed; None is the one that this clone signs over.

    Raises:
        KeyNotFoundError: it is sealed under a key that is not held.
        EnvelopeError: it begins like an envelope and does not open.
    """
    known = clone.digests.get(oid)
    wanted = digest or clone.digest
    if known is not None and (known.blake3 is not None or wanted != "blake3"):
        return known
    head, content = peek(chunks(clone, oid))
    found = header(head)
    plaintext = PlaintextHash(wanted)
    if found is None:
        for piece in content:
            plaintext.update(piece)
        computed = plaintext.digests(CLEAR)
    elif found.key_id not in clone.ring.keys:
        raise KeyNotFoundError(
            f"sealed under the key {found.key_id}, which this clone does not hold",
            hint="`git model unlock --key FILE`",
        )
    else:
        for _ in open_chunks(clone, content, plaintext):
            pass
        sealed = PlaintextHash("sha256")
        for piece in chunks(clone, oid):
            sealed.update(piece)
        computed = plaintext.digests(found.key_id, sealed.digests(CLEAR).sha256)
    clone.digests.put(oid, computed)
    return computed


def open_chunks(
    clone: Clone, content: Iterator[bytes], plaintext: PlaintextHash
) -> Iterator[BytesLike]:
    """Yields the plaintext of an envelope, taking it into the running digests too.

    What was yielded is good only when the iteration ends without an error.

    Raises:
        EnvelopeError: the envelope does not open.
    """
    opener = Opener(clone.ring.keys)
    for piece in content:
        for opened in opener.update(piece):
            _require_no_envelope(plaintext, opened)
            plaintext.update(opened)
            yield opened
    last = opener.finish()
    _require_no_envelope(plaintext, last)
    plaintext.update(last)
    yield last


def _require_no_envelope(plaintext: PlaintextHash, opened: BytesLike) -> None:
    """Raises when a plaintext begins like an envelope.

    Clean never seals one: it passes it. So somebody sealed it twice, to have it taken
    for ciphertext of ours once the outer envelope is off.

    Raises:
        EnvelopeError: it does.
    """
    if plaintext.length == 0 and header(bytes(opened[:HEADER_BYTES])) is not None:
        raise EnvelopeError(
            "an envelope inside of an envelope, which git-model does not make",
            hint="find out who made it; it is not opened",
        )


def seal(clone: Clone, content: bytes) -> bytes:
    """Returns the blob of small content, under the clone's current key.

    Raises:
        KeyNotFoundError: there is none.
    """
    if not content:
        return b""
    sink = io.BytesIO()
    encrypt(clone.ring.current, io.BytesIO(content), sink)
    return sink.getvalue()


def plaintext(clone: Clone, oid: str, limit_bytes: int) -> bytes:
    """Returns what a small blob holds, opened when it is an envelope.

    Raises:
        GitError: it is missing, or longer than `limit_bytes`.
        KeyNotFoundError: it is sealed under a key that is not held.
        EnvelopeError: it does not open.
    """
    content = clone.objects.read(oid, limit_bytes=limit_bytes)
    if header(content[:HEADER_BYTES]) is None:
        return content
    running = PlaintextHash(clone.digest)
    return b"".join(open_chunks(clone, iter((content,)), running))

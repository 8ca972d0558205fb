"""What is behind a blob: its key, its digests, its ciphertext and its plaintext."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.clone.digests import CLEAR, PlaintextHash
from git_model_security.content import blob
from git_model_security.envelope import HEADER_BYTES, SEGMENT_BYTES, Opener, root
from git_model_security.errors import (
    EnvelopeError,
    GitError,
    NewerFormatError,
    NotFetchedError,
)
from git_model_security.git.hash_object import blob_hash
from git_model_security.git.objects import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_model_security.clone.clone import Clone
    from git_model_security.clone.digests import Digests
    from git_model_security.envelope.layout import BytesLike


class Ciphertext(NamedTuple):
    """What is signed of the ciphertext behind a blob.

    Attributes:
        sha256: of it, 32 bytes; of a clear blob, of that.
        root: of the envelope, 32 bytes; None where it is none, or not here.
        is_here: whether anybody can say which of these two it is.
    """

    sha256: bytes
    root: bytes | None
    is_here: bool = True


def peek(content: Iterator[BytesLike]) -> tuple[bytes, Iterator[BytesLike]]:
    """Returns the first bytes, at least a header if there are as many, and all of it."""
    head = b""
    for piece in content:
        head += piece
        if len(head) >= HEADER_BYTES:
            break
    return head, itertools.chain((head,), content)


def chunks(clone: Clone, oid: str) -> Iterator[bytes]:
    """Yields a blob's content as it is."""
    stream = clone.objects.stream(oid)
    return iter(lambda: stream.read(CHUNK_BYTES), b"")


def sealed_chunks(clone: Clone, oid: str) -> Iterator[bytes]:
    """Yields the ciphertext behind a blob; what is clear, as it is.

    Raises:
        NotFetchedError: it is an object of git-lfs that is not here.
    """
    with blob.open_blob(clone.objects.stream(oid), clone.lfs) as found:
        while chunk := found.file.read(CHUNK_BYTES):
            yield chunk


def key_id(clone: Clone, oid: str) -> str | None:
    """Returns the id of the key a blob is sealed under; None when it is no envelope.

    None also when it is an object of git-lfs that is not here; empty when only a newer
    git-model can tell.
    """
    known = clone.digests.get(oid)
    if known is not None:
        return known.key_id or None
    try:
        with blob.open_blob(clone.objects.stream(oid), clone.lfs) as found:
            header = blob.find_header(found.head)
    except NewerFormatError:
        return ""
    return None if header is None else header.key_id


def sealed_sha256(clone: Clone, oid: str) -> bytes:
    """Returns the SHA-256 of the ciphertext behind a blob, or of a clear one."""
    known = clone.digests.get(oid)
    if known is not None and known.sealed_sha256 is not None:
        return known.sealed_sha256
    stream = clone.objects.stream(oid)
    pointer = blob.pointer_of(stream)
    if pointer is not None:
        return bytes.fromhex(pointer.oid)
    return hashlib.file_digest(clone.objects.stream(oid), "sha256").digest()


def ciphertext(clone: Clone, oid: str) -> Ciphertext:
    """Returns what is signed of the ciphertext behind a blob; reads a blob once.

    Of an object of git-lfs its header and its end: its SHA-256 is its name.
    """
    known = recalled(clone.digests.get(oid))
    if known is not None:
        return known
    pointer = blob.pointer_of(clone.objects.stream(oid))
    if pointer is not None:
        sha256 = bytes.fromhex(pointer.oid)
        try:
            with clone.lfs.open(pointer) as file:
                return Ciphertext(sha256, root.of_file(file.fileno()))
        except (NotFetchedError, OSError):
            return Ciphertext(sha256, None, is_here=False)
    running, hashed = root.RunningRoot(), hashlib.sha256()
    for chunk in chunks(clone, oid):
        running.update(chunk)
        hashed.update(chunk)
    return Ciphertext(hashed.digest(), running.finish())


def recalled(known: Digests | None) -> Ciphertext | None:
    """Returns what is signed of the ciphertext behind a blob, where that is remembered."""
    if known is None or known.sealed_sha256 is None:
        return None
    if known.root is None and known.key_id != CLEAR:
        return None
    return Ciphertext(known.sealed_sha256, known.root)


def digests(clone: Clone, oid: str, digest: str | None = None) -> Digests:
    """Returns the digests of what a blob holds, opened when it is an envelope.

    Args:
        digest: which one is needed; None is the one that this clone signs over.

    Raises:
        KeyNotFoundError: it is sealed under a key that is not held.
        NotFetchedError: it is an object of git-lfs that is not here.
        EnvelopeError: it begins like an envelope and does not open.
    """
    known = clone.digests.get(oid)
    wanted = digest or clone.digest
    if known is not None and known.get(wanted) is not None:
        return known
    head, content = peek(sealed_chunks(clone, oid))
    found = blob.find_header(head)
    plaintext = PlaintextHash(wanted)
    if found is None:
        for piece in content:
            plaintext.update(piece)
        computed = plaintext.digests(CLEAR)
    else:
        running = root.RunningRoot()
        for _ in open_chunks(clone, _taken_in(content, running), plaintext):
            pass
        sha256 = sealed_sha256(clone, oid)
        computed = plaintext.digests(found.key_id, sha256, running.finish())
    clone.digests.put(oid, computed)
    return computed


def _taken_in(content: Iterable[BytesLike], running: root.RunningRoot) -> Iterator[BytesLike]:
    for piece in content:
        running.update(piece)
        yield piece


def open_chunks(
    clone: Clone, content: Iterable[BytesLike], plaintext: PlaintextHash | None = None
) -> Iterator[BytesLike]:
    """Yields the plaintext of an envelope, taking it into a running digest too.

    What was yielded is good only when the iteration ends without an error.

    Raises:
        EnvelopeError: the envelope does not open.
    """
    return check_opened(_pieces(Opener(clone.ring.keys), content), plaintext)


def _pieces(opener: Opener, content: Iterable[BytesLike]) -> Iterator[BytesLike]:
    for piece in content:
        yield from opener.update(piece)
    yield opener.finish()


def check_opened(
    opened: Iterable[BytesLike], plaintext: PlaintextHash | None
) -> Iterator[BytesLike]:
    """Yields plaintext as it comes, taking it into a running digest on the way.

    Raises:
        EnvelopeError: it begins like an envelope. Clean never seals one: it passes it.
            So somebody sealed it twice, to have it taken for ciphertext of ours once
            the outer envelope is off.
    """
    pieces = iter(opened)
    first = next(pieces, b"")
    if blob.is_sealed(bytes(first[:HEADER_BYTES])):
        raise EnvelopeError(
            "an envelope inside of an envelope, which git-model does not make",
            hint="find out who made it; it is not opened",
        )
    if plaintext is None or len(first) < SEGMENT_BYTES:
        for piece in itertools.chain((first,), pieces):
            if plaintext is not None:
                plaintext.update(piece)
            yield piece
        return
    from git_model_security.content.background import Background

    with Background(plaintext.update) as hashed:
        for piece in itertools.chain((first,), pieces):
            hashed.put(piece)
            yield piece


def plaintext(clone: Clone, oid: str, limit_bytes: int) -> bytes:
    """Returns what a small blob holds, opened when it is an envelope.

    Raises:
        GitError: it is missing, or longer than `limit_bytes`.
        KeyNotFoundError: it is sealed under a key that is not held.
        EnvelopeError: it does not open.
    """
    with blob.open_blob(clone.objects.stream(oid), clone.lfs) as found:
        if found.size > limit_bytes:
            raise GitError(f"object {oid} has {found.size} bytes, more than {limit_bytes}")
        content = found.file.read()
    if blob.find_header(content[:HEADER_BYTES]) is None:
        return content
    return b"".join(open_chunks(clone, (content,)))


def open_content(clone: Clone, oid: str) -> Iterator[BytesLike]:
    """Yields what a blob holds, opened when it is an envelope.

    What was yielded is good only when the iteration ends without an error.

    Raises:
        NotFetchedError: it is an object of git-lfs that is not here.
        EnvelopeError: it does not open.
    """
    head, pieces = peek(sealed_chunks(clone, oid))
    return iter(pieces) if blob.find_header(head) is None else open_chunks(clone, pieces)


def clear_oid(clone: Clone, oid: str) -> str:
    """Returns the blob that what a blob holds would be in clear; see `open_content`."""
    length = digests(clone, oid).length
    running = blob_hash(clone.repo.object_format, length)
    for piece in open_content(clone, oid):
        running.update(piece)
    return running.hexdigest()

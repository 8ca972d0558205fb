"""What an index entry holds in clear, and the name of the blob that it would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.content import blobs
from git_model_security.git.hash_object import blob_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.clone.clone import Clone
    from git_model_security.envelope.layout import BytesLike


def content(clone: Clone, oid: str) -> Iterator[BytesLike]:
    """Yields what a blob holds, opened when it is an envelope.

    What was yielded is good only when the iteration ends without an error.

    Raises:
        NotFetchedError: it is an object of git-lfs that is not here.
        EnvelopeError: it does not open.
    """
    head, pieces = blobs.peek(blobs.sealed_chunks(clone, oid))
    return iter(pieces) if blobs.header(head) is None else blobs.open_chunks(clone, pieces)


def clear_oid(clone: Clone, oid: str) -> str:
    """Returns the blob that what a blob holds would be in clear; raises as `content` does."""
    length = blobs.digests(clone, oid).length
    running = blob_hash(clone.repo.object_format, length)
    for piece in content(clone, oid):
        running.update(piece)
    return running.hexdigest()

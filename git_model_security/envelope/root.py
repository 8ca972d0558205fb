"""The root of an envelope, without a key, out of its header and its end.

Of a stream that goes by once, or of a file, of which nothing else is read. `SegmentReader.root`
is the same, and proven. docs/SPEC.md, "Root".
"""

from __future__ import annotations

import os

from git_model_security.envelope import primitives
from git_model_security.envelope.header import read_header
from git_model_security.envelope.layout import (
    FOOTER_BYTES,
    HEADER_BYTES,
    BytesLike,
    plaintext_length,
)
from git_model_security.errors import EnvelopeError


class RunningRoot:
    """Takes in what may be an envelope; keeps its header and its last 88 bytes."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self._length = 0

    def update(self, data: BytesLike) -> None:
        """Takes in more."""
        if len(self._head) < HEADER_BYTES:
            self._head += bytes(data[: HEADER_BYTES - len(self._head)])
        self._tail = (self._tail + bytes(data[-FOOTER_BYTES:]))[-FOOTER_BYTES:]
        self._length += len(data)

    def finish(self) -> bytes | None:
        """Return the root; None where this can be no envelope."""
        return of_ends(self._head, self._tail, self._length)


def of_ends(head: bytes, tail: bytes, size_bytes: int) -> bytes | None:
    """Return the root of an envelope; None where this can be none.

    Args:
        head: its first 64 bytes.
        tail: its last 88 bytes.
        size_bytes: length of all of it.
    """
    try:
        if read_header(head) is None:
            return None
        length = plaintext_length(size_bytes)
    except EnvelopeError:
        return None
    return primitives.root(head, length, tail)


def of_file(descriptor: int) -> bytes | None:
    """Return the root of the envelope in a file; None where it can be none.

    Raises:
        OSError: the file cannot be read.
    """
    size_bytes = os.fstat(descriptor).st_size
    if size_bytes < HEADER_BYTES + FOOTER_BYTES:
        return None
    head = os.pread(descriptor, HEADER_BYTES, 0)
    return of_ends(
        head, os.pread(descriptor, FOOTER_BYTES, size_bytes - FOOTER_BYTES), size_bytes
    )

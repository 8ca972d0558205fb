"""The root of an envelope that goes by once, as a stream of its bytes.

Without a key: `SegmentReader.root` is the same, and proven. docs/SPEC.md, "Root".
"""

from __future__ import annotations

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
        try:
            if read_header(self._head) is None:
                return None
            length = plaintext_length(self._length)
        except EnvelopeError:
            return None
        return primitives.root(self._head, length, self._tail)

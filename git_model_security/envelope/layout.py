"""Lengths, roles and limits of the envelope: arithmetic only (docs/SPEC.md, "Layout").

The length of an envelope is a function of the length of its plaintext, and the
other way round: how an envelope is cut into segments follows from its total
length, so no byte of it has to be believed to find the next one. This module
must not know keys, streams or any primitive.
"""

from __future__ import annotations

import enum
from typing import Final

from git_model_security.errors import EnvelopeError

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 16
HEADER_BYTES: Final = 64
SEGMENT_BYTES: Final = 1 << 20
"""Plaintext bytes of every segment but the last; fixed by version 1."""

SIV_BYTES: Final = 32
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = SIV_BYTES + TAG_BYTES
SEALED_SEGMENT_BYTES: Final = SEGMENT_BYTES + OVERHEAD_BYTES
FOOTER_CONTENT_BYTES: Final = 40
FOOTER_BYTES: Final = FOOTER_CONTENT_BYTES + OVERHEAD_BYTES
MAX_PLAINTEXT_BYTES: Final = 1 << 40
"""1 TiB: 2**20 segments, far inside every limit of the primitives."""

BytesLike = bytes | bytearray | memoryview

CUT_SHORT_HINT: Final = "it was cut short or did not arrive whole: fetch it again"
DAMAGED_HINT: Final = "fetch it again, or restore it from another copy"


class Role(enum.IntEnum):
    """What a segment is to its envelope (the `type` byte of the specification)."""

    MORE = 0
    LAST = 1
    FOOTER = 2


def sealed_length(plaintext_bytes: int) -> int:
    """Return the length in bytes of the envelope of a plaintext.

    Raises:
        EnvelopeError: the plaintext is empty (it has no envelope) or over 1 TiB.
    """
    assert plaintext_bytes >= 0
    if plaintext_bytes == 0:
        raise EnvelopeError("the empty file has no envelope")
    check_limit(plaintext_bytes)
    segments = segment_count(plaintext_bytes)
    return HEADER_BYTES + plaintext_bytes + segments * OVERHEAD_BYTES + FOOTER_BYTES


def plaintext_length(envelope_bytes: int) -> int:
    """Return the length in bytes of the plaintext of an envelope.

    Raises:
        EnvelopeError: no envelope has this length (rules R8 to R12); the
            message says which end of it is wrong.
    """
    body_bytes = envelope_bytes - HEADER_BYTES - FOOTER_BYTES
    if body_bytes < 0:
        raise EnvelopeError("truncated before its footer", hint=CUT_SHORT_HINT)
    if body_bytes == 0:
        raise EnvelopeError("an envelope of the empty file, which has none")
    full_segments, rest_bytes = divmod(body_bytes, SEALED_SEGMENT_BYTES)
    if 0 < rest_bytes < OVERHEAD_BYTES:
        raise EnvelopeError(
            f"truncated segment {full_segments}: its {rest_bytes} bytes are fewer than "
            f"the {OVERHEAD_BYTES} that every segment has",
            hint=CUT_SHORT_HINT,
        )
    if rest_bytes == OVERHEAD_BYTES:
        raise EnvelopeError(f"empty last segment (segment {full_segments})")
    segments = full_segments + (rest_bytes > 0)
    plaintext_bytes = body_bytes - segments * OVERHEAD_BYTES
    check_limit(plaintext_bytes)
    return plaintext_bytes


def segment_count(plaintext_bytes: int) -> int:
    """Return how many data segments a plaintext of this length has."""
    return -(-plaintext_bytes // SEGMENT_BYTES)


def segment_offset(index: int) -> int:
    """Return where data segment `index`, or the footer after the last one, begins.

    For the footer this holds only where the last segment is full.
    """
    return HEADER_BYTES + index * SEALED_SEGMENT_BYTES


def check_limit(plaintext_bytes: int) -> None:
    """Refuse a plaintext over the limit of version 1 (rule R12)."""
    if plaintext_bytes > MAX_PLAINTEXT_BYTES:
        raise EnvelopeError(
            f"over the limit of 1 TiB ({MAX_PLAINTEXT_BYTES} bytes) of one envelope",
            hint="split the file into shards",
        )

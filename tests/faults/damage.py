"""Ways to damage an envelope, each of which opens the eyes of another check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.envelope.layout import (
    FOOTER_BYTES,
    HEADER_BYTES,
    SEALED_SEGMENT_BYTES,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = slice(HEADER_BYTES, HEADER_BYTES + SEALED_SEGMENT_BYTES)
SECOND = slice(FIRST.stop, FIRST.stop + SEALED_SEGMENT_BYTES)


def flipped(envelope: bytes, at: int) -> bytes:
    """Returns the envelope with one bit of the byte at `at` flipped."""
    damaged = bytearray(envelope)
    damaged[at] ^= 1
    return bytes(damaged)


def reordered(envelope: bytes) -> bytes:
    """Returns the envelope with its first two segments exchanged."""
    head, tail = envelope[: FIRST.start], envelope[SECOND.stop :]
    return head + envelope[SECOND] + envelope[FIRST] + tail


def spliced(envelope: bytes, other: bytes) -> bytes:
    """Returns the envelope with the first segment of another one, made with the same key.

    Every segment opens then: it is the footer that tells.
    """
    return envelope[: FIRST.start] + other[FIRST] + envelope[FIRST.stop :]


DAMAGES: dict[str, tuple[Callable[[bytes, bytes], bytes], str]] = {
    "cut in the header": (lambda whole, _: whole[:40], "header"),
    "cut in a segment": (lambda whole, _: whole[: SECOND.stop - 999], "cut short"),
    "cut before the last segment": (lambda whole, _: whole[: SECOND.stop], "cut short"),
    "without its footer": (lambda whole, _: whole[:-FOOTER_BYTES], "cut short"),
    "a byte short": (lambda whole, _: whole[:-1], "cut short"),
    "a byte long": (lambda whole, _: whole + b"\n", "bytes after its footer: 1"),
    "twice": (lambda whole, _: whole + whole, "segment 2"),
    "flipped header check": (lambda whole, _: flipped(whole, HEADER_BYTES - 1), "header"),
    "flipped first segment": (lambda whole, _: flipped(whole, FIRST.start + 5000), "segment 0"),
    "flipped last segment": (lambda whole, _: flipped(whole, SECOND.stop + 60), "segment 2"),
    "flipped footer": (lambda whole, _: flipped(whole, -3), "footer"),
    "reordered": (lambda whole, _: reordered(whole), "reordered"),
    "spliced": (spliced, "splice"),
}
"""What was done to it (from the envelope and another), and a word of the message."""

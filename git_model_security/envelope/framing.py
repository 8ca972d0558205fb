"""What can be said of an envelope without its key: framing and randomness.

Implements docs/SPEC.md, "Checking without a key". For servers, CI and clones
that hold no key. Must not know keys, and imports no cryptography.
"""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO, Final

from git_model_security.envelope.header import Header, require_header
from git_model_security.envelope.layout import (
    FOOTER_BYTES,
    HEADER_BYTES,
    SEALED_SEGMENT_BYTES,
    plaintext_length,
)
from git_model_security.envelope.window import Window, read_into
from git_model_security.errors import EnvelopeError

_WHOLE_SAMPLE_BYTES: Final = 64 << 10
# Prime, so that a sample walks through every column of any record: every 16th
# byte of a float32 tensor would be the low byte of a mantissa, which is random.
_SAMPLE_STRIDE: Final = 31
# Of a chi-square statistic with 255 degrees of freedom (mean 255, deviation 23).
_CHI_SQUARE_LIMIT: Final = 700
_ASCII_END: Final = 0x80


def check_framing(source: BinaryIO) -> Header:
    """Check that a stream has the shape of an envelope, without a key.

    1. a well-formed header (R1 to R5);
    2. a total length that an envelope can have (R8 to R12);
    3. every sealed segment and the footer look random.

    This finds mistakes: plaintext, a plaintext behind a copied header, a text
    in place of a segment, a hole of zeros, a cut or extended file where the
    length betrays it. It proves nothing: compressed or foreign random bytes
    behind a header pass, and so does an altered envelope. Proof is the key, or
    a trusted signature over the ciphertext. An honest envelope is refused
    with a probability under 2**-40 for each of its segments.

    Returns:
        The header, well-formed and not authenticated.

    Raises:
        EnvelopeError: one of the steps.
    """
    header = require_header(_read_head(source))
    window = Window(SEALED_SEGMENT_BYTES, FOOTER_BYTES + 1)
    index = 0
    while count_bytes := read_into(source, window.room()):
        window.advance(count_bytes)
        if window.full():
            _check_random(window.unit(), f"segment {index}")
            window.shift()
            index += 1
    rest = window.rest()
    plaintext_length(HEADER_BYTES + index * SEALED_SEGMENT_BYTES + len(rest))
    _check_random(rest[:-FOOTER_BYTES], f"segment {index}")
    _check_random(rest[-FOOTER_BYTES:], "the footer")
    return header


def _read_head(source: BinaryIO) -> bytes:
    head = bytearray(HEADER_BYTES)
    room = memoryview(head)
    while room and (count_bytes := read_into(source, room)):
        room = room[count_bytes:]
    return bytes(head[: HEADER_BYTES - len(room)])


def _check_random(sealed: memoryview, name: str) -> None:
    if not _looks_random(sealed):
        raise EnvelopeError(
            f"{name} is not ciphertext: its bytes are not random",
            hint="plaintext seems to stand behind the header of an envelope",
        )


def _looks_random(sealed: memoryview) -> bool:
    """Judge 49 bytes or more by their values; order does not matter.

    Two tests, since the second has no power on so short a text:

    1. no byte over 0x7f: text. Of 49 random bytes, 2**-49;
    2. Pearson's chi-square over the counts of the 256 values. The limit keeps
       false alarms under 2**-40 at every length: enumerated exactly where
       counts are small (49 to 300 bytes), and 3e-38 by the asymptotic
       distribution where they are large. Weights of any usual type score tens
       of times the limit on one segment.
    """
    sample = sealed if len(sealed) <= _WHOLE_SAMPLE_BYTES else sealed[::_SAMPLE_STRIDE]
    counts = Counter(sample.tobytes())
    if max(counts) < _ASCII_END:
        return False
    size = len(sample)
    chi_square = 256 * sum(count * count for count in counts.values()) / size - size
    return chi_square <= _CHI_SQUARE_LIMIT

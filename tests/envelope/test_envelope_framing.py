"""What a checker without a key finds, and what it cannot."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib

import numpy as np
import pytest

from git_model_security.envelope import SEGMENT_BYTES, Key, check_framing, encrypt
from git_model_security.envelope.header import write_header
from git_model_security.errors import EnvelopeError
from tests.vectors.corpus import generate, vectors

KEY = Key(bytes(range(32)))
HEADER = write_header(KEY)
RANDOM = np.random.default_rng(1)
KEYLESS_RULES = {"R1", "R2", "R3", "R4", "R5", "R8", "R9", "R10", "R11"}

FLOATS = RANDOM.normal(0, 0.02, SEGMENT_BYTES // 2).astype("<f4").tobytes()
# bfloat16 is the upper half of a float32.
HALF_FLOATS = np.frombuffer(FLOATS, "<u2")[1::2].tobytes()
INTEGERS = RANDOM.normal(0, 40, 300_000).round().clip(-128, 127).astype("i1").tobytes()
CONFIG = json.dumps({"hidden_size": 384, "vocab": list(range(40))}).encode()


def seal(content: bytes) -> bytes:
    sink = io.BytesIO()
    encrypt(KEY, io.BytesIO(content), sink)
    return sink.getvalue()


@pytest.mark.parametrize("size", [1, 2, 15, 100, 5000, SEGMENT_BYTES, 2 * SEGMENT_BYTES + 7])
def test_an_envelope_passes_whatever_is_in_it(size: int) -> None:
    header = check_framing(io.BytesIO(seal(bytes(size))))
    assert header.key_id == KEY.id


def test_thousands_of_small_envelopes_pass() -> None:
    for number in range(3000):
        check_framing(io.BytesIO(seal(generate(1 + number % 60, str(number)))))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("a configuration", CONFIG),
        ("prose", b"Permission is hereby granted, free of charge, to any person. " * 5),
        ("prose of a few bytes", b"a" * 150),
        ("float32 weights", FLOATS),
        ("bfloat16 weights", HALF_FLOATS),
        ("a short tensor", HALF_FLOATS[:2000]),
        ("8-bit weights", INTEGERS),
        ("zeros", bytes(70_000)),
        ("base64", zlib.compress(FLOATS).hex().encode()),
        ("utf-8 that is not ascii", "модель и её веса, ".encode() * 20),
        ("counters", struct.pack("<4000I", *range(4000))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_plaintext_behind_a_copied_header_is_found(kind: str, content: bytes) -> None:
    with pytest.raises(EnvelopeError, match="is not ciphertext: its bytes are not random"):
        check_framing(io.BytesIO(HEADER + content))


def test_text_too_short_and_too_varied_for_statistics_is_found() -> None:
    token = base64.b64encode(generate(103, "token"))[:137]
    with pytest.raises(EnvelopeError, match="segment 0 is not ciphertext"):
        check_framing(io.BytesIO(HEADER + token))


def test_a_plaintext_segment_in_the_middle_is_found_and_named() -> None:
    sealed = bytearray(seal(generate(3 * SEGMENT_BYTES, "m")))
    start = 64 + SEGMENT_BYTES + 48
    sealed[start : start + len(FLOATS) // 2] = FLOATS[: len(FLOATS) // 2]
    with pytest.raises(EnvelopeError, match="segment 1 is not ciphertext"):
        check_framing(io.BytesIO(sealed))


def test_a_hole_of_zeros_is_found() -> None:
    sealed = bytearray(seal(generate(SEGMENT_BYTES, "m")))
    sealed[200_000:400_000] = bytes(200_000)
    with pytest.raises(EnvelopeError, match="segment 0 is not ciphertext"):
        check_framing(io.BytesIO(sealed))


def test_text_in_place_of_the_footer_is_found() -> None:
    sealed = seal(generate(1000, "m"))[:-88] + b"x" * 88
    with pytest.raises(EnvelopeError, match="the footer is not ciphertext"):
        check_framing(io.BytesIO(sealed))


@pytest.mark.parametrize(
    "vector", [vector for vector in vectors() if vector.rule in KEYLESS_RULES], ids=repr
)
def test_what_needs_no_key_to_be_refused_is_refused(vector: object) -> None:
    with pytest.raises(EnvelopeError):
        check_framing(io.BytesIO(vector.envelope))  # type: ignore[attr-defined]


def test_it_proves_nothing_compressed_data_and_altered_envelopes_pass() -> None:
    check_framing(io.BytesIO(HEADER + zlib.compress(FLOATS[:40_000], 9)))
    sealed = bytearray(seal(CONFIG))
    sealed[100] ^= 1
    check_framing(io.BytesIO(sealed))

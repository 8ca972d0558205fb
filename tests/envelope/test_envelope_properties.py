"""Properties of the envelope over arbitrary content, cuts and damage."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_model_security.envelope import (
    SEGMENT_BYTES,
    Key,
    Opener,
    Sealer,
    SegmentReader,
    decrypt,
    encrypt,
    plaintext_length,
    sealed_length,
)
from git_model_security.errors import EnvelopeError, KeyNotFoundError
from tests.vectors.corpus import generate
from tests.vectors.second_reader import Reader

MATERIAL = bytes(range(32))
KEY = Key(MATERIAL)
KEYS = {KEY.id: KEY}

small = st.binary(min_size=1, max_size=3000)
# Large content by recipe; sizes around the edges of segments.
sizes = st.builds(
    lambda segments, extra: max(1, segments * SEGMENT_BYTES + extra),
    st.integers(0, 3),
    st.integers(-200, 200),
)
packets = st.lists(st.integers(5000, 3 * SEGMENT_BYTES // 2), min_size=1, max_size=8)
crumbs = st.lists(st.integers(1, 400), min_size=1, max_size=8)


def seal(content: bytes) -> bytes:
    sink = io.BytesIO()
    encrypt(KEY, io.BytesIO(content), sink)
    return sink.getvalue()


def unseal(envelope: bytes) -> bytes:
    sink = io.BytesIO()
    decrypt(KEYS, io.BytesIO(envelope), sink)
    return sink.getvalue()


def push(stage: Sealer | Opener, data: bytes, cuts: list[int]) -> bytes:
    out, start, turn = b"", 0, 0
    while start < len(data):
        size = cuts[turn % len(cuts)]
        out += b"".join(stage.update(memoryview(data)[start : start + size]))
        start, turn = start + size, turn + 1
    return out + stage.finish()


@given(small)
def test_every_content_comes_back_from_both_readers(content: bytes) -> None:
    envelope = seal(content)
    assert unseal(envelope) == content
    assert Reader(MATERIAL, envelope).read() == content


@settings(max_examples=25, deadline=None)
@given(sizes, packets, packets)
def test_how_a_stream_is_cut_changes_nothing(
    size: int, into: list[int], out: list[int]
) -> None:
    content = generate(size, "cuts")
    envelope = push(Sealer(KEY), content, into)
    assert envelope == seal(content)
    assert push(Opener(KEYS), envelope, out) == content


@given(small, crumbs, crumbs)
def test_a_stream_may_come_byte_by_byte(
    content: bytes, into: list[int], out: list[int]
) -> None:
    envelope = push(Sealer(KEY), content, into)
    assert envelope == seal(content)
    assert push(Opener(KEYS), envelope, out) == content


@settings(max_examples=25, deadline=None)
@given(sizes, st.data())
def test_a_range_is_a_slice(size: int, data: st.DataObject) -> None:
    content = generate(size, "ranges")
    reader = SegmentReader(KEY, io.BytesIO(seal(content)))
    start = data.draw(st.integers(0, size))
    length = data.draw(st.integers(0, size))
    assert reader.read_at(start, length) == content[start : start + length]


@given(small, st.data())
@settings(deadline=None)
def test_any_flipped_bit_is_rejected(content: bytes, data: st.DataObject) -> None:
    envelope = bytearray(seal(content))
    bit = data.draw(st.integers(0, 8 * len(envelope) - 1))
    envelope[bit // 8] ^= 1 << bit % 8
    with pytest.raises((EnvelopeError, KeyNotFoundError)):
        unseal(bytes(envelope))


@given(small, st.data())
@settings(deadline=None)
def test_any_truncation_is_rejected(content: bytes, data: st.DataObject) -> None:
    envelope = seal(content)
    with pytest.raises(EnvelopeError):
        unseal(envelope[: data.draw(st.integers(0, len(envelope) - 1))])


@given(small, st.binary(min_size=1, max_size=300))
@settings(deadline=None)
def test_any_extension_is_rejected(content: bytes, extra: bytes) -> None:
    with pytest.raises(EnvelopeError):
        unseal(seal(content) + extra)


@settings(max_examples=15, deadline=None)
@given(sizes, st.data())
def test_damage_to_a_large_envelope_is_rejected(size: int, data: st.DataObject) -> None:
    envelope = bytearray(seal(generate(size, "damage")))
    kind = data.draw(st.sampled_from(["flip", "cut", "grow"]))
    place = data.draw(st.integers(0, len(envelope) - 1))
    if kind == "flip":
        envelope[place] ^= 0x80
    elif kind == "cut":
        del envelope[place:]
    else:
        envelope += generate(1 + place, "extra")
    with pytest.raises((EnvelopeError, KeyNotFoundError)):
        unseal(bytes(envelope))


@given(st.integers(1, 1 << 40))
def test_lengths_are_functions_of_each_other(size: int) -> None:
    assert plaintext_length(sealed_length(size)) == size


@given(st.integers(0, 1 << 41))
def test_a_length_is_an_envelopes_or_refused(length: int) -> None:
    try:
        size = plaintext_length(length)
    except EnvelopeError:
        return
    assert sealed_length(size) == length

"""Sealing and opening as streams: order, memory, early refusal, release."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from git_model_security.envelope import (
    HEADER_BYTES,
    MAX_PLAINTEXT_BYTES,
    SEGMENT_BYTES,
    Key,
    Opener,
    Sealer,
    decrypt,
    encrypt,
    sealed_length,
)
from git_model_security.errors import AuthenticationError, EnvelopeError, KeyNotFoundError
from tests.vectors.corpus import generate

KEY = Key(bytes(range(32)))
KEYS = {KEY.id: KEY}
CONTENT = generate(2 * SEGMENT_BYTES + 100, "a")


def seal(content: bytes, key: Key = KEY) -> bytes:
    sink = io.BytesIO()
    encrypt(key, io.BytesIO(content), sink)
    return sink.getvalue()


class Trickle(io.RawIOBase):
    """A pipe: gives and takes a few bytes at once."""

    def __init__(self, content: bytes = b"") -> None:
        super().__init__()
        self._source = io.BytesIO(content)
        self.written = bytearray()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._source.readinto(buffer[:70_001])

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        self.written += data[:70_001]
        return len(data[:70_001])


class ReadOnly:
    """A source that has `read` and nothing else."""

    def __init__(self, content: bytes) -> None:
        self.read = io.BytesIO(content).read


class Null:
    def write(self, data: memoryview) -> int:
        return len(data)


def test_the_same_plaintext_gives_the_same_envelope() -> None:
    assert seal(CONTENT) == seal(CONTENT)
    assert seal(CONTENT) != seal(CONTENT, Key(bytes(32)))


def test_a_pushed_stream_gives_the_envelope_of_the_file() -> None:
    sealer = Sealer(KEY)
    pieces = [
        piece
        for byte in range(0, len(CONTENT), 65516)
        for piece in sealer.update(CONTENT[byte : byte + 65516])
    ]
    assert b"".join(pieces) + sealer.finish() == seal(CONTENT)


def test_a_pipe_that_moves_little_at_once_loses_nothing() -> None:
    sealed, opened = Trickle(), Trickle()
    encrypt(KEY, Trickle(CONTENT), sealed)  # type: ignore[arg-type]
    decrypt(KEYS, Trickle(bytes(sealed.written)), opened)  # type: ignore[arg-type]
    assert opened.written == CONTENT


def test_a_source_that_can_only_read_is_enough() -> None:
    sink = io.BytesIO()
    encrypt(KEY, ReadOnly(CONTENT), sink)  # type: ignore[arg-type]
    assert sink.getvalue() == seal(CONTENT)


def test_one_changed_byte_changes_only_its_own_segment_and_the_footer() -> None:
    changed = bytearray(CONTENT)
    changed[SEGMENT_BYTES + 5] ^= 1
    old, new = seal(CONTENT), seal(bytes(changed))
    first, second = HEADER_BYTES + SEGMENT_BYTES + 48, HEADER_BYTES + 2 * (SEGMENT_BYTES + 48)
    assert new[:first] == old[:first]
    assert new[first:second] != old[first:second]
    assert new[second:-88] == old[second:-88]
    assert new[-88:] != old[-88:]


def test_the_empty_file_is_refused_and_writes_nothing() -> None:
    sink = io.BytesIO()
    with pytest.raises(EnvelopeError, match="the empty file has no envelope"):
        encrypt(KEY, io.BytesIO(), sink)
    assert sink.getvalue() == b""


def test_r12_a_plaintext_that_grows_over_one_tebibyte_is_refused() -> None:
    sealer = Sealer(KEY)
    # As if so many segments had gone by.
    sealer._index = MAX_PLAINTEXT_BYTES // SEGMENT_BYTES
    sealer.update(b"x")
    with pytest.raises(EnvelopeError, match="limit of 1 TiB"):
        sealer.finish()


def test_an_opener_finds_its_key_among_others() -> None:
    other = Key(bytes(32))
    sink = io.BytesIO()
    header = decrypt({other.id: other, KEY.id: KEY}, io.BytesIO(seal(CONTENT)), sink)
    assert sink.getvalue() == CONTENT
    assert header.key_id == KEY.id


def test_a_missing_key_is_named_as_soon_as_the_header_is_there() -> None:
    opener = Opener({})
    assert opener.update(seal(CONTENT)[: HEADER_BYTES - 1]) == []
    with pytest.raises(KeyNotFoundError, match=KEY.id) as caught:
        opener.update(seal(CONTENT)[HEADER_BYTES - 1 : HEADER_BYTES])
    assert caught.value.hint is not None


def test_a_damaged_segment_is_refused_before_the_next_one_is_read() -> None:
    envelope = bytearray(seal(CONTENT))
    envelope[1000] ^= 1
    opener = Opener(KEYS)
    with pytest.raises(AuthenticationError, match="segment 0 does not authenticate"):
        opener.update(envelope[: HEADER_BYTES + SEGMENT_BYTES + 48 + 89])


def test_r19_the_last_segment_is_never_released_before_the_footer_is_right() -> None:
    envelope = bytearray(seal(CONTENT))
    envelope[-1] ^= 1
    opener = Opener(KEYS)
    released = b"".join(opener.update(envelope))
    assert released == CONTENT[: len(released)]
    assert len(released) <= 2 * SEGMENT_BYTES
    with pytest.raises(AuthenticationError):
        opener.finish()


def test_a_stream_that_ended_takes_nothing_more() -> None:
    sealer = Sealer(KEY)
    sealer.update(b"x")
    sealer.finish()
    with pytest.raises(AssertionError):
        sealer.update(b"y")
    with pytest.raises(AssertionError):
        sealer.finish()


def test_a_refused_header_leaves_an_opener_that_takes_nothing_more() -> None:
    opener = Opener({})
    with pytest.raises(KeyNotFoundError):
        opener.update(seal(b"x"))
    with pytest.raises(AssertionError):
        opener.update(b"more")


def test_memory_is_that_of_a_few_segments_whatever_the_length() -> None:
    content = generate(24 * SEGMENT_BYTES, "a")
    envelope = io.BytesIO(seal(content))
    tracemalloc.start()
    try:
        encrypt(KEY, io.BytesIO(content), Null())  # type: ignore[arg-type]
        decrypt(KEYS, envelope, Null())  # type: ignore[arg-type]
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 6 * SEGMENT_BYTES


@pytest.mark.parametrize("size", [1, 100, SEGMENT_BYTES, SEGMENT_BYTES + 1])
def test_the_length_of_an_envelope_is_as_announced(size: int) -> None:
    assert len(seal(generate(size, "b"))) == sealed_length(size)

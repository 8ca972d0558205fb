"""Opening by range: the same guarantee as the whole file, on many threads."""

from __future__ import annotations

import gzip
import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO, cast

import pytest

from git_model_security.envelope import SEGMENT_BYTES, Key, SegmentReader, encrypt
from git_model_security.envelope.source import Source
from git_model_security.errors import AuthenticationError, EnvelopeError, KeyNotFoundError
from tests.vectors.corpus import generate

if TYPE_CHECKING:
    from pathlib import Path

KEY = Key(bytes(range(32)))
CONTENT = generate(3 * SEGMENT_BYTES + 1234, "ranges")


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path = tmp_path / "sealed"
    with path.open("wb") as sink:
        encrypt(KEY, io.BytesIO(CONTENT), sink)
    return path


@pytest.mark.parametrize(
    ("offset", "size"),
    [
        (0, 0),
        (0, 1),
        (0, len(CONTENT)),
        (SEGMENT_BYTES - 1, 2),
        (SEGMENT_BYTES, SEGMENT_BYTES),
        (SEGMENT_BYTES // 2, 2 * SEGMENT_BYTES),
        (len(CONTENT) - 1, 100),
        (len(CONTENT), 1),
        (len(CONTENT) + 5, 1),
    ],
)
def test_a_range_is_that_of_the_plaintext(sealed: Path, offset: int, size: int) -> None:
    with sealed.open("rb") as file:
        reader = SegmentReader(KEY, file)
        assert reader.read_at(offset, size) == CONTENT[offset : offset + size]


def test_segments_open_in_any_order_and_on_many_threads(sealed: Path) -> None:
    with sealed.open("rb") as file, ThreadPoolExecutor(4) as pool:
        reader = SegmentReader(KEY, file)
        assert (reader.length, reader.segments) == (len(CONTENT), 4)
        parts = pool.map(reader.read_segment, [3, 1, 0, 2] * 4)
        opened = dict(zip([3, 1, 0, 2] * 4, parts, strict=True))
    assert b"".join(opened[index] for index in range(4)) == CONTENT


def test_a_file_without_a_descriptor_is_shared_by_threads_too(sealed: Path) -> None:
    reader = SegmentReader(KEY, io.BytesIO(sealed.read_bytes()))
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(reader.read_segment, list(range(4)) * 4))
    assert b"".join(parts) == CONTENT * 4


def test_a_wrapper_whose_descriptor_is_another_files_is_read_through_itself(
    sealed: Path, tmp_path: Path
) -> None:
    packed = tmp_path / "sealed.gz"
    packed.write_bytes(gzip.compress(sealed.read_bytes(), 1))
    with gzip.open(packed) as file:
        # gzip files cannot seek from the end before Python 3.12
        reader = SegmentReader(KEY, cast("BinaryIO", io.BytesIO(file.read())))
        assert reader.read_at(0, len(CONTENT)) == CONTENT


def test_the_position_of_a_plain_file_is_left_alone(sealed: Path) -> None:
    with sealed.open("rb") as file:
        file.seek(7)
        SegmentReader(KEY, file).read_at(0, 10)
        assert file.tell() == 7


def test_the_key_of_another_envelope_is_refused(sealed: Path) -> None:
    with sealed.open("rb") as file, pytest.raises(KeyNotFoundError, match=KEY.id):
        SegmentReader(Key(bytes(32)), file)


def test_a_damaged_segment_stops_its_own_range_only(sealed: Path) -> None:
    damaged = bytearray(sealed.read_bytes())
    damaged[64 + SEGMENT_BYTES + 48 + 500] ^= 1
    reader = SegmentReader(KEY, io.BytesIO(damaged))
    assert reader.read_at(0, SEGMENT_BYTES) == CONTENT[:SEGMENT_BYTES]
    with pytest.raises(AuthenticationError, match="segment 1 does not authenticate"):
        reader.read_at(SEGMENT_BYTES, 1)


def test_a_splice_is_refused_before_any_range_is_read(sealed: Path) -> None:
    other = io.BytesIO()
    encrypt(KEY, io.BytesIO(CONTENT[::-1]), other)
    cut = 64 + SEGMENT_BYTES + 48
    spliced = other.getvalue()[:cut] + sealed.read_bytes()[cut:]
    with pytest.raises(AuthenticationError, match="spliced"):
        SegmentReader(KEY, io.BytesIO(spliced))


def test_a_segment_exchanged_after_the_check_is_refused(sealed: Path) -> None:
    other = io.BytesIO()
    encrypt(KEY, io.BytesIO(CONTENT[::-1]), other)
    with sealed.open("r+b", buffering=0) as file:
        reader = SegmentReader(KEY, cast("BinaryIO", file))
        file.write(other.getvalue()[: 64 + SEGMENT_BYTES + 48])
        with pytest.raises(AuthenticationError, match="segment 0 changed while it was read"):
            reader.read_at(0, 1)


def test_a_file_that_shrinks_while_it_is_read_is_refused(sealed: Path) -> None:
    with sealed.open("r+b", buffering=0) as file:
        reader = SegmentReader(KEY, cast("BinaryIO", file))
        file.truncate(1000)
        with pytest.raises(EnvelopeError, match="truncated while it was read"):
            reader.read_at(0, 1)


def test_a_cut_file_is_refused_before_any_range_is_read(sealed: Path) -> None:
    whole = sealed.read_bytes()
    for size in (0, 63, 151, 153, len(whole) - 88, len(whole) - 1):
        with pytest.raises(EnvelopeError):
            SegmentReader(KEY, io.BytesIO(whole[:size]))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("offset", "size"),
    [
        (0, 0),
        (0, len(CONTENT)),
        (1, len(CONTENT) - 2),
        (SEGMENT_BYTES - 1, 2),
        (SEGMENT_BYTES, SEGMENT_BYTES),
        (3 * SEGMENT_BYTES, 1234),
        (len(CONTENT), 0),
    ],
)
def test_a_range_is_put_into_memory_of_the_caller(
    sealed: Path, offset: int, size: int, threads: int
) -> None:
    room = bytearray(size)
    with sealed.open("rb") as file:
        SegmentReader(KEY, file).read_into(offset, memoryview(room), threads)
    assert room == CONTENT[offset : offset + size]


@pytest.mark.parametrize("threads", [1, 3])
def test_memory_of_the_caller_is_zeroed_where_a_segment_does_not_open(
    sealed: Path, threads: int
) -> None:
    room = bytearray(b"x" * len(CONTENT))
    with sealed.open("r+b", buffering=0) as file:
        reader = SegmentReader(KEY, file)
        file.seek(-200, 2)
        file.write(b"\1")
        with pytest.raises(AuthenticationError):
            reader.read_into(0, memoryview(room), threads)
    assert not any(room)


def test_a_segment_exchanged_for_another_of_the_same_key_is_not_given_out(
    sealed: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    with other.open("wb") as sink:
        encrypt(KEY, io.BytesIO(CONTENT[::-1]), sink)
    room = bytearray(len(CONTENT))
    with sealed.open("r+b", buffering=0) as file:
        reader = SegmentReader(KEY, file)
        file.seek(0)
        file.write(other.read_bytes())
        with pytest.raises(AuthenticationError):
            reader.read_into(0, memoryview(room))
    assert not any(room)


def test_a_file_cut_while_it_is_read_leaves_zeros(sealed: Path) -> None:
    room = bytearray(b"x" * len(CONTENT))
    with sealed.open("r+b", buffering=0) as file:
        reader = SegmentReader(KEY, file)
        file.truncate(SEGMENT_BYTES)
        with pytest.raises(EnvelopeError, match="truncated while it was read"):
            reader.read_into(0, memoryview(room))
    assert not any(room)


def test_ranges_of_one_segment_open_it_once(sealed: Path) -> None:
    with sealed.open("r+b", buffering=0) as file:
        reader = SegmentReader(KEY, cast("BinaryIO", file))
        room = bytearray(3000)
        reader.read_into(SEGMENT_BYTES - 1500, memoryview(room))
        file.write(bytes(len(sealed.read_bytes())))  # so what is read again is not authentic
        for offset in (SEGMENT_BYTES, SEGMENT_BYTES + 7, 2 * SEGMENT_BYTES - 3000):
            reader.read_into(offset, memoryview(room))
            assert room == CONTENT[offset : offset + 3000]
        for offset in (SEGMENT_BYTES - 3000, 2 * SEGMENT_BYTES - 2999, SEGMENT_BYTES - 1):
            with pytest.raises(AuthenticationError):
                reader.read_into(offset, memoryview(room))
            assert not any(room)


def test_a_file_that_shrinks_while_its_list_is_read_is_refused(sealed: Path) -> None:
    with sealed.open("r+b", buffering=0) as file:
        source = Source(cast("BinaryIO", file))
        file.truncate(SEGMENT_BYTES)
        with pytest.raises(EnvelopeError, match="truncated while it was read"):
            source.read_each(range(64, 3 * SEGMENT_BYTES, SEGMENT_BYTES), 32)

"""Reading parts of an envelope: by segment, by range, on several threads.

Implements docs/SPEC.md, "Reading by range". Must not know files by name or how
keys are found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from git_model_security.envelope import diagnosis, primitives, side_by_side
from git_model_security.envelope.header import find_key, require_header
from git_model_security.envelope.layout import (
    FOOTER_BYTES,
    HEADER_BYTES,
    SEALED_SEGMENT_BYTES,
    SEGMENT_BYTES,
    SIV_BYTES,
    TAG_BYTES,
    BytesLike,
    Role,
    plaintext_length,
    segment_count,
    segment_offset,
)
from git_model_security.envelope.segment import (
    bind,
    check_footer,
    open_segment,
    open_segment_into,
)
from git_model_security.envelope.source import Source
from git_model_security.errors import AuthenticationError
from git_model_security.files import write_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_model_security.envelope.key import Key


class SegmentReader:
    """Opens single segments of a seekable envelope; may be shared by threads.

    Making one proves the whole structure without decrypting the content:

    1. the header is this key's (R1 to R7);
    2. an envelope of this length exists (R8 to R12);
    3. the last 88 bytes are its footer, for this length (R15 to R17);
    4. the synthetic values of all segments, 32 bytes read of each, are the
       footer's (R18).

    Reading a segment then checks its tag and synthetic value (R13, R14), and
    that the synthetic value is still the one of step 4: a range of a spliced
    file, or of one that changes while it is read, is never given out.

    Args:
        file: open for as long as the reader is used. Its position is of no
            importance; where it is a plain file it is left alone.
        allocate: what makes memory for plaintext that this keeps: one segment.

    Raises:
        KeyNotFoundError: the envelope is sealed under another key.
        EnvelopeError: steps 1 to 3.
        AuthenticationError: steps 1, 3 and 4.
    """

    def __init__(
        self,
        key: Key,
        file: BinaryIO,
        allocate: Callable[[int], bytearray | memoryview] = bytearray,
    ) -> None:
        self._key: Final = key
        self._allocate: Final = allocate
        self._cut: tuple[int, bytearray | memoryview] | None = None
        self._source = Source(file)
        header = require_header(self._source.read_at(0, HEADER_BYTES))
        find_key(header, {key.id: key})
        self.header: Final = header
        self.length: Final = plaintext_length(self._source.size_bytes)
        """Plaintext length in bytes."""
        self.segments: Final = segment_count(self.length)
        """Number of data segments."""
        sealed = self._source.read_at(self._source.size_bytes - FOOTER_BYTES, FOOTER_BYTES)
        self.root: Final = primitives.root(header.raw, self.length, sealed)
        """What stands for the whole file, to a holder of the key (`primitives.root`)."""
        footer = self._open_footer(memoryview(sealed))
        self._sivs: Final = self._read_sivs()
        digest = primitives.digest_of_sivs().update(self._sivs).digest()
        check_footer(footer, self.length, digest)

    def read_segment(self, index: int) -> bytearray:
        """Return the plaintext of one data segment: 1 MiB, or less for the last.

        Raises:
            AuthenticationError: it is not authentic, or changed since the
                reader was made.
        """
        assert 0 <= index < self.segments
        role = self._role(index)
        is_last = role is Role.LAST
        end = self._source.size_bytes - FOOTER_BYTES if is_last else segment_offset(index + 1)
        start = segment_offset(index)
        sealed = memoryview(self._source.read_at(start, end - start))
        if not primitives.same(sealed[:SIV_BYTES], self._siv(index)):
            raise AuthenticationError(f"segment {index} changed while it was read")
        args = (self._key, self.header.raw, index, role)
        content = open_segment(*args, sealed)
        if content is None:
            raise diagnosis.of_segment(*args, sealed)
        return content

    def read_into(self, offset: int, room: memoryview, threads: int = 1) -> None:
        """Fill `room` with the plaintext from `offset`, on several threads.

        Args:
            offset: of its first byte; all of `room` lies inside of the plaintext.
            room: writable bytes. They are zeroed where anything fails.

        Raises:
            AuthenticationError: as `read_segment`.
        """
        assert offset >= 0
        assert offset + len(room) <= self.length
        if not room or self._copy_known(offset, room):
            return
        indices = range(offset // SEGMENT_BYTES, (offset + len(room) - 1) // SEGMENT_BYTES + 1)

        def begin() -> Callable[[int], None]:
            body = bytearray(min(SEALED_SEGMENT_BYTES, self._source.size_bytes) - SIV_BYTES)
            return lambda index: self._open_part(index, memoryview(body), offset, room)

        try:
            side_by_side.run(indices, threads, begin)
        except BaseException:
            _clear(room)
            raise

    def write_to(self, sink: int, threads: int = 1) -> None:
        """Write the plaintext to a file, on several threads; it is good when this returns.

        Args:
            sink: a descriptor, which is written by offsets.

        Raises:
            AuthenticationError: as `read_segment`.
        """
        self._open_each(
            threads, lambda index, content: write_at(sink, content, index * SEGMENT_BYTES)
        )

    def check(self, threads: int = 1) -> None:
        """Open every segment, and keep nothing of it.

        Raises:
            AuthenticationError: as `read_segment`.
        """
        self._open_each(threads, lambda _index, _content: None)

    def _open_each(self, threads: int, take: Callable[[int, memoryview], object]) -> None:
        """Open every segment, and pass its plaintext on, in memory that each thread reuses."""

        def begin() -> Callable[[int], None]:
            body = memoryview(bytearray(min(SEALED_SEGMENT_BYTES, self._source.size_bytes)))
            room = memoryview(bytearray(min(SEGMENT_BYTES, self.length)))

            def open_one(index: int) -> None:
                content = room[: self._end(index) - index * SEGMENT_BYTES]
                self._open_into(index, body[: len(content) + TAG_BYTES], content)
                take(index, content)

            return open_one

        side_by_side.run(range(self.segments), threads, begin)

    def _copy_known(self, offset: int, room: memoryview) -> bool:
        """Fill `room` out of the segment that was cut last, where that has all of it."""
        if self._cut is None:
            return False
        index, content = self._cut
        start = offset - index * SEGMENT_BYTES
        is_inside = start >= 0 and start + len(room) <= len(content)
        if is_inside:
            room[:] = content[start : start + len(room)]
        return is_inside

    def _open_part(self, index: int, sealed: memoryview, offset: int, room: memoryview) -> None:
        """Write what a segment has of the plaintext that `room` holds from `offset` on."""
        start = index * SEGMENT_BYTES
        end = self._end(index)
        low, high = max(start, offset), min(end, offset + len(room))
        part = room[low - offset : high - offset]
        if len(part) == end - start:
            self._open_into(index, sealed[: end - start + TAG_BYTES], part)
            return
        # Who reads on asks next for the rest of the segment in which a range ends: small
        # tensors, and any buffered reader, would have each opened twice or much more often.
        known = self._cut
        if known is None or known[0] != index:
            known = index, self._allocate(end - start)
            with memoryview(known[1]) as whole:
                self._open_into(index, sealed[: end - start + TAG_BYTES], whole)
            self._cut = known
        part[:] = known[1][low - start : high - start]

    def _open_into(self, index: int, sealed: memoryview, content: memoryview) -> None:
        """Write the plaintext of a segment, whose ciphertext is read to `sealed`."""
        # The proven synthetic value, not the one that stands in the file by now.
        siv = self._siv(index)
        self._source.read_into(segment_offset(index) + SIV_BYTES, sealed)
        args = (self._key, self.header.raw, index, self._role(index))
        if not open_segment_into(*args, siv, sealed, content):
            raise diagnosis.of_segment(*args, memoryview(siv + sealed))

    def holds(self, index: int, content: BytesLike) -> bool:
        """Tell whether a data segment is of just this plaintext, without opening it.

        Its synthetic value is a collision-resistant function of key, place, role and
        plaintext, and was proven when the reader was made.
        """
        siv = self._key.siv(bind(self.header.raw, index, self._role(index)), content)
        return primitives.same(siv, self._siv(index))

    def read_at(self, offset: int, size: int) -> bytes:
        """Return `size` plaintext bytes from `offset`, fewer at the end of the file."""
        assert offset >= 0
        assert size >= 0
        end = min(offset + size, self.length)
        parts = []
        while offset < end:
            index, skip = divmod(offset, SEGMENT_BYTES)
            with memoryview(self.read_segment(index)) as content:
                part = content[skip : skip + end - offset]
                parts.append(bytes(part))
            offset += len(part)
        return b"".join(parts)

    def _end(self, index: int) -> int:
        """Return where the plaintext of a segment ends."""
        return min((index + 1) * SEGMENT_BYTES, self.length)

    def _role(self, index: int) -> Role:
        return Role.LAST if index == self.segments - 1 else Role.MORE

    def _siv(self, index: int) -> bytes:
        """Return the synthetic value of a segment as it was proven."""
        return self._sivs[index * SIV_BYTES : (index + 1) * SIV_BYTES]

    def _open_footer(self, sealed: memoryview) -> bytearray:
        args = (self._key, self.header.raw, self.segments)
        size_bytes = self._source.size_bytes
        content = open_segment(*args, Role.FOOTER, sealed)
        if content is None:
            start = segment_offset(self.segments - 1)
            rest = memoryview(self._source.read_at(start, size_bytes - start))
            raise diagnosis.of_footer(*args, rest)
        return content

    def _read_sivs(self) -> bytes:
        end = segment_offset(self.segments)
        return self._source.read_each(range(HEADER_BYTES, end, SEALED_SEGMENT_BYTES), SIV_BYTES)


def _clear(room: memoryview) -> None:
    """Zero what may hold plaintext that nobody shall see."""
    zeros = bytes(min(len(room), SEGMENT_BYTES))
    for start in range(0, len(room), SEGMENT_BYTES):
        part = room[start : start + SEGMENT_BYTES]
        part[:] = zeros[: len(part)]

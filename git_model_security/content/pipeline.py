"""The stages through which the bytes of one file pass, side by side where it is long.

Two digests bound the speed of a file: of the plaintext, which is signed, and of the
ciphertext, which names its object. Each has a thread, and so has sealing, so that
neither waits for the pipe. A segment moves from stage to stage and is copied by none.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, Protocol

from git_model_security.envelope import SEGMENT_BYTES, Sealer
from git_model_security.envelope.layout import SEALED_SEGMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor, Future

    from git_model_security.clone.digests import PlaintextHash
    from git_model_security.content.sealed import Sealed
    from git_model_security.envelope import Key, SegmentReader
    from git_model_security.envelope.layout import BytesLike

_AHEAD = 6
"""Segments that are opened before they are asked for."""


class Readable(Protocol):
    """What `cut` reads from."""

    def readinto(self, room: memoryview) -> int:
        """Reads into `room` and returns how many bytes, 0 only at the end."""


class Joined:
    """Pieces, to be read as one content."""

    def __init__(self, pieces: Iterator[BytesLike]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readinto(self, room: memoryview) -> int:
        """Reads into `room` and returns how many bytes, 0 only at the end."""
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        count = min(len(room), len(self._rest))
        room[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class Buffers:
    """Buffers of one length that are used again: a new megabyte has to be zeroed."""

    def __init__(self, size_bytes: int) -> None:
        self._size = size_bytes
        self._free: deque[bytearray] = deque()

    def take(self) -> bytearray:
        """Returns a buffer with anything in it."""
        try:
            return self._free.pop()
        except IndexError:
            return bytearray(self._size)

    def give(self, buffer: BytesLike) -> None:
        """Takes a buffer back that nobody looks at any more."""
        if isinstance(buffer, bytearray) and len(buffer) == self._size:
            self._free.append(buffer)


SEGMENTS = Buffers(SEGMENT_BYTES)
"""Where plaintext is read to."""


def cut(content: Readable) -> Iterator[BytesLike]:
    """Yields content in segments of 1 MiB, the last one shorter, each a buffer of its own."""
    while True:
        room = SEGMENTS.take()
        with memoryview(room) as view:
            filled = 0
            while filled < SEGMENT_BYTES and (count := content.readinto(view[filled:])):
                filled += count
        if filled < SEGMENT_BYTES:
            last = room[:filled]
            SEGMENTS.give(room)
            if filled:
                yield last
            return
        yield room


def seal(
    key: Key, segments: Iterator[BytesLike], sealed: Sealed, plaintext: PlaintextHash
) -> None:
    """Seals segments, all but the last of 1 MiB, taking them into the running digest too.

    Raises:
        EnvelopeError: there are none, or too many for an envelope.
        GitError: there is no room for the ciphertext.
    """
    first = next(segments, b"")
    second = next(segments, None)
    if second is None:
        plaintext.update(first)
        sealer = Sealer(key)
        for piece in sealer.update(first):
            sealed.write(piece)
        sealed.write(sealer.finish())
    else:
        _seal_long(key, itertools.chain((first, second), segments), sealed, plaintext)


def seal_bytes(key: Key, content: bytes) -> bytes:
    """Returns the envelope of small content; nothing has none."""
    if not content:
        return b""
    sealer = Sealer(key)
    return b"".join([*sealer.update(content), sealer.finish()])


def _seal_long(
    key: Key, segments: Iterator[BytesLike], sealed: Sealed, plaintext: PlaintextHash
) -> None:
    from git_model_security.content.background import Background

    sealer = Sealer(key)
    rooms = Buffers(SEALED_SEGMENT_BYTES)

    def write(piece: BytesLike) -> None:
        sealed.write(piece)
        rooms.give(piece)

    def seal_one(segment: BytesLike) -> None:
        for piece in sealer.segment(segment, rooms.take()):
            written.put(piece)
        SEGMENTS.give(segment)

    def take_in(segment: BytesLike) -> None:
        plaintext.update(segment)
        sealing.put(segment)

    # Each waits, when it is left, for what it was given: the innermost one first.
    with Background(write) as written:
        with Background(seal_one) as sealing, Background(take_in) as hashing:
            # The last segment is sealed as such, so one is held back.
            last = next(segments)
            for segment in segments:
                hashing.put(last)
                last = segment
        plaintext.update(last)
        for piece in sealer.update(last):
            written.put(piece)
        written.put(sealer.finish())


class Opening:
    """An envelope being opened: the plaintext, some segments ahead on other threads."""

    def __init__(self, reader: SegmentReader, pool: Executor) -> None:
        self._reader = reader
        self._pool = pool
        self._ahead: deque[Future[bytearray]] = deque()
        self._next = 0
        self.key_id = reader.header.key_id
        self.root = reader.root
        self._fill()

    def __iter__(self) -> Iterator[bytearray]:
        """Yields the segments in order.

        Raises:
            AuthenticationError: a segment is not authentic.
        """
        while self._ahead:
            segment = self._ahead.popleft().result()
            self._fill()
            yield segment

    def _fill(self) -> None:
        while self._next < self._reader.segments and len(self._ahead) < _AHEAD:
            self._ahead.append(self._pool.submit(self._reader.read_segment, self._next))
            self._next += 1

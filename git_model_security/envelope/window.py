"""A window over a stream that holds back what may be its end; and moving bytes.

An envelope does not say where it ends, so the last segment is known only when
the stream is: sealing holds back one byte, opening one footer and a byte. Must
not know what a segment is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.envelope.layout import BytesLike


_FIRST_BYTES = 64 * 1024


class Window:
    """One buffer of a full unit and what must be seen beyond it.

    Once it is full its first `unit_bytes` are known not to be the end.
    """

    def __init__(self, unit_bytes: int, beyond_bytes: int) -> None:
        self._unit_bytes = unit_bytes
        self._beyond_bytes = beyond_bytes
        self._size_bytes = unit_bytes + beyond_bytes
        # A small file does not pay for the megabyte, which is a mapping of its own.
        self._view = memoryview(bytearray(min(_FIRST_BYTES, self._size_bytes)))
        self._held_bytes = 0

    def room(self) -> memoryview:
        """Return where the next bytes go."""
        if self._held_bytes == len(self._view) < self._size_bytes:
            whole = memoryview(bytearray(self._size_bytes))
            whole[: self._held_bytes] = self._view
            self._view = whole
        return self._view[self._held_bytes :]

    def advance(self, count_bytes: int) -> None:
        """Say that so many bytes were put into `room`."""
        self._held_bytes += count_bytes

    def full(self) -> bool:
        """Say whether a unit may be taken that is not the end."""
        return self._held_bytes == self._size_bytes

    def unit(self) -> memoryview:
        """Return the full unit at the front; it is gone after `shift`."""
        return self._view[: self._unit_bytes]

    def shift(self) -> None:
        """Drop the unit at the front and keep what was seen beyond it."""
        self._view[: self._beyond_bytes] = self._view[self._unit_bytes :]
        self._held_bytes = self._beyond_bytes

    def rest(self) -> memoryview:
        """Return all that is held: at the end of the stream, its end."""
        return self._view[: self._held_bytes]


class Stage(Protocol):
    """A push transformation of a stream: `Sealer` or `Opener`."""

    def room(self) -> memoryview:
        """Return where the next input goes, never empty."""

    def advance(self, count_bytes: int) -> Sequence[BytesLike]:
        """Take so many bytes from `room`; return the output that is ready."""

    def finish(self) -> bytes:
        """Take the end of the input; return the rest of the output."""


def push(stage: Stage, data: BytesLike) -> list[BytesLike]:
    """Put all of `data` through a stage; return the output that is ready."""
    pieces: list[BytesLike] = []
    view = memoryview(data)
    while view:
        room = stage.room()
        assert room, "a stage that has raised takes no more"
        count_bytes = min(len(room), len(view))
        room[:count_bytes] = view[:count_bytes]
        pieces += stage.advance(count_bytes)
        view = view[count_bytes:]
    return pieces


def pump(stage: Stage, source: BinaryIO, sink: BinaryIO) -> None:
    """Put a whole file through a stage, reading into the stage's own buffer."""
    while count_bytes := read_into(source, stage.room()):
        for piece in stage.advance(count_bytes):
            write_all(sink, piece)
    write_all(sink, stage.finish())


def read_into(source: BinaryIO, room: memoryview) -> int:
    """Read at most as much as fits; 0 at the end of the stream."""
    readinto = getattr(source, "readinto", None)
    if readinto is not None:
        count = readinto(room)
        assert isinstance(count, int), "a non-blocking stream"
        return count
    data = source.read(len(room))
    room[: len(data)] = data
    return len(data)


def write_all(sink: BinaryIO, data: BytesLike) -> None:
    """Write all of `data`: an unbuffered file or a pipe may take less at once."""
    view = memoryview(data)
    while view:
        view = view[sink.write(view) :]

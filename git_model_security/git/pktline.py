"""The pkt-line framing (gitprotocol-common) as long-running filters use it.

A packet is four hexadecimal digits that count themselves and the payload; `0000`
is the flush packet that ends a list or a content.

Gigabytes pass through here, so bytes are read into one buffer and handed on where
they lie, and what is written goes to the pipe from where it lies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from git_model_security.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_PAYLOAD_BYTES = 65516
_HEADER_BYTES = 4
FLUSH = b"0000"
_BUFFER_BYTES = 1 << 20
_PIPE_BYTES = 1 << 20
_SMALL_BYTES = 16 << 10
"""What is shorter is gathered, so that a small file costs one system call."""
_PACKETS_AT_ONCE = 256
"""Half of the least `IOV_MAX` there is: each packet is a header and a payload."""


class Pipe:
    """Both directions of a pkt-line conversation, over two file descriptors.

    What is written waits for `send`: each one costs a switch to the process at the
    other end, which is most of the time of a small file.
    """

    def __init__(self, reader: int, writer: int) -> None:
        self._reader = reader
        self._writer = writer
        self._view = memoryview(bytearray(_BUFFER_BYTES))
        self._start = self._end = 0
        self._gathered = bytearray()

    def widen(self) -> None:
        """Lets the kernel hold more of the conversation, where it can (fcntl(2)).

        Then the two processes need not take turns for every 64 KiB.
        """
        size = getattr(fcntl, "F_SETPIPE_SZ", None)
        for descriptor in (self._reader, self._writer):
            if size is not None:
                with contextlib.suppress(OSError):
                    fcntl.fcntl(descriptor, size, _PIPE_BYTES)

    def read(self) -> memoryview | None:
        """Returns the payload of the next packet, or None for a flush packet.

        The payload is good until the next call.

        Raises:
            EOFError: the other end closed the pipe between two packets.
            ProtocolError: the bytes are no packet.
        """
        size = self._header()
        if size == 0:
            self._start += _HEADER_BYTES
            return None
        if not self._have(size):
            raise ProtocolError(f"a packet of {size} bytes ended early")
        payload = self._view[self._start + _HEADER_BYTES : self._start + size]
        self._start += size
        return payload

    def _header(self) -> int:
        """Returns the length that the next packet says it has, with its header."""
        if not self._have(_HEADER_BYTES):
            if self._start != self._end:
                raise ProtocolError("a packet ended early")
            raise EOFError
        header = bytes(self._view[self._start : self._start + _HEADER_BYTES])
        try:
            size = int(header, 16)
        except ValueError as error:
            raise ProtocolError(f"not a packet length: {header!r}") from error
        if 0 < size < _HEADER_BYTES:
            raise ProtocolError(f"a packet of {size} bytes ended early")
        return size

    def _have(self, size: int) -> bool:
        """Reads until so many bytes are in the buffer; False when the pipe ends before."""
        while self._end - self._start < size:
            if self._start + size > len(self._view):
                rest = self._end - self._start
                self._view[:rest] = self._view[self._start : self._end]
                self._start, self._end = 0, rest
            elif self._start == self._end:
                self._start = self._end = 0
            count = os.readv(self._reader, [self._view[self._end :]])
            if not count:
                return False
            self._end += count
        return True

    def read_list(self) -> list[bytes]:
        """Returns the lines up to the next flush packet, without their line feeds."""
        lines = []
        while (payload := self.read()) is not None:
            lines.append(bytes(payload).removesuffix(b"\n"))
        return lines

    def content(self) -> Content:
        """Returns the content up to the next flush packet, to be read or skipped."""
        return Content(self)

    def read_some(self, room: memoryview, left: int) -> tuple[int, int]:
        """Reads content straight to where it shall go.

        Args:
            left: what is left of the payload of the packet before.

        Returns:
            How many bytes were read, 0 at the flush packet, and what is left now.

        Raises:
            EOFError: the other end closed the pipe.
            ProtocolError: the bytes are no packet.
        """
        if not left:
            left = self._next_size()
        count = min(left, len(room), max(self._end - self._start, 0))
        if count:
            room[:count] = self._view[self._start : self._start + count]
            self._start += count
        elif left:
            # Nothing is buffered. The header that follows comes in the same call.
            self._start = self._end = 0
            count = min(left, len(room))
            pieces = [room[:count]]
            if count == left:
                pieces.append(self._view[:_HEADER_BYTES])
            total = os.readv(self._reader, pieces)
            if not total:
                raise ProtocolError("a content ended early")
            self._end = max(0, total - count)
            count = min(count, total)
        return count, left - count

    def _next_size(self) -> int:
        """Returns the length of the next payload, 0 for a flush packet."""
        header = self._header()
        self._start += _HEADER_BYTES
        return max(0, header - _HEADER_BYTES)

    def write_list(self, lines: Iterable[bytes]) -> None:
        """Writes lines and a flush packet."""
        for line in lines:
            self._gathered += b"%04x%b\n" % (len(line) + 1 + _HEADER_BYTES, line)
        self.write_flush()

    def write_content(self, data: bytes | bytearray | memoryview) -> None:
        """Writes content in as few packets as it needs."""
        view = memoryview(data)
        if not view:
            return
        if len(view) <= _SMALL_BYTES:
            self._gathered += b"%04x" % (len(view) + _HEADER_BYTES)
            self._gathered += view
            if len(self._gathered) >= _BUFFER_BYTES:
                self.send()
            return
        self.send()
        pieces: list[bytes | memoryview] = []
        for start in range(0, len(view), MAX_PAYLOAD_BYTES):
            payload = view[start : start + MAX_PAYLOAD_BYTES]
            pieces += (b"%04x" % (len(payload) + _HEADER_BYTES), payload)
        for start in range(0, len(pieces), 2 * _PACKETS_AT_ONCE):
            self._write(pieces[start : start + 2 * _PACKETS_AT_ONCE])

    def write_flush(self) -> None:
        """Writes a flush packet."""
        self._gathered += FLUSH

    def send(self) -> None:
        """Hands over what was written; before a read that waits for the answer to it."""
        if self._gathered:
            gathered, self._gathered = self._gathered, bytearray()
            self._write([gathered])

    def _write(self, pieces: Sequence[bytes | bytearray | memoryview]) -> None:
        count = os.writev(self._writer, pieces)
        for piece in pieces:
            # A signal may have cut the write short.
            rest = memoryview(piece)[min(count, len(piece)) :]
            count = max(0, count - len(piece))
            while rest:
                rest = rest[os.write(self._writer, rest) :]


class Content:
    """The content of one file, read once from its beginning."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._left = 0
        self._head = b""
        self._ended = False

    def peek(self, size: int) -> bytes:
        """Returns the first bytes, fewer only where there are no more of them.

        Call it before anything is read.
        """
        head = memoryview(bytearray(size))
        filled = 0
        while filled < size and (count := self._read(head[filled:])):
            filled += count
        self._head = bytes(head[:filled])
        return self._head

    def readinto(self, room: memoryview) -> int:
        """Reads into `room` and returns how many bytes, 0 only at the end."""
        if not self._head:
            return self._read(room)
        count = min(len(self._head), len(room))
        room[:count] = self._head[:count]
        self._head = self._head[count:]
        return count

    def __iter__(self) -> Iterator[bytes]:
        """Yields what was not read yet."""
        room = memoryview(bytearray(MAX_PAYLOAD_BYTES))
        while count := self.readinto(room):
            yield bytes(room[:count])

    def drain(self) -> None:
        """Skips what was not read; the other end writes all before it reads."""
        for _ in self:
            pass

    def _read(self, room: memoryview) -> int:
        if self._ended:
            return 0
        count, self._left = self._pipe.read_some(room, self._left)
        self._ended = not count
        return count

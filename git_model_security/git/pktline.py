"""The pkt-line framing (gitprotocol-common) as long-running filters use it.

A packet is four hexadecimal digits that count themselves and the payload; `0000`
is the flush packet that ends a list or a content.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from git_model_security.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_PAYLOAD_BYTES = 65516
_HEADER_BYTES = 4
FLUSH = b"0000"


class Pipe:
    """Both directions of a pkt-line conversation.

    What is written waits in the writer's buffer for `send`: each one costs a switch
    to the process at the other end, which is most of the time of a small file.
    """

    def __init__(self, reader: IO[bytes], writer: IO[bytes]) -> None:
        self._reader = reader
        self._writer = writer

    def read(self) -> bytes | None:
        """Returns the payload of the next packet, or None for a flush packet.

        Raises:
            EOFError: the other end closed the pipe between two packets.
            ProtocolError: the bytes are no packet.
        """
        header = self._reader.read(_HEADER_BYTES)
        if not header:
            raise EOFError
        try:
            size = int(header, 16)
        except ValueError as error:
            raise ProtocolError(f"not a packet length: {header!r}") from error
        if size == 0:
            return None
        payload = self._reader.read(size - _HEADER_BYTES) if size > _HEADER_BYTES else b""
        if size < _HEADER_BYTES or len(payload) != size - _HEADER_BYTES:
            raise ProtocolError(f"a packet of {size} bytes ended early")
        return payload

    def read_list(self) -> list[bytes]:
        """Returns the lines up to the next flush packet, without their line feeds."""
        return [payload.removesuffix(b"\n") for payload in self.read_content()]

    def read_content(self) -> Iterator[bytes]:
        """Yields payloads up to the next flush packet."""
        while (payload := self.read()) is not None:
            yield payload

    def write_list(self, lines: Iterable[bytes]) -> None:
        """Writes lines and a flush packet."""
        for line in lines:
            self._write(line + b"\n")
        self.write_flush()

    def write_content(self, data: bytes | bytearray | memoryview) -> None:
        """Writes content in as few packets as it needs."""
        view = memoryview(data)
        for start in range(0, len(view), MAX_PAYLOAD_BYTES):
            self._write(view[start : start + MAX_PAYLOAD_BYTES])

    def write_flush(self) -> None:
        """Writes a flush packet."""
        self._writer.write(FLUSH)

    def send(self) -> None:
        """Hands over what was written; before a read that waits for the answer to it."""
        self._writer.flush()

    def _write(self, payload: bytes | bytearray | memoryview) -> None:
        self._writer.write(b"%04x" % (len(payload) + _HEADER_BYTES))
        self._writer.write(payload)

"""A file that is read at offsets, by several threads.

Must not know what an envelope is.
"""

from __future__ import annotations

import io
import os
import threading
from typing import BinaryIO

from git_model_security.envelope.layout import CUT_SHORT_HINT
from git_model_security.envelope.window import read_into
from git_model_security.errors import EnvelopeError


class Source:
    """Reads at offsets from several threads: `pread` where possible, else a lock."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._fd = _plain_descriptor(file)
        if self._fd is None:
            self.size_bytes = file.seek(0, os.SEEK_END)
        else:
            self.size_bytes = os.fstat(self._fd).st_size

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return so many bytes, fewer at the end of the file."""
        size_bytes = max(0, min(size_bytes, self.size_bytes - offset))
        parts = []
        while size_bytes:
            part = self._read_some(offset, size_bytes)
            if not part:
                raise EnvelopeError("truncated while it was read", hint=CUT_SHORT_HINT)
            parts.append(part)
            offset += len(part)
            size_bytes -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_into(self, offset: int, room: memoryview) -> None:
        """Fill `room`.

        Raises:
            EnvelopeError: the file ends before.
        """
        while room:
            if self._fd is not None:
                count = os.preadv(self._fd, [room], offset)
            else:
                with self._lock:
                    self._file.seek(offset)
                    count = read_into(self._file, room)
            if not count:
                raise EnvelopeError("truncated while it was read", hint=CUT_SHORT_HINT)
            offset += count
            room = room[count:]

    def read_each(self, offsets: range, size_bytes: int) -> bytes:
        """Return so many bytes from each offset, one after the other.

        Raises:
            EnvelopeError: the file ends before.
        """
        if self._fd is None:
            return b"".join(self.read_at(offset, size_bytes) for offset in offsets)
        # Thousands of small reads are what it takes to open an envelope: no call of ours each.
        pread, descriptor = os.pread, self._fd
        found = b"".join([pread(descriptor, size_bytes, offset) for offset in offsets])
        if len(found) != size_bytes * len(offsets):
            raise EnvelopeError("truncated while it was read", hint=CUT_SHORT_HINT)
        return found

    def _read_some(self, offset: int, size_bytes: int) -> bytes:
        if self._fd is not None:
            return os.pread(self._fd, size_bytes, offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size_bytes)


def _plain_descriptor(file: BinaryIO) -> int | None:
    """Return the descriptor whose bytes are the file's own, or None.

    A `fileno` alone proves nothing: that of a gzip file is the compressed
    file's, and a writable buffered file may hold bytes back.
    """
    raw = file.raw if isinstance(file, io.BufferedReader) else file
    return raw.fileno() if isinstance(raw, io.FileIO) else None

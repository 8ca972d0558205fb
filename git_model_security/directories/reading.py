"""Reading files so that what is done with them later is done with just these.

What was verified could be exchanged before it is written. So each file that is read leaves
what stands for it: of an envelope its root, which commits to every byte for whoever has the
key, and of another file its SHA-256.
"""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING, BinaryIO, cast

from git_model_security.content import blob
from git_model_security.envelope import (
    HEADER_BYTES,
    SEGMENT_BYTES,
    Sealer,
    SegmentReader,
    memory,
)
from git_model_security.envelope.root import RunningRoot
from git_model_security.errors import KeyNotFoundError
from git_model_security.git.paths import shown
from git_model_security.verification import file_digests
from git_model_security.verification.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from git_model_security.envelope import Key
    from git_model_security.envelope.layout import BytesLike


class AsTheyStand(Reading):
    """Reads files as they stand.

    Attributes:
        seen: what stands for each file that was read, by its path.
        sealed: those of them that begin as an envelope does, also where none is so long.
    """

    may_be_sealed = True

    def __init__(self) -> None:
        self.seen: dict[bytes, bytes] = {}
        self.sealed: set[bytes] = set()

    def chunks(
        self, path: bytes, descriptor: int, room: memoryview | None
    ) -> Iterator[BytesLike]:
        """Yields what a file holds."""
        root, plain = RunningRoot(), hashlib.sha256()
        is_sealed = blob.is_sealed(os.pread(descriptor, HEADER_BYTES, 0))
        if is_sealed:
            self.sealed.add(path)
        for chunk in file_digests.read_chunks(path, descriptor, room):
            (root if is_sealed else plain).update(chunk)
            yield chunk
        found = root.finish() if is_sealed else plain.digest()
        if found is not None:
            self.seen[path] = found


class Opened(AsTheyStand):
    """Reads files, and of what is encrypted the plaintext, without writing it anywhere."""

    def __init__(self, key: Key) -> None:
        super().__init__()
        self._key = key

    def chunks(
        self, path: bytes, descriptor: int, room: memoryview | None
    ) -> Iterator[BytesLike]:
        """Yields what a file holds, decrypted, in pages that no core dump shows.

        Raises:
            KeyNotFoundError: it is sealed under another key.
            EnvelopeError: it is damaged.
        """
        if not blob.is_sealed(os.pread(descriptor, HEADER_BYTES, 0)):
            yield from super().chunks(path, descriptor, room)
            return
        with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
            reader = open_segments(self._key, path, cast("BinaryIO", file))
            own = memory.allocate(min(SEGMENT_BYTES, reader.length))
            for start in range(0, reader.length, SEGMENT_BYTES):
                length = min(SEGMENT_BYTES, reader.length - start)
                chunk = memory.allocate(length) if room is None else own[:length]
                reader.read_into(start, chunk)
                yield chunk
            self.seen[path] = reader.root
            self.sealed.add(path)

    def bundle(self, path: bytes, data: bytes) -> bytes:
        """Returns the bundle that a file holds, decrypted."""
        if not blob.is_sealed(data[:HEADER_BYTES]):
            return data
        reader = open_segments(self._key, path, io.BytesIO(data))
        self.seen[path] = reader.root
        return b"".join(map(reader.read_segment, range(reader.segments)))


class Resealed(AsTheyStand):
    """Reads files as they stand, and of those that were decrypted their ciphertext.

    Which is always the same, so that who was interrupted finds what was signed again.
    """

    def __init__(self, key: Key, decrypted: Collection[bytes]) -> None:
        super().__init__()
        self._key = key
        self._decrypted = decrypted

    def chunks(
        self, path: bytes, descriptor: int, room: memoryview | None
    ) -> Iterator[BytesLike]:
        """Yields what a file holds, encrypted where it is one of those."""
        if path not in self._decrypted:
            yield from super().chunks(path, descriptor, room)
            return
        sealer = Sealer(self._key)
        for chunk in file_digests.read_chunks(path, descriptor, room):
            yield from sealer.update(chunk)
        yield sealer.finish()


def open_segments(key: Key, path: bytes, file: BinaryIO) -> SegmentReader:
    """Opens the envelope in a file.

    Raises:
        KeyNotFoundError: it is sealed under another key.
        EnvelopeError: it is damaged.
    """
    try:
        return SegmentReader(key, file)
    except KeyNotFoundError as error:
        raise KeyNotFoundError(
            f"{shown(path)}: is encrypted under another key than the one that was given",
            hint="give the key that it was encrypted with (--encryption-key FILE)",
        ) from error

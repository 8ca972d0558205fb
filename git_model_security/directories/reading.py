"""Reading files so that what is done with them later is done with just these.

What was verified could be exchanged before it is written. So each file that is read leaves
what stands for it: of an envelope its root, which commits to every byte for whoever has the
key, and of another file its SHA-256.
"""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from git_model_security.content import blob
from git_model_security.directories import selection
from git_model_security.envelope import (
    HEADER_BYTES,
    SEGMENT_BYTES,
    Sealer,
    SegmentReader,
    memory,
)
from git_model_security.envelope.root import RunningRoot, of_file
from git_model_security.errors import KeyNotFoundError
from git_model_security.git.paths import shown
from git_model_security.verification import file_digests
from git_model_security.verification.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from git_model_security.directories.selection import File, Selection
    from git_model_security.envelope import Key
    from git_model_security.envelope.layout import BytesLike


class Seen(NamedTuple):
    """What stands for a file: the root of an envelope, or the SHA-256 of another file.

    Which of them is part of it: a file can be made whose SHA-256 is the root of an envelope.
    """

    is_root: bool
    value: bytes


_NOTHING = Seen(is_root=True, value=b"")
"""What no file has."""


class Remembering(Reading):
    """Reads files as they stand, and remembers what stands for each of them.

    Attributes:
        seen: what stands for each file that was read, by its path.
        bundles: those of them that are bundles.
        led: the files that names lead to by links, by these names.
        sealed: those of them that begin as an envelope does, also where none is so long.
        signature: the bundle that was read, in clear.
    """

    may_be_sealed = True

    def __init__(self) -> None:
        self.seen: dict[bytes, Seen] = {}
        self.bundles: set[bytes] = set()
        self.led: dict[bytes, bytes] = {}
        self.sealed: set[bytes] = set()
        self.signature = b""

    def forget(self, path: bytes) -> None:
        """See `Reading`."""
        self.seen[path] = _NOTHING

    def follow(self, places: Mapping[bytes, bytes]) -> None:
        """See `Reading`."""
        self.led |= {name: place for name, place in places.items() if name != place}

    def chunks(
        self, path: bytes, descriptor: int, room: memoryview | None
    ) -> Iterator[BytesLike]:
        """Yields what a file holds."""
        plain = None if of_file(descriptor) else hashlib.sha256()
        root = RunningRoot()
        if blob.is_sealed(os.pread(descriptor, HEADER_BYTES, 0)):
            self.sealed.add(path)
        for chunk in file_digests.read_chunks(path, descriptor, room):
            root.update(chunk)
            if plain is not None:
                plain.update(chunk)
            yield chunk
        if plain is not None:
            self.seen[path] = Seen(is_root=False, value=plain.digest())
        else:  # of what was changed meanwhile nothing stands for it
            found = root.finish()
            self.seen[path] = Seen(is_root=True, value=found) if found else _NOTHING

    def bundle(self, path: bytes, data: bytes) -> bytes:
        """Returns the bundle that a file holds; see `Reading`."""
        self.signature = super().bundle(path, data)
        return self.signature


class Opened(Remembering):
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
            self.seen[path] = Seen(is_root=True, value=reader.root)
            self.sealed.add(path)

    def bundle(self, path: bytes, data: bytes) -> bytes:
        """Returns the bundle that a file holds, decrypted."""
        if not blob.is_sealed(data[:HEADER_BYTES]):
            return super().bundle(path, data)
        reader = open_segments(self._key, path, io.BytesIO(data))
        self.seen[path] = Seen(is_root=True, value=reader.root)
        self.bundles.add(path)
        self.signature = b"".join(map(reader.read_segment, range(reader.segments)))
        return self.signature


class Resealed(Remembering):
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
        sealer, plain = Sealer(self._key), hashlib.sha256()
        for chunk in file_digests.read_chunks(path, descriptor, room):
            plain.update(chunk)
            yield from sealer.update(chunk)
        yield sealer.finish()
        self.seen[path] = Seen(is_root=False, value=plain.digest())


def open_segments(key: Key, path: bytes, file: BinaryIO) -> SegmentReader:
    """Opens the envelope in a file.

    Raises:
        KeyNotFoundError: it is sealed under another key.
        EnvelopeError: it is damaged.
    """
    try:
        return SegmentReader(key, file)
    except KeyNotFoundError as error:
        raise _under_another_key(path) from error


def require_key(found: Selection, chosen: Sequence[File], key: Key) -> None:
    """Raises where a file says that it is under another key, before any is decrypted.

    Raises:
        KeyNotFoundError: one does.
    """
    others = [file for file in chosen if file.key_id != key.id]
    if others:
        error = _under_another_key(others[0].path)
        if len(others) < len(chosen):
            named = shown(selection.place(found.top, others[0].path))
            error.hint = f"{error.hint}, or leave it out: --ignore-paths {named}"
        raise error


def _under_another_key(path: bytes) -> KeyNotFoundError:
    """Returns the error of a file that the key does not open."""
    return KeyNotFoundError(
        f"{shown(path)}: is encrypted under another key than the one that was given",
        hint="give the key that it was encrypted with (--encryption-key FILE)",
    )

"""Is what arrives just what the index holds? Told without sealing it again.

After a `touch`, `git status` runs clean over the whole file. The envelope that the
index points to has the synthetic value of each segment, a keyed and collision
resistant digest of its plaintext: comparing those is a BLAKE3 of what arrives, and
right whatever the file's time stamps say. From the first difference on, clean goes
its usual way; what was read until then is in the envelope.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from git_model_security.content import blob
from git_model_security.content.pipeline import SEGMENTS
from git_model_security.envelope import HEADER_BYTES, SegmentReader
from git_model_security.errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.clone.clone import Clone
    from git_model_security.envelope.layout import BytesLike


class Staged:
    """The envelope that the index has at a path, and the blob that points to it."""

    def __init__(self, oid: str, reader: SegmentReader) -> None:
        self.oid = oid
        self._reader = reader

    @classmethod
    def find(cls, clone: Clone, path: bytes, size: int | None) -> Staged | None:
        """Returns it, where its plaintext has the length of the work tree file.

        None also where it is no object of git-lfs on this machine, or does not open:
        then the file has to be sealed.
        """
        oid = clone.staged.get(path)
        if oid is None or not size:
            return None
        known = clone.digests.get(oid)
        if known is not None and known.length != size:
            return None
        pointer = blob.pointer_of(clone.objects.stream(oid))
        if pointer is None:
            return None
        try:
            file = clone.lfs.open(pointer)
            header = blob.find_header(file.read(HEADER_BYTES))
            if header is None or header.key_id not in clone.ring.keys:
                return None
            reader = SegmentReader(clone.ring.keys[header.key_id], file)
        except (Error, OSError):
            return None
        return cls(oid, reader) if reader.length == size else None

    def rest(self, segments: Iterator[BytesLike]) -> Iterator[BytesLike] | None:
        """Compares segments; returns all of them when some differ, None when none does."""
        count = 0
        for segment in segments:
            if count == self._reader.segments or not self._reader.holds(count, segment):
                return itertools.chain(self._before(count), (segment,), segments)
            SEGMENTS.give(segment)
            count += 1
        return self._before(count) if count < self._reader.segments else None

    def _before(self, count: int) -> Iterator[BytesLike]:
        return (self._reader.read_segment(index) for index in range(count))

"""Sticky clean: the index's blob stays where the plaintext does, in whatever shape it is.

After a `touch`, `git status` runs clean over the whole file. The envelope that the
index points to has the synthetic value of each segment, a keyed and collision
resistant digest of its plaintext: comparing those costs a BLAKE3 of what arrives, and is
right whatever the file's time stamps say. So an unchanged file is known without being
sealed again. From the first difference on, clean goes its usual way; the segments before
it are read from the envelope.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from git_model_security.content import blob, reader
from git_model_security.content.pipeline import SEGMENTS
from git_model_security.envelope import HEADER_BYTES, SegmentReader
from git_model_security.errors import Error, NotFetchedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.clone.clone import Clone
    from git_model_security.clone.digests import Digests
    from git_model_security.envelope.layout import BytesLike


def find_same(clone: Clone, path: bytes, oid: str, new: Digests) -> str | None:
    """Returns the index's blob when it opens to the same plaintext in another shape.

    Key, storage and threshold may change while the plaintext does not: then the entry
    stays, or every file would show as modified for ever. Under the *same* key equal
    plaintext is the equal envelope, wherever it lives.
    """
    staged = clone.staged.get(path)
    if staged is None or staged == oid:
        return None
    key_id = reader.key_id(clone, staged)
    if key_id is None:
        return staged if _is_clear_elsewhere(clone, path, staged, new) else None
    if key_id not in clone.ring.keys:
        return None
    if key_id == new.key_id:
        alike = reader.sealed_sha256(clone, staged) == new.sealed_sha256
    else:
        alike = is_same(reader.digests(clone, staged), new)
    return staged if alike else None


def _is_clear_elsewhere(clone: Clone, path: bytes, staged: str, new: Digests) -> bool:
    """Tells whether unchanged content is in Git in clear, by a policy not taken over here.

    Somebody pulled that `.gitmodel` with this very content, so nothing gets out by giving
    it back; and encrypted, it would show as modified for ever. What is changed here is
    encrypted, as the pinned policy says.
    """
    if path not in clone.claimed_clear:
        return False
    try:
        return is_same(reader.digests(clone, staged), new)
    except NotFetchedError:
        return False


def is_same(one: Digests, other: Digests) -> bool:
    """Tells whether two plaintexts are known to be the same."""
    for name in ("sha256", "blake3"):
        value = one.get(name)
        if value is not None and value == other.get(name):
            return one.length == other.length
    return False


class Staged:
    """The envelope that the index has at a path, and the blob that points to it."""

    def __init__(self, oid: str, reader: SegmentReader) -> None:
        self.oid = oid
        self._reader = reader

    @classmethod
    def find(cls, clone: Clone, path: bytes, size: int | None) -> Staged | None:
        """Returns the envelope at a path, if its plaintext is as long as the work tree file.

        None also where the envelope is no object of git-lfs on this machine, or does not
        open: then the file has to be sealed.
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

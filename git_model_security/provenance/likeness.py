"""Whether content was made of somebody else's: renamed, and edited (clause 3 d).

Contents are compared by the runs of bytes that they have in common. Of a long one, which
nobody would wait for, only the runs after certain bytes are taken: the same ones in both.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.content import blob, reader
from git_model_security.content.blob import Kind
from git_model_security.errors import Error
from git_model_security.git import batch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.clone import Clone

_RUN_BYTES = 12
_SHARE = 0.2
"""Of the runs of either content: from here on one was made of the other."""
_TELLING = 64 - _RUN_BYTES
"""As many runs as 64 bytes of text have."""
_READ_BYTES = 64 << 20
_MOST_ANCHORED = 1 << 21
"""Of weights these are the anchors of 64 MiB; a text of nothing but line ends has more."""
_SHORT_BYTES = 256 << 10
_AHEAD_BYTES = 64 << 10
_ANCHOR = re.compile(rb"[\n,;\x00\x40\x80\xc0]")


class Runs(NamedTuple):
    """The runs of bytes of some content.

    Attributes:
        anchored: those after certain bytes.
        all: all of them; None where there are too many.
    """

    anchored: frozenset[int]
    all: frozenset[int] | None

    def __sub__(self, other: Runs) -> Runs:
        """Returns the runs that the other content has not."""
        gone = other.anchored if other.all is None else other.all
        whole = None if self.all is None else self.all - gone
        return Runs(self.anchored - other.anchored, whole)

    def __bool__(self) -> bool:
        """Tells whether there are any."""
        return bool(self.anchored if self.all is None else self.all)

    @property
    def is_telling(self) -> bool:
        """Whether there are more than people write alike, an import for example."""
        return self.all is None or len(self.all) >= _TELLING


class Likeness:
    """Compares the contents of blobs; each is read once."""

    def __init__(self, clone: Clone) -> None:
        self._clone = clone
        self._known: dict[str, Runs] = {}

    def runs(self, oids: Iterable[str]) -> Runs:
        """Returns the runs of bytes of all those blobs; those that do not open have none."""
        found = list(map(self._runs, oids))
        anchored = frozenset(run for one in found for run in one.anchored)
        if any(one.all is None for one in found):
            return Runs(anchored, None)
        return Runs(anchored, frozenset(run for one in found for run in one.all or ()))

    def read_ahead(self, oids: Iterable[str]) -> None:
        """Reads the short ones among many blobs at once, where they are in clear."""
        wanted = [oid for oid in dict.fromkeys(oids) if oid not in self._known]
        sizes = batch.sizes(self._clone.repo, wanted)
        short = [oid for oid in wanted if sizes.get(oid, _AHEAD_BYTES) < _AHEAD_BYTES]
        for oid, (_, data) in zip(short, self._clone.objects.read_many(short), strict=True):
            if blob.classify(data[: blob.HEAD_BYTES], len(data)) is Kind.CLEAR:
                self._known[oid] = _cut(data)

    def _runs(self, oid: str) -> Runs:
        if oid not in self._known:
            self._known[oid] = _cut(self._read(oid))
        return self._known[oid]

    def _read(self, oid: str) -> bytes:
        data = bytearray()
        try:
            for piece in reader.open_content(self._clone, oid):
                data += piece
                if len(data) >= _READ_BYTES:
                    break
        except Error:
            return b""
        return bytes(data)


def is_made_of(mine: Runs, theirs: Runs) -> bool:
    """Tells whether contents have so much in common that one was made of the other."""
    one, other = _comparable(mine, theirs)
    fewest = min(len(one), len(other))
    return bool(fewest) and len(one & other) >= _SHARE * fewest


def is_same_loss(mine: Runs, theirs: Runs) -> bool:
    """Tells whether what contents lost is so much the same that one was made of the other.

    Of both, as who writes a file anew loses all of it.
    """
    one, other = _comparable(mine, theirs)
    most = max(len(one), len(other))
    return bool(most) and len(one & other) >= _SHARE * most


def _comparable(one: Runs, other: Runs) -> tuple[frozenset[int], frozenset[int]]:
    if one.all is None or other.all is None:
        return one.anchored, other.anchored
    return one.all, other.all


def _cut(data: bytes) -> Runs:
    last = len(data) - _RUN_BYTES
    ends = (found.end() for found in _ANCHOR.finditer(data, 0, max(last, 0)))
    starts = itertools.chain((0,), itertools.islice(ends, _MOST_ANCHORED))
    anchored = _hash(data, starts if last >= 0 else ())
    return Runs(anchored, _hash(data, range(last + 1)) if len(data) <= _SHORT_BYTES else None)


def _hash(data: bytes, starts: Iterable[int]) -> frozenset[int]:
    return frozenset(hash(data[start : start + _RUN_BYTES]) for start in starts)

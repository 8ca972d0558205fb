"""The pointer that stands in Git for an object of git-lfs (its docs/spec.md).

Only the canonical pointer is one: "there is exactly one valid encoding for a
pointer file". git-lfs itself tolerates more (CRLF, old URLs, blanks), so whatever
it might take for a pointer is told by `is_alike`, and never passes for content.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_BYTES = 1024
"""git-lfs takes no longer blob for a pointer (lfs/pointer.go, blobSizeCutoff)."""

MAX_OBJECT_BYTES = 1 << 41
"""An envelope is half as long at most; a claim beyond that is no pointer to us."""

_CANONICAL = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"oid sha256:([0-9a-f]{64})\n"
    rb"size (0|[1-9][0-9]{0,18})\n"
)
# git-lfs trims blanks, takes CRLF, any order of keys, and the two names it had before.
_ALIKE = re.compile(rb"\s*(version https?://(git-lfs|hawser|git-media)\b|\[git-media\])")


class Pointer(NamedTuple):
    """What a pointer says: SHA-256 of the object in hexadecimal, and its length in bytes."""

    oid: str
    size: int

    def render(self) -> bytes:
        """Returns the blob; `parse` gives the same pointer back."""
        lines = ("version https://git-lfs.github.com/spec/v1", f"oid sha256:{self.oid}")
        return "\n".join((*lines, f"size {self.size}\n")).encode()


def parse(blob: bytes) -> Pointer | None:
    """Reads a whole blob; None when it is no canonical pointer."""
    found = _CANONICAL.fullmatch(blob) if len(blob) <= MAX_BYTES else None
    if found is None or int(found[2]) > MAX_OBJECT_BYTES:
        return None
    return Pointer(found[1].decode(), int(found[2]))


def is_alike(head: bytes, size: int) -> bool:
    """Tells whether git-lfs may take a blob for a pointer, canonical or not."""
    return size < MAX_BYTES and _ALIKE.match(head) is not None

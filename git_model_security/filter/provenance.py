"""Which content was made here: the record that keeps signing from laundering.

A signer vouches for content. Content that somebody pushed must not become signed
because the next innocent commit carries it along, so the commit hook signs only
entries that were *cleaned* here since the last commit, or that a verified parent
already held. Restoring what Git itself had *smudged* at a path (`git reset`, then
`git add`) makes nothing new, and is not counted as cleaned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.filter.database import Memory

Pair = tuple[bytes, str]
"""A path and the oid of the blob at it."""


class Provenance:
    """The tables of cleaned and smudged pairs."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def smudged(self, path: bytes, oid: str) -> None:
        """Records that Git wrote a blob's content at a path."""
        self._memory.execute("INSERT OR IGNORE INTO smudged VALUES (?, ?)", (path, oid))

    def cleaned(self, path: bytes, oid: str) -> None:
        """Records that content made here became a blob at a path."""
        self._memory.execute(
            "INSERT OR IGNORE INTO cleaned SELECT ?1, ?2 WHERE NOT EXISTS"
            " (SELECT 1 FROM smudged WHERE path = ?1 AND oid = ?2)",
            (path, oid),
        )

    def merged(self, path: bytes, oid: str) -> None:
        """Records that our merge driver made a blob of two others for a path.

        It is worth what the worse of the two is: see `vouching`.
        """
        self._memory.execute("INSERT OR IGNORE INTO merged VALUES (?, ?)", (path, oid))

    def adopt(self, pairs: Iterable[Pair]) -> None:
        """Records pairs that a person decided to vouch for."""
        self._memory.execute_many("INSERT OR IGNORE INTO cleaned VALUES (?, ?)", pairs)

    def made_here(self) -> set[Pair]:
        """Returns the pairs cleaned or adopted since they were last committed."""
        return set(self._memory.execute("SELECT path, oid FROM cleaned"))

    def merged_here(self) -> set[Pair]:
        """Returns the pairs that our merge driver made."""
        return set(self._memory.execute("SELECT path, oid FROM merged"))

    def committed(self, pairs: Iterable[Pair]) -> None:
        """Forgets pairs that a commit holds: its signature vouches for them now.

        Kept, they would let somebody bring an old version back unseen.
        """
        self._memory.execute_many("DELETE FROM cleaned WHERE path = ? AND oid = ?", pairs)

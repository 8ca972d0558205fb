"""Which content was made here: the record that keeps signing from laundering.

A signer vouches for content. Content that somebody pushed must not become signed
because the next innocent commit carries it along, so the commit hook signs only what
was *cleaned* here since the last commit, or what `provenance.vouching` knows better.

Encryption is deterministic, so content that came from elsewhere cleans to a blob that
is in the object store already: only a blob that is new there was made here. Losing
this record therefore loses no safety. What came in *clear* at a protected path cleans
to a blob nobody has seen; smudge remembers that one as foreign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.database import Memory

Pair = tuple[bytes, str]
"""A path and the oid of the blob at it; an empty oid where the path was removed."""


class Provenance:
    """The tables of what was cleaned, merged, adopted, and what is foreign."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def cleaned(self, path: bytes, oid: str) -> None:
        """Records that content made here became a new blob at a path."""
        self._memory.execute(
            "INSERT OR IGNORE INTO cleaned SELECT ?1, ?2 WHERE NOT EXISTS"
            " (SELECT 1 FROM foreigners WHERE oid = ?2)",
            (path, oid),
        )

    def foreign(self, oid: str) -> None:
        """Records the blob that clean would make of content that came in clear."""
        self._memory.execute("INSERT OR IGNORE INTO foreigners VALUES (?)", (oid,))

    def merged(self, path: bytes, oid: str, ours: str, theirs: str) -> None:
        """Records that our merge driver made a blob of two others for a path."""
        row = (path, oid, ours, theirs)
        self._memory.execute("INSERT OR IGNORE INTO merged VALUES (?, ?, ?, ?)", row)

    def adopt(self, pairs: Iterable[Pair]) -> None:
        """Records pairs that a person decided to vouch for."""
        self._memory.execute_many("INSERT OR IGNORE INTO adopted VALUES (?, ?)", pairs)

    def cleaned_here(self) -> set[Pair]:
        """Returns the pairs cleaned since their paths were last committed."""
        return set(self._memory.execute("SELECT path, oid FROM cleaned"))

    def adopted(self) -> set[Pair]:
        """Returns the pairs adopted since their paths were last committed."""
        return set(self._memory.execute("SELECT path, oid FROM adopted"))

    def merged_here(self) -> list[tuple[bytes, str, str, str]]:
        """Returns path and oid of what our merge driver made, and the two oids merged."""
        return list(self._memory.execute("SELECT path, oid, ours, theirs FROM merged"))

    def committed(self, paths: Iterable[bytes]) -> None:
        """Forgets all of the paths that a signed commit changed.

        Kept, it would let somebody bring an earlier version back unseen.
        """
        rows = [(path,) for path in paths]
        for table in ("cleaned", "adopted", "merged"):
            statement = f"DELETE FROM {table} WHERE path = ?"  # noqa: S608 - our own names
            self._memory.execute_many(statement, rows)

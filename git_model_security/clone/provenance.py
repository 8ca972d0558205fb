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

import os
from typing import TYPE_CHECKING

from git_model_security.git import sharing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.database import Memory
    from git_model_security.git.repository import Repository

Pair = tuple[bytes, str]
"""A path and the oid of the blob at it; an empty oid where the path was removed."""
EXPECTED = "git-model-expected"
"""File in the git directory of a work tree. pre-commit writes a name into it: that of the
rows of `expected` which are to be forgotten once its commit is made. The post-commit of
hooks/shim.sh adds `made`, and starts no git-model."""
_FORGETTING = ("cleaned", "adopted", "merged")
"""Tables whose rows go with the signed commit that has them."""


class Provenance:
    """The tables of what was cleaned, merged, adopted, and what is foreign."""

    def __init__(self, memory: Memory, repo: Repository) -> None:
        self._memory = memory
        self._repo = repo
        # Not in full: a repository may be moved, or copied.
        self._place = os.path.relpath(repo.git_dir, repo.common_dir)
        self._mark = repo.git_dir / EXPECTED
        self._forget_made()

    def note_cleaned(self, path: bytes, oid: str) -> None:
        """Records that content made here became a new blob at a path."""
        self._memory.execute(
            "INSERT OR IGNORE INTO cleaned SELECT ?1, ?2 WHERE NOT EXISTS"
            " (SELECT 1 FROM foreigners WHERE oid = ?2)",
            (path, oid),
        )
        # Made once more, it is of after the commit that is expected.
        self._memory.execute("DELETE FROM expected WHERE path = ? AND oid = ?", (path, oid))

    def note_foreign(self, oid: str) -> None:
        """Records the blob that clean would make of content that came in clear."""
        self._memory.execute("INSERT OR IGNORE INTO foreigners VALUES (?)", (oid,))

    def note_merged(self, path: bytes, oid: str, ours: str, theirs: str) -> None:
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

    def forget(self, paths: Iterable[bytes]) -> None:
        """Forgets all of the paths that a signed commit changed.

        Kept, it would let somebody bring an earlier version back unseen.
        """
        rows = [(path,) for path in paths]
        for table in _FORGETTING:
            statement = f"DELETE FROM {table} WHERE path = ?"  # noqa: S608 - our own names
            self._memory.execute_many(statement, rows)
        self.expect_nothing()

    def expect(self, paths: Iterable[bytes]) -> None:
        """Prepares `forget` for the commit to be, so that nothing is started after it.

        What is recorded of the paths until now is forgotten when there is that commit, and
        not if it never comes to be.
        """
        self.expect_nothing()
        # Each has a name of its own: another work tree that forgets one leaves the next.
        name = os.urandom(8).hex()
        # First: rows of a work tree without it are of one that is gone.
        sharing.replace(self._repo.common_dir, self._mark, f"{name}\n")
        rows = [(f"{self._place} {name}", path) for path in paths]
        for table in _FORGETTING:
            self._memory.execute_many(
                f"INSERT OR IGNORE INTO expected SELECT ?1, path, oid FROM {table}"  # noqa: S608
                " WHERE path = ?2",
                rows,
            )

    def expect_nothing(self) -> None:
        """Takes `expect` back, for this work tree: its commit was given up, or is settled."""
        own = f"{self._place} "
        self._memory.execute(
            "DELETE FROM expected WHERE substr(place, 1, ?) = ?", (len(own), own)
        )
        self._mark.unlink(missing_ok=True)

    def _forget_made(self) -> None:
        """Forgets what belongs to commits that were expected and made, in any work tree.

        Where a work tree was removed, nobody can tell whether its commit was made. It counts
        as made: at the worst a person is asked about content of their own.
        """
        for (expected,) in list(self._memory.execute("SELECT DISTINCT place FROM expected")):
            place, _, name = expected.rpartition(" ")
            try:
                said = (self._repo.common_dir / place / EXPECTED).read_text().split()
            except FileNotFoundError:
                said = [name, "made"]
            if said == [name, "made"]:
                self._forget(expected)

    def _forget(self, place: str) -> None:
        for table in _FORGETTING:
            self._memory.execute(
                f"DELETE FROM {table} WHERE EXISTS (SELECT 1 FROM expected AS gone WHERE"  # noqa: S608
                f" gone.place = ?1 AND gone.path = {table}.path AND gone.oid = {table}.oid)",
                (place,),
            )
        self._memory.execute("DELETE FROM expected WHERE place = ?", (place,))

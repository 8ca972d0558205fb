"""What arrived in this clone, what was made in it, and what stood: the record of provenance.

The package `provenance` has the rule; here are the tables. Each fact is recorded when it
happens and is never dropped, so that no branch that goes and no `git gc` changes a verdict.
A new record does not know what the object store has: it takes all of that for arrived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from git_model_security.clone.decisions import Decisions, as_rows, from_rows
from git_model_security.git.trees import Fact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

NOTHING: Fact = (0, "")
"""Where nothing stands."""
Doubts = dict[bytes, Fact | None]
"""Paths that nobody vouches for, with what stood there before; None where nobody knows."""
Placed = tuple[bytes, int, str]
"""Path, mode and oid; an empty oid where the path was removed."""

ANY_MESSAGE = b""
"""In place of a digest: of a commit in an encoding by which Git may take it for anything."""
UNKNOWN_LENGTH = -1
"""Of a blob that arrived without its content, as in a partial clone."""
_UNKNOWN = 0
"""Stands for the commit that brought a blob, where none is known."""


class Brought(NamedTuple):
    """Where a commit that arrived has a blob; no commit where the blob was only found.

    `when` counts the commits that had arrived by then.
    """

    path: bytes
    mode: int
    commit: str | None
    when: int


class Provenance(Decisions):
    """The tables of what arrived, was made, and stood; and of what was decided."""

    # What arrived.

    @property
    def is_begun(self) -> bool:
        """Whether the store was ever looked at."""
        return self._one("SELECT 1 FROM looked")

    def looked_at(self) -> set[str]:
        """Returns the tips of which all is taken in."""
        return {tip.hex() for (tip,) in self._memory.execute("SELECT tip FROM looked") if tip}

    def look_at(self, tips: Iterable[str]) -> None:
        """Records the tips of which all is taken in, in place of those before."""
        rows = [(b"",), *((bytes.fromhex(tip),) for tip in tips)]
        statements = ("DELETE FROM looked", "INSERT OR IGNORE INTO looked VALUES (?)")
        self._memory.replace(*statements, rows)

    def take_in(
        self, messages: Mapping[str, bytes], brought: Iterable[tuple[str, Placed]]
    ) -> None:
        """Records commits with the digests of their messages, and what they brought."""
        rows = [(bytes.fromhex(oid), digest) for oid, digest in messages.items()]
        self._memory.execute_many(
            "INSERT OR IGNORE INTO arrived (oid, message) VALUES (?, ?)", rows
        )
        self._memory.execute_many(
            "INSERT OR IGNORE INTO came SELECT ?, ?, ?, id FROM arrived WHERE oid = ?",
            (
                (bytes.fromhex(oid), path, mode, bytes.fromhex(commit))
                for commit, (path, mode, oid) in brought
            ),
        )

    def begin(self, lengths: Mapping[str, int]) -> None:
        """Takes all blobs of the store for arrived: a new record knows nothing of them."""
        self.take_blobs(lengths)
        self.take_lengths(lengths.values())
        self.look_at([])

    def take_blobs(self, oids: Iterable[str]) -> None:
        """Records blobs that arrived, where nobody knows which commits brought them."""
        rows = ((bytes.fromhex(oid), _UNKNOWN) for oid in oids)
        self._memory.execute_many("INSERT OR IGNORE INTO came VALUES (?, x'', 0, ?)", rows)

    def take_lengths(self, lengths: Iterable[int]) -> None:
        """Records how long blobs are that arrived: only such a plaintext can be one of them."""
        rows = ((length,) for length in set(lengths))
        self._memory.execute_many("INSERT OR IGNORE INTO lengths VALUES (?)", rows)

    def has_length(self, length: int) -> bool:
        """Tells whether a blob of that many bytes arrived, or one of which nobody knows."""
        return self._one("SELECT 1 FROM lengths WHERE length IN (?, ?)", length, UNKNOWN_LENGTH)

    def note_unread(self, commits: Iterable[str]) -> None:
        """Records the commits that arrived without their trees, in place of those before."""
        rows = ((bytes.fromhex(commit),) for commit in commits)
        self._memory.replace("DELETE FROM unread", "INSERT INTO unread VALUES (?)", rows)

    def unread(self) -> list[str]:
        """Returns the commits that arrived without their trees."""
        return [commit.hex() for (commit,) in self._memory.execute("SELECT * FROM unread")]

    def has_arrived(self, commit: str) -> bool:
        """Tells whether a commit was seen, whoever made it."""
        return self._one("SELECT 1 FROM arrived WHERE oid = ?", bytes.fromhex(commit))

    def when_arrived(self, commit: str) -> int | None:
        """Returns when a commit was seen, as in `Brought`; None of one that never was."""
        statement = "SELECT id FROM arrived WHERE oid = ?"
        row = self._memory.execute(statement, (bytes.fromhex(commit),)).fetchone()
        return None if row is None else int(row[0])

    def list_bringing(self, path: bytes, since: int, until: int) -> list[str]:
        """Returns the commits that brought something to a path, in the order they arrived.

        Args:
            since, until: from when on, and before when, as in `Brought`.
        """
        rows = self._memory.execute(
            "SELECT DISTINCT oid, id FROM came JOIN arrived ON id = origin"
            " WHERE path = ? AND origin >= ? AND origin < ? ORDER BY id",
            (path, since, until),
        )
        return [oid.hex() for oid, _ in rows]

    def brought(self, oids: Collection[str]) -> dict[str, list[Brought]]:
        """Returns where commits have blobs, by blob."""
        found: dict[str, list[Brought]] = {}
        for blob, path, mode, commit, when in self._many(
            "SELECT blob, path, mode, oid, origin FROM came LEFT JOIN arrived ON id = origin"
            " WHERE blob IN",
            oids,
        ):
            known = found.setdefault(blob.hex(), [])
            known.append(Brought(path, mode, commit and commit.hex(), when))
        return found

    def with_message(self, digest: bytes) -> list[str]:
        """Returns the commits that arrived with a message of this digest, or with any."""
        rows = self._memory.execute(
            "SELECT oid FROM arrived WHERE message IN (?, ?)", (digest, ANY_MESSAGE)
        )
        return [oid.hex() for (oid,) in rows]

    # What was made here.

    def note_made(self, oid: str) -> None:
        """Records that content made here became a new blob."""
        self._memory.execute("INSERT OR IGNORE INTO made VALUES (?)", (bytes.fromhex(oid),))

    def made(self, oids: Collection[str]) -> set[str]:
        """Returns those blobs that were made here."""
        rows = self._many("SELECT blob FROM made WHERE blob IN", oids)
        return {blob.hex() for (blob,) in rows}

    def has_brought(self, oid: str) -> bool:
        """Tells whether a blob arrived."""
        return self._one("SELECT 1 FROM came WHERE blob = ?", bytes.fromhex(oid))

    def note_commits(self, commits: Iterable[str], doubts: Doubts | None = None) -> None:
        """Records commits that were made here, of which somebody vouches for all but that."""
        each = [*as_rows(doubts or {})]
        rows = [(bytes.fromhex(commit), *row) for commit in commits for row in each]
        self._memory.execute_many("INSERT OR IGNORE INTO doubts VALUES (?, ?, ?, ?)", rows)

    def settle(self, commit: str, paths: Iterable[bytes]) -> None:
        """Records that somebody vouches for paths of a commit by now."""
        rows = [(bytes.fromhex(commit), path) for path in paths]
        statement = 'DELETE FROM doubts WHERE "commit" = ? AND path = ?'
        self._memory.execute_many(statement, rows)

    def doubts(self, commit: str) -> Doubts | None:
        """Returns what is recorded of a commit; None of one that was not made here."""
        statement = 'SELECT path, mode, blob FROM doubts WHERE "commit" = ?'
        return from_rows(self._memory.execute(statement, (bytes.fromhex(commit),)))

    def list_unsettled(self, commits: Collection[str]) -> set[str]:
        """Returns those commits that arrived with no verdict here, or that are in doubt."""
        arrived = (
            "SELECT oid FROM arrived WHERE NOT EXISTS"
            ' (SELECT 1 FROM doubts WHERE "commit" = oid) AND oid IN'
        )
        doubted = 'SELECT "commit" FROM doubts WHERE path != x\'\' AND "commit" IN'
        rows = [*self._many(arrived, commits), *self._many(doubted, commits)]
        return {oid.hex() for (oid,) in rows}

    def note_pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Records commits that were made again here: each new one, and the old one."""
        rows = [(bytes.fromhex(new), bytes.fromhex(old)) for new, old in pairs]
        self._memory.execute_many("INSERT OR IGNORE INTO pairs VALUES (?, ?)", rows)

    def made_of(self, commit: str) -> list[str]:
        """Returns the commits that one was made of, again."""
        rows = self._memory.execute(
            "SELECT old FROM pairs WHERE new = ?", (bytes.fromhex(commit),)
        )
        return [old.hex() for (old,) in rows]

    # What stood.

    def note_stood(self, placed: Iterable[Placed]) -> None:
        """Records what is vouched for, at its path, whoever brought it until now."""
        self._memory.execute_many(
            "INSERT OR REPLACE INTO stood"
            " SELECT ?, ?, ?, (SELECT coalesce(max(id), 0) FROM arrived)",
            ((path, bytes.fromhex(oid), mode) for path, mode, oid in placed),
        )

    def note_seen(self, placed: Iterable[Placed], *, is_new: bool) -> None:
        """Records what was looked at and is vouched for; what is recorded keeps its time.

        Args:
            is_new: it stands from now on; else it did so before anything arrived.
        """
        self._memory.execute_many(
            "INSERT OR IGNORE INTO stood"
            " SELECT ?, ?, ?, (SELECT coalesce(max(id), 0) FROM arrived WHERE ?)",
            ((path, bytes.fromhex(oid), mode, is_new) for path, mode, oid in placed),
        )

    def stood(self, oids: Collection[str]) -> dict[Placed, int]:
        """Returns where blobs have stood; and when at last, as in `Brought`."""
        rows = self._many("SELECT path, mode, blob, since FROM stood WHERE blob IN", oids)
        return {(path, mode, blob.hex()): since for path, mode, blob, since in rows}

    def stood_at(self, path: bytes, most: int) -> list[str]:
        """Returns blobs that have stood at a path, at most so many."""
        rows = self._memory.execute(
            "SELECT DISTINCT blob FROM stood WHERE path = ? LIMIT ?", (path, most)
        )
        return [blob.hex() for (blob,) in rows]

    def _one(self, statement: str, *values: object) -> bool:
        return self._memory.execute(f"{statement} LIMIT 1", values).fetchone() is not None

    def _many(self, statement: str, oids: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        return self._memory.select(statement, map(bytes.fromhex, oids))

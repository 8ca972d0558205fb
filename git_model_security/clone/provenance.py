"""What arrived in this clone, what was made in it, and what stood: the record of provenance.

The package `provenance` has the rule; here are the tables. Each fact is recorded when it
happens and is never dropped, so that no branch that goes and no `git gc` changes a verdict.
A new record does not know what the object store has: it takes all of that for arrived.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from git_model_security.git.trees import Fact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from git_model_security.clone.database import Memory
    from git_model_security.git.repository import Repository

NOTHING: Fact = (0, "")
"""Where nothing stands."""
Doubts = dict[bytes, Fact | None]
"""Paths that nobody vouches for, with what stood there before; None where nobody knows."""
Placed = tuple[bytes, int, str]
"""Path, mode and oid; an empty oid where the path was removed."""

_FIRST = b"-"
"""Stands for the HEAD of a branch that has no commit yet."""
ANY_MESSAGE = b""
"""In place of a digest: of a commit in an encoding by which Git may take it for anything."""
UNKNOWN_LENGTH = -1
"""Of a blob that arrived without its content, as in a partial clone."""
_UNKNOWN = 0
"""Stands for the commit that brought a blob, where none is known."""


_NOW = "INTO stood SELECT ?, ?, ?, (SELECT coalesce(max(id), 0) FROM arrived WHERE ?)"
_PUT_STOOD, _KEEP_STOOD = f"INSERT OR REPLACE {_NOW}", f"INSERT OR IGNORE {_NOW}"


class Brought(NamedTuple):
    """Where a commit that arrived has a blob; no commit where the blob was only found.

    `when` counts the commits that had arrived by then.
    """

    path: bytes
    mode: int
    commit: str | None
    when: int


class Provenance:
    """The tables of what arrived, was made, stood, and was adopted."""

    def __init__(self, memory: Memory, repo: Repository) -> None:
        self._memory = memory
        # Not in full: a repository may be moved, or copied.
        self._place = os.path.relpath(repo.git_dir, repo.common_dir)

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
        put = "INSERT OR IGNORE INTO looked VALUES (?)"
        self._memory.replace("DELETE FROM looked", put, rows)

    def take_in(
        self, messages: Mapping[str, bytes], brought: Iterable[tuple[str, Placed]]
    ) -> None:
        """Records commits with the digests of their messages, and what they brought."""
        rows = [(bytes.fromhex(oid), digest) for oid, digest in messages.items()]
        statement = "INSERT OR IGNORE INTO arrived (oid, message) VALUES (?, ?)"
        self._memory.execute_many(statement, rows)
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
        statement = "SELECT oid FROM arrived WHERE message IN (?, ?)"
        rows = self._memory.execute(statement, (digest, ANY_MESSAGE))
        return [oid.hex() for (oid,) in rows]

    # What was made here.

    def note_made(self, oid: str) -> None:
        """Records that content made here became a new blob."""
        self._memory.execute("INSERT OR IGNORE INTO made VALUES (?)", (bytes.fromhex(oid),))

    def made(self, oids: Collection[str]) -> set[str]:
        """Returns those blobs that were made here."""
        return {
            blob.hex() for (blob,) in self._many("SELECT blob FROM made WHERE blob IN", oids)
        }

    def has_brought(self, oid: str) -> bool:
        """Tells whether a blob arrived."""
        return self._one("SELECT 1 FROM came WHERE blob = ?", bytes.fromhex(oid))

    def note_commits(self, commits: Iterable[str], doubts: Doubts | None = None) -> None:
        """Records commits that were made here, of which somebody vouches for all but that."""
        each = [*_rows(doubts or {})]
        rows = [(bytes.fromhex(commit), *row) for commit in commits for row in each]
        self._memory.execute_many("INSERT OR IGNORE INTO doubts VALUES (?, ?, ?, ?)", rows)

    def settle(self, commit: str, paths: Iterable[bytes]) -> None:
        """Records that somebody vouches for paths of a commit by now."""
        rows = [(bytes.fromhex(commit), path) for path in paths]
        self._memory.execute_many('DELETE FROM doubts WHERE "commit" = ? AND path = ?', rows)

    def doubts(self, commit: str) -> Doubts | None:
        """Returns what is recorded of a commit; None of one that was not made here."""
        statement = 'SELECT path, mode, blob FROM doubts WHERE "commit" = ?'
        return _doubts(self._memory.execute(statement, (bytes.fromhex(commit),)))

    def list_unsettled(self, commits: Collection[str]) -> set[str]:
        """Returns those commits that arrived with no verdict here, or that are in doubt."""
        arrived = (
            "SELECT oid FROM arrived WHERE NOT EXISTS"
            ' (SELECT 1 FROM doubts WHERE "commit" = oid) AND oid IN'
        )
        doubted = 'SELECT "commit" FROM doubts WHERE path != x\'\' AND "commit" IN'
        both = (*self._many(arrived, commits), *self._many(doubted, commits))
        return {oid.hex() for (oid,) in both}

    def note_pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Records commits that were made again here: each new one, and the old one."""
        rows = [(bytes.fromhex(new), bytes.fromhex(old)) for new, old in pairs]
        self._memory.execute_many("INSERT OR IGNORE INTO pairs VALUES (?, ?)", rows)

    def made_of(self, commit: str) -> list[str]:
        """Returns the commits that one was made of, again."""
        rows = self._many("SELECT old FROM pairs WHERE new IN", [commit])
        return [old.hex() for (old,) in rows]

    # What stood.

    def note_stood(
        self, placed: Iterable[Placed], *, is_new: bool = True, keeps: bool = False
    ) -> None:
        """Records what is vouched for, at its path, whoever brought it until now.

        Where it is not new it stood before anything arrived; `keeps` leaves recorded times.
        """
        rows = ((path, bytes.fromhex(oid), mode, is_new) for path, mode, oid in placed)
        self._memory.execute_many(_KEEP_STOOD if keeps else _PUT_STOOD, rows)

    def stood(self, oids: Collection[str]) -> dict[Placed, int]:
        """Returns where blobs have stood; and when at last, as in `Brought`."""
        rows = self._many("SELECT path, mode, blob, since FROM stood WHERE blob IN", oids)
        return {(path, mode, blob.hex()): since for path, mode, blob, since in rows}

    def stood_at(self, path: bytes, most: int) -> list[str]:
        """Returns blobs that have stood at a path, at most so many."""
        statement = "SELECT DISTINCT blob FROM stood WHERE path = ? LIMIT ?"
        rows = self._memory.execute(statement, (path, most))
        return [blob.hex() for (blob,) in rows]

    # What is decided, and what is under way, in this work tree.

    def adopt(self, placed: Iterable[Placed]) -> None:
        """Records what a person decided to vouch for, in the next commit."""
        rows = [(path, mode, bytes.fromhex(oid)) for path, mode, oid in placed]
        self._memory.execute_many("INSERT OR REPLACE INTO adopted VALUES (?, ?, ?, x'')", rows)

    def adopted(self, head: str | None) -> set[Placed]:
        """Returns what was adopted and not committed since, on top of `head`."""
        statement = "SELECT path, mode, blob FROM adopted WHERE head IN (x'', ?)"
        rows = self._memory.execute(statement, (_head(head),))
        return {(path, mode, blob.hex()) for path, mode, blob in rows}

    def expect(self, head: str | None, tree: str, doubts: Doubts) -> None:
        """Records the verdict on the commit of a tree that is about to follow `head`.

        What was adopted counts for that one: kept, it would let somebody bring an earlier
        version back unseen.
        """
        place, above = (self._place,), _head(head)
        self._memory.execute("UPDATE adopted SET head = ? WHERE head = x''", (above,))
        self._memory.execute("DELETE FROM adopted WHERE head NOT IN (x'', ?)", (above,))
        self._memory.execute("DELETE FROM expected WHERE place = ?", place)
        rows = [(*place, bytes.fromhex(tree), above, *row) for row in _rows(doubts)]
        self._memory.execute_many("INSERT INTO expected VALUES (?, ?, ?, ?, ?, ?)", rows)

    def expected(self, tree: str) -> tuple[str | None, Doubts] | None:
        """Returns the last verdict, and the HEAD that it was given upon.

        None where that was for another tree: its commit was given up.
        """
        statement = "SELECT head, path, mode, blob FROM expected WHERE place = ? AND tree = ?"
        values = (self._place, bytes.fromhex(tree))
        rows = self._memory.execute(statement, values).fetchall()
        doubts = _doubts(row[1:] for row in rows)
        if doubts is None:
            return None
        above = rows[0][0]
        return (None if above == _FIRST else above.hex()), doubts

    def put_in_play(self, commits: Iterable[str]) -> None:
        """Records commits of which content came into this work tree, or its index."""
        rows = [(self._place, bytes.fromhex(commit)) for commit in commits]
        self._memory.execute_many("INSERT OR REPLACE INTO play VALUES (?, ?)", rows)

    def in_play(self) -> list[str]:
        """Returns the commits of which content came into a work tree, in that order.

        Into any: what is stashed in one can be put into another.
        """
        rows = self._memory.execute('SELECT "commit" FROM play ORDER BY rowid')
        return list(dict.fromkeys(commit.hex() for (commit,) in rows))

    def _one(self, statement: str, *values: object) -> bool:
        return self._memory.execute(f"{statement} LIMIT 1", values).fetchone() is not None

    def _many(self, statement: str, oids: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        return self._memory.select(statement, map(bytes.fromhex, oids))


def _head(commit: str | None) -> bytes:
    return bytes.fromhex(commit) if commit else _FIRST


def _rows(doubts: Doubts) -> Iterator[tuple[bytes, int | None, bytes | None]]:
    """Yields rows for doubts; the first, without a path, says that there is a verdict."""
    yield b"", None, None
    for path, was in doubts.items():
        mode, oid = was or (None, None)
        yield path, mode, None if oid is None else bytes.fromhex(oid)


def _doubts(rows: Iterable[tuple[bytes, int | None, bytes | None]]) -> Doubts | None:
    found = {
        path: None if mode is None or blob is None else (mode, blob.hex())
        for path, mode, blob in rows
    }
    if b"" not in found:
        return None
    del found[b""]
    return found

"""What a person decided, and what is under way: a part of the record of provenance.

Of this work tree, but for what is in play: what is stashed in one can be put into another.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_model_security.clone.database import Memory
    from git_model_security.clone.provenance import Doubts, Placed
    from git_model_security.git.repository import Repository

_FIRST = b"-"
"""Stands for the HEAD of a branch that has no commit yet."""


class Decisions:
    """The tables of what was adopted, what is expected of a commit, and what is in play."""

    def __init__(self, memory: Memory, repo: Repository) -> None:
        self._memory = memory
        # Not in full: a repository may be moved, or copied.
        self._place = os.path.relpath(repo.git_dir, repo.common_dir)

    def adopt(self, placed: Iterable[Placed]) -> None:
        """Records what a person decided to vouch for, in the next commit."""
        rows = [(path, mode, bytes.fromhex(oid)) for path, mode, oid in placed]
        self._memory.execute_many("INSERT OR REPLACE INTO adopted VALUES (?, ?, ?, x'')", rows)

    def adopted(self, head: str | None) -> set[Placed]:
        """Returns what was adopted and not committed since, on top of `head`."""
        rows = self._memory.execute(
            "SELECT path, mode, blob FROM adopted WHERE head IN (x'', ?)", (_head(head),)
        )
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
        rows = [(*place, bytes.fromhex(tree), above, *row) for row in as_rows(doubts)]
        self._memory.execute_many("INSERT INTO expected VALUES (?, ?, ?, ?, ?, ?)", rows)

    def expected(self, tree: str) -> tuple[str | None, Doubts] | None:
        """Returns the last verdict, and the HEAD that it was given upon.

        None where that was for another tree: its commit was given up.
        """
        statement = "SELECT head, path, mode, blob FROM expected WHERE place = ? AND tree = ?"
        values = (self._place, bytes.fromhex(tree))
        rows = self._memory.execute(statement, values).fetchall()
        doubts = from_rows(row[1:] for row in rows)
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


def _head(commit: str | None) -> bytes:
    return bytes.fromhex(commit) if commit else _FIRST


def as_rows(doubts: Doubts) -> Iterator[tuple[bytes, int | None, bytes | None]]:
    """Yields rows for doubts; the first, without a path, says that there is a verdict."""
    yield b"", None, None
    for path, was in doubts.items():
        mode, oid = was or (None, None)
        yield path, mode, None if oid is None else bytes.fromhex(oid)


def from_rows(rows: Iterable[tuple[bytes, int | None, bytes | None]]) -> Doubts | None:
    """Returns the doubts that rows say; None where there is no verdict."""
    found = {
        path: None if mode is None or blob is None else (mode, blob.hex())
        for path, mode, blob in rows
    }
    if b"" not in found:
        return None
    del found[b""]
    return found

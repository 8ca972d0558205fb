"""The clone's memory, in SQLite under the git common dir.

It holds only what this clone computed or did itself, never a claim; whoever can
write here can write the hooks beside it. Losing it costs time, and a signer one
`git model sign --adopt`, but never safety.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Any

from git_model_security.errors import GitError, RecordError
from git_model_security.git import sharing
from git_model_security.git.repository import STATE_DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from git_model_security.git.repository import Repository

# The version is part of the name: another git-model beside this one makes its own.
NAME = "memory-4.sqlite"

_AT_ONCE = 500
"""Keys per question; SQLite may be built to take 999 values in one."""
_WAIT_SECONDS = 3
"""So long a process waits for another one that writes. All that came in a fetch of 100,000
files is written in less; and a commit, whose hooks are two processes, waits twice."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS digests (
    oid TEXT PRIMARY KEY, key_id TEXT NOT NULL, length INTEGER NOT NULL,
    sha256 BLOB, blake3 BLOB, sealed_sha256 BLOB, root BLOB
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS digests_by_length ON digests (length, sealed_sha256);
CREATE TABLE IF NOT EXISTS looked (tip BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unread ("commit" BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS arrived (
    id INTEGER PRIMARY KEY, oid BLOB NOT NULL UNIQUE, message BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS arrived_by_message ON arrived (message);
CREATE TABLE IF NOT EXISTS came (
    blob BLOB, path BLOB, mode INTEGER, origin INTEGER,
    PRIMARY KEY (blob, path, mode, origin)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lengths (length INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS made (blob BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS doubts (
    "commit" BLOB, path BLOB, mode INTEGER, blob BLOB, PRIMARY KEY ("commit", path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pairs (new BLOB, old BLOB, PRIMARY KEY (new, old)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stood (
    path BLOB, blob BLOB, mode INTEGER, since INTEGER, PRIMARY KEY (path, blob, mode)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS stood_by_blob ON stood (blob);
CREATE TABLE IF NOT EXISTS adopted (
    path BLOB, mode INTEGER, blob BLOB, head BLOB, PRIMARY KEY (path, mode, blob)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS expected (
    place TEXT, tree BLOB, head BLOB, path BLOB, mode INTEGER, blob BLOB,
    PRIMARY KEY (place, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS play (
    place TEXT, "commit" BLOB, UNIQUE (place, "commit")
);
CREATE TABLE IF NOT EXISTS released (
    path BLOB, oid TEXT, mode INTEGER, under TEXT, PRIMARY KEY (path, oid, mode, under)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivered (oid TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS judged (
    subject TEXT, under TEXT, verdict TEXT NOT NULL, PRIMARY KEY (subject, under)
) WITHOUT ROWID;
"""


class Memory:
    """An open memory, in autocommit mode.

    Every statement is its own transaction: a hook runs while the filter process of
    the same `git commit` is still alive, and must see what that cleaned.

    Args:
        is_kept: else it begins empty, and ends with the process.

    Attributes:
        fault: why it cannot be kept, and what is learnt lasts for this process; or None.
    """

    def __init__(self, repo: Repository, *, is_kept: bool = True) -> None:
        self._path = repo.common_dir / STATE_DIRECTORY / NAME
        self.fault: str | None = None
        if not is_kept:
            self._connection = _connected(":memory:")
            return
        try:
            path = repo.state_dir / NAME
            self._connection = _made(repo, path)
        except FileExistsError as error:
            raise GitError(
                f"{self._path.parent}: something else stands where git-model keeps its memory",
                hint="move it away, then try again",
            ) from error
        except (OSError, sqlite3.OperationalError) as error:
            # A .git that cannot be written to.
            self.fault = f"{self._path}: {error}"
            self._connection = _connected(":memory:")
        except sqlite3.DatabaseError:
            self._path.unlink(missing_ok=True)
            self._connection = _made(repo, self._path)

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Runs one statement.

        Raises:
            RecordError: the disk is full, or the file is locked or damaged.
        """
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def select(self, statement: str, keys: Iterable[object]) -> Iterator[tuple[Any, ...]]:
        """Yields the rows of a statement that ends in `IN`, for keys of any number.

        Raises:
            RecordError: as `execute`.
        """
        wanted = tuple(keys)
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            yield from self.execute(f"{statement} ({','.join('?' * len(part))})", part)

    def execute_many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Runs one statement for many rows, all or none.

        Raises:
            RecordError: as `execute`.
        """
        self.replace(None, statement, rows)

    def replace(
        self, cleared: str | None, statement: str, rows: Iterable[tuple[Any, ...]]
    ) -> None:
        """Runs one statement first, and then another one for many rows, all or none.

        Raises:
            RecordError: as `execute`.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:
                if cleared is not None:
                    self._connection.execute(cleared)
                self._connection.executemany(statement, rows)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Ends it; the last one to do so has SQLite take its log away."""
        self._connection.close()

    def _failed(self, error: sqlite3.Error) -> RecordError:
        # Who has waited once waits no more: a person waits for the command.
        self._connection.execute("PRAGMA busy_timeout = 0")
        return RecordError(
            f"{self._path}: {error}",
            hint="free some disk space; the file may be removed, it is only a memory",
        )


def _made(repo: Repository, path: Path) -> sqlite3.Connection:
    if not path.exists():
        path.touch()  # SQLite gives its other files the permissions of this one
        sharing.adjust(repo.common_dir, path)
    if not os.access(path, os.W_OK):
        # Where a killed process left its log beside the file, SQLite fails at the first row.
        raise PermissionError(path)
    return _connected(path)


def _connected(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
    # WAL lets that hook read while the filter writes. A crash of the machine may
    # lose the last rows, which is safe (see above), so no fsync per file.
    # Small pages: each statement is a commit, and writes whole pages.
    connection.execute("PRAGMA page_size = 1024")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    connection.executescript(_SCHEMA)
    return connection


class Judgements:
    """What was judged once, under what it depends on: one table for all kinds of judgement.

    A new trust or a new version of this program is another `under`: then nothing is known.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def put(self, subject: str, under: str, verdict: str = "") -> None:
        """Remembers a verdict, in place of what was remembered before."""
        row = (subject, under, verdict)
        self._memory.execute("INSERT OR REPLACE INTO judged VALUES (?, ?, ?)", row)

    def get(self, subject: str, under: str) -> str | None:
        """Returns a verdict, or None where there is none."""
        asked = "SELECT verdict FROM judged WHERE subject = ? AND under = ?"
        row = self._memory.execute(asked, (subject, under)).fetchone()
        return None if row is None else str(row[0])

    def all_under(self, under: str) -> dict[str, str]:
        """Returns the verdicts by their subjects."""
        rows = self._memory.execute(
            "SELECT subject, verdict FROM judged WHERE under = ?", (under,)
        )
        return dict(rows.fetchall())


class Delivered:
    """Which objects of git-lfs this clone saw at a remote: it sent or fetched them itself.

    A remote branch that has a pointer proves nothing of the object: where no hook ran, the
    pointer was pushed alone. Objects are named by the blobs that point to them.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def note(self, oids: Iterable[str]) -> None:
        """Records that a remote has the objects behind these blobs."""
        rows = ((oid,) for oid in oids)
        self._memory.execute_many("INSERT OR IGNORE INTO delivered VALUES (?)", rows)

    def __contains__(self, oid: str) -> bool:
        """Tells whether a remote was seen to have the object behind a blob."""
        found = self._memory.execute("SELECT 1 FROM delivered WHERE oid = ?", (oid,))
        return found.fetchone() is not None

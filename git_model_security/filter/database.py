"""The clone's memory, in SQLite under the git common dir.

It holds only what this clone computed or did itself, never a claim; whoever can
write here can write the hooks beside it. Losing it costs time, and a signer one
`git model sign --adopt`, but never safety.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

# The version is part of the name: another git-model beside this one makes its own.
NAME = "memory-1.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS digests (
    oid TEXT PRIMARY KEY, key_id TEXT NOT NULL, length INTEGER NOT NULL,
    sha256 BLOB NOT NULL, blake3 BLOB, sealed_sha256 BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cleaned (
    path BLOB, oid TEXT, PRIMARY KEY (path, oid)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS smudged (
    path BLOB, oid TEXT, PRIMARY KEY (path, oid)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS judged (
    subject TEXT, under TEXT, verdict TEXT NOT NULL, PRIMARY KEY (subject, under)
) WITHOUT ROWID;
"""


def connect(repo: Repository) -> sqlite3.Connection:
    """Opens the memory of a clone, in autocommit mode.

    Every statement is its own transaction: a hook runs while the filter process
    of the same `git commit` is still alive, and must see what that cleaned.
    """
    path = repo.state_dir / NAME
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    # WAL lets that hook read while the filter writes. A crash of the machine may
    # lose the last rows, which is safe (see above), so no fsync per file.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    connection.executescript(_SCHEMA)
    return connection

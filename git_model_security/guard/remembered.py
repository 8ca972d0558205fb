"""What audits remember of blobs, so that the next one reads only those that are new.

A blob at just these places, under these keys, was no finding; and what was seen of it. What
was found, is not here or could not be read is never remembered as good. Whoever can write
this memory can write the hooks beside it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from git_model_security import __version__
from git_model_security.git import batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_model_security.clone.database import Memory
    from git_model_security.git.repository import Repository
    from git_model_security.guard.paths_of_blob import Places

    Facts = Mapping[str, tuple[bytes, int]]
    """By blob: where it stood (see `where`), and what was seen (see `Inspector.fact`)."""

RULES_VERSION = "2"
"""Of what is found: with another one all that is remembered is worth nothing."""
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS audited_blobs (under TEXT, oid TEXT, places BLOB,"
    " fact INTEGER, PRIMARY KEY (under, oid)) WITHOUT ROWID"
)


class Remembered:
    """The memory of audits, a table of the clone's memory, for one set of held keys."""

    def __init__(self, repo: Repository, memory: Memory, held: Iterable[str]) -> None:
        self._repo = repo
        self._memory = memory
        self._held = sorted(held)
        memory.execute(_SCHEMA)

    def facts(self, key_ids: Iterable[str]) -> Facts:
        """Returns what was seen of blobs that are still here, if policies name these keys."""
        rows = self._memory.execute(
            "SELECT oid, places, fact FROM audited_blobs WHERE under = ?",
            (self._under(key_ids),),
        )
        facts = {oid: (places, fact) for oid, places, fact in rows}
        # What is lost meanwhile is told when it is read, and so it has to be.
        here = batch.sizes(self._repo, facts)
        return {oid: fact for oid, fact in facts.items() if oid in here}

    def keep(self, key_ids: Iterable[str], facts: Facts) -> None:
        """Remembers blobs under these keys, and forgets those under all others."""
        under = self._under(key_ids)
        self._memory.execute("DELETE FROM audited_blobs WHERE under <> ?", (under,))
        self._memory.execute_many(
            "INSERT OR REPLACE INTO audited_blobs (under, oid, places, fact)"
            " VALUES (?, ?, ?, ?)",
            ((under, oid, places, fact) for oid, (places, fact) in facts.items()),
        )

    def _under(self, key_ids: Iterable[str]) -> str:
        """Returns a short name for the keys that are held and named, and for this version."""
        running = hashlib.blake2b(digest_size=16)
        words = (__version__, RULES_VERSION, "held", *self._held, "named", *sorted(key_ids))
        running.update("\0".join(words).encode())
        return running.hexdigest()


def where(places: Places) -> bytes:
    """Returns a short name for all places of a blob together."""
    running = hashlib.blake2b(digest_size=8)
    for paths in (places.protected, places.clear, places.links):
        running.update(b"%d:" % len(paths) + b"\0".join(sorted(paths)) + b"\0")
    return running.digest()

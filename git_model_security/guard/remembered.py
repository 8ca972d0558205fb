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
    from collections.abc import Iterable

    from git_model_security.clone.database import Memory
    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.inspector import Inspector
    from git_model_security.guard.protection import Places

    Facts = dict[str, tuple[bytes, int]]
    """By blob: where it stood (see `_name`), and what was seen (see `Tally.fact`)."""

RULES_VERSION = "2"
"""Of what is found: with another one all that is remembered is worth nothing."""
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS audited_blobs (under TEXT, oid TEXT, places BLOB,"
    " fact INTEGER, PRIMARY KEY (under, oid)) WITHOUT ROWID"
)


class Remembered:
    """The memory of audits, a table of the clone's memory, as one audit uses it.

    Args:
        repo: the repository.
        memory: of the clone.
        held: ids of the keys that are held.
    """

    def __init__(self, repo: Repository, memory: Memory, held: Iterable[str]) -> None:
        self._repo = repo
        self._memory = memory
        self._held = sorted(held)
        self._under = ""
        self._facts: Facts = {}
        self._fresh: Facts = {}
        memory.execute(_SCHEMA)

    def begin(self, key_ids: Iterable[str]) -> None:
        """Reads what was seen of blobs that are still here, if policies name these keys."""
        words = (__version__, RULES_VERSION, "held", *self._held, "named", *sorted(key_ids))
        self._under = hashlib.blake2b("\0".join(words).encode(), digest_size=16).hexdigest()
        rows = self._memory.execute(
            "SELECT oid, places, fact FROM audited_blobs WHERE under = ?", (self._under,)
        )
        facts = {oid: (places, fact) for oid, places, fact in rows}
        # What is lost meanwhile is told when it is read, and so it has to be.
        here = batch.sizes(self._repo, facts)
        self._facts = {oid: fact for oid, fact in facts.items() if oid in here}

    def judge(self, inspector: Inspector, oid: str, places: Places) -> list[Finding]:
        """Judges a blob, or recalls that it was no finding at just these places."""
        name = _name(places)
        before, fact = self._facts.get(oid, (b"", 0))
        if before == name:
            inspector.recall(oid, places, fact)
            return []
        found = inspector.findings(oid, places)
        seen = None if found else inspector.seen.fact(oid)
        if seen is not None:
            self._fresh[oid] = name, seen
        return found

    def keep(self) -> None:
        """Remembers what is new under these keys, and forgets blobs under all others."""
        if not self._fresh:
            return
        self._memory.execute("DELETE FROM audited_blobs WHERE under <> ?", (self._under,))
        self._memory.execute_many(
            "INSERT OR REPLACE INTO audited_blobs (under, oid, places, fact)"
            " VALUES (?, ?, ?, ?)",
            ((self._under, oid, *fact) for oid, fact in self._fresh.items()),
        )


def _name(places: Places) -> bytes:
    """Returns a short name for all places of a blob together."""
    running = hashlib.blake2b(digest_size=8)
    for paths in (places.protected, places.clear, places.links):
        running.update(b"%d:" % len(paths) + b"\0".join(sorted(paths)) + b"\0")
    return running.digest()

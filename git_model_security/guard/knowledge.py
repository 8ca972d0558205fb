"""What the caller of a guard knows of blobs beforehand, and what the guard saw of them.

Audits remember of each blob that it was no finding at just these places, under these keys,
and what was seen of it: so the next audit reads only blobs that are new. A blob that was a
finding, is not here or could not be read is never remembered as good. Whoever can write
this memory can write the hooks beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import __version__
from git_model_security.git import batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.clone.database import Memory
    from git_model_security.envelope import Key
    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.inspector import Inspector
    from git_model_security.guard.protection import Places

    Facts = dict[str, tuple[bytes, int]]
    """By blob: where it stood (see `_name`), and what was seen (see `Tally.fact`)."""

Known = Callable[[str], bool]
"""Says of a blob's oid that this clone itself sealed it, or opened all of it."""
SealedBefore = Callable[[int, "Mapping[str, bytes] | None"], bool]
"""Says of a length in bytes and digests by name whether this clone ever sealed or
opened such a plaintext; with None, whether any of that length: most blobs need no
hashing."""
RULES_VERSION = "2"
"""Of what is found: with another one all that is remembered is worth nothing."""
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS audited_blobs (under TEXT, oid TEXT, places BLOB,"
    " fact INTEGER, PRIMARY KEY (under, oid)) WITHOUT ROWID"
)


class Knowledge(NamedTuple):
    """What the caller of a guard knows beforehand.

    Attributes:
        keys: held keys by key id.
        known: says which blobs need not be read again.
        sealed_before: finds clear copies of what is encrypted elsewhere.
        key_ids: ids of the keys that the repository names, held or not.
        vouched: says of a pointer whose object is not here that it is ciphertext by a
            trusted signature.
        decisions: a large binary in clear is a finding, too, unless a pattern lets it out.
    """

    keys: Mapping[str, Key] | None = None
    known: Known | None = None
    sealed_before: SealedBefore | None = None
    key_ids: frozenset[str] = frozenset()
    vouched: Known | None = None
    decisions: bool = False

    def with_key_ids(self, key_ids: Iterable[str]) -> Knowledge:
        """Returns the same with the ids of these keys, and of those that are held."""
        return self._replace(key_ids=self.key_ids | {*key_ids, *(self.keys or ())})


NOTHING = Knowledge()


def gather(clone: Clone, commits: Sequence[str], *, decisions: bool = False) -> Knowledge:
    """Returns what a clone knows by its keys, by its memory, and by whom it trusts.

    Args:
        commits: where trusted signatures may vouch for objects that are not here.
    """
    from git_model_security.provenance.inherited import Inherited  # no audit needs it

    vouched = Inherited(clone, commits, clone.digest).vouches
    keys, seals = clone.ring.keys, clone.digests.seals
    return Knowledge(keys, clone.knows, seals, vouched=vouched, decisions=decisions)


class Tally:
    """What was seen of blobs, by their oids.

    Attributes:
        proven: at protected paths, and known to be ciphertext.
        unproven: those that only have the shape of it, for want of the key, and
            `absent` and `missing`.
        absent: pointers at any path whose objects are not here.
        missing: blobs of a partial clone that are not here.
        pointers: pointers of git-lfs, canonical ones, at any path.
        unread: known beforehand; there can be pointers among them.
        envelopes: what begins as an envelope does, at any path.
    """

    def __init__(self) -> None:
        self.proven: set[str] = set()
        self.unproven: set[str] = set()
        self.absent: set[str] = set()
        self.missing: set[str] = set()
        self.pointers: set[str] = set()
        self.unread: set[str] = set()
        self.envelopes: set[str] = set()

    @property
    def _lasting(self) -> tuple[set[str], ...]:
        return self.proven, self.unproven, self.pointers, self.envelopes

    def fact(self, oid: str) -> int | None:
        """Returns what was seen of a blob, for `recall`; None where it must be seen again."""
        if oid in self.absent or oid in self.missing or oid in self.unread:
            return None
        return sum(1 << bit for bit, oids in enumerate(self._lasting) if oid in oids)

    def recall(self, oid: str, fact: int) -> None:
        """Takes what was seen of a blob, at the same places, for seen now."""
        for bit, oids in enumerate(self._lasting):
            if fact >> bit & 1:
                oids.add(oid)

    def forget(self, oids: Iterable[str]) -> None:
        """Forgets that blobs, or what is behind them, were not here."""
        for seen in (self.absent, self.missing, self.unproven):
            seen.difference_update(oids)


class Remembered:
    """The memory of audits, a table of the clone's memory, as one audit uses it."""

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

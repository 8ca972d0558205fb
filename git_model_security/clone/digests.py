"""The digest cache: blob oid -> plaintext digests, lengths and roots.

It holds only what this clone computed by clean or by full decryption.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from git_model_security.clone.database import Memory
    from git_model_security.envelope.layout import BytesLike

CLEAR = ""
"""Key id of a blob that is no envelope."""


class Digests(NamedTuple):
    """What is known of one blob.

    Attributes:
        key_id: the key the envelope is sealed under, or `CLEAR`.
        length: plaintext length in bytes.
        sha256: of the plaintext, 32 bytes; None when it was not computed.
        blake3: of the plaintext, 32 bytes; None when it was not computed.
        sealed_sha256: of the ciphertext, or of a clear blob, 32 bytes; None when it
            was not computed.
        root: of the envelope, 32 bytes; None when it was not computed, or is none.
    """

    key_id: str
    length: int
    sha256: bytes | None
    blake3: bytes | None
    sealed_sha256: bytes | None
    root: bytes | None = None

    def get(self, digest: str) -> bytes | None:
        """Returns the plaintext digest of that name, if it was computed."""
        return self.blake3 if digest == "blake3" else self.sha256

    def by_name(self, digest: str) -> bytes:
        """Returns the plaintext digest of that name, which must have been computed."""
        value = self.get(digest)
        assert value is not None
        return value


class PlaintextHash:
    """The running digest of a plaintext: of the kind that is signed, and no other.

    On a CPU without instructions for it, a SHA-256 costs more than all else that is
    done to a file.
    """

    def __init__(self, digest: str) -> None:
        self.length = 0
        self._name = digest
        self._running: Any
        if digest == "blake3":
            from blake3 import blake3

            self._running = blake3()
        else:
            # BLAKE2b is other software's: no clone keeps one.
            self._running = hashlib.blake2b() if digest == "blake2b" else hashlib.sha256()

    def update(self, data: BytesLike) -> None:
        """Takes in more of the plaintext."""
        self.length += len(data)
        self._running.update(data)

    def digest(self) -> bytes:
        """Returns the digest of all that was taken in."""
        return bytes(self._running.digest())

    def digests(
        self, key_id: str, sealed_sha256: bytes | None = None, root: bytes | None = None
    ) -> Digests:
        """Returns what is known of a blob with this plaintext."""
        assert self._name != "blake2b"
        value = self.digest()
        sha256, blake3 = (None, value) if self._name == "blake3" else (value, None)
        if key_id == CLEAR:
            sealed_sha256 = sha256
        return Digests(key_id, self.length, sha256, blake3, sealed_sha256, root)


class DigestCache:
    """The table of digests."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._recalled: dict[str, Digests] = {}

    def recall(self, oids: Iterable[str]) -> Mapping[str, Digests]:
        """Reads what is known of many blobs at once, for `get` to find it; returns it too."""
        # Sorted, as they stand in the table: pages that are next to each other are read once.
        rows = self._memory.select(
            "SELECT oid, key_id, length, sha256, blake3, sealed_sha256, root FROM digests"
            " WHERE oid IN",
            sorted(set(oids) - self._recalled.keys()),
        )
        self._recalled |= {row[0]: Digests._make(row[1:]) for row in rows}
        return self._recalled

    def get(self, oid: str) -> Digests | None:
        """Returns what is known of a blob."""
        recalled = self._recalled.get(oid)
        if recalled is not None:
            return recalled
        row = self._memory.execute(
            "SELECT key_id, length, sha256, blake3, sealed_sha256, root FROM digests"
            " WHERE oid = ?",
            (oid,),
        ).fetchone()
        return Digests(*row) if row else None

    def seals(self, length: int, plaintext: Mapping[str, bytes] | None = None) -> bool:
        """Tells whether this clone ever sealed or opened such a plaintext.

        Args:
            plaintext: its digests by name, both; None asks for any of that length.
        """
        given = plaintext or {}
        row = self._memory.execute(
            "SELECT 1 FROM digests WHERE length = ?1 AND key_id <> ?2"
            " AND (?3 IS NULL OR sha256 = ?3 OR blake3 = ?4) LIMIT 1",
            (length, CLEAR, given.get("sha256"), given.get("blake3")),
        ).fetchone()
        return row is not None

    def alike(self, oids: Iterable[str]) -> dict[str, set[str]]:
        """Returns other blobs that are known to hold the plaintext of some, in any shape.

        Under another key, in clear, or as an object of git-lfs and its pointer. Each length
        is read once: of shards thousands may have one.
        """
        known = {oid: one for oid in oids if (one := self.get(oid)) is not None}
        rows = self._memory.select(
            "SELECT oid, sha256, blake3, sealed_sha256, length FROM digests WHERE length IN",
            {one.length for one in known.values()},
        )
        holding: defaultdict[tuple[object, ...], set[str]] = defaultdict(set)
        for oid, *values, length in rows:
            for name in _named(length, *values):
                holding[name].add(oid)
        return {
            oid: set().union(*(holding[name] for name in _named(one.length, *one[2:5]))) - {oid}
            for oid, one in known.items()
        }

    def forget(self, oids: Iterable[str]) -> None:
        """Forgets blobs, so that they are opened again."""
        gone = list(oids)
        for oid in gone:
            self._recalled.pop(oid, None)
        self._memory.execute_many("DELETE FROM digests WHERE oid = ?", ((oid,) for oid in gone))

    def put(self, oid: str, digests: Digests) -> None:
        """Remembers what was computed of a blob, beside what was known before."""
        self._recalled.pop(oid, None)
        self._memory.execute(
            "INSERT INTO digests VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (oid) DO UPDATE SET"
            " key_id = excluded.key_id, length = excluded.length,"
            " sha256 = coalesce(excluded.sha256, sha256),"
            " blake3 = coalesce(excluded.blake3, blake3),"
            " sealed_sha256 = coalesce(excluded.sealed_sha256, sealed_sha256),"
            " root = coalesce(excluded.root, root)",
            (oid, *digests),
        )


def _named(
    length: int, sha256: bytes | None, blake3: bytes | None, sealed: bytes | None
) -> Iterator[tuple[object, ...]]:
    """Yields what a plaintext, or ciphertext, of that length is known by."""
    for place, value in enumerate((sha256, blake3, sealed)):
        if value is not None:
            yield length, place, value

"""The digest cache: blob oid -> plaintext digests and lengths.

It holds only what this clone computed by clean or by full decryption.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.filter.database import Memory

CLEAR = ""
"""Key id of a blob that is no envelope."""


@dataclass(frozen=True)
class Digests:
    """What is known of one blob.

    Attributes:
        key_id: the key the envelope is sealed under, or `CLEAR`.
        length: plaintext length in bytes.
        sha256: of the plaintext, 32 bytes.
        blake3: of the plaintext, 32 bytes; None when it was not computed.
        sealed_sha256: of the ciphertext, 32 bytes.
    """

    key_id: str
    length: int
    sha256: bytes
    blake3: bytes | None
    sealed_sha256: bytes

    def by_name(self, digest: str) -> bytes:
        """Returns the plaintext digest of that name, which must have been computed."""
        value = self.blake3 if digest == "blake3" else self.sha256
        assert value is not None
        return value


class PlaintextHash:
    """Running digests of a plaintext: SHA-256 always, BLAKE3 where it is signed."""

    def __init__(self, digest: str) -> None:
        self.length = 0
        self._sha256 = hashlib.sha256()
        self._blake3: Any = None
        if digest == "blake3":
            from blake3 import blake3

            self._blake3 = blake3()

    def update(self, data: BytesLike) -> None:
        """Takes in more of the plaintext."""
        self.length += len(data)
        self._sha256.update(data)
        if self._blake3 is not None:
            self._blake3.update(data)

    def digests(self, key_id: str, sealed_sha256: bytes | None = None) -> Digests:
        """Returns the digests of all that was taken in; clear blobs seal nothing."""
        sha256 = self._sha256.digest()
        blake3 = None if self._blake3 is None else self._blake3.digest()
        return Digests(key_id, self.length, sha256, blake3, sealed_sha256 or sha256)


class DigestCache:
    """The table of digests."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def get(self, oid: str) -> Digests | None:
        """Returns what is known of a blob."""
        row = self._memory.execute(
            "SELECT key_id, length, sha256, blake3, sealed_sha256 FROM digests WHERE oid = ?",
            (oid,),
        ).fetchone()
        return Digests(*row) if row else None

    def seals(self, sha256: bytes | None, length: int) -> bool:
        """Tells whether this clone ever sealed or opened such a plaintext.

        Args:
            sha256: of the plaintext, 32 bytes; None asks for any of that length.
            length: plaintext length in bytes.
        """
        row = self._memory.execute(
            "SELECT 1 FROM digests WHERE length = ?1 AND key_id <> ?2"
            " AND (?3 IS NULL OR sha256 = ?3) LIMIT 1",
            (length, CLEAR, sha256),
        ).fetchone()
        return row is not None

    def put(self, oid: str, digests: Digests) -> None:
        """Remembers what was computed of a blob."""
        self._memory.execute(
            "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?)",
            (
                oid,
                digests.key_id,
                digests.length,
                digests.sha256,
                digests.blake3,
                digests.sealed_sha256,
            ),
        )

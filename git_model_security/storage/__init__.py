"""Storage: where ciphertext lives. `inline`: the envelope is the blob itself.

An engine answers two questions: what blob stands in Git for an envelope, and
where are the bytes of the envelope behind a blob. Knows nothing of signing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from git_model_security.git.objects import BlobStream


class Engine(Protocol):
    """One way to keep envelopes.

    `name` is what `.gitmodel` calls it.
    """

    name: str

    def put(self, envelope: BinaryIO) -> BinaryIO:
        """Keeps an envelope and returns what the blob in Git shall hold."""

    def get(self, blob: BinaryIO) -> BinaryIO:
        """Returns the envelope behind a blob."""

    def digest(self, blob: BlobStream) -> bytes:
        """Returns the SHA-256 of the ciphertext behind a blob."""

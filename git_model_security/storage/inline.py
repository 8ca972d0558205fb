"""The `inline` engine: the envelope is the blob, and works with every remote."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO

from git_model_security.git.objects import CHUNK_BYTES

if TYPE_CHECKING:
    from git_model_security.git.objects import BlobStream


class Inline:
    """Envelopes as blobs; nothing is kept elsewhere."""

    name = "inline"

    def put(self, envelope: BinaryIO) -> BinaryIO:
        """Returns the envelope: it is what the blob holds."""
        return envelope

    def get(self, blob: BinaryIO) -> BinaryIO:
        """Returns the blob: it is the envelope."""
        return blob

    def digest(self, blob: BlobStream) -> bytes:
        """Returns the SHA-256 of the blob's content."""
        running = hashlib.sha256()
        while chunk := blob.read(CHUNK_BYTES):
            running.update(chunk)
        return running.digest()

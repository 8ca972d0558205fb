"""Ciphertext on its way to Git: spooled, hashed while it is written.

Git must have sent all its content before it reads an answer (gitattributes,
"Long Running Filter Process"), so what is answered waits here.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import IO, TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git.objects import CHUNK_BYTES, blob_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.envelope.layout import BytesLike


class Sealed:
    """Ciphertext in a spool, with its blob oid and SHA-256.

    The oid begins with the length (`blob <size>`). The work tree file tells it
    beforehand, mostly; where that guess was wrong the spool is read once more.
    """

    def __init__(
        self, spool: IO[bytes], object_format: str, expected_bytes: int | None
    ) -> None:
        self._spool = spool
        self._format = object_format
        self._expected = expected_bytes
        self._oid = None if expected_bytes is None else blob_hash(object_format, expected_bytes)
        self._sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: BytesLike) -> None:
        """Takes in more ciphertext.

        Raises:
            GitError: there is no room for it.
        """
        with self._spooling():
            self._spool.write(data)
        self._sha256.update(data)
        if self._oid is not None:
            self._oid.update(data)
        self.size += len(data)

    def sha256(self) -> bytes:
        """Returns the SHA-256 of the ciphertext."""
        return self._sha256.digest()

    def oid(self) -> str:
        """Returns the name that Git will give to the blob."""
        if self._oid is None or self.size != self._expected:
            self._expected = self.size
            self._oid = blob_hash(self._format, self.size)
            for chunk in self.chunks():
                self._oid.update(chunk)
        return self._oid.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """Yields the ciphertext from its beginning; raises as `write` does."""
        with self._spooling():
            self._spool.seek(0)  # writes out what is buffered
        while chunk := self._spool.read(CHUNK_BYTES):
            yield chunk

    @contextlib.contextmanager
    def _spooling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # Now, since Python would flush it once more at exit and complain of that.
            with contextlib.suppress(OSError):
                self._spool.close()
            raise GitError(
                f"cannot keep its ciphertext: {(error.strerror or str(error)).lower()}",
                hint="free some disk space for the git directory, then try again",
            ) from error

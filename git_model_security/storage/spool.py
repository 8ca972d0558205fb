"""A place for ciphertext whose home is not decided yet: memory first, then a file."""

from __future__ import annotations

import contextlib
from typing import IO, TYPE_CHECKING

from git_model_security import messages
from git_model_security.envelope.window import write_all
from git_model_security.errors import GitError
from git_model_security.git.objects import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_model_security.envelope.layout import BytesLike

MEMORY_BYTES = 8 << 20
"""Ciphertext beyond this goes to the file."""


class Spool:
    """Bytes that are written once and then read from their beginning, any number of times.

    Args:
        opened: opens the file, once it is needed.
    """

    def __init__(self, opened: Callable[[], IO[bytes]]) -> None:
        self._opened = opened
        self._memory = bytearray()
        self.file: IO[bytes] | None = None

    def write(self, data: BytesLike) -> None:
        """Takes in more.

        Raises:
            GitError: there is no room for it.
        """
        if self.file is None and len(self._memory) + len(data) <= MEMORY_BYTES:
            self._memory += data
            return
        with self._spooling():
            write_all(self.to_file(), data)  # type: ignore[arg-type]

    def to_file(self) -> IO[bytes]:
        """Returns the file, with all that was written in it.

        Raises:
            GitError: as `write`.
        """
        if self.file is None:
            with self._spooling():
                self.file = self._opened()
                write_all(self.file, self._memory)  # type: ignore[arg-type]
                self._memory = bytearray()
        return self.file

    def chunks(self) -> Iterator[BytesLike]:
        """Yields all that was written, from the beginning.

        Raises:
            GitError: as `write`.
        """
        if self.file is None:
            yield self._memory
            return
        with self._spooling():
            self.file.seek(0)
        while chunk := self.file.read(CHUNK_BYTES):
            yield chunk

    @contextlib.contextmanager
    def _spooling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise GitError(
                f"cannot keep its ciphertext: {messages.reason(error)}",
                hint="free some disk space for the git directory, then try again",
            ) from error

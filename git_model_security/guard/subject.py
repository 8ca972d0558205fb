"""A blob as a guard sees it: through a pointer of git-lfs, to what stands behind it.

A pointer alone proves nothing: who reads the repository gets the object.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from git_model_security.errors import NotFetchedError
from git_model_security.policy.content import HEAD_BYTES
from git_model_security.storage import pointer as pointers

if TYPE_CHECKING:
    from git_model_security.git.objects import ObjectReader
    from git_model_security.storage.lfs import ObjectStore
    from git_model_security.storage.pointer import Pointer

_BUFFER_BYTES = 64 * 1024


@dataclass
class Subject:
    """A blob, open at its beginning; a context manager.

    Attributes:
        size: length of the blob in bytes.
        head: the first bytes of what stands behind it; mostly the same.
        length: of that, in bytes.
        file: that, buffered; None when it is an object that is not here.
        pointer: what led to it, when the blob is a canonical pointer.
        absent: why it is not here; empty when it is.
    """

    size: int
    head: bytes
    length: int
    file: io.BufferedReader[Any] | None
    pointer: Pointer | None = None
    absent: str = ""

    @classmethod
    def open(cls, reader: ObjectReader, objects: ObjectStore, oid: str) -> Subject:
        """Opens a blob, and the object that it points to.

        Raises:
            GitError: the blob is missing or corrupt.
        """
        stream = reader.stream(oid)
        source = io.BufferedReader(stream, _BUFFER_BYTES)
        head = _head(source) if stream.size else b""
        pointer = pointers.parse(head) if stream.size <= pointers.MAX_BYTES else None
        if pointer is None:
            return cls(stream.size, head, stream.size, source)
        source.detach()
        try:
            opened = cast("io.RawIOBase", objects.open(pointer))
        except NotFetchedError as error:
            return cls(stream.size, b"", pointer.size, None, pointer, str(error))
        file = io.BufferedReader(opened, _BUFFER_BYTES)
        return cls(stream.size, _head(file), pointer.size, file, pointer)

    def __enter__(self) -> Subject:
        return self

    def __exit__(self, *_: object) -> None:
        if self.file is None:
            return
        if self.pointer is None:
            self.file.detach()  # the stream belongs to a batch
        else:
            self.file.close()

    @property
    def place(self) -> str:
        """Says in a finding's detail that it is not the blob that was looked at."""
        return f", in the git-lfs object {self.pointer.oid[:12]}" if self.pointer else ""


def _head(source: io.BufferedReader[Any]) -> bytes:
    return source.peek(HEAD_BYTES)[:HEAD_BYTES]

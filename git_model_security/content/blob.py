"""What a blob is: empty, clear, an envelope or a pointer; and the ciphertext behind it.

A blob stands for itself, or as a pointer for an object of git-lfs, which may not be here. A
pointer alone proves nothing: who reads the repository gets the object.
"""

from __future__ import annotations

import enum
import io
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from git_model_security.envelope import HEADER_BYTES, read_header
from git_model_security.errors import EnvelopeError, NewerFormatError, NotFetchedError
from git_model_security.git import batch, worktree
from git_model_security.storage import pointer as pointer_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from git_model_security.envelope import Header
    from git_model_security.git.objects import BlobStream
    from git_model_security.git.repository import Repository
    from git_model_security.storage.lfs import ObjectStore
    from git_model_security.storage.pointer import Pointer

HEAD_BYTES: Final = 4096
"""How much of the beginning is shown; `policy.content` looks at no more."""
_BUFFER_BYTES = 64 * 1024


class Kind(enum.Enum):
    """What content is by how it begins, which proves nothing of the rest.

    `NEWER` begins as an envelope that only a newer git-model can open, `DAMAGED` as one with
    a header that is none: plaintext may have the magic too. A `LOOKALIKE` is what git-lfs
    may follow as a pointer, though it does not write pointers so. What is `ABSENT` is an
    object that is not here.
    """

    EMPTY = "empty"
    CLEAR = "clear"
    ENVELOPE = "envelope"
    NEWER = "newer"
    DAMAGED = "damaged"
    POINTER = "pointer"
    LOOKALIKE = "lookalike"
    ABSENT = "absent"

    @property
    def is_sealed(self) -> bool:
        """Whether it is an envelope, of this version or a newer one."""
        return self in {Kind.ENVELOPE, Kind.NEWER}

    @property
    def is_plain(self) -> bool:
        """Whether it is content that nobody has sealed; it may look like something else."""
        return not self.is_sealed and self not in {Kind.EMPTY, Kind.ABSENT}

    @property
    def is_pointer(self) -> bool:
        """Whether git-lfs may take it for a pointer."""
        return self in {Kind.POINTER, Kind.LOOKALIKE}


def classify(head: bytes, size: int) -> Kind:
    """Tells what content is.

    Args:
        head: its beginning, longer than a pointer can be, or all of it.
    """
    if not size:
        return Kind.EMPTY
    if pointer_file.is_alike(head, size):
        is_canonical = size == len(head) and pointer_file.parse(head) is not None
        return Kind.POINTER if is_canonical else Kind.LOOKALIKE
    try:
        return Kind.CLEAR if read_header(head[:HEADER_BYTES]) is None else Kind.ENVELOPE
    except NewerFormatError:
        return Kind.NEWER
    except EnvelopeError:
        return Kind.DAMAGED


def find_header(head: bytes) -> Header | None:
    """Returns the envelope header that bytes begin with; plaintext may have the magic too.

    Raises:
        NewerFormatError: it is of a version or suite that a newer git-model writes.
    """
    try:
        return read_header(head[:HEADER_BYTES])
    except NewerFormatError:
        raise
    except EnvelopeError:
        return None


def is_sealed(head: bytes) -> bool:
    """Tells whether bytes begin as an envelope does, of this version or a newer one."""
    return classify(head, len(head)).is_sealed


class Blob:
    """A blob, open at the beginning of what is behind it; a context manager.

    Attributes:
        blob_size: length of the blob itself in bytes.
        size: of what is behind it; mostly the same.
        head: the first `HEAD_BYTES` of that; empty where it is not here.
        pointer: what led to it; None when it is the blob itself.
        absent: why it is not here.
    """

    def __init__(
        self,
        blob_size: int,
        size: int,
        head: bytes,
        pointer: Pointer | None = None,
        *,
        absent: NotFetchedError | None = None,
        file: io.BufferedReader[Any] | None = None,
    ) -> None:
        self.blob_size = blob_size
        self.size = size
        self.head = head
        self.pointer = pointer
        self.absent = absent
        self._file = file

    def __enter__(self) -> Blob:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is None:
            return
        if self.pointer is None:
            self._file.detach()  # the stream belongs to a batch
        else:
            self._file.close()

    @property
    def file(self) -> io.BufferedReader[Any]:
        """What is behind the blob, buffered by 64 KiB: `peek` is there.

        Raises:
            NotFetchedError: it is not here.
        """
        if self.absent is not None:
            raise self.absent
        assert self._file is not None
        return self._file

    @cached_property
    def kind(self) -> Kind:
        """What is behind the blob."""
        return Kind.ABSENT if self.absent is not None else classify(self.head, self.size)

    @property
    def is_lookalike(self) -> bool:
        """Whether nobody can say what the blob stands for: git-lfs may follow it."""
        return self.pointer is None and self.kind is Kind.LOOKALIKE

    @property
    def place(self) -> str:
        """Says for a person that it is not the blob that was looked at."""
        return f", in the git-lfs object {self.pointer.oid[:12]}" if self.pointer else ""


def open_blob(stream: BlobStream, objects: ObjectStore) -> Blob:
    """Opens what is behind a blob.

    Raises:
        GitError: the blob is corrupt.
    """
    source = io.BufferedReader(stream, _BUFFER_BYTES)
    head = _peek(source) if stream.size else b""
    found = pointer_file.parse(head) if stream.size <= pointer_file.MAX_BYTES else None
    if found is None:
        return Blob(stream.size, stream.size, head, file=source)
    source.detach()
    try:
        opened = cast("io.RawIOBase", objects.open(found))
    except NotFetchedError as error:
        return Blob(stream.size, found.size, b"", found, absent=error)
    file = io.BufferedReader(opened, _BUFFER_BYTES)
    return Blob(stream.size, found.size, _peek(file), found, file=file)


def _peek(source: io.BufferedReader[Any]) -> bytes:
    return source.peek(HEAD_BYTES)[:HEAD_BYTES]


def classify_file(top: Path, path: bytes) -> Kind | None:
    """Tells what a file is; None where no regular one stands.

    Raises:
        OSError: it cannot be read.
    """
    found = worktree.head(top, path, pointer_file.MAX_BYTES + 1)
    return None if found is None else classify(found[1], found[0].st_size)


def survey(repo: Repository, oids: Iterable[str]) -> tuple[dict[str, int], dict[str, Pointer]]:
    """Looks at many blobs at once, of which some may not be here.

    Returns:
        The lengths in bytes of those that are, and which of them are pointers.
    """
    sizes = batch.sizes(repo, oids)
    short = [oid for oid, size in sizes.items() if size <= pointer_file.MAX_BYTES]
    found = {oid: pointer_file.parse(text) for oid, text in batch.contents(repo, short).items()}
    return sizes, {oid: pointer for oid, pointer in found.items() if pointer is not None}


def pointers(
    repo: Repository, pairs: Collection[tuple[bytes, str]]
) -> list[tuple[bytes, Pointer]]:
    """Returns the paths whose blobs are pointers, with these; of paths with oids."""
    _, found = survey(repo, (oid for _, oid in pairs))
    return [(path, found[oid]) for path, oid in pairs if oid in found]


def pointer_of(stream: BlobStream) -> Pointer | None:
    """Returns the pointer that a blob is, or None; reads no more than a pointer has."""
    if stream.size > pointer_file.MAX_BYTES:
        return None
    return pointer_file.parse(cast("BinaryIO", stream).read(pointer_file.MAX_BYTES))


def is_in_place(
    repo: Repository, path: bytes, oid: str, pointer: Pointer | None, size: int | None = None
) -> bool:
    """Tells whether a work tree file is what is behind a blob, not opened by any filter.

    That is the blob, and where it is a pointer (`pointer`) the object too: git-lfs before
    3.6 writes it, whatever the attributes say.
    """
    if pointer is not None and worktree.holds_object(repo, path, pointer.oid, pointer.size):
        return True
    return worktree.holds_blob(repo, path, oid, size)

"""The ciphertext behind a blob: the blob itself, or the object that it points to."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from git_model_security.git import batch, worktree
from git_model_security.storage import pointer as pointer_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from git_model_security.git.objects import BlobStream
    from git_model_security.git.repository import Repository
    from git_model_security.storage.lfs import ObjectStore
    from git_model_security.storage.pointer import Pointer

_BUFFER_BYTES = 64 * 1024


@dataclass
class Behind:
    """An open ciphertext, at its beginning; a context manager.

    Attributes:
        file: buffered by 64 KiB: `peek` is there.
        size: its length in bytes.
        pointer: what led to it; None when it is the blob itself.
    """

    file: io.BufferedReader[Any]
    size: int
    pointer: Pointer | None = None

    def __enter__(self) -> Behind:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pointer is None:
            self.file.detach()  # the stream belongs to a batch
        else:
            self.file.close()


def of(blob: BlobStream, objects: ObjectStore) -> Behind:
    """Opens what is behind a blob.

    Raises:
        NotFetchedError: it is an object that is not here.
    """
    source = io.BufferedReader(blob, _BUFFER_BYTES)
    if blob.size <= pointer_file.MAX_BYTES and blob.size:
        found = pointer_file.parse(source.peek(pointer_file.MAX_BYTES))
        if found is not None:
            source.detach()
            file = io.BufferedReader(cast("io.RawIOBase", objects.open(found)), _BUFFER_BYTES)
            return Behind(file, found.size, found)
    return Behind(source, blob.size)


def survey(repo: Repository, oids: Iterable[str]) -> tuple[dict[str, int], dict[str, Pointer]]:
    """Looks at many blobs at once, of which some may not be here.

    Returns:
        The lengths in bytes of those that are, and which of them are pointers.
    """
    sizes = batch.sizes(repo, oids)
    short = [oid for oid, size in sizes.items() if size <= pointer_file.MAX_BYTES]
    found = {oid: pointer_file.parse(text) for oid, text in batch.contents(repo, short).items()}
    return sizes, {oid: pointer for oid, pointer in found.items() if pointer is not None}


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


def pointers(
    repo: Repository, pairs: Collection[tuple[bytes, str]]
) -> list[tuple[bytes, Pointer]]:
    """Returns the paths whose blobs are pointers, with them.

    Args:
        repo: the repository.
        pairs: paths with the oids of blobs.
    """
    _, found = survey(repo, (oid for _, oid in pairs))
    return [(path, found[oid]) for path, oid in pairs if oid in found]


def pointer_of(blob: BlobStream) -> Pointer | None:
    """Returns the pointer that a blob is, or None; reads no more than a pointer has."""
    if blob.size > pointer_file.MAX_BYTES:
        return None
    return pointer_file.parse(cast("BinaryIO", blob).read(pointer_file.MAX_BYTES))

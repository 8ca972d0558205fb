"""Encrypts in the index what is tracked in clear at protected paths."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from git_model_security.envelope import encrypt
from git_model_security.filter import blobs
from git_model_security.git import attributes, index
from git_model_security.git.index import Entry
from git_model_security.git.objects import write_blob_from

if TYPE_CHECKING:
    from git_model_security.filter.clone import Clone

_POINTER = b"version https://git-lfs.github.com/spec/"


def seal_staged(clone: Clone) -> int:
    """Encrypts clear blobs of the index at protected paths; returns how many.

    The blobs are taken from the index, not from the work tree, so that changes
    which were not added stay unadded. A git-lfs pointer is no content: there the
    work tree file is added anew, through the filter.

    Raises:
        Error: an object is missing, or Git refused the new entry.
    """
    entries = [entry for entry in index.staged(clone.repo) if entry.is_file]
    guarded = attributes.protected(clone.repo, (entry.path for entry in entries))
    sealed, again = [], []
    for entry in entries:
        if entry.path not in guarded:
            continue
        head, _ = blobs.peek(blobs.chunks(clone, entry.oid))
        if not head or blobs.header(head) is not None:
            continue
        if head.startswith(_POINTER):
            again.append(entry.path)
        else:
            sealed.append(Entry(entry.path, entry.mode, _seal(clone, entry.oid)))
    if sealed:
        index.stage(clone.repo, sealed)
        clone.repo.git("update-index", "-q", "--refresh", accept=(0, 1), filters=True)
    if again:
        listed = b"".join(path + b"\0" for path in again)
        arguments = ("--pathspec-from-file=-", "--pathspec-file-nul")
        clone.repo.git("add", "--renormalize", *arguments, stdin=listed, filters=True)
    return len(sealed) + len(again)


def _seal(clone: Clone, oid: str) -> str:
    with clone.spool() as spool:
        encrypt(clone.ring.current, io.BufferedReader(clone.objects.stream(oid)), spool)
        spool.seek(0)
        return write_blob_from(clone.repo, spool)

"""Encrypts in the index what is tracked in clear at protected paths, and opens it there.

A pointer of git-lfs is no content: the object that it points to is, which becomes an
envelope. The plaintext object stays where it is: on this machine, and on the server. Lines for
git-lfs in the top `.gitattributes` need not go: our block stands after them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security import telemetry
from git_model_security.content import blob, reader
from git_model_security.content.pipeline import Joined
from git_model_security.content.sealed import seal_content
from git_model_security.envelope import plaintext_length
from git_model_security.errors import NotFetchedError, PolicyError
from git_model_security.git import attributes, index, worktree
from git_model_security.git.hash_object import write_blob_from
from git_model_security.git.index import Entry
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.git.paths import shown
from git_model_security.policy import pinned

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from git_model_security.clone.clone import Clone
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.git.repository import Repository
    from git_model_security.storage.pointer import Pointer

_LFS_DRIVER = b"lfs"
_LFS_LINE = re.compile(rb"^[^#\n]*\bfilter=lfs\b", re.MULTILINE)


@dataclass
class SealedIndex:
    """What was encrypted; of it `taken_over` were pointers of git-lfs to plaintext."""

    paths: list[bytes] = field(default_factory=list)
    taken_over: list[bytes] = field(default_factory=list)


def require_content(
    clone: Clone, entries: Sequence[Entry], guarded: Collection[bytes], limit: int | None
) -> None:
    """Raises unless all of the index that will be encrypted is on this machine.

    That is what stands at `guarded` paths; `limit` is the longest plaintext in bytes.

    Raises:
        NotFetchedError: an object of git-lfs is missing.
        PolicyError: a file is longer, or a pointer cannot be followed.
        GitError: an object is missing or corrupt.
    """
    for entry in entries:
        if not entry.is_file or entry.path not in guarded:
            continue
        with blob.open_blob(clone.objects.stream(entry.oid), clone.lfs) as found:
            size = found.size
        if found.pointer is not None and _content(clone, entry, found.pointer) is None:
            raise NotFetchedError(
                f"{shown(entry.path)}: its git-lfs object is not on this machine, so"
                " it cannot be encrypted",
                hint="`git lfs pull` brings all of them; then init again",
            )
        if found.is_lookalike:
            raise PolicyError(
                f"{shown(entry.path)}: a pointer that is not written as git-lfs writes them",
                hint=f"`git add --renormalize {shown(entry.path)}` after `git lfs pull`",
            )
        if limit is not None and size > limit:
            raise PolicyError(
                f"{shown(entry.path)}: {size} bytes are more than the {limit} that go into"
                " Git without git-lfs",
                hint="install git-lfs, or choose --storage inline",
            )


@telemetry.span("encrypt")
def seal_staged(clone: Clone) -> SealedIndex:
    """Encrypts clear blobs of the index at protected paths.

    The blobs are taken from the index, not from the work tree, so that changes
    which were not added stay unadded.

    Raises:
        Error: an object is missing, or Git refused the new entry.
    """
    entries = [entry for entry in index.staged(clone.repo) if entry.is_file]
    guarded = attributes.protected(clone.repo, (entry.path for entry in entries))
    done, sealed, unwritten = SealedIndex(), [], []
    for entry in entries:
        if entry.path not in guarded:
            continue
        with blob.open_blob(clone.objects.stream(entry.oid), clone.lfs) as found:
            if not found.size or found.kind.is_sealed:
                continue
        pointer = found.pointer
        if pointer is not None:
            done.taken_over.append(entry.path)
            if worktree.holds_blob(clone.repo, entry.path, entry.oid):
                unwritten.append(entry.path)
        done.paths.append(entry.path)
        sealed.append(Entry(entry.path, entry.mode, _seal(clone, entry, pointer)))
    if sealed:
        index.stage(clone.repo, sealed)
        # Where a pointer stood for want of its object there is now the file itself.
        worktree.rewrite(clone.repo, unwritten)
        index.refresh(clone.repo)
    return done


def reseal_staged(clone: Clone) -> list[bytes]:
    """Encrypts anew what is not sealed as new content would be; returns the paths.

    That is what the index has under another key, or in Git instead of git-lfs, or there.

    Raises:
        Error: an object is missing, or does not open.
    """
    repo = clone.repo
    entries = [entry for entry in index.staged(repo) if entry.is_file]
    guarded = attributes.protected(repo, (entry.path for entry in entries))
    sizes, pointers = blob.survey(repo, (entry.oid for entry in entries))
    anew = []
    for entry in entries:
        key_id = reader.key_id(clone, entry.oid) if entry.path in guarded else None
        if key_id is None:
            continue
        pointer = pointers.get(entry.oid)
        length = plaintext_length(pointer.size if pointer else sizes[entry.oid])
        is_alike = clone.makes_object(length, entry.path) == (pointer is not None)
        if key_id != clone.ring.current.id or not is_alike:
            content = reader.open_content(clone, entry.oid)
            oid = _seal_content(clone, content, None, entry.path)
            anew.append(Entry(entry.path, entry.mode, oid))
    if anew:
        index.stage(repo, anew)
    return [entry.path for entry in anew]


def open_staged(clone: Clone, entries: Sequence[Entry]) -> list[Entry]:
    """Opens in the index what entries hold sealed, and lets it out; returns the new ones.

    Raises:
        Error: an object is missing, or does not open.
    """
    repo = clone.repo
    clear = [
        Entry(one.path, one.mode, write_blob_from(repo, reader.open_content(clone, one.oid)))
        for one in entries
    ]
    pinned.release(repo, [one.oid for one in clear])
    if clear:
        index.stage(repo, clear)
    return clear


def _seal(clone: Clone, entry: Entry, pointer: Pointer | None) -> str:
    if pointer is None:
        return _seal_content(clone, reader.chunks(clone, entry.oid), None)
    found = _content(clone, entry, pointer)
    if found is None:
        raise NotFetchedError(
            f"{shown(entry.path)}: its git-lfs object is not on this machine",
            hint=f"`git lfs pull`, then `git add --renormalize {shown(entry.path)}`",
        )
    with found.open("rb") as file:
        return _seal_content(clone, iter(lambda: file.read(CHUNK_BYTES), b""), pointer)


def _seal_content(
    clone: Clone, content: Iterator[BytesLike], pointer: Pointer | None, path: bytes = b""
) -> str:
    return seal_content(
        clone,
        Joined(content),
        pointer,
        lambda sealed: write_blob_from(clone.repo, sealed.keep()),
        path,
    )


def _content(clone: Clone, entry: Entry, pointer: Pointer) -> Path | None:
    """Returns the object of git-lfs, or a work tree file that is the same; None for neither."""
    if not pointer.size or clone.lfs.holds(pointer):
        return clone.lfs.path(pointer)
    if worktree.holds_object(clone.repo, entry.path, pointer.oid, pointer.size):
        return clone.repo.top / os.fsdecode(entry.path)
    return None


def paths_of_lfs(repo: Repository) -> set[bytes]:
    """Returns the tracked files that are git-lfs's by the attributes of now."""
    return attributes.filtered(repo, (entry.path for entry in index.staged(repo)), _LFS_DRIVER)


def left_in_lfs(
    repo: Repository, taken_over: Sequence[bytes], before: set[bytes]
) -> Iterator[str]:
    """Yields what the user should look at in a repository that is set up.

    What is `taken_over` was in git-lfs in clear and is encrypted now; `before` is what
    `paths_of_lfs` said before the set-up.
    """
    if taken_over:
        yield (
            f"{len(taken_over)} files were in git-lfs in clear: those objects stay on its"
            " server and in the history; see `git model audit`, and delete them there"
        )
    for entry in index.staged(repo):
        # A nested file outranks the top one; in this clone info/attributes outranks both.
        is_nested = entry.is_file and entry.path.endswith(b"/.gitattributes")
        if is_nested and _LFS_LINE.search(repo.git("cat-file", "blob", entry.oid)):
            yield (
                f"{shown(entry.path)} sends files to git-lfs, which outranks the top"
                " .gitattributes in clones without a key: take those lines out"
            )
    lost = before - attributes.filtered(repo, before, _LFS_DRIVER)
    lost -= attributes.protected(repo, before)
    if lost:
        # `!filter` takes the driver away from what is excluded, whoever set it.
        yield (
            f"{shown(min(lost))} and whatever else is excluded and was in git-lfs"
            f" ({len(lost)} files) will be plain blobs in Git: exclude less, or move them"
        )

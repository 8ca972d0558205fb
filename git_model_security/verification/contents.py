"""Files of the work tree against blobs, by content alone.

Neither stat data nor flags of the index are asked: `update-index --assume-unchanged` and a
time stamp that was put back would answer for what nobody looked at.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from git_model_security.content import blob, reader
from git_model_security.content.blob import Kind
from git_model_security.errors import Error, GitError, NotFetchedError, Reason
from git_model_security.git import attributes
from git_model_security.git.hash_object import list_cleaned_oids
from git_model_security.verification import file_digests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.verification.file_digests import Progress


class Contents:
    """Compares files by a digest; each is read as seldom as can be."""

    def __init__(self, clone: Clone, digest: str) -> None:
        self._clone = clone
        self._repo = clone.repo
        self._digest = digest
        self._here: dict[bytes, bytes] = {}

    def read(
        self, paths: Iterable[bytes], progress: Progress | None = None
    ) -> Mapping[bytes, bytes]:
        """Returns the digests of all files that were read, these among them."""
        wanted = [path for path in paths if path not in self._here]
        self._here |= file_digests.digests(self._repo.top, wanted, self._digest, progress)
        return self._here

    def unlike(self, entries: Sequence[Entry]) -> dict[bytes, Reason]:
        """Returns why regular files are not what entries hold; without those that are."""
        sizes, pointers = blob.survey(self._repo, (entry.oid for entry in entries))
        same = [
            entry
            for entry in entries
            if blob.is_in_place(
                self._repo,
                entry.path,
                entry.oid,
                pointers.get(entry.oid),
                sizes.get(entry.oid),
            )
        ]
        known = {entry.path for entry in same}
        left = [entry for entry in entries if entry.path not in known]
        if self._clone.ring.locked:
            found = {entry.path: Reason.TAMPERED for entry in left}
        else:
            found = dict(self._unopened(same)) | dict(self._differing(left))
        changed = [one for one in left if found.get(one.path) is Reason.TAMPERED]
        for path in self._converted(changed):
            del found[path]
        return found

    def may_hold(self, entry: Entry, digest: bytes) -> bool:
        """Tells whether what an entry holds has a digest, or cannot be read here."""
        try:
            return self._held(entry) == digest
        except Error as error:
            return error.unverified is not Reason.TAMPERED

    def _held(self, entry: Entry) -> bytes:
        return reader.digests(self._clone, entry.oid, self._digest).by_name(self._digest)

    def _unopened(self, entries: Sequence[Entry]) -> Iterator[tuple[bytes, Reason]]:
        """Yields protected files that stand there as Git, or git-lfs, has them."""
        found = {entry.path: sealed_as(self._repo.top, entry.path) for entry in entries}
        doubtful = {path: reason for path, reason in found.items() if reason is not None}
        if doubtful:
            for path in attributes.protected(self._repo, doubtful):
                yield path, doubtful[path]

    def _differing(self, entries: Sequence[Entry]) -> Iterator[tuple[bytes, Reason]]:
        """Yields files that are not the plaintext of what entries hold."""
        here = self.read(entry.path for entry in entries)
        self._clone.digests.recall(entry.oid for entry in entries)
        for entry in entries:
            try:
                if self._held(entry) != here.get(entry.path):
                    yield entry.path, Reason.TAMPERED
            except NotFetchedError:
                # That Git's object is not here says nothing of the file that is.
                yield entry.path, Reason.UNREADABLE
            except Error as error:
                yield entry.path, error.unverified

    def _converted(self, entries: Sequence[Entry]) -> Iterator[bytes]:
        """Yields files that `git add` would make just these blobs of (gitattributes)."""
        if entries:
            # Our own clean is not asked: no such file is converted, and a locked clone
            # cannot seal.
            sealed = attributes.protected(self._repo, (entry.path for entry in entries))
            yield from self._cleaned([one for one in entries if one.path not in sealed])

    def _cleaned(self, entries: Sequence[Entry]) -> Iterator[bytes]:
        if not entries:
            return
        try:
            oids = list_cleaned_oids(self._repo, [entry.path for entry in entries])
        except GitError:
            # A filter refuses a file, or nobody can read it; that is no answer for others.
            half = len(entries) // 2
            if half:
                yield from self._cleaned(entries[:half])
                yield from self._cleaned(entries[half:])
            return
        for entry, oid in zip(entries, oids, strict=True):
            if entry.oid == oid:
                yield entry.path


def sealed_as(top: Path, path: bytes) -> Reason | None:
    """Returns why a file is not decrypted, by how it begins; None where it may be."""
    with contextlib.suppress(OSError):
        kind = blob.classify_file(top, path)
        if kind is Kind.POINTER:
            return Reason.NOT_FETCHED
        if kind is not None and kind.is_sealed:
            return Reason.NOT_MATERIALISED
    return None

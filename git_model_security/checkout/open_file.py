"""One file on its way from its git-lfs object into the work tree.

Its segments are opened and written in any order, on any thread; the plaintext digest
takes them in order. Whoever calls holds a lock where it says so.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.clone.digests import PlaintextHash
from git_model_security.content import blob, reader
from git_model_security.envelope import HEADER_BYTES, SEGMENT_BYTES, SegmentReader
from git_model_security.envelope.header import find_key
from git_model_security.errors import EnvelopeError, Error, GitError
from git_model_security.files import write_at
from git_model_security.git import index_stat
from git_model_security.git.index import EXECUTABLE
from git_model_security.git.replacement import Replacement, naming

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

    from git_model_security.clone.clone import Clone
    from git_model_security.clone.digests import Digests
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.storage.pointer import Pointer

_AHEAD = 4 * max(2, os.cpu_count() or 1)
"""Segments that may wait for the digest of those before them: a few per core."""


@dataclass
class Job:
    """A file to be written.

    Attributes:
        entry: its index entry, a blob that is `pointer`.
        before: stat data of what stands in its place, None for nothing. When something
            else stands there in the end, that is left alone.
        written: stat data of the file, once it is in its place.
    """

    entry: Entry
    pointer: Pointer
    before: os.stat_result | None = None
    written: os.stat_result | None = None
    error: Error | None = None


def fill(repo: Repository, new: Replacement, pieces: Iterable[BytesLike]) -> None:
    """Gives a new file its content, and a date by which Git sees that it changed."""
    at = 0
    for piece in pieces:
        write_at(new.descriptor, piece, at)
        at += len(piece)
    new.settle(index_stat.date(repo))


class OpenFile:
    """A file being written; nobody sees it in the work tree before it is complete.

    Raises:
        Error: it cannot be opened, or there is no room for it.
    """

    def __init__(self, clone: Clone, job: Job, *, is_hashed: bool) -> None:
        self.job = job
        self.error: Error | None = None
        self.counted_bytes = 0
        self._repo = clone.repo
        self._object = clone.lfs.path(job.pointer)
        self._source = clone.lfs.open(job.pointer)
        try:
            self._reader = self._opened(clone, self._source)
            mode = 0o777 if job.entry.mode == EXECUTABLE else 0o666
            with naming(job.entry.path):
                self._new = Replacement(
                    clone.repo.top, job.entry.path, mode, self._reader.length
                )
        except BaseException:
            self._source.close()
            raise
        self._plaintext = PlaintextHash(clone.digest) if is_hashed else None
        self._claimed = self._busy = self._done = self._hashed = 0
        self._is_hashing = False
        self._waiting: dict[int, bytearray] = {}

    def _opened(self, clone: Clone, source: BinaryIO) -> SegmentReader:
        header = blob.find_header(source.read(HEADER_BYTES))
        if header is None:
            raise EnvelopeError(
                f"its git-lfs object {self.job.pointer.oid[:12]} is not encrypted",
                hint="whoever pushed it should `git add` the file again, with git-model;"
                " see `git model audit`",
            )
        try:
            return SegmentReader(find_key(header, clone.ring.keys), source)
        except EnvelopeError as error:
            raise self._damaged(error) from error

    def _damaged(self, error: EnvelopeError) -> EnvelopeError:
        """Returns the error of an object that does not open, with what to do about it."""
        where = os.fspath(self._object)
        hint = f"remove {where}, then `git model checkout` fetches it again"
        return type(error)(str(error), hint=hint)

    @property
    def may_go_on(self) -> bool:
        """Whether a segment may be claimed now; under the lock."""
        if self.error is not None or self._claimed == self._reader.segments:
            return False
        return self._plaintext is None or self._claimed < self._hashed + _AHEAD

    def claim(self) -> int:
        """Returns the next segment to write; under the lock."""
        self._busy += 1
        self._claimed += 1
        return self._claimed - 1

    def release(self) -> bool:
        """Ends what `claim` began, and tells whether it was the last; under the lock."""
        self._busy -= 1
        is_over = self.error is not None or self._done == self._reader.segments
        return is_over and not self._busy

    def write(self, index: int) -> bytearray:
        """Opens a segment, writes it to its place, and returns it.

        Raises:
            EnvelopeError: the object is damaged, or holds an envelope once more.
            GitError: it cannot be read or written.
        """
        try:
            content = self._reader.read_segment(index)
        except EnvelopeError as error:
            raise self._damaged(error) from error
        except OSError as error:
            reason = messages.reason(error)
            raise GitError(f"{self._object}: cannot read it: {reason}") from error
        if not index:
            for _ in reader.check_opened((content,), None):
                pass
        with naming(self.job.entry.path):
            write_at(self._new.descriptor, content, index * SEGMENT_BYTES)
        return content

    def take(self, index: int, content: bytearray) -> None:
        """Takes in that a segment is written; under the lock."""
        self.counted_bytes += len(content)
        self._done += 1
        if self._plaintext is not None:
            self._waiting[index] = content

    def next_to_hash(self, *, is_mine: bool) -> bytearray | None:
        """Returns what the digest takes next; None when that is not there; under the lock.

        It goes to the thread that got the one before (`is_mine`), or to any when that is done.
        """
        if is_mine:
            self._hashed += 1
        elif self._is_hashing:
            return None
        segment = self._waiting.pop(self._hashed, None) if self.error is None else None
        self._is_hashing = segment is not None
        return segment

    def hash(self, segment: bytearray) -> None:
        """Takes a segment into the digest; one thread at a time."""
        assert self._plaintext is not None
        self._plaintext.update(segment)

    def finish(self) -> Digests | None:
        """Puts the file in its place, unless there is an error; returns what it learnt."""
        job = self.job
        try:
            if self.error is None:
                with naming(job.entry.path):
                    self._put()
        except Error as error:
            self.error = error
        finally:
            self.close()
        job.error = self.error
        if self._plaintext is None or self.error is not None:
            return None
        return self._plaintext.digests(
            self._reader.header.key_id, bytes.fromhex(job.pointer.oid), self._reader.root
        )

    def _put(self) -> None:
        if not self._new.replaces(self.job.before):
            standing = self._new.standing()
            if standing is not None and standing.st_size == self._reader.length:
                return  # most likely another checkout of this moment wrote it
            raise GitError(
                "something else was put in its place meanwhile, and is left alone",
                hint="`git status` tells; `git restore` brings back what Git holds",
            )
        self._new.settle(index_stat.date(self._repo))
        self.job.written = self._new.commit()

    def close(self) -> None:
        """Drops what was not put in its place."""
        self._new.drop()
        self._source.close()

"""Digests of files below a directory, by all cores, without following any link.

What stands at a name may be hostile: a link, a pipe, a directory, or a parent that was
swapped for a link. Such a name gets a word that equals no digest, or none at all.
"""

from __future__ import annotations

import os
import stat
import threading
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from git_model_security.clone.digests import PlaintextHash
from git_model_security.content.background import Background
from git_model_security.errors import EnvelopeError, NewerFormatError
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.git.worktree import EXISTING
from git_model_security.verification.listing import open_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from git_model_security.envelope.layout import BytesLike

    Progress = Callable[[int, int], object]
    """Told how many bytes of how many are hashed; on any thread, one at a time."""

    Chunks = Callable[[bytes, int, "memoryview | None"], Iterator[BytesLike]]
    """Reads a file, given its name and descriptor; see `read_chunks`."""

NOT_A_FILE = b"not a file"
UNREADABLE = b"unreadable"
DAMAGED = b"damaged"

_SMALL_BYTES = 256 << 10
_BATCH_FILES = 64


class Running(Protocol):
    """Takes in a file, and has then what `digests` returns of it."""

    def update(self, data: BytesLike) -> None:
        """Takes in more."""

    def digest(self) -> bytes:
        """Returns the digest of all."""


@dataclass
class _Task:
    """Files of one directory that one thread hashes: many small ones, or a large one."""

    parent: bytes
    names: list[bytes]
    size: int = 0


def read_chunks(_: bytes, descriptor: int, room: memoryview | None) -> Iterator[BytesLike]:
    """Yields what a file holds, from where its descriptor stands.

    Args:
        descriptor: of the file.
        room: what each chunk may be written to, over the last one; None where chunks stay.
    """
    if room is None:
        while chunk := os.read(descriptor, CHUNK_BYTES):
            yield chunk
        return
    while count := os.readv(descriptor, [room]):
        yield room[:count]


def digests(
    top: Path,
    names: Iterable[bytes],
    digest: str,
    progress: Progress | None = None,
    shard_bytes: int | None = None,
    chunks: Chunks = read_chunks,
) -> dict[bytes, bytes]:
    """Returns the digest of every file that is there.

    Args:
        top: the directory.
        names: relative to it, with `/`.
        digest: `sha256`, `blake3` or `blake2b`.
        progress: told how far it is.
        shard_bytes: give the digests of a file's parts of this length, one after the
            other, instead of the one of the file.
        chunks: reads a file; what it says is damaged (`EnvelopeError`) has no digest.

    Returns:
        By name; `NOT_A_FILE`, `UNREADABLE` or `DAMAGED` where something else stands. A name
        where nothing stands, or that a link leads to, is not in it.

    Raises:
        Error: `chunks` could not read a file for another reason.
    """
    tasks = sorted(_tasks(top, names), key=lambda task: -task.size)
    cores = os.cpu_count() or 1
    total = sum(task.size for task in tasks)
    reading = _Reading(top, partial(begin, digest, shard_bytes), chunks, total, progress)
    # With less files than cores, reading and hashing one are done side by side.
    reading.is_split = sum(task.size > _SMALL_BYTES for task in tasks) < cores
    found: dict[bytes, bytes] = {}
    from concurrent.futures import ThreadPoolExecutor  # rarely is a file read

    with ThreadPoolExecutor(cores) as pool:
        try:
            for done in pool.map(reading.hashed, tasks):
                found |= done
        except BaseException:
            reading.stopped = True  # an interrupt does not wait for a large file
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found


def begin(digest: str, shard_bytes: int | None = None) -> Running:
    """Returns the digest of a file that has no content yet."""
    return _Parts(digest, shard_bytes) if shard_bytes else PlaintextHash(digest)


def _tasks(top: Path, names: Iterable[bytes]) -> Iterator[_Task]:
    for parent, group in groupby(sorted(map(os.path.split, names)), key=lambda pair: pair[0]):
        yield from _of_directory(top, parent, [name for _, name in group])


def _of_directory(top: Path, parent: bytes, names: Sequence[bytes]) -> Iterator[_Task]:
    try:
        directory = open_directory(top, parent)
    except OSError:
        return
    batch = _Task(parent, [])
    try:
        for name in names:
            try:
                size = os.stat(name, dir_fd=directory, follow_symlinks=False).st_size
            except OSError:
                continue
            if size > _SMALL_BYTES:
                yield _Task(parent, [name], size)
                continue
            batch.names.append(name)
            batch.size += size
            if len(batch.names) == _BATCH_FILES:
                yield batch
                batch = _Task(parent, [])
    finally:
        os.close(directory)
    if batch.names:
        yield batch


class _Parts:
    """The digests of what is taken in, by parts of one length."""

    def __init__(self, digest: str, shard_bytes: int) -> None:
        self._digest = digest
        self._shard_bytes = shard_bytes
        self._running = PlaintextHash(digest)
        self._done = b""

    def update(self, data: BytesLike) -> None:
        """Takes in more."""
        left = memoryview(data)
        while left:
            part = left[: self._shard_bytes - self._running.length]
            self._running.update(part)
            left = left[len(part) :]
            if self._running.length == self._shard_bytes:
                self._done += self._running.digest()
                self._running = PlaintextHash(self._digest)

    def digest(self) -> bytes:
        """Returns the digests of all parts."""
        return self._done + (self._running.digest() if self._running.length else b"")


class _Reading:
    """What the threads of one run share."""

    def __init__(
        self,
        top: Path,
        new: Callable[[], Running],
        chunks: Chunks,
        total: int,
        progress: Progress | None,
    ) -> None:
        self._top = top
        self._new = new
        self._chunks = chunks
        self._total = total
        self._progress = progress
        self._done = 0
        self._lock = threading.Lock()
        self._own = threading.local()
        self.stopped = False
        self.is_split = False

    def hashed(self, task: _Task) -> dict[bytes, bytes]:
        """Returns the digests of a task's files."""
        try:
            directory = open_directory(self._top, task.parent)
        except OSError:
            return {}
        prefix = task.parent + b"/" if task.parent else b""
        try:
            found = ((prefix + one, self._hash(directory, prefix, one)) for one in task.names)
            return {name: value for name, value in found if value is not None}
        finally:
            os.close(directory)

    def _hash(self, directory: int, prefix: bytes, name: bytes) -> bytes | None:
        try:
            descriptor = os.open(name, EXISTING, dir_fd=directory)
        except FileNotFoundError:
            return None
        except OSError:
            # A link, a socket, or a file that is not for us to read.
            return UNREADABLE
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                return NOT_A_FILE
            if self.is_split and facts.st_size > _SMALL_BYTES:
                return self._side_by_side(prefix + name, descriptor)
            return self._alone(prefix + name, descriptor)
        except OSError:
            return UNREADABLE
        except NewerFormatError:
            raise
        except EnvelopeError:
            return DAMAGED
        finally:
            os.close(descriptor)

    def _alone(self, path: bytes, descriptor: int) -> bytes:
        buffer = getattr(self._own, "buffer", None)
        if buffer is None:
            buffer = self._own.buffer = memoryview(bytearray(CHUNK_BYTES))
        running = self._new()
        for chunk in self._chunks(path, descriptor, buffer):
            if self.stopped:
                break
            running.update(chunk)
            self._advance(len(chunk))
        return running.digest()

    def _side_by_side(self, path: bytes, descriptor: int) -> bytes:
        running = self._new()
        with Background(running.update) as hashing:
            for chunk in self._chunks(path, descriptor, None):
                if self.stopped:
                    break
                hashing.put(chunk)
                self._advance(len(chunk))
        return running.digest()

    def _advance(self, count: int) -> None:
        if self._progress is None:
            return
        with self._lock:
            self._done += count
            # A file may have grown since its length was looked up.
            self._progress(min(self._done, self._total), self._total)

"""One envelope as a file to read from: what leaves it was authenticated before."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from git_model_security import messages
from git_model_security.content import blob
from git_model_security.content.blob import Kind
from git_model_security.envelope import SegmentReader, memory
from git_model_security.errors import (
    AuthenticationError,
    ConfigError,
    EnvelopeError,
    Error,
    GitError,
    KeyNotFoundError,
    ModelError,
    NotFetchedError,
)
from git_model_security.keyring import key_material

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import StrPath, WriteableBuffer

    from git_model_security.keyring.key_material import KeyLike

_BUFFER_BYTES: Final = 1 << 20
_THREADED_BYTES: Final = 8 << 20
"""What is shorter is read by one thread: to start another takes longer."""


def open_encrypted(
    path: StrPath,
    key: KeyLike,
    *,
    root: bytes | None = None,
    threads: int | None = None,
) -> io.BufferedReader:
    """Opens the plaintext of an encrypted file for reading, seekable and buffered.

    Header, footer, and the list of the segments' synthetic values are proven before this
    returns; each segment is, before a byte of it is read (docs/SPEC.md, "Reading by range").

    Args:
        path: an envelope, as `git add` or `git model encrypt` makes.
        key: a key file, its 32 bytes, or the key.
        root: what stands for this file where a repository signed it (`manifest.roots`); None
            believes whoever has the key.
        threads: that open segments at once; None is one per core.

    Raises:
        EnvelopeError: the file is not encrypted, or damaged.
        AuthenticationError: it is not authentic under the key, or has another root.
        KeyNotFoundError: it was encrypted under another key.
        NotFetchedError: it is the pointer of an object of git-lfs.
        ConfigError: this is no key, or the file cannot be read.
    """
    file = EncryptedFile(path, key, root=root, threads=threads)
    return io.BufferedReader(file, _BUFFER_BYTES)


def load_into(
    path: StrPath,
    key: KeyLike,
    buffer: WriteableBuffer,
    *,
    root: bytes | None = None,
    threads: int | None = None,
) -> int:
    """Puts the whole plaintext of an encrypted file into memory of the caller.

    Args:
        buffer: writable and contiguous, at least as long as the plaintext: a pinned tensor,
            for example. It is zeroed where anything fails.

    Returns:
        The length of the plaintext in bytes.

    Raises:
        ValueError: the buffer is too short.
        Error: see `open_encrypted`.
    """
    room = memoryview(buffer).cast("B")
    with EncryptedFile(path, key, root=root, threads=threads) as file:
        if len(room) < file.length:
            raise ValueError(f"{path}: {file.length} bytes do not fit into {len(room)}")
        file.read_at(0, room[: file.length])
        return file.length


class EncryptedFile(io.RawIOBase):
    """The plaintext of an envelope; may be read by several threads at offsets.

    Args:
        path, key, root, threads: see `open_encrypted`.
        lock: the memory that this makes is kept out of swap (mlock(2)).

    Attributes:
        length: of the plaintext, in bytes.
        root: what was or is to be signed for the file, 32 bytes (`primitives.root`).
        failure: the last error of a read, for callers of libraries that raise another one.

    Raises:
        Error: see `open_encrypted`.
    """

    def __init__(
        self,
        path: StrPath,
        key: KeyLike,
        *,
        root: bytes | None = None,
        threads: int | None = None,
        lock: bool = False,
    ) -> None:
        super().__init__()
        self._path = path
        self._position = 0
        self.failure: Error | None = None
        self._threads = threads or os.cpu_count() or 1
        self._allocate = functools.partial(memory.allocate, lock=lock)
        self._file = open_envelope(path)
        try:
            with self._naming():
                self._reader = SegmentReader(key_material.of(key), self._file, self._allocate)
                if root is not None and len(root) != len(self._reader.root):
                    raise ConfigError(
                        f"what was given is no root: it has {len(root)} of 32 bytes",
                        hint="`bytes.fromhex` makes these of hexadecimal digits",
                    )
                if root is not None and self._reader.root != root:
                    raise AuthenticationError(
                        "is not the file that was signed: its root is another one",
                        hint="fetch it again, or ask who exchanged it",
                    )
        except BaseException:
            self._file.close()
            raise
        self.length: Final = self._reader.length
        self.root: Final = self._reader.root

    def read_at(self, offset: int, room: memoryview) -> None:
        """Fills memory with the plaintext from an offset; it is zeroed where anything fails.

        Raises:
            Error: see `open_encrypted`.
        """
        threads = self._threads if len(room) >= _THREADED_BYTES else 1
        with self._naming():
            self._reader.read_into(offset, room, threads)

    def load(self) -> memoryview:
        """Returns the whole plaintext, in pages that no core dump shows (`memory`)."""
        return self.load_part(0, self.length)

    def load_part(self, offset: int, length: int) -> memoryview:
        """Returns a part of the plaintext, in pages of its own."""
        room = self._allocate(length)
        self.read_at(offset, room)
        return room

    def readable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def seekable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def tell(self) -> int:
        """See `io.IOBase`."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See `io.IOBase`."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.length}
        if base[whence] + offset < 0:
            raise ValueError(f"{self._path}: a negative position")
        self._position = base[whence] + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """See `io.RawIOBase`."""
        with memoryview(buffer) as view, view.cast("B") as room:
            count = max(0, min(len(room), self.length - self._position))
            self.read_at(min(self._position, self.length), room[:count])
        self._position += count
        return count

    def close(self) -> None:
        """See `io.IOBase`."""
        if not self.closed:
            self._file.close()
        super().close()

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        """Has an error say which file it is of."""
        try:
            yield
        except Error as error:
            is_other_key = isinstance(error, KeyNotFoundError)
            hint = "pass the key that it was encrypted with" if is_other_key else error.hint
            self.failure = type(error)(f"{self._path}: {error}", hint=hint)
            raise self.failure from error
        except OSError as error:
            reason = messages.reason(error)
            self.failure = GitError(f"{self._path}: cannot read it: {reason}")
            raise self.failure from error


@contextlib.contextmanager
def as_model_errors(
    path: StrPath, *kinds: type[Exception], file: EncryptedFile | None = None
) -> Iterator[None]:
    """Has what the reader of a format raises be a `ModelError` that says which file it is of.

    Args:
        kinds: the exceptions of that reader, beside `ModelError`.
        file: what it reads: an error of that is raised as it was.
    """
    caught: tuple[type[Exception], ...] = (ModelError, *kinds)
    try:
        yield
    except caught as error:
        if file is not None and file.failure is not None:
            raise file.failure from error
        raise ModelError(f"{path}: {error}", hint=getattr(error, "hint", None)) from error


def open_envelope(path: StrPath) -> BinaryIO:
    """Opens a regular file that begins as an envelope; is not held up by a pipe of that name.

    Raises:
        Error: see `open_encrypted`.
    """
    file = open_regular(path)
    try:
        size = os.fstat(file.fileno()).st_size
        _require_envelope(path, os.pread(file.fileno(), blob.HEAD_BYTES, 0), size)
    except OSError as error:
        file.close()
        raise unreadable(path, error) from error
    except BaseException:
        file.close()
        raise
    return file


def open_regular(path: StrPath) -> BinaryIO:
    """Opens a regular file; is not held up by a pipe of that name.

    Raises:
        ConfigError: it cannot be opened, or is something else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:  # a name with a NUL, or that no encoding has
        raise unreadable(path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ConfigError(f"{path}: no regular file")
    return cast("BinaryIO", os.fdopen(descriptor, "rb", buffering=0))


def unreadable(path: StrPath, error: OSError | ValueError) -> ConfigError:
    """Returns the error of a file that cannot be read."""
    reason = messages.reason(error) if isinstance(error, OSError) else error
    return ConfigError(f"{path}: cannot read it: {reason}")


def _require_envelope(path: StrPath, head: bytes, size: int) -> None:
    kind = blob.classify(head, size)
    if kind.is_pointer:
        raise NotFetchedError(
            f"{path}: the pointer of an object of git-lfs, not the object",
            hint="`git lfs pull` fetches it, or load out of the clone",
        )
    if kind in {Kind.CLEAR, Kind.EMPTY}:
        raise EnvelopeError(
            f"{path}: not encrypted: it does not begin as an envelope does",
            hint="load it without git-model, or `git model encrypt` it",
        )

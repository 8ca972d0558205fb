"""One file of the work tree, written anew as a whole: complete and in place, or not at all.

Every parent directory is opened relative to the one above it without following
links. The content has no name while it grows, where the system can do that: of a
process that is killed nothing stays, and what would stay is plaintext. Elsewhere it
has a name of ours in the same directory, with a lock as long as its process lives.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import threading
from typing import TYPE_CHECKING

from git_model_security import files, messages
from git_model_security.errors import GitError
from git_model_security.git.index import stamp
from git_model_security.git.paths import is_tracked_component, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

_PREFIX = b".git-model-partial-"
PARTIAL_PATTERN = _PREFIX.decode() + "[0-9a-f]" * 16
"""Names of files that are not complete, as gitignore has patterns."""

_PARTIAL = re.compile(re.escape(_PREFIX) + rb"[0-9a-f]{16}")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NAMELESS: int | None = getattr(os, "O_TMPFILE", None)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_FALLOCATE = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF)
_ALONE = threading.Lock()


class Replacement:
    """A new file that takes the place of another; a context manager.

    Leaving it without `commit` drops what was written.

    Args:
        path: relative to it; its directories are made when they are missing.
        mode: permissions, less the umask.
        size: its length in bytes, where it is known: then the room for it is taken
            at once, or refused at once.

    Attributes:
        descriptor: to write to, at any offset and from any thread.

    Raises:
        GitError: the path is not one that Git would write.
        OSError: it cannot be written; see `naming`.
    """

    def __init__(self, top: Path, path: bytes, mode: int = 0o666, size: int = 0) -> None:
        *parents, self._name = checked(path).split(b"/")
        self._partial: bytes | None = None
        self._directory = descend(top, parents, make=True)
        try:
            self.descriptor = self._open(mode)
        except BaseException:
            os.close(self._directory)
            raise
        try:
            if size:
                _reserve(self.descriptor, size)
        except BaseException:
            self.drop()
            raise

    def __enter__(self) -> Replacement:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def _open(self, mode: int) -> int:
        descriptor = _nameless(self._directory, mode)
        if descriptor is not None:
            _lock(descriptor)  # `commit` gives it a name that `sweep` looks for
            return descriptor
        while True:
            self._partial = _partial_name()
            descriptor = os.open(self._partial, files.NEW, mode, dir_fd=self._directory)
            _lock(descriptor)
            # Another process may have swept it before it was locked.
            if os.fstat(descriptor).st_nlink:
                return descriptor
            os.close(descriptor)

    def reopen(self) -> int:
        """Returns a descriptor of its own to read what was written, which has no name yet."""
        flags = os.O_RDONLY | os.O_CLOEXEC
        if self._partial is None:
            return os.open(f"/proc/self/fd/{self.descriptor}", flags)
        return os.open(self._partial, flags | os.O_NOFOLLOW, dir_fd=self._directory)

    def standing(self) -> os.stat_result | None:
        """Returns the stat data of what stands in its place now, or None."""
        try:
            return os.stat(self._name, dir_fd=self._directory, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def replaces(self, before: os.stat_result | None) -> bool:
        """Tells whether what stands in its place is just what stood there before."""
        now = self.standing()
        return now == before if now is None or before is None else stamp(now) == stamp(before)

    def settle(self, indexed_at: int) -> None:
        """Dates the file back, to before its index, so that Git need not look into it.

        To Git a file that is as young as its index is "racily clean" (racy-git): it
        compares the content, which here means to clean it. Whoever changes the file
        from now on gives it a later date.

        Args:
            indexed_at: date of the index, in seconds.
        """
        facts = os.fstat(self.descriptor)
        settled = min(facts.st_mtime_ns // 10**9, indexed_at) - 1
        os.utime(self.descriptor, (facts.st_atime_ns // 10**9, settled))

    def commit(self) -> os.stat_result:
        """Puts the file in its place and returns its stat data.

        Raises:
            OSError: it cannot be put there; see `naming`.
        """
        if self._partial is None:
            name = _partial_name()
            self._link(name)
            self._partial = name
        here = self._directory
        os.replace(self._partial, self._name, src_dir_fd=here, dst_dir_fd=here)
        self._partial = None
        facts = os.fstat(self.descriptor)  # after the rename, which changes ctime
        self.drop()
        return facts

    def _link(self, name: bytes) -> None:
        source = f"/proc/self/fd/{self.descriptor}"
        os.link(source, name, dst_dir_fd=self._directory, follow_symlinks=True)

    def drop(self) -> None:
        """Gives up what was written and not committed; again does nothing."""
        if self._directory < 0:
            return
        if self._partial is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._partial, dir_fd=self._directory)
        os.close(self.descriptor)
        os.close(self._directory)
        self._directory = -1


def _nameless(directory: int, mode: int) -> int | None:
    """Opens a file that has no name yet; None where there are no such files."""
    if _NAMELESS is None:
        return None
    try:
        descriptor = os.open(
            b".", os.O_WRONLY | os.O_CLOEXEC | _NAMELESS, mode, dir_fd=directory
        )
    except OSError as error:
        if error.errno in _NO_ROOM or isinstance(error, PermissionError):
            raise
        return None  # not every file system has them
    if os.path.exists(f"/proc/self/fd/{descriptor}"):  # noqa: PTH110 - no path of a file
        return descriptor
    os.close(descriptor)  # it could get no name without /proc (open(2))
    return None


def _lock(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _partial_name() -> bytes:
    return _PREFIX + os.urandom(8).hex().encode()


def _reserve(descriptor: int, size: int) -> None:
    """Takes the room for a file, so that a full disk is met before the work is done."""
    if hasattr(os, "posix_fallocate"):
        try:
            _allocate(descriptor, size)
        except OSError as error:
            if error.errno in _NO_ROOM:
                # Threads that reserve at once may share what is left, enough for one.
                with _ALONE:
                    _allocate(descriptor, size)
            elif error.errno not in _NO_FALLOCATE:
                raise
    os.ftruncate(descriptor, size)


def _allocate(descriptor: int, size: int) -> None:
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError:
        os.ftruncate(descriptor, 0)  # a file system may keep what it got so far
        raise


def checked(path: bytes) -> bytes:
    """Returns a path that is one Git would write.

    Raises:
        GitError: it is not.
    """
    if not all(is_tracked_component(os.fsdecode(one)) for one in path.split(b"/")):
        raise GitError(f"{shown(path)}: not a path that can be written safely")
    return path


def descend(top: Path, parents: Iterable[bytes], *, make: bool = False) -> int:
    """Returns a descriptor of the innermost directory, following no link.

    With `make`, directories that are missing are made.

    Raises:
        OSError: a directory is missing, or something else stands in its place.
    """
    directory = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for parent in parents:
        outer = directory
        try:
            try:
                directory = os.open(parent, _DIRECTORY, dir_fd=outer)
            except FileNotFoundError:
                if not make:
                    raise
                with contextlib.suppress(FileExistsError):  # somebody else was faster
                    os.mkdir(parent, dir_fd=outer)
                directory = os.open(parent, _DIRECTORY, dir_fd=outer)
        finally:
            os.close(outer)
    return directory


@contextlib.contextmanager
def naming(path: bytes) -> Iterator[None]:
    """Turns what the system says of a file that is written into an error that names it.

    Raises:
        GitError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        reason = messages.reason(error)
        hint = None
        if error.errno in _NO_ROOM:
            hint = "free some disk space, then try again"
        elif error.errno in {errno.ELOOP, errno.ENOTDIR}:
            reason = "a link or a file stands where its directory should be"
            hint = "move that away, then try again"
        raise GitError(f"{shown(path)}: cannot write it: {reason}", hint=hint) from error


def is_partial(path: bytes) -> bool:
    """Tells whether a file is called as ours are that are not complete."""
    return _PARTIAL.fullmatch(path.rpartition(b"/")[2]) is not None


def sweep(top: Path, directories: Iterable[bytes], tracked: Collection[bytes]) -> None:
    """Removes partial files of ours whose processes were killed.

    Args:
        directories: where to look, relative to it; the empty path is the top.
        tracked: paths that Git has: whoever made them, they are not ours.
    """
    for directory in directories:
        with contextlib.suppress(OSError):
            opened = descend(top, directory.split(b"/") if directory else ())
            try:
                prefix = directory + b"/" if directory else b""
                _sweep(opened, prefix, tracked)
            finally:
                os.close(opened)


def _sweep(directory: int, prefix: bytes, tracked: Collection[bytes]) -> None:
    for name in map(os.fsencode, os.listdir(directory)):
        if not _PARTIAL.fullmatch(name) or prefix + name in tracked:
            continue
        with contextlib.suppress(OSError):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(name, flags, dir_fd=directory)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=directory)
            finally:
                os.close(descriptor)

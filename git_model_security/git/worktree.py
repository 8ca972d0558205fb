"""The safe work tree writer: what is written outside Git keeps Git's protections.

No link is followed on the way to a file, and `replacement` puts a new one in place. A
hostile work tree (a parent swapped for a link, a name that is `.git` to some file
system) gets an error.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from functools import partial
from typing import TYPE_CHECKING

from git_model_security import files
from git_model_security.errors import GitError
from git_model_security.git.hash_object import blob_hash
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, checked, descend, naming
from git_model_security.git.run import ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from git_model_security.git.repository import Repository

_STALE = (1, 2)
"""Modification times of files that Git shall write anew, in seconds: one of them is not
what the index has from an earlier try."""
# Not blocking: a named pipe may stand where a file was.
EXISTING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write(top: Path, path: bytes, content: bytes, mode: int = 0o666) -> os.stat_result:
    """Replaces a file of the work tree as a whole and returns its stat data.

    Args:
        path: relative to it; its directories are made when they are missing.
        mode: permissions, less the umask.

    Raises:
        GitError: the path is not one that Git would write, or cannot be written.
    """
    with naming(path), Replacement(top, path, mode) as new:
        files.write_at(new.descriptor, content, 0)
        return new.commit()


def rewrite(
    repo: Repository, paths: Sequence[bytes], *, extra: Mapping[str, str] | None = None
) -> None:
    """Lets Git write files anew from the index, through the filters of now.

    Git itself writes, with all its protections, and brings the stat data of the
    index up to date. It skips files that it believes to be current, so their time
    stamps are moved away first; a process killed in between leaves files that
    look modified and are not, which the next `git status` finds out.

    Args:
        paths: files whose content the caller knows to be no loss.

    Raises:
        GitError: some could not be written, whatever the others; they are named.
    """
    top = os.fsencode(repo.top)
    for path in paths:
        with contextlib.suppress(OSError):
            _age(top + b"/" + path)
    failed: list[bytes] = []
    left = list(paths)
    while left and (error := _checkout_index(repo, left, extra)):
        # Git stops at the first file that its filter refuses. It takes them in order
        # and removes the old file first, so that is the first which is not new and
        # not there. The others need not suffer.
        stopped = next((at for at, path in enumerate(left) if not _is_new(top, path)), 0)
        if os.path.lexists(top + b"/" + left[stopped]):
            raise error  # it was never reached: the cause is another
        failed.append(left[stopped])
        left = left[stopped + 1 :]
    if failed:
        names = "".join(f"\n  {shown(path)}" for path in failed)
        raise GitError(
            f"{len(failed)} of {len(paths)} files could not be written:{names}",
            hint="the reason stands above; Git holds what it held, see `git model audit`",
        )


def _checkout_index(
    repo: Repository, paths: list[bytes], extra: Mapping[str, str] | None
) -> GitError | None:
    listed = ended(paths)
    # A file that is named and there is written, whatever a sparse checkout says of it.
    options = ("--force", "--index", "--ignore-skip-worktree-bits", "-z", "--stdin")
    try:
        repo.git("checkout-index", *options, stdin=listed, filters=True, show=True, extra=extra)
    except GitError as error:
        return error
    return None


def _age(file: bytes) -> None:
    """Gives a file a time that it does not have, so that Git takes it for another one."""
    stale = _STALE[os.lstat(file).st_mtime == _STALE[0]]
    os.utime(file, (stale, stale), follow_symlinks=False)


def _is_new(top: bytes, path: bytes) -> bool:
    try:
        return os.lstat(top + b"/" + path).st_mtime not in _STALE
    except OSError:
        return False


def holds_blob(repo: Repository, path: bytes, oid: str, size: int | None = None) -> bool:
    """Tells whether a work tree file is byte for byte a blob, through no filter.

    Args:
        size: length of the blob in bytes, where it is known: a file of another length
            is not read.
    """
    return _digest(repo, path, partial(blob_hash, repo.object_format), size) == oid


def holds_object(repo: Repository, path: bytes, sha256: str, size: int) -> bool:
    """Tells whether a work tree file is byte for byte an object of git-lfs."""
    return _digest(repo, path, lambda _: hashlib.sha256(), size) == sha256


def _digest(
    repo: Repository, path: bytes, begun: Callable[[int], hashlib._Hash], size: int | None
) -> str | None:
    """Returns the digest of a regular file of this length, if one is there."""
    try:
        descriptor = open_file(repo.top, path)
    except OSError:
        return None
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or size not in {None, facts.st_size}:
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        return hashlib.file_digest(file, lambda: begun(facts.st_size)).hexdigest()


def chunks(top: Path, path: bytes) -> Iterator[bytes]:
    """Yields what a work tree file holds, through no filter.

    Raises:
        OSError: it cannot be read, or a link leads to it.
    """
    with os.fdopen(open_file(top, path), "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def head(top: Path, path: bytes, length: int) -> tuple[os.stat_result, bytes] | None:
    """Returns the stat data and the first `length` bytes of a work tree file.

    Returns:
        None where no regular file stands there, but something.

    Raises:
        FileNotFoundError: nothing stands there, neither a link.
        OSError: it cannot be read, or a parent is no directory.
    """
    try:
        descriptor = open_file(top, path)
    except OSError as error:
        if error.errno == errno.ELOOP and _is_link(top, path):
            return None
        raise
    try:
        facts = os.fstat(descriptor)
        return (facts, os.read(descriptor, length)) if stat.S_ISREG(facts.st_mode) else None
    finally:
        os.close(descriptor)


def link(top: Path, path: bytes, target: bytes) -> os.stat_result:
    """Makes a symbolic link where nothing stands, and returns its stat data.

    Args:
        path: relative to it; its directories are made when they are missing.

    Raises:
        GitError: the path is not one that Git would write, or something is in the way.
    """
    with naming(path), _parent(top, checked(path), make=True) as (directory, name):
        os.symlink(target, name, dir_fd=directory)
        return os.stat(name, dir_fd=directory, follow_symlinks=False)


def unlink(top: Path, path: bytes) -> bool:
    """Removes a symbolic link, and nothing else; tells whether one was there.

    Raises:
        GitError: it cannot be removed.
    """
    if not _is_link(top, path):
        return False
    with naming(path), _parent(top, path) as (directory, name):
        os.unlink(name, dir_fd=directory)
    return True


def open_file(top: Path, path: bytes) -> int:
    """Opens what stands at a path, through no link and without waiting for a pipe.

    Raises:
        OSError: nothing can be opened there, or a link stands on the way.
    """
    with _parent(top, path) as (directory, name):
        return os.open(name, EXISTING, dir_fd=directory)


@contextlib.contextmanager
def _parent(top: Path, path: bytes, *, make: bool = False) -> Iterator[tuple[int, bytes]]:
    """Gives a descriptor of the directory of a path, and the name in it; see `descend`."""
    *parents, name = path.split(b"/")
    directory = descend(top, parents, make=make)
    try:
        yield directory, name
    finally:
        os.close(directory)


def _is_link(top: Path, path: bytes) -> bool:
    *parents, name = path.split(b"/")
    try:
        directory = descend(top, parents)
    except OSError:
        return False
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False
    finally:
        os.close(directory)

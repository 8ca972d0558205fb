"""The safe work tree writer: what is written outside Git keeps Git's protections.

Every parent directory is opened relative to the one above it without following
links, the content goes to a new temporary file in the same directory, and a
rename by directory descriptor puts it in place. A hostile work tree (a parent
swapped for a link, a name that is `.git` to some file system) gets an error.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git.objects import CHUNK_BYTES, blob_hash
from git_model_security.git.paths import is_safe_component, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from git_model_security.git.repository import Repository

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_STALE = (1, 1)
"""Access and modification time of a file that Git shall write anew, in seconds."""
# Not blocking: a named pipe may stand where a file was.
_EXISTING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write(top: Path, path: bytes, content: bytes, mode: int = 0o666) -> os.stat_result:
    """Replaces a file of the work tree as a whole and returns its stat data.

    Args:
        top: the work tree.
        path: relative to it; its directories are made when they are missing.
        content: what the file shall hold.
        mode: permissions, less the umask.

    Raises:
        GitError: the path is not one that Git would write, or cannot be written.
    """
    *parents, name = path.split(b"/")
    for component in (*parents, name):
        if not is_safe_component(os.fsdecode(component)):
            raise GitError(f"{shown(path)}: not a path that can be written safely")
    try:
        directory = _descend(top, parents, make=True)
        try:
            return _replace(directory, name, content, mode)
        finally:
            os.close(directory)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise GitError(f"{shown(path)}: cannot write it: {reason}") from error


def _descend(top: Path, parents: list[bytes], *, make: bool) -> int:
    """Returns a descriptor of the innermost directory, following no link.

    With `make`, directories that are missing are made.
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
                os.mkdir(parent, dir_fd=outer)
                directory = os.open(parent, _DIRECTORY, dir_fd=outer)
        finally:
            os.close(outer)
    return directory


def _replace(directory: int, name: bytes, content: bytes, mode: int) -> os.stat_result:
    partial = b".git-model-" + secrets.token_hex(8).encode()
    descriptor = os.open(partial, _NEW, mode, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.replace(partial, name, src_dir_fd=directory, dst_dir_fd=directory)
            # After the rename, which changes ctime.
            return os.fstat(file.fileno())
    except BaseException:
        os.unlink(partial, dir_fd=directory)
        raise


def rewrite(repo: Repository, paths: Sequence[bytes]) -> None:
    """Lets Git write files anew from the index, through the filters of now.

    Git itself writes, with all its protections, and brings the stat data of the
    index up to date. It skips files that it believes to be current, so their time
    stamps are moved away first; a process killed in between leaves files that
    look modified and are not, which the next `git status` finds out.

    Args:
        repo: the repository.
        paths: files whose content the caller knows to be no loss.

    Raises:
        GitError: some could not be written, whatever the others; they are named.
    """
    top = os.fsencode(repo.top)
    for path in paths:
        with contextlib.suppress(OSError):
            os.utime(top + b"/" + path, _STALE, follow_symlinks=False)
    failed: list[bytes] = []
    left = list(paths)
    while left and (error := _checkout_index(repo, left)):
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


def _checkout_index(repo: Repository, paths: list[bytes]) -> GitError | None:
    listed = b"".join(path + b"\0" for path in paths)
    arguments = ("checkout-index", "--force", "--index", "-z", "--stdin")
    try:
        repo.git(*arguments, stdin=listed, filters=True, show=True)
    except GitError as error:
        return error
    return None


def _is_new(top: bytes, path: bytes) -> bool:
    try:
        return os.lstat(top + b"/" + path).st_mtime != _STALE[1]
    except OSError:
        return False


def holds_blob(repo: Repository, path: bytes, oid: str) -> bool:
    """Tells whether a work tree file is byte for byte a blob, through no filter."""
    *parents, name = path.split(b"/")
    try:
        directory = _descend(repo.top, parents, make=False)
        try:
            descriptor = os.open(name, _EXISTING, dir_fd=directory)
        finally:
            os.close(directory)
    except OSError:
        return False
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        return False
    with os.fdopen(descriptor, "rb") as file:
        running = blob_hash(repo.object_format, facts.st_size)
        while chunk := file.read(CHUNK_BYTES):
            running.update(chunk)
    return running.hexdigest() == oid

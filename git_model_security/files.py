"""A file that is written whole or not at all.

It grows under another name in the same directory and is renamed over what stood there, so
that who reads it sees the old content or the new one; a link is replaced, not followed.
`write_at` is for those that grow at several places at once, under a descriptor.
Knows nothing of Git, and not what the files are. Files of the work tree, which a hostile
repository may have prepared, are written by `git.replacement`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Buffer

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a file is opened that nothing may stand in the place of."""


def create(path: Path, content: bytes, mode: int) -> None:
    """Writes a new file, and to the disk itself; what cannot be written leaves no part.

    Args:
        path: where; nothing may stand there.
        content: what the file shall hold.
        mode: permissions, less the umask.

    Raises:
        FileExistsError: something stands there; it stays as it is.
        OSError: it cannot be written.
    """
    _write(path, content, mode, None, sync=True)


def replace(
    path: Path,
    content: bytes,
    mode: int = 0o666,
    *,
    finish: Callable[[int], object] | None = None,
    sync: bool = False,
) -> None:
    """Writes a file over what stands there, if anything.

    Args:
        path: where.
        content: what the file shall hold.
        mode: permissions, less the umask.
        finish: called with the descriptor when all is written, to give other permissions.
        sync: whether the content shall be on the disk itself when this returns.

    Raises:
        OSError: it cannot be written, and what stood there stays. It names `path`: nobody
            knows the file by the name that it grows under.
    """
    # A leading dot: whoever lists the directory passes over what is being written.
    partial = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        _write(partial, content, mode, finish, sync=sync)
        try:
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        error.filename = str(path)
        raise


def write_at(descriptor: int, content: Buffer, offset: int) -> None:
    """Writes all of some content at an offset; safe on several threads.

    Raises:
        OSError: there is no room for it.
    """
    with memoryview(content) as view:
        written = 0
        while written < len(view):
            written += os.pwrite(descriptor, view[written:], offset + written)


def _write(
    path: Path,
    content: bytes,
    mode: int,
    finish: Callable[[int], object] | None,
    *,
    sync: bool,
) -> None:
    descriptor = os.open(path, NEW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if finish is not None:
                finish(descriptor)
            if sync:
                os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise

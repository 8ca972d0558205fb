"""File changes that happen together or not at all.

Each change is one rename in its own directory, so that Git, which may run a hook
at any moment, sees the old file or the new one. Knows nothing of hooks.
"""

from __future__ import annotations

import contextlib
import os
import stat
from functools import partial
from typing import TYPE_CHECKING

from git_model_security import files, messages
from git_model_security.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Journal:
    """A context manager that takes its changes back when its block raises.

    An `OSError` leaves it as a `GitError` that names the path.
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        for undo in reversed(self._undo if error else []):
            # The others must be taken back even where one cannot be.
            with contextlib.suppress(OSError, GitError):
                undo()
        if isinstance(error, OSError):
            where = os.fsdecode(error.filename or "")
            raise GitError(
                f"{where}: {messages.reason(error)}; nothing was changed",
                hint="make that directory and its files writable for you, then run it again",
            ) from error

    def on_failure(self, undo: Callable[[], object]) -> None:
        """Registers how to take back a change that was made elsewhere."""
        self._undo.append(undo)

    def make_directory(self, path: Path) -> None:
        """Makes a directory and its parents where they are missing."""
        if path.is_dir():
            return
        self.make_directory(path.parent)
        path.mkdir()
        self.on_failure(path.rmdir)

    def write(self, path: Path, content: bytes, mode: int = 0o755) -> None:
        """Writes a file whole, over what was there (a link is replaced, not followed)."""
        self.on_failure(_restorer(path))
        _write(path, content, mode)

    def move(self, source: Path, target: Path) -> None:
        """Renames within a directory, over what was there; links stay links."""
        self.on_failure(_restorer(target))
        source.replace(target)
        # By a rename again: on a full disk nothing could be written anew.
        self.on_failure(partial(target.replace, source))

    def remove(self, path: Path) -> None:
        """Removes a file."""
        self.on_failure(_restorer(path))
        path.unlink()


def _restorer(path: Path) -> Callable[[], object]:
    """Returns what makes `path` be again what it is now."""
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return partial(path.unlink, missing_ok=True)
    if stat.S_ISLNK(facts.st_mode):
        return partial(_relink, path, path.readlink())
    return partial(_write, path, path.read_bytes(), stat.S_IMODE(facts.st_mode))


def _relink(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _write(path: Path, content: bytes, mode: int) -> None:
    # This mode, whatever the umask: it is that of a hook, or what stood there.
    files.replace(path, content, 0o600, finish=partial(os.fchmod, mode=mode))

"""The object store of git-lfs in one clone: `lfs/objects/xx/yy/OID`, by SHA-256.

What is written appears under its name only when it is complete: it grows in
`lfs/tmp`, where git-lfs keeps its own partial files, and is renamed. git-lfs checks
the digest of what it downloads; here it is checked by opening the envelope.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from git_model_security.errors import ConfigError, NotFetchedError
from git_model_security.git import config, sharing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import FileIO

    from git_model_security.git.repository import Repository
    from git_model_security.storage.pointer import Pointer

DIRECTORY = "lfs.storage"
_PREFIX = "git-model-"


class ObjectStore:
    """Objects on this machine; where they come from is `git.lfs`."""

    def __init__(self, directory: Path, common_dir: Path | None = None) -> None:
        self.directory = directory
        self._common_dir = common_dir or directory.parent

    @classmethod
    def of(cls, repo: Repository, settings: config.Values) -> ObjectStore:
        """Returns the store that git-lfs uses in a repository; all its work trees share one.

        Raises:
            ConfigError: `lfs.storage` names the home of somebody who is not there.
        """
        chosen = config.last(settings, DIRECTORY) or "lfs"
        try:
            return cls(repo.common_dir / Path(chosen).expanduser(), repo.common_dir)
        except RuntimeError as error:
            raise ConfigError(f"{DIRECTORY} = {chosen!r}: {error}") from error

    @cached_property
    def is_used(self) -> bool:
        """Whether there ever was an object here, when this process first looked."""
        return (self.directory / "objects").is_dir()

    def path(self, pointer: Pointer) -> Path:
        """Returns where an object is, or would be."""
        oid = pointer.oid
        return self.directory / "objects" / oid[:2] / oid[2:4] / oid

    def holds(self, pointer: Pointer) -> bool:
        """Tells whether an object is here, with the length that its pointer says."""
        try:
            return self.path(pointer).stat().st_size == pointer.size
        except OSError:
            return False

    def open(self, pointer: Pointer) -> FileIO:
        """Opens an object for reading, unbuffered.

        Raises:
            NotFetchedError: it is not here, or not as long as its pointer says.
        """
        try:
            file = self.path(pointer).open("rb", buffering=0)
        except OSError as error:
            raise NotFetchedError(
                f"its git-lfs object {pointer.oid[:12]} is not on this machine",
                hint="`git model checkout` fetches it; `git lfs fetch --all` fetches all",
            ) from error
        size = os.fstat(file.fileno()).st_size
        if size != pointer.size:
            file.close()
            raise NotFetchedError(
                f"its git-lfs object {pointer.oid[:12]} has {size} bytes, not {pointer.size}:"
                " it is damaged",
                hint=f"remove {self.path(pointer)}, then `git model checkout` fetches it again",
            )
        return file

    def partial(self) -> IO[bytes]:
        """Opens a new file for an object to be; `keep` or `forget` it.

        Left-overs of processes that were killed are removed meanwhile.
        """
        directory = self._made(self.directory / "tmp")
        _sweep(directory)
        while True:
            name = directory / f"{_PREFIX}{os.urandom(8).hex()}"
            # Unbuffered: what is written is a segment or more.
            file = name.open("x+b", buffering=0)
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
            # Another process may have swept it before it was locked.
            if os.fstat(file.fileno()).st_nlink:
                return file
            file.close()

    def keep(self, partial: IO[bytes], pointer: Pointer) -> None:
        """Puts a complete object in its place and closes it.

        Raises:
            OSError: it cannot be put there; it is still a partial file.
        """
        target = self.path(pointer)
        self._made(target.parent)
        sharing.adjust(self._common_dir, partial.fileno())
        # Also over one that is there: it may be damaged, and this one is not.
        Path(partial.name).replace(target)
        partial.close()

    def restore(self, pieces: Iterable[bytes], pointer: Pointer) -> bool:
        """Puts an object back that somebody has, unless it is here; False for another one.

        Raises:
            OSError: it cannot be put there.
        """
        with contextlib.suppress(NotFetchedError), self.open(pointer) as file:
            # Not its length alone: the other copy is about to go.
            if hashlib.file_digest(file, "sha256").hexdigest() == pointer.oid:
                return True
        partial, running = self.partial(), hashlib.sha256()
        try:
            with open(partial.fileno(), "wb", closefd=False) as buffered:
                for piece in pieces:
                    running.update(piece)
                    buffered.write(piece)
            is_it = running.hexdigest() == pointer.oid
            if is_it:
                self.keep(partial, pointer)
            return is_it
        finally:
            if not partial.closed:
                self.forget(partial)
                partial.close()

    def _made(self, directory: Path) -> Path:
        """Makes a directory of the store, which git-lfs may share with other users."""
        if not directory.is_dir():
            self._made(directory.parent)
            directory.mkdir(exist_ok=True)
            sharing.adjust(self._common_dir, directory)
        return directory

    @staticmethod
    def forget(partial: IO[bytes]) -> None:
        """Removes the name of a file that becomes no object; it can be read until closed."""
        Path(partial.name).unlink(missing_ok=True)


def _sweep(directory: Path) -> None:
    """Removes partial files of ours that nobody holds the lock of any more."""
    for path in directory.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()

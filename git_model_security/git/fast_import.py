"""New objects and refs, many at once, through one `git fast-import`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git.run import NO_HOOKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from typing_extensions import Buffer

    from git_model_security.git.repository import Repository

_OPTIONS = (
    *("fast-import", "--quiet", "--force", "--done"),
    "--date-format=raw-permissive",
)
# What is longer passes through and is not held in memory; ciphertext does not compress,
# and looking for deltas in it finds none.
_OF_CONTENT = ("-c", "core.bigFileThreshold=1m", "-c", "pack.compression=0")


class Import:
    """A running import; a context manager that gives up what was not finished.

    Args:
        marks: file to write at the end, a line `:MARK OID` each; None where only content
            is sent, and no commits.
    """

    def __init__(self, repo: Repository, marks: Path | None = None) -> None:
        # Scratch refs are no commits of a person: what becomes of them is judged elsewhere.
        words: tuple[str, ...] = (*NO_HOOKS, *_OF_CONTENT, *_OPTIONS, "--depth=0")
        if marks is not None:
            words = (*NO_HOOKS, *_OPTIONS, f"--export-marks={marks}")
        self._repo = repo
        self._process = repo.spawn(*words)
        self._points = 0
        self._finished = False

    def __enter__(self) -> Import:
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        if not self._finished:
            process.kill()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        process.wait()
        # What git writes for its own developers when it stops; ours know why.
        report = self._repo.git_dir / f"fast_import_crash_{process.pid}"
        report.unlink(missing_ok=True)
        self._repo.forget()  # what was read while it ran is older than what it did

    def write(self, command: Buffer) -> None:
        """Sends a command, or a piece of one.

        Raises:
            GitError: git has stopped.
        """
        try:
            self._process.stdin.write(command)
        except OSError as error:
            raise self._stopped() from error

    def blob(self, size_bytes: int, content: Iterable[Buffer]) -> None:
        """Sends a blob of a known length; raises as `write` does."""
        self.write(b"blob\ndata %d\n" % size_bytes)
        for piece in content:
            self.write(piece)
        self.write(b"\n")

    def checkpoint(self) -> None:
        """Waits until all that was sent is in the repository; raises as `write` does."""
        self._points += 1
        asked = b"progress %d\n" % self._points
        self.write(b"checkpoint\n" + asked)
        try:
            self._process.stdin.flush()
        except OSError as error:
            raise self._stopped() from error
        for line in self._process.stdout:
            if line == asked:
                return
        raise self._stopped()

    def finish(self) -> None:
        """Ends the import, which writes all objects and refs; raises as `write` does."""
        self.write(b"done\n")
        try:
            self._process.stdin.close()
        except OSError as error:
            raise self._stopped() from error
        if self._process.wait():
            raise self._stopped()
        self._finished = True

    def _stopped(self) -> GitError:
        return GitError(
            "git fast-import could not write the new objects",
            hint="the reason stands above; is the disk full?",
        )


def marks(path: Path) -> Mapping[int, str]:
    """Reads what an import has written at its end: oids by mark."""
    with path.open() as file:
        pairs = (line.split() for line in file)
        return {int(mark[1:]): oid for mark, oid in pairs}

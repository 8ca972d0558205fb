"""Many refs moved at once, or none of them: one `git update-ref --stdin`."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from git_model_security.errors import GitError

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository


class RefChange:
    """A transaction; a context manager that gives it up unless it was committed.

    Hooks do not see it: the caller judged what the refs will hold.

    Args:
        repo: the repository.
        reason: for the reflog.
    """

    def __init__(self, repo: Repository, reason: str) -> None:
        self._repo = repo
        self._process = repo.spawn(
            *("-c", "core.hooksPath=/dev/null", "update-ref", "-m", reason, "-z", "--stdin")
        )
        self._send("start")

    def __enter__(self) -> RefChange:
        return self

    def __exit__(self, *_: object) -> None:
        # At the end of its input git gives up what was not committed, and its locks.
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.stdout.read()
        self._process.stdout.close()
        self._process.wait()
        self._repo.forget()  # what was read while it ran is older than what it did

    def move(self, ref: str, new: str, old: str) -> None:
        """Asks for a ref that is still at `old` to be moved.

        `HEAD` is moved itself, as where it names no branch.
        """
        if ref == "HEAD":
            self._send("option no-deref")
        self._send(f"update {ref}", new, old)

    def create(self, ref: str, new: str) -> None:
        """Asks for a ref that must not be there."""
        self._send(f"create {ref}", new)

    def delete(self, ref: str, old: str) -> None:
        """Asks for a ref that is still at `old` to be removed."""
        self._send("option no-deref")
        self._send(f"delete {ref}", old)

    def prepare(self) -> None:
        """Locks all of the refs, which are then known to be where they should.

        Raises:
            GitError: one is not.
        """
        self._send("prepare")
        self._require("prepare: ok")

    def commit(self) -> None:
        """Does it.

        Raises:
            GitError: it could not be done, and was not.
        """
        self._send("commit")
        self._require("commit: ok")

    def _send(self, *words: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # told by the answer that does not come
            for word in words:
                self._process.stdin.write(os.fsencode(word) + b"\0")

    def _require(self, answer: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.flush()
        for line in self._process.stdout:
            if line.decode().strip() == answer:
                return
        raise GitError(
            "the refs could not be moved, and none was: another Git command has changed one"
            " of them meanwhile, or holds it",
            hint="the reason stands above; run it again, what was done is remembered",
        )

"""Answers that wait (gitattributes, "Delay"): objects of git-lfs, fetched in one batch.

Git names all files first. What is here is opened while git-lfs downloads the rest,
and each file is handed over as soon as its object is complete.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from typing import TYPE_CHECKING

from git_model_security.errors import Error, NotFetchedError
from git_model_security.filter import smudge
from git_model_security.git import lfs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.clone import Clone
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.storage.pointer import Pointer

_OPENED_AHEAD = 2
_POLL_SECONDS = 0.05


class Waiting:
    """The files of one Git command whose content comes later."""

    def __init__(self, clone: Clone) -> None:
        self._clone = clone
        self._files: dict[bytes, tuple[Pointer, str]] = {}
        self._new: list[bytes] = []
        self._missing: list[bytes] = []
        self._download: lfs.Transfer | None = None
        self._fetched: list[str] = []
        self._failed: Error | None = None
        self._order: deque[bytes] = deque()
        self._opening: dict[bytes, Iterable[BytesLike] | Error] = {}

    def add(self, path: bytes, answer: smudge.Delayed) -> None:
        """Takes in a file."""
        self._files[path] = (answer.pointer, answer.oid)
        self._new.append(path)

    def __contains__(self, path: bytes) -> bool:
        """Tells whether a file's content was promised and not taken yet."""
        return path in self._files

    def available(self) -> list[bytes]:
        """Returns the files that may be taken now; waits for some, if any are left."""
        ready = self._sort_out()
        while not ready and self._missing:
            is_over = self._download is None or self._download.poll() is not None
            ready = [path for path in self._missing if is_over or self._is_here(path)]
            if is_over:
                self._end()
            elif not ready:
                time.sleep(_POLL_SECONDS)
        self._missing = _without(self._missing, ready)
        self._order.extend(ready)
        return ready

    def _sort_out(self) -> list[bytes]:
        """Returns which of the files taken in since are here, and has the others fetched.

        A rebase delays files of one commit after those of the other, to one process.
        """
        new, self._new = self._new, []
        ready = [path for path in new if self._is_here(path)]
        absent = _without(new, ready)
        self._missing += absent
        self._start(absent)
        return ready

    def take(self, path: bytes) -> Iterable[BytesLike]:
        """Returns a file's content, and opens the ones that Git will ask for next.

        Raises:
            Error: it does not open; see `smudge.content_of`.
        """
        found = self._opening.pop(path, None)
        if found is None:
            found = self._open(path)
        del self._files[path]
        if path in self._order:
            self._order.remove(path)
        for following in itertools.islice(self._order, _OPENED_AHEAD):
            if following not in self._opening:
                self._opening[following] = self._open(following)
        if isinstance(found, Error):
            raise found
        return found

    def _open(self, path: bytes) -> Iterable[BytesLike] | Error:
        pointer, oid = self._files[path]
        try:
            return smudge.content_of(self._clone, path, pointer, oid)
        except NotFetchedError as error:
            return smudge.leave_pointer(path, pointer, self._failed or error)
        except Error as error:
            return error

    def _is_here(self, path: bytes) -> bool:
        return self._clone.lfs.holds(self._files[path][0])

    def _start(self, paths: list[bytes]) -> None:
        if not paths:
            return
        self._failed = None
        try:
            self._fetched = [self._files[path][1] for path in paths]
            self._download = lfs.start_fetch(self._clone.repo, self._fetched)
        except Error as error:
            self._failed = error

    def _end(self) -> None:
        if self._download is not None:
            try:
                self._download.require()
                self._clone.delivered.note(self._fetched)
            except Error as error:
                self._failed = error
            self._download = None


def _without(paths: Iterable[bytes], others: Iterable[bytes]) -> list[bytes]:
    dropped = set(others)
    return [path for path in paths if path not in dropped]

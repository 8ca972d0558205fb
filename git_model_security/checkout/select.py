"""Which files a checkout writes: none that is somebody's work.

What stands in the work tree is replaced only where it is exactly what Git has: the
pointer that the filter left, or ciphertext: of a time when the clone was locked, or that
git-lfs put there.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from git_model_security.checkout.open_file import Job
from git_model_security.checkout.report import Failure
from git_model_security.content import blob
from git_model_security.envelope import HEADER_BYTES, MAGIC, plaintext_length
from git_model_security.errors import EnvelopeError, GitError, NewerFormatError
from git_model_security.git import attributes, replacement, worktree
from git_model_security.git.hash_object import blob_oid
from git_model_security.git.index import Entry
from git_model_security.git.paths import shown
from git_model_security.storage import pointer as pointers

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from git_model_security.checkout.report import Report
    from git_model_security.clone.clone import Clone
    from git_model_security.storage.pointer import Pointer


class Choice:
    """The files that are to be written, by how: through the filter, or directly.

    Args:
        report: takes what is not to be written.
        missing: write files too where nothing stands.

    Attributes:
        inline: paths of blobs to be smudged.
        jobs: files whose pointers are to be replaced.
        alike: entries whose files are there, and as long as what they stand for.
    """

    def __init__(self, clone: Clone, report: Report, *, missing: bool) -> None:
        self.inline: list[bytes] = []
        self.jobs: list[Job] = []
        self.alike: list[Entry] = []
        self._clone = clone
        self._report = report
        self._missing = missing

    def among(self, entries: Sequence[Entry]) -> None:
        """Chooses among index entries."""
        repo = self._clone.repo
        files = [entry for entry in entries if entry.is_file and not entry.stage]
        guarded = attributes.protected(repo, (entry.path for entry in files))
        files = [entry for entry in files if entry.path in guarded]
        sizes, staged = blob.survey(repo, (entry.oid for entry in files))
        for entry in files:
            pointer = staged.get(entry.oid)
            try:
                if pointer is None:
                    self._consider_inline(entry, sizes.get(entry.oid))
                else:
                    self._consider(Job(entry, pointer))
            except FileNotFoundError:
                self._absent(entry, pointer)
            except OSError as error:
                self._blocked(entry.path, error)

    def _absent(self, entry: Entry, pointer: Pointer | None) -> None:
        if not self._missing:
            self._report.kept += 1
        elif pointer is None:
            self.inline.append(entry.path)
        else:
            self.jobs.append(Job(entry, pointer))

    def _consider(self, job: Job) -> None:
        own = job.pointer.render()
        found = worktree.head(self._clone.repo.top, job.entry.path, pointers.MAX_BYTES + 1)
        other = pointers.parse(found[1]) if found is not None else None
        if found is not None and other is not None:
            if found[1] != own:
                # Of another commit (`git restore --source`): the index stays as it is.
                oid = blob_oid(self._clone.repo.object_format, found[1])
                job = Job(Entry(job.entry.path, job.entry.mode, oid), other)
            job.before = found[0]
            self.jobs.append(job)
            return
        if found is not None and self._is_object(found, job):
            if self._has_key(job.entry.path, found[1]):
                job.before = found[0]
                self.jobs.append(job)
            return
        self._report.kept += 1
        with contextlib.suppress(EnvelopeError):  # no envelope has this length
            if found and found[0].st_size == plaintext_length(job.pointer.size):
                self.alike.append(job.entry)

    def _consider_inline(self, entry: Entry, size: int | None) -> None:
        repo = self._clone.repo
        found = worktree.head(repo.top, entry.path, HEADER_BYTES)
        begins = found is not None and found[1].startswith(MAGIC)
        if not begins or not worktree.holds_blob(repo, entry.path, entry.oid, size):
            self._report.kept += 1
            return
        if found is not None and self._has_key(entry.path, found[1]):
            self.inline.append(entry.path)

    def _is_object(self, found: tuple[os.stat_result, bytes], job: Job) -> bool:
        """Tells whether a file is just the object that its entry points to, an envelope."""
        facts, head = found
        pointer, path = job.pointer, job.entry.path
        if facts.st_size != pointer.size or not head.startswith(MAGIC):
            return False
        return worktree.holds_object(self._clone.repo, path, pointer.oid, pointer.size)

    def _has_key(self, path: bytes, head: bytes) -> bool:
        """Tells whether ciphertext that stands in the work tree can be opened here."""
        try:
            header = blob.find_header(head)
        except NewerFormatError as error:
            self._report.failed.append(Failure(path, error))
            return False
        # What only begins like an envelope is damaged: who opens it says how.
        if header is None or header.key_id in self._clone.ring.keys:
            return True
        self._report.kept += 1
        self._report.warnings.append(
            f"{shown(path)} is sealed under the key {header.key_id},"
            " not held here: left encrypted"
        )
        return False

    def _blocked(self, path: bytes, error: OSError) -> None:
        if not self._missing:
            self._report.kept += 1  # to the caller it is a change like any other
            return
        try:
            with replacement.naming(path):
                raise error
        except GitError as named:
            self._report.failed.append(Failure(path, named))

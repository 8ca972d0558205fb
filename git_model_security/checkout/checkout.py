"""`git model checkout`: decrypted files into the work tree, past Git's filter.

None that is somebody's work: what stands there is replaced only where it is exactly what Git
has, the pointer that the filter left, or ciphertext: of a time when the clone was locked, or
that git-lfs put there. `materialise` writes the files, and `index_update` tells Git.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from git_model_security.checkout import materialise, raw_entries
from git_model_security.checkout.index_update import PATIENCE_SECONDS, look_again, settle
from git_model_security.checkout.open_file import Job
from git_model_security.checkout.report import Failure, Report
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.content import blob
from git_model_security.envelope import HEADER_BYTES, MAGIC, plaintext_length
from git_model_security.errors import (
    EnvelopeError,
    Error,
    GitError,
    NewerFormatError,
    PolicyError,
)
from git_model_security.git import attributes, excludes, index, pathspec, replacement, worktree
from git_model_security.git.hash_object import blob_oid
from git_model_security.git.index import Entry
from git_model_security.git.paths import shown
from git_model_security.keyring import ring
from git_model_security.storage import pointer as pointers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.checkout.materialise import Progress
    from git_model_security.deploy.release import Gate
    from git_model_security.git.repository import Repository
    from git_model_security.storage.pointer import Pointer


def checkout(
    repo: Repository, pathspecs: Sequence[str] = (), progress: Progress | None = None
) -> Report:
    """Writes the protected files that are not decrypted yet, or missing; no pathspec means all.

    Raises:
        PolicyError: the clone is locked, or no git-model repository.
        GitError: there is no work tree, or a pathspec matches nothing.
    """
    repo.require_work_tree()
    missing_policy.require_ours(repo)
    clone = Clone(repo)
    if clone.ring.locked:
        raise PolicyError("this clone is locked: it may use no key", hint=ring.UNLOCK)
    with clone.objects:
        raw = raw_entries.put_back(clone)
        report = restore(clone, pathspec.list_matching(repo, pathspecs), progress=progress)
    if raw:
        report.warnings.append(raw_entries.describe(raw))
    return report


def restore(
    clone: Clone,
    entries: Sequence[Entry],
    *,
    missing: bool = True,
    leave_pointers: bool = False,
    patience_seconds: float = PATIENCE_SECONDS,
    progress: Progress | None = None,
) -> Report:
    """Writes those of some index entries that are not decrypted yet.

    What is not protected is passed over. `missing` writes files too where nothing stands,
    `leave_pointers` only what is a blob in Git.
    """
    report = Report()
    found = _Choice(clone, report, entries, missing=missing)
    if found.inline:
        _rewrite(clone.repo, found.inline, report)
    if leave_pointers:
        report.pointers = [job.entry.path for job in found.jobs]
    elif jobs := _admitted(clone, found.jobs, report):
        staged = index.staged(clone.repo)
        _prepare(clone.repo, jobs, staged)
        jobs = _fetched(clone, jobs, staged, report)
        try:
            materialise.write(clone, jobs, progress)
        finally:
            settle(clone.repo, jobs, report, patience_seconds)
    look_again(clone.repo, found.alike)
    report.written.sort()
    return report


def _admitted(clone: Clone, jobs: list[Job], report: Report) -> list[Job]:
    """Leaves out, in a deploy clone, what was not verified; the filter asks the same."""
    if not clone.is_deploy:
        return jobs
    from git_model_security.deploy.release import Gate

    gate = Gate(clone)
    return [job for job in jobs if _is_admitted(gate, job.entry, report)]


def _is_admitted(gate: Gate, entry: Entry, report: Report) -> bool:
    try:
        gate.admit(entry.path, entry.oid)
    except Error as error:
        report.failed.append(Failure(entry.path, error))
        return False
    return True


def _rewrite(repo: Repository, paths: list[bytes], report: Report) -> None:
    try:
        worktree.rewrite(repo, paths)
    except Error as error:
        report.failed.append(Failure(b"", error))
        # Git removes what it then cannot write.
        top = os.fsencode(repo.top)
        paths = [path for path in paths if os.path.lexists(top + b"/" + path)]
    report.written += paths


def _prepare(repo: Repository, jobs: Sequence[Job], staged: Sequence[Entry]) -> None:
    """Clears away, and keeps out of Git, what processes leave that are killed."""
    excludes.exclude(repo, replacement.PARTIAL_PATTERN)
    directories = {os.path.dirname(job.entry.path) for job in jobs}  # noqa: PTH120 - bytes
    replacement.sweep(repo.top, directories, {entry.path for entry in staged})


def _fetch_apart(clone: Clone, jobs: Sequence[Job]) -> None:
    """Tries again, one by one, objects that pointers give different lengths.

    git-lfs asks for each object once, with one of the lengths: a pointer that lies
    would keep away what the others stand for.
    """
    sizes: dict[str, set[int]] = {}
    for job in jobs:
        sizes.setdefault(job.pointer.oid, set()).add(job.pointer.size)
    for job in jobs:
        if len(sizes[job.pointer.oid]) > 1 and not clone.lfs.holds(job.pointer):
            with contextlib.suppress(Error):
                clone.fetch([job.entry.oid])


def _fetched(
    clone: Clone, jobs: Sequence[Job], staged: Sequence[Entry], report: Report
) -> list[Job]:
    """Downloads what is not here, in one batch; returns the jobs that can be done."""
    alike = pathspec.find_colliding(clone.repo, staged)
    for job in jobs:
        if job.entry.path in alike:
            error = GitError(
                "another tracked file has the same name to this file system",
                hint="rename one of them where names differ in letter case",
            )
            report.failed.append(Failure(job.entry.path, error))
    jobs = [job for job in jobs if job.entry.path not in alike]
    absent = [job for job in jobs if not clone.lfs.holds(job.pointer)]
    failure: Error | None = None
    if absent:
        try:
            clone.fetch([job.entry.oid for job in absent])
        except Error as error:
            failure = error
        _fetch_apart(clone, absent)
    here = []
    for job in jobs:
        if failure is None or clone.lfs.holds(job.pointer):
            here.append(job)
        else:
            report.failed.append(Failure(job.entry.path, failure))
    return here


class _Choice:
    """The files that are to be written, by how; what is not is told to the report.

    Attributes:
        inline: paths of blobs to be smudged.
        jobs: files whose pointers are to be replaced.
        alike: entries whose files are there, and as long as what they stand for.
    """

    def __init__(
        self, clone: Clone, report: Report, entries: Sequence[Entry], *, missing: bool
    ) -> None:
        self.inline: list[bytes] = []
        self.jobs: list[Job] = []
        self.alike: list[Entry] = []
        self._clone = clone
        self._report = report
        self._missing = missing
        repo = clone.repo
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

"""`git model checkout`: decrypted files into the work tree, past Git's filter.

`select` says which files, `materialise` writes them, and `index_update` tells Git.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from git_model_security.checkout import materialise, raw_entries
from git_model_security.checkout.index_update import look_again, settle
from git_model_security.checkout.report import Failure, Report
from git_model_security.checkout.select import Choice
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.errors import Error, GitError, PolicyError
from git_model_security.git import excludes, index, pathspec, replacement, worktree
from git_model_security.keyring import ring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.checkout.materialise import Progress
    from git_model_security.checkout.open_file import Job
    from git_model_security.deploy.release import Gate
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository

_LOCK_PATIENCE_SECONDS = 2.0


def checkout(
    repo: Repository, pathspecs: Sequence[str] = (), progress: Progress | None = None
) -> Report:
    """Writes the protected files that are not decrypted yet, or missing.

    Args:
        pathspecs: which, relative to where the user stands; none means all.

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
    patience_seconds: float = _LOCK_PATIENCE_SECONDS,
    progress: Progress | None = None,
) -> Report:
    """Writes those of some index entries that are not decrypted yet.

    Args:
        entries: of the index; what is not protected is passed over.
        missing: write files too where nothing stands.
        leave_pointers: write only what is a blob in Git.
        patience_seconds: how long to wait for a lock of the index.
    """
    report = Report()
    found = Choice(clone, report, missing=missing)
    found.among(entries)
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

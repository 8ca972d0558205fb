"""Tells the index of the files that a checkout wrote, so that Git need not clean them."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from git_model_security.checkout.report import Failure
from git_model_security.errors import GitError
from git_model_security.git import index, index_stat
from git_model_security.storage import pending

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from git_model_security.checkout.open_file import Job
    from git_model_security.checkout.report import Report
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository

PATIENCE_SECONDS = 2.0
"""How long to wait for a lock of the index, unless said otherwise."""
_LOCK_POLL_SECONDS = 0.05


def settle(
    repo: Repository,
    jobs: Sequence[Job],
    report: Report,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Tells the report what became of jobs, and the index of the files written."""
    written = {job.entry.path: job.written for job in jobs if job.written is not None}
    oids = {job.entry.path: job.entry.oid for job in jobs}
    report.written += written
    report.failed += (Failure(job.entry.path, job.error) for job in jobs if job.error)
    if not written:
        return
    if not tell(repo, written, oids, patience_seconds):
        report.warnings.append(
            "another git process holds the index: the files look modified until"
            " `git model checkout` or a hook of git-model runs again"
        )
        for path in written:
            pending.note(repo, path)


def tell(
    repo: Repository,
    written: Mapping[bytes, os.stat_result],
    oids: Mapping[bytes, str],
    patience_seconds: float = PATIENCE_SECONDS,
) -> bool:
    """Makes the index agree with files that were written for its entries.

    `oids` are the blobs that the files were made from, by path. Returns False where another
    process held the lock all that time.
    """
    end = time.monotonic() + patience_seconds
    while True:
        try:
            if not index_stat.refresh(repo, written, oids):
                staged = index.staged(repo)  # a split index
                look_again(repo, [one for one in staged if oids.get(one.path) == one.oid])
            return True
        except index_stat.IndexLockedError:
            if time.monotonic() >= end:
                return False
        time.sleep(_LOCK_POLL_SECONDS)


def look_again(repo: Repository, entries: Sequence[Entry]) -> None:
    """Has Git look into files that it takes for changed by their stat data alone.

    A process may end between writing a file and telling the index, which then has the
    length of the pointer: to Git a file of another length has changed, and it looks no
    further. An entry that is staged anew has no stat data, so Git compares.
    """
    if not entries:
        return
    changed = set(index.changed(repo))
    doubtful = [entry for entry in entries if entry.path in changed]
    if doubtful:
        with contextlib.suppress(GitError):  # somebody holds the index
            index.stage(repo, doubtful)
            index.refresh(repo)

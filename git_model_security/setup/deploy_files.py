"""Writes a whole tree into an empty work tree, past Git: files, modes and links.

Nobody is asked what to do with a file: no attributes of the tree count, and no link of
it is followed, since links come last. What the tree is worth is for the caller to know.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.checkout import materialise
from git_model_security.checkout.index_update import settle
from git_model_security.checkout.open_file import Job
from git_model_security.checkout.report import Report
from git_model_security.content import blob, blobs
from git_model_security.errors import GitError
from git_model_security.git import (
    attributes,
    excludes,
    index_stat,
    pathspec,
    replacement,
    worktree,
)
from git_model_security.git.index import EXECUTABLE, GITLINK, SYMLINK
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, descend, naming

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.checkout.materialise import Progress
    from git_model_security.clone.clone import Clone
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.git.index import Entry

_TARGET_BYTES = 4096
_PATIENCE_SECONDS = 2.0


def write(clone: Clone, entries: Sequence[Entry], progress: Progress | None = None) -> Report:
    """Writes all entries of a tree, and makes the index agree with them.

    Args:
        clone: the clone, unlocked, with an index of these entries and no file.
        entries: of the tree.
        progress: told how far the objects of git-lfs are.

    Raises:
        GitError: a path cannot be written safely; then nothing was written.
        Error: the disk is full, or the like; what was written is complete.
    """
    repo = clone.repo
    _require_writable(clone, entries)
    excludes.exclude(repo, replacement.PARTIAL_PATTERN)
    files = [entry for entry in entries if entry.is_file]
    guarded = attributes.protected(repo, (entry.path for entry in files))
    _, pointers = blob.survey(repo, (one.oid for one in files if one.path in guarded))
    jobs = []
    written = {}
    for entry in files:
        pointer = pointers.get(entry.oid) if entry.path in guarded else None
        if pointer is not None:
            jobs.append(Job(entry, pointer))
        else:
            written[entry.path] = _write(clone, entry, is_sealed=entry.path in guarded)
    report = Report()
    materialise.write(clone, jobs, progress)
    settle(repo, jobs, report, _PATIENCE_SECONDS)
    written |= _write_others(clone, entries)
    oids = {entry.path: entry.oid for entry in entries}
    index_stat.refresh(repo, written, oids)
    report.written += [path for path in written if path in guarded]
    report.written.sort()
    return report


def _require_writable(clone: Clone, entries: Sequence[Entry]) -> None:
    for entry in entries:
        replacement.checked(entry.path)
    alike = pathspec.colliding(clone.repo, entries)
    if alike:
        names = ", ".join(shown(path) for path in sorted(alike))
        raise GitError(
            f"to this file system these are one name: {names}",
            hint="deploy to one that tells letter case apart",
        )


def _write(clone: Clone, entry: Entry, *, is_sealed: bool) -> os.stat_result:
    mode = 0o777 if entry.mode == EXECUTABLE else 0o666
    with naming(entry.path), Replacement(clone.repo.top, entry.path, mode) as new:
        at = 0
        for piece in _content(clone, entry.oid, is_sealed=is_sealed):
            worktree.write_at(new.descriptor, piece, at)
            at += len(piece)
        new.settle(index_stat.date(clone.repo))
        return new.commit()


def _content(clone: Clone, oid: str, *, is_sealed: bool) -> Iterable[BytesLike]:
    """Yields what the filter would: an envelope at a protected path is opened."""
    if not is_sealed:
        return blobs.chunks(clone, oid)
    head, pieces = blobs.peek(blobs.chunks(clone, oid))
    return pieces if blob.find_header(head) is None else blobs.open_chunks(clone, pieces)


def _write_others(clone: Clone, entries: Iterable[Entry]) -> dict[bytes, os.stat_result]:
    """Writes links, and the empty directories where submodules would be."""
    written = {}
    for entry in entries:
        if entry.mode == SYMLINK:
            target = clone.objects.read(entry.oid, limit_bytes=_TARGET_BYTES)
            written[entry.path] = worktree.link(clone.repo.top, entry.path, target)
        elif entry.mode == GITLINK:
            with naming(entry.path):
                os.close(descend(clone.repo.top, entry.path.split(b"/"), make=True))
    return written

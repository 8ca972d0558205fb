"""Links in a deploy clone: Git makes them itself, and asks no filter.

So they are looked at when Git has made them: after it wrote the index, after a checkout
of single files, and when the filter refuses one, upon which Git stops where it is.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import batch, index, index_stat, worktree
from git_model_security.git.hash_object import blob_oid
from git_model_security.git.index import SYMLINK, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_model_security.deploy.release import Gate
    from git_model_security.git.repository import Repository


def sweep(repo: Repository, gate: Gate) -> list[bytes]:
    """Removes links of the index that are in no verified tree; returns their paths."""
    entries = [entry for entry in index.staged(repo) if entry.mode == SYMLINK]
    return _removed(repo, gate.released.unknown(entries)) if entries else []


def sweep_new(repo: Repository, gate: Gate) -> list[bytes]:
    """Does the same for links of which the index knows nothing yet: Git is at work.

    It took the index lock before it wrote anything: what a person linked is older, but
    for what was linked in the same tick of the file system's clock.
    """
    file = index_stat.path_of(repo)
    lock = file.with_name(f"{file.name}.lock")
    try:
        began = lock.stat().st_ctime_ns
    except FileNotFoundError:
        return []
    return _removed(repo, gate.released.unknown(_links(repo, began)))


def sweep_untracked(repo: Repository, gate: Gate) -> list[bytes]:
    """Does the same for links that Git made beside the index (`git restore --source`).

    Where such a link leads stands in an object, and in no verified tree. What a person
    linked has no object, but where history has the like.
    """
    found = gate.released.unknown(_links(repo, 0))
    here = batch.sizes(repo, (entry.oid for entry in found))
    knows = gate.released.knows
    return _removed(repo, (one for one in found if one.oid in here and not knows(one.oid)))


def _removed(repo: Repository, entries: Iterable[Entry]) -> list[bytes]:
    """Removes links that stand in the work tree; one that cannot be stops no other."""
    removed: list[bytes] = []
    failure: GitError | None = None
    for entry in entries:
        try:
            if worktree.unlink(repo.top, entry.path):
                removed.append(entry.path)
        except GitError as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return removed


def _links(repo: Repository, since: int) -> Iterator[Entry]:
    top = os.fsencode(repo.top)
    for directory, names, files in os.walk(top):
        if b".git" in names:
            names.remove(b".git")
        for name in (*names, *files):
            path = os.path.join(directory, name)  # noqa: PTH118 - bytes
            facts = os.lstat(path)
            if stat.S_ISLNK(facts.st_mode) and facts.st_ctime_ns >= since:
                oid = blob_oid(repo.object_format, os.readlink(path))  # noqa: PTH115 - bytes
                yield Entry(path.removeprefix(top).lstrip(b"/"), SYMLINK, oid)

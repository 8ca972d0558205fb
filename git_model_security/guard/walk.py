"""Judges all that a list of commits brought in: each blob once, each path once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from git_model_security.git import history
from git_model_security.git.index import EXECUTABLE, REGULAR, Entry
from git_model_security.guard import places
from git_model_security.guard.inspector import Inspector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_model_security.envelope import Key
    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.inspector import Known

    Progress = Callable[[int, int], None]
    """Told how many blobs of how many are judged."""


@dataclass
class Judged:
    """The outcome of a walk.

    Attributes:
        findings: in the order in which the commits brought them in.
        blobs: how many blobs were looked at.
        proven: how many at protected paths are ciphertext for certain.
        unproven: how many there have the shape of it, and no more is known.
    """

    findings: list[Finding] = field(default_factory=list)
    blobs: int = 0
    proven: int = 0
    unproven: int = 0


def judged(
    repo: Repository,
    commits: Sequence[str],
    tips: Sequence[str],
    *,
    rules: str | None = None,
    keys: Mapping[str, Key] | None = None,
    known: Known | None = None,
    progress: Progress | None = None,
) -> Judged:
    """Judges what these commits brought in, and what tips hold that are no commits.

    Args:
        repo: the repository.
        commits: oids, parents before children.
        tips: oids of any kind of object.
        rules: attributes to judge by instead of those in force.
        keys: held keys by key id.
        known: says which blobs need not be read again.
        progress: called after each blob.

    Raises:
        GitError: an object is missing or corrupt.
    """
    since: dict[Entry, str] = {}
    for one in chain(history.introduced(repo, commits), history.pathless(repo, tips)):
        since.setdefault(_normal(one.entry), one.commit)
    covered = places.protected(repo, (entry.path for entry in since), rules)
    blobs = places.of_blobs(since, covered)
    found: list[Finding] = []
    with Inspector(repo, keys, known) as inspector:
        for done, (oid, where) in enumerate(blobs.items(), 1):
            found += inspector.findings(oid, where)
            if progress is not None:
                progress(done, len(blobs))
    origins = {(entry.path, entry.oid): commit for entry, commit in since.items()}
    found = [replace(one, commit=origins[one.path, one.oid]) for one in found]
    return Judged(
        _dated(repo, found, set(commits)), len(blobs), inspector.proven, inspector.unproven
    )


def _normal(entry: Entry) -> Entry:
    """An executable file is judged as any other."""
    return replace(entry, mode=REGULAR) if entry.mode == EXECUTABLE else entry


def _dated(repo: Repository, found: list[Finding], commits: set[str]) -> list[Finding]:
    dates = history.author_dates(repo, {one.commit for one in found} & commits)
    return [replace(one, date=dates.get(one.commit, "")) for one in found]

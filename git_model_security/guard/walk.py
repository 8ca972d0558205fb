"""Judges all that a list of commits brought in: each blob once, each path once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from git_model_security.git import history
from git_model_security.git.index import EXECUTABLE, REGULAR, Entry
from git_model_security.guard import places, policies, protection
from git_model_security.guard.inspector import Inspector
from git_model_security.policy.gitmodel import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.knowledge import Knowledge
    from git_model_security.guard.policies import Policies

    Progress = Callable[[int, int], None]
    """Told how many blobs of how many are judged."""


@dataclass
class Judged:
    """The outcome of a walk.

    Attributes:
        findings: in the order in which the commits brought them in.
        blobs: how many blobs were looked at.
        proven: how many at protected paths are ciphertext for certain.
        unproven: how many there have the shape of it, and no more is known; or, of
            `absent`, not even that.
        absent: how many there are pointers whose objects are not here.
        pointers: pointers of git-lfs, at any path.
        unread: blobs that were known beforehand; there can be pointers among them.
    """

    findings: list[Finding] = field(default_factory=list)
    blobs: int = 0
    proven: int = 0
    unproven: int = 0
    absent: int = 0
    pointers: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)


@dataclass
class _Walked:
    """Who brought each entry in first, and which other blobs stood at its path."""

    since: dict[Entry, str] = field(default_factory=dict)
    replaced: defaultdict[bytes, set[str]] = field(default_factory=lambda: defaultdict(set))


def judged(
    repo: Repository,
    commits: Sequence[str],
    tips: Sequence[str],
    knowledge: Knowledge,
    *,
    ends: Sequence[str] = (),
    rules: str | None = None,
    elsewhere: Iterable[Entry] = (),
    notes: Collection[str] = (),
    absent_is_found: bool = True,
    progress: Progress | None = None,
) -> Judged:
    """Judges what these commits brought in, and what tips hold that are no commits.

    Args:
        repo: the repository.
        commits: oids, parents before children.
        tips: oids of any kind of object.
        knowledge: what is known beforehand.
        ends: commits whose `.gitmodel` says what is protected, beside HEAD's.
        rules: attributes to judge by instead of policies and attributes in force.
        elsewhere: what stands where the commits go; it is not judged itself.
        notes: those of the commits whose files are notes, and have no paths.
        absent_is_found: a pointer whose object is not here is a finding.
        progress: called after each blob.

    Raises:
        GitError: an object is missing or corrupt.
    """
    walked = _walked(repo, commits, tips, notes)
    paths = {entry.path for entry in walked.since}
    for entry in elsewhere:
        if (
            entry.path in paths
            and entry.is_file
            and Entry(entry.path, REGULAR, entry.oid) not in walked.since
        ):
            walked.replaced[entry.path].add(entry.oid)
    policy = _policy(repo, walked, ends) if rules is None else policies.Policies([rules])
    covered = protection.protected(repo, paths, policy.rules, in_force=rules is None)
    blobs = places.of_blobs(walked.since, covered)
    knowledge = knowledge.with_key_ids(policy.key_ids)
    with Inspector(repo, knowledge, absent_is_found=absent_is_found) as inspector:
        found = list(policy.broken)
        for done, (oid, where) in enumerate(blobs.items(), 1):
            found += inspector.findings(oid, where)
            if progress is not None:
                progress(done, len(blobs))
        found = _beside_envelopes(inspector, walked, covered, found)
    origins = {(entry.path, entry.oid): commit for entry, commit in walked.since.items()}
    found = [replace(one, commit=origins.get((one.path, one.oid), "")) for one in found]
    return Judged(
        _dated(repo, found, set(commits)),
        len(blobs),
        len(inspector.proven),
        len(inspector.unproven),
        len(inspector.absent),
        inspector.pointers,
        inspector.unread,
    )


def _walked(
    repo: Repository, commits: Sequence[str], tips: Sequence[str], notes: Collection[str]
) -> _Walked:
    walked = _Walked()
    for change in history.changes(repo, commits):
        if change.commit in notes:
            if change.entry.mode != history.REMOVED:
                entry = Entry(b"", REGULAR, change.entry.oid)
                walked.since.setdefault(entry, change.commit)
            continue
        path = change.entry.path
        for oid in change.replaced:
            # Parents come first, so that mostly the walk has met the blob itself.
            if Entry(path, REGULAR, oid) not in walked.since:
                walked.replaced[path].add(oid)
        if change.entry.mode != history.REMOVED:
            walked.since.setdefault(_normal(change.entry), change.commit)
    for one in history.pathless(repo, tips):
        walked.since.setdefault(_normal(one.entry), one.commit)
    return walked


def _policy(repo: Repository, walked: _Walked, ends: Sequence[str]) -> Policies:
    # Where all of them removed it, what it said before still counts.
    oids = policies.at(repo, ends) or [
        entry.oid for entry in walked.since if entry.path == NAME and entry.is_file
    ]
    return policies.read(repo, dict.fromkeys(oids))


def _beside_envelopes(
    inspector: Inspector, walked: _Walked, covered: dict[bytes, str], found: list[Finding]
) -> list[Finding]:
    """Judges anew what stands at paths that nothing protects, but an envelope was there."""
    sealed = set(inspector.sealed_paths)
    for path in {entry.path for entry in walked.since} - covered.keys() - sealed:
        if any(map(inspector.is_envelope, walked.replaced.get(path, ()))):
            sealed.add(path)
    sealed.discard(b"")
    if not sealed:
        return found
    again = [entry for entry in walked.since if entry.path in sealed]
    kept = [one for one in found if one.path not in sealed]
    for oid, where in places.of_blobs(
        again, dict.fromkeys(sealed, protection.BY_HISTORY)
    ).items():
        kept += inspector.findings(oid, where)
    order = {(entry.path, entry.oid): number for number, entry in enumerate(walked.since)}
    return sorted(kept, key=lambda one: order.get((one.path, one.oid), -1))


def _normal(entry: Entry) -> Entry:
    """An executable file is judged as any other."""
    return replace(entry, mode=REGULAR) if entry.mode == EXECUTABLE else entry


def _dated(repo: Repository, found: list[Finding], commits: set[str]) -> list[Finding]:
    dates = history.author_dates(repo, {one.commit for one in found} & commits)
    return [replace(one, date=dates.get(one.commit, "")) for one in found]

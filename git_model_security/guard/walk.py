"""Judges all that a list of commits brought in: each blob once, each path once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from git_model_security.git import changes, history
from git_model_security.git.index import EXECUTABLE, REGULAR, REMOVED, Entry
from git_model_security.git.objects import is_oid
from git_model_security.guard import paths_of_blob, policies, protection
from git_model_security.guard.inspector import Inspector
from git_model_security.guard.past_rules import Past
from git_model_security.guard.releases import Releases
from git_model_security.policy.gitmodel import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.knowledge import Knowledge
    from git_model_security.guard.whole import Whole

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
    past: Past = field(default_factory=Past)


def judged(
    repo: Repository,
    commits: Sequence[str],
    tips: Sequence[str],
    knowledge: Knowledge,
    *,
    ends: Sequence[str] = (),
    rules: str | None = None,
    untracked: tuple[str, ...] = (),
    releasing: Collection[str] | None = None,
    elsewhere: Iterable[Entry] = (),
    notes: Collection[str] = (),
    absent_is_found: bool = True,
    whole: Whole | None = None,
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
        untracked: with those, patterns of what was let out.
        releasing: policies whose records of what was untracked may count; None means all.
        elsewhere: what stands where the commits go; it is not judged itself.
        notes: those of the commits whose files are notes, and have no paths.
        absent_is_found: a pointer whose object is not here is a finding.
        whole: what an audit asks for on top.
        progress: called after each blob.

    Raises:
        GitError: an object is missing or corrupt.
    """
    walked = _walked(repo, commits, tips, notes, None if whole is None else whole.damaged)
    paths = {entry.path for entry in walked.since}
    for entry in elsewhere:
        if (
            entry.path in paths
            and entry.is_file
            and Entry(entry.path, REGULAR, entry.oid) not in walked.since
        ):
            walked.replaced[entry.path].add(entry.oid)
    chosen = _policies(repo, walked, ends) if rules is None else []
    if whole is not None:
        chosen = whole.readable(repo, chosen)
    policy = policies.Policies([rules or ""], releases=Releases(untracked))
    if rules is None:
        policy = policies.read(repo, chosen, releasing=releasing)
    covered = protection.protected(repo, paths, policy.rules, in_force=rules is None)
    blobs = paths_of_blob.of_blobs(walked.since, covered)
    found = list(policy.broken)
    if whole is not None:
        if whole.remembered is not None:
            whole.remembered.begin(policy.key_ids)
        if rules is None:
            found += whole.protect(repo, commits, walked.past, policy, covered, blobs)
    knowledge = knowledge.with_key_ids(policy.key_ids)
    inspector = Inspector(
        repo,
        knowledge,
        absent_is_found=absent_is_found,
        tolerant=whole is not None,
        here=whole.here if whole else None,
    )
    judge = inspector.findings
    if whole is not None and whole.remembered is not None:
        judge = partial(whole.remembered.judge, inspector)
    for done, (oid, where) in enumerate(blobs.items(), 1):
        found += judge(oid, where)
        if progress is not None:
            progress(done, len(blobs))
    if whole is not None:
        found += whole.finish(inspector, blobs)
    found = _beside_envelopes(inspector, walked, covered, found, policy.releases)
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
    repo: Repository,
    commits: Sequence[str],
    tips: Sequence[str],
    notes: Collection[str],
    damaged: dict[str, str] | None,
) -> _Walked:
    walked = _Walked()
    for change in changes.changes(repo, commits, damaged):
        if change.commit in notes and _is_note(change.entry.path):
            if change.entry.mode != REMOVED:
                entry = Entry(b"", REGULAR, change.entry.oid)
                walked.since.setdefault(entry, change.commit)
            continue
        path = change.entry.path
        for oid in change.replaced:
            # Parents come first, so that mostly the walk has met the blob itself.
            if Entry(path, REGULAR, oid) not in walked.since:
                walked.replaced[path].add(oid)
        if change.entry.mode != REMOVED:
            walked.since.setdefault(_normal(change.entry), change.commit)
        if damaged is not None:
            walked.past.take(change)
    for one in changes.pathless(repo, tips, damaged):
        walked.since.setdefault(_normal(one.entry), one.commit)
    return walked


def _policies(repo: Repository, walked: _Walked, ends: Sequence[str]) -> list[str]:
    # Where all of them removed it, what it said before still counts.
    return policies.at(repo, ends) or list(
        dict.fromkeys(
            entry.oid for entry in walked.since if entry.path == NAME and entry.is_file
        )
    )


def _beside_envelopes(
    inspector: Inspector,
    walked: _Walked,
    covered: dict[bytes, str],
    found: list[Finding],
    releases: Releases,
) -> list[Finding]:
    """Judges anew what stands at paths that nothing protects, but an envelope was there.

    What was untracked on purpose is let out here: a record that is trusted says so.
    """
    sealed = set(inspector.sealed_paths)
    for path in {entry.path for entry in walked.since} - covered.keys() - sealed:
        if any(map(inspector.is_envelope, walked.replaced.get(path, ()))):
            sealed.add(path)
    sealed -= {b""} | releases.paths(sealed)
    if not sealed:
        return releases.kept(found)
    again = [entry for entry in walked.since if entry.path in sealed]
    kept = [one for one in found if one.path not in sealed]
    for oid, where in paths_of_blob.of_blobs(
        again, dict.fromkeys(sealed, protection.BY_HISTORY)
    ).items():
        kept += inspector.findings(oid, where)
    order = {(entry.path, entry.oid): number for number, entry in enumerate(walked.since)}
    return sorted(releases.kept(kept), key=lambda one: order.get((one.path, one.oid), -1))


def _is_note(path: bytes) -> bool:
    """Tells whether a file is named for an object (git-notes, "DESCRIPTION")."""
    return is_oid(path.replace(b"/", b"").decode("ascii", "replace"))


def _normal(entry: Entry) -> Entry:
    """An executable file is judged as any other."""
    return replace(entry, mode=REGULAR) if entry.mode == EXECUTABLE else entry


def _dated(repo: Repository, found: list[Finding], commits: set[str]) -> list[Finding]:
    dates = history.author_dates(repo, {one.commit for one in found} & commits)
    return [replace(one, date=dates.get(one.commit, "")) for one in found]

"""All that the history holds, seen in one pass over its text.

Paths that were untracked on purpose are protected in some commits, and clear in others.
There each commit is taken by its own `.gitmodel`: what leaked before the record is sealed,
and what comes with and after it stays clear, as `guard.past_protection` judges them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.git import attributes as git_attributes
from git_model_security.git import fast_export, index
from git_model_security.git.index import GITLINK, REMOVED, SYMLINK
from git_model_security.git.objects import ObjectReader
from git_model_security.guard import policies
from git_model_security.policy import attributes, gitmodel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from git_model_security.git.fast_export import Commit
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy

    Pair = tuple[bytes, str]
    """A path and a blob there."""

_NONE: frozenset[bytes] = frozenset()


@dataclass
class Survey:
    """What the commits hold.

    Attributes:
        commits: their oids, parents before children.
        files: paths of regular files, each with all the blobs that ever stood there.
        links: paths of symbolic links and of submodules.
        blocked: paths below what has to be a file of ours.
    """

    commits: list[str] = field(default_factory=list)
    files: dict[bytes, set[str]] = field(default_factory=dict)
    links: set[bytes] = field(default_factory=set)
    blocked: set[bytes] = field(default_factory=set)


def look_through(repo: Repository, tips: Iterable[str]) -> Survey:
    """Looks at all commits that tips reach.

    Raises:
        GitError: an object is missing or corrupt.
    """
    seen = Survey()
    ours = (git_attributes.FILE + b"/", gitmodel.NAME + b"/")
    for commit in fast_export.commits(repo, tips):
        seen.commits.append(commit.oid)
        for change in commit.changes:
            if change.mode in {SYMLINK, GITLINK}:
                seen.links.add(change.path)
            elif change.mode != REMOVED:
                seen.files.setdefault(change.path, set()).add(change.oid)
            if change.path.startswith(ours):
                seen.blocked.add(change.path)
    return seen


@dataclass
class LetOut:
    """What records let out that this clone believes.

    Attributes:
        patterns: of the records.
        paths: what they match, and the policy of the migration does not protect.
        guarded: by the blob of a `.gitmodel`, those of the paths that it protects.
        then: blobs at such paths, in commits that protect them.
        free: the same in commits that do not.
    """

    patterns: tuple[str, ...] = ()
    paths: set[bytes] = field(default_factory=set)
    guarded: dict[str, frozenset[bytes]] = field(default_factory=dict)
    then: set[Pair] = field(default_factory=set)
    free: set[Pair] = field(default_factory=set)

    def files(self) -> dict[bytes, set[str]]:
        """Returns the blobs of each path that must be ciphertext in some commit."""
        found: dict[bytes, set[str]] = {}
        for path, oid in self.then:
            found.setdefault(path, set()).add(oid)
        return found


class Following:
    """Tells which paths each commit's own policy protects, as history passes by."""

    def __init__(self, guarded: Mapping[str, frozenset[bytes]]) -> None:
        self._guarded = guarded
        self._policies: dict[bytes, str] = {}

    def step(self, commit: Commit) -> tuple[frozenset[bytes], frozenset[bytes]]:
        """Returns what the first parent protects, and what the commit does."""
        if not self._guarded:
            return _NONE, _NONE
        before = self._policies.get(commit.parents[0], "") if commit.parents else ""
        now = before
        for change in commit.changes:
            if change.path == gitmodel.NAME:
                now = change.oid if change.mode == index.REGULAR else ""
        self._policies[b":%d" % commit.mark] = now
        return self._guarded.get(before, _NONE), self._guarded.get(now, _NONE)


def find_untracked(
    repo: Repository,
    tips: Collection[str],
    files: Mapping[bytes, Iterable[str]],
    protected: Collection[bytes],
) -> LetOut:
    """Returns what was let out.

    Args:
        files: all paths of it, with the blobs that ever stood there.
        protected: those that the policy of the migration protects.

    Raises:
        GitError: an object is missing or corrupt.
    """
    patterns = policies.read(repo, policies.at(repo, tips)).releases.patterns
    if not patterns:
        return LetOut()
    matched = git_attributes.protected_by(attributes.matching(patterns), files)
    result = LetOut(patterns, matched.difference(protected))
    held = read_policies(repo, files.get(gitmodel.NAME, ()))
    for oid, policy in held.items():
        believed = tuple(one for one in policy.untracked if one in patterns)
        rules = attributes.render(policy._replace(untracked=believed))
        if paths := git_attributes.protected_by(rules, result.paths):
            result.guarded[oid] = frozenset(paths)
    if result.guarded:
        _tell_apart(repo, tips, result)
    return result


def _tell_apart(repo: Repository, tips: Iterable[str], result: LetOut) -> None:
    following = Following(result.guarded)
    for commit in fast_export.commits(repo, tips):
        before, now = following.step(commit)
        entries = commit.changes if before == now else index.tree(repo, commit.oid)
        for entry in entries:
            if entry.is_file and entry.path in result.paths:
                pairs = result.then if entry.path in now else result.free
                pairs.add((entry.path, entry.oid))


def read_policies(repo: Repository, oids: Iterable[str]) -> dict[str, Policy]:
    """Returns those `.gitmodel`s that can be read."""
    with ObjectReader(repo) as reader:
        found = {oid: gitmodel.readable(reader, oid) for oid in oids}
    return {oid: policy for oid, policy in found.items() if policy is not None}

"""What was made of somebody else's content: renamed, or edited (clause 3 d).

A *suspect* is a file as a source doubts it. A file was made of it in one of three ways:

- It has a fifth of the bytes that are new in the suspect: they never stood at either path.
- Nothing is new in the suspect, which only deleted; and the same is deleted in the file.
- It has the mode of the suspect, at that path, and no undoubted parent has that mode there.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.git import index
from git_model_security.provenance.likeness import Likeness, is_made_of, is_same_loss
from git_model_security.provenance.origins import Origins

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator, Set

    from git_model_security.clone.provenance import Placed
    from git_model_security.git.trees import Fact
    from git_model_security.provenance.commits import Commits
    from git_model_security.provenance.sources import Sources

_VERSIONS = 32
"""Of what stood at a path, so many versions are taken away from a suspect."""


class Suspect(NamedTuple):
    """Content that a source doubts, at a path.

    Attributes:
        before: the files that stood in its place.
    """

    path: bytes
    mode: int
    oid: str
    before: frozenset[str]


class Suspects:
    """What the sources of a commit doubt, compared with what it introduces."""

    def __init__(self, commits: Commits, found: Sources, held: Set[bytes]) -> None:
        self._commits = commits
        self._found = found
        self._held = held
        self._likeness = Likeness(commits.clone)

    @cached_property
    def moved(self) -> set[Fact]:
        """What a source has at a doubtful path where nothing stands any more.

        Not what somebody has decided for there since, nor what a parent has and vouches for,
        however often it came again: a move of that is one's own.
        """
        placed = {
            (path, *self._commits.at(one, path))
            for one in self._found.all
            for path in self._commits.known_doubts(one).keys() - self._held
        }
        oids = {oid for _, _, oid in placed}
        stood = self._commits.clone.provenance.stood(oids)
        origins = Origins(self._commits, oids)
        return {
            (mode, oid)
            for path, mode, oid in placed
            if stood.get((path, mode, oid), -1) < origins.bad(oid).get((path, mode), 0)
            and (mode, oid) not in self._vouched(path)
        }

    def list_derived(
        self, introduced: Collection[Placed], decided: Container[str]
    ) -> Iterator[bytes]:
        """Yields the paths of the files that were made of a suspect.

        Args:
            decided: blobs that stand or have stood, wherever: of those only the mode is new.
        """
        suspects = self._list() if introduced else []
        self._likeness.read_ahead(one.oid for one in suspects)
        for path, mode, oid in introduced if suspects else ():
            if not is_file(mode):
                continue
            if self._has_mode(path, mode, suspects) or (
                oid not in decided and self._is_derived(path, oid, suspects)
            ):
                yield path

    def _is_derived(self, path: bytes, oid: str, suspects: Collection[Suspect]) -> bool:
        runs = self._likeness.runs
        now = {held for _, held in self._undoubted(path)}
        stood = self._commits.clone.provenance.stood_at(path, _VERSIONS)
        mine, own = runs([oid]), runs(now.union(stood) - {oid})
        lost = runs(now) - mine
        for one in suspects:
            theirs, before = runs([one.oid]), runs(one.before)
            added = theirs - own - before
            is_telling = self._stood_at(one, path) or added.is_telling
            if is_telling and is_made_of(mine - own, added):
                return True
            if one.path == path and not added and is_same_loss(lost, before - theirs):
                return True
        return False

    def _stood_at(self, one: Suspect, path: bytes) -> bool:
        """Tells whether a path is that of a suspect, or may be where its file was moved to."""
        is_there = one.path == path or is_shifted(one.path, path)
        return is_there or bool(one.before and one.path not in self._held)

    def _has_mode(self, path: bytes, mode: int, suspects: Collection[Suspect]) -> bool:
        """Tells whether a path has the mode of a suspect, and of nothing that stands there."""
        theirs = {one.mode for one in suspects if self._stood_at(one, path)}
        now = {held for held, _ in self._undoubted(path)}
        return mode in theirs and bool(now) and mode not in now

    def _list(self) -> list[Suspect]:
        """Returns what the sources doubt, without what somebody has decided for since."""
        placed = [
            (path, *self._commits.at(one, path), was)
            for one in self._found.all
            for path, was in self._commits.known_doubts(one).items()
        ]
        placed = [one for one in placed if is_file(one[1])]
        oids = {oid for _, _, oid, _ in placed}
        stood = self._commits.clone.provenance.stood(oids)
        origins = Origins(self._commits, oids)
        before: dict[str, set[str]] = {oid: set() for oid in oids}
        found = []
        for path, mode, oid, was in placed:
            last = origins.bad(oid).get((path, mode), 0)
            if stood.get((path, mode, oid), -1) < last:
                before[oid].update(held for _, held in self._undoubted(path))
                before[oid].update([was[1]] if was is not None and is_file(was[0]) else ())
                found.append((path, mode, oid))
        return [Suspect(*one, frozenset(before[one[2]])) for one in dict.fromkeys(found)]

    def _undoubted(self, path: bytes) -> set[Fact]:
        """Returns the files that parents have at a path, and vouch for."""
        return {fact for fact in self._vouched(path) if is_file(fact[0])}

    def _vouched(self, path: bytes) -> set[Fact]:
        return {
            self._commits.at(one, path)
            for one in self._found.parents
            if path not in self._commits.doubts(one)
        }


def is_shifted(one: bytes, other: bytes) -> bool:
    """Tells whether one path is the other one below a directory, as a subtree merge has it."""
    return one.endswith(b"/" + other) or other.endswith(b"/" + one)


def is_file(mode: int) -> bool:
    """Tells whether a mode is that of a file with content of its own."""
    return mode in index.FILES

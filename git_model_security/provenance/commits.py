"""What the commits of a clone are, and which of their paths nobody vouches for.

Clause 1: a commit *stands* when its signatures hold under pinned trust, or held when this
clone looked, or a person adopted it. It was *made here* when the record says so, or when it
was made of other commits again. Every other one has *arrived*.

Clause 2: the *doubts* of a commit are the paths that nobody vouches for, each with what stood
there before. A commit that stands has none, one that was made here those that are recorded,
or those of what it was made of. One that arrived has those of its parent, and each path that
it changed but for what it set back. In a merge that arrived, a path is free where Git itself
makes just that of the parents, from a side that does not doubt it; and merges that over a
base that is not made up (`bases`). A commit that stands for what was signed elsewhere has no
doubts, and passes on those that it would have without its signature (`returns`).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from git_model_security.clone.provenance import NOTHING
from git_model_security.errors import GitError, RecordError
from git_model_security.git import history, index
from git_model_security.provenance import arrivals, assessment, merges, replays
from git_model_security.provenance.bases import Bases
from git_model_security.provenance.contents import Contents
from git_model_security.provenance.returns import Returns
from git_model_security.provenance.signed_states import SignedStates
from git_model_security.trust import pinned_trust
from git_model_security.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.clone.provenance import Doubts
    from git_model_security.git.trees import Fact

MAX_COMMITS = 512
"""How far down a line is followed to what stands; below that, all that differs is doubtful."""
_MERGED = 2
"""Parents of a merge that Git makes of itself; an octopus is not made again."""


def stands(clone: Clone, commit: str) -> bool:
    """Tells whether a commit vouches for what it holds (clause 1)."""
    tree = index.require(clone.repo, f"{commit}^{{tree}}")
    known = pinned_trust.is_adopted(clone, tree) or pinned_trust.has_held(clone, tree)
    return known or tree_check.holds(clone, tree)


class Commits:
    """The commits of a clone; each is judged once.

    Args:
        made: one that was made here this moment, and is not recorded yet.
    """

    def __init__(self, clone: Clone, made: str | None = None) -> None:
        self._made = made
        self.clone = clone
        self._repo = clone.repo
        self._standing: dict[str, bool] = {}
        self._passed_on: dict[str, Doubts] = {}
        self._under_way: dict[str, list[str]] | None = None
        self._judging: set[str] = set()
        self._contents = Contents(clone.repo)
        self.states = SignedStates(self)
        self._returns = Returns(self)
        self.bases = Bases(self)

    def stands(self, commit: str) -> bool:
        """Tells whether a commit stands; one that is not here does not."""
        if commit not in self._standing:
            try:
                self._standing[commit] = stands(self.clone, commit)
            except GitError:
                self._standing[commit] = False
        return self._standing[commit]

    def is_made_here(self, commit: str) -> bool:
        """Tells whether a commit was made here."""
        is_recorded = self.clone.provenance.doubts(commit) is not None
        return is_recorded or commit == self._made or bool(self.made_of(commit))

    def is_recorded(self, commit: str) -> bool:
        """Tells whether a commit arrived or was made here: a stash did neither."""
        return self.is_made_here(commit) or self.clone.provenance.has_arrived(commit)

    def made_of(self, commit: str) -> list[str]:
        """Returns the commits that one was made of again, by a rebase that may go on."""
        if self._under_way is None:
            self._under_way = replays.list_pairs(self._repo)
        return self.clone.provenance.made_of(commit) or self._under_way.get(commit, [])

    def is_foreign(self, commit: str) -> bool:
        """Tells whether a commit arrived, and does not stand."""
        return not self.is_made_here(commit) and not self.stands(commit)

    def tree(self, commit: str) -> str:
        """Returns the tree of a commit."""
        return index.require(self._repo, f"{commit}^{{tree}}")

    def at(self, commit: str, path: bytes) -> Fact:
        """Returns what a commit has at a path; see `Contents`."""
        return self._contents.at(self.tree(commit), path)

    def facts(self, commit: str) -> dict[bytes, Fact]:
        """Returns what a commit holds, by path."""
        return self._contents.facts(self.tree(commit))

    def parents(self, commit: str) -> list[str]:
        """Returns the parents of a commit, also those that are not here."""
        ((_, text),) = self._repo.objects.read_many([commit])
        _, *lines = text.partition(b"\n\n")[0].split(b"\n")
        # Just behind the tree: what stands further below under this name Git does not read.
        above = itertools.takewhile(lambda line: line.startswith(b"parent "), lines)
        return [line.removeprefix(b"parent ").decode() for line in above]

    def changed(self, commit: str) -> dict[bytes, Fact]:
        """Returns the paths that a commit changed, with what its first parent has there."""
        above = self.parents(commit)[:1]
        return self.differences(above[0] if above else None, commit)

    def differences(self, one: str | None, other: str) -> dict[bytes, Fact]:
        """Returns the paths in which two commits differ, with what the first one has there."""
        return self._contents.differences(self.tree(one) if one else None, self.tree(other))

    def doubts(self, commit: str) -> Doubts:
        """Returns the paths of a commit that nobody vouches for (clause 2).

        Raises:
            GitError: an object is missing or corrupt.
        """
        if self.stands(commit):
            return {}
        for one, above in self._unsettled(commit):
            try:
                self._passed_on[one] = self._judge(one, above)
            except GitError as error:  # whose trees nobody can read nobody vouches for
                if isinstance(error, RecordError):
                    raise
                self._passed_on[one] = dict.fromkeys(self.facts(one))
        return self._passed_on[commit]

    def known_doubts(self, commit: str) -> Doubts:
        """Returns the doubts of a commit that may be gone: none where it is."""
        return self.doubts(commit) if self.is_here(commit) else {}

    def _unsettled(self, commit: str) -> list[tuple[str, list[str]]]:
        """Returns the commits to judge for one, and it, with their parents; parents first."""
        found: dict[str, list[str]] = {}
        order: dict[str, list[str]] = {}
        waiting = [commit]
        while waiting:
            one = waiting[-1]
            if one in found and one not in order:  # what is above it is through
                order[one] = found[one]
            if one in order or self._settle(one):
                waiting.pop()
                continue
            found[one] = self.parents(one)
            if len(found) <= MAX_COMMITS:
                waiting += [up for up in found[one] if up not in found and self.is_here(up)]
        return list(order.items())

    def _settle(self, commit: str) -> bool:
        """Keeps the doubts that need no look at the parents; tells whether there are such."""
        if commit in self._passed_on:
            return True
        if self.stands(commit):
            if not self._returns.has(commit):
                self._passed_on[commit] = {}
        elif (recorded := self.clone.provenance.doubts(commit)) is not None:
            self._passed_on[commit] = recorded
        return commit in self._passed_on

    def is_here(self, commit: str) -> bool:
        """Tells whether a commit is in this clone."""
        return index.has_commit(self._repo, commit)

    def _judge(self, commit: str, above: list[str]) -> Doubts:
        sides = [(one, self._passed_on[one]) for one in above if one in self._passed_on]
        if len(sides) < len(above):
            return dict.fromkeys(self.facts(commit))
        if len(above) > _MERGED:
            return merges.doubt_differences(self, commit, sides)
        if any(one not in self._judging for one in self.made_of(commit)):
            return self._doubt_made_again(commit, above)
        if len(above) == _MERGED:
            return merges.doubt(self, commit, sides)
        return self._doubt_changes(commit, above)

    def _doubt_made_again(self, commit: str, above: list[str]) -> Doubts:
        """Doubts of what Git made again what the rule does.

        Where the commits that it was made of are gone, and nobody knows whose they were,
        also what did not stand here before.
        """
        olds = [one for one in self.made_of(commit) if one not in self._judging]
        olds += self._with_message(commit, olds)
        # In one second a commit can be made of another, and that one of it again.
        self._judging.add(commit)
        try:
            result = assessment.assess_commit(self, commit, above, filter(self.is_here, olds))
        finally:
            self._judging.discard(commit)
        if all(map(self._is_known, olds)):
            return result
        changed = self.changed(commit)
        now = {path: self.at(commit, path) for path in changed}
        stood = self.clone.provenance.stood({oid for _, oid in now.values() if oid})
        new = (
            path for path, fact in now.items() if fact != NOTHING and (path, *fact) not in stood
        )
        return {path: changed[path] for path in new} | result

    def _with_message(self, commit: str, olds: Sequence[str]) -> list[str]:
        """Returns foreign commits of the same message, where none of the old ones has it.

        A tool that makes commits of others again on top of a branch says only which branch:
        then the old one is below what was made, and not what that was made of.
        """
        digest = self._message(commit)
        here = filter(self.is_here, olds)
        if any(
            self._message(one) == digest and not history.descends(self._repo, commit, one)
            for one in here
        ):
            return []
        return list(filter(self.is_foreign, self.clone.provenance.with_message(digest)))

    def _message(self, commit: str) -> bytes:
        ((_, text),) = self._repo.objects.read_many([commit])
        return arrivals.digest_message(text.partition(b"\n\n")[2])

    def _is_known(self, commit: str) -> bool:
        """Tells whether a commit is here, or is recorded as one that nobody doubts."""
        return self.is_here(commit) or self.clone.provenance.doubts(commit) == {}

    def _doubt_changes(self, commit: str, above: list[str]) -> Doubts:
        result = dict(self._passed_on[above[0]]) if above else {}
        for path, before in self.changed(commit).items():
            if path not in result:
                result[path] = before
            elif result[path] == self.at(commit, path):
                del result[path]
        return result

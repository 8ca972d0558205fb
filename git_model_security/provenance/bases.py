"""Whether what Git merged over is what the sides were made on top of.

A commit stands by its tree, and whoever pushes gives a signed tree the parents of her choice.
So a *base* that nobody vouches for may be made up: merged over it, two signed states are mixed
by file and by line. It counts as made up when a commit between it and a side stands, was not
made here, and has just what another commit signs that does not follow that base: there it was
signed. Who made commits on top of unsigned work, and adopted it, has signed no such thing.
docs/THREAT_MODEL.md, "What is known to slip through".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import history, rev_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.provenance.commits import Commits
    from git_model_security.provenance.sources import Sources

_MOST_BETWEEN = 512
"""So many commits between a base and a side; of more the base is not believed."""


class Bases:
    """The bases of merges and picks; each is looked at once."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._repo = commits.clone.repo
        self._known: dict[tuple[str, str], bool] = {}

    def of_merge(self, one: str, other: str) -> set[bytes]:
        """Returns the paths that are in doubt in a made-up base of two commits."""
        bases = history.merge_bases(self._repo, one, other)
        return self._doubted((base, side) for base in bases for side in (one, other))

    def of_sources(self, found: Sources) -> set[bytes]:
        """Returns those of what a commit merges, and of what was picked or squashed into it."""
        paths: set[bytes] = set()
        for other in found.parents[1:]:
            paths |= self.of_merge(found.parents[0], other)
        taken = [
            one
            for one in dict.fromkeys((*found.applied, *found.squashed))
            if not self._commits.is_made_here(one) and self._commits.stands(one)
        ]
        above = ((up, one) for one in taken for up in self._commits.parents(one)[:1])
        return paths | self._doubted(above)

    def _doubted(self, pairs: Iterable[tuple[str, str]]) -> set[bytes]:
        paths: set[bytes] = set()
        for base, side in pairs:
            bad = self._commits.known_doubts(base)
            if bad and self._is_made_up(base, side, [*bad]):
                paths |= bad.keys()
        return paths

    def _is_made_up(self, base: str, side: str, paths: Sequence[bytes]) -> bool:
        if (base, side) not in self._known:
            self._known[base, side] = self._look(base, side, paths)
        return self._known[base, side]

    def _look(self, base: str, side: str, paths: Sequence[bytes]) -> bool:
        commits = self._commits
        most = f"--max-count={_MOST_BETWEEN + 1}"
        between = rev_list.read(self._repo, "--ancestry-path", most, names=[side, f"^{base}"])
        if len(between) > _MOST_BETWEEN:
            return True
        standing = [
            one for one in between if not commits.is_made_here(one) and commits.stands(one)
        ]
        if not standing:
            return False
        every = ("--all", "--reflog")
        after = rev_list.read(self._repo, *every, "--ancestry-path", names=[f"^{base}"])
        others = rev_list.read(self._repo, *every, names=[side])
        elsewhere = set(others) - {*after, *between, base}
        is_alike = commits.states.is_alike
        return any(is_alike(one, other, paths) for one in standing for other in elsewhere)

"""What somebody took back of a signed state, without a signature (clauses 2 and 3).

Who goes on from a signed branch and gives files what the base has, or the other side by now,
can let the others in alone: there a merge has no change, and the other side has just the same
and vouches for it. So it is where such commits become one on top of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.clone.provenance import NOTHING
from git_model_security.git import history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_model_security.git.trees import Fact
    from git_model_security.provenance.commits import Commits
    from git_model_security.provenance.sources import Sources

    Withdrawn = dict[tuple[bytes, Fact], Fact | None]
    """Paths and what they were taken back to, with what stood there before; None: unknown."""


def of_sources(commits: Commits, found: Sources, held: Mapping[bytes, Fact]) -> Withdrawn:
    """Returns that of what a commit merges, of what was squashed into it, and is one in it.

    Args:
        held: what the commit has, by path.
    """
    if not found.parents:
        return {}
    first = found.parents[0]
    taken = [one for one in found.suspects if _is_taken(commits, first, one, held)]
    result = _in_series(commits, found)
    for other in (*found.parents[1:], *found.squashed, *taken):
        result |= in_merge(commits, first, other)
    return result


def in_merge(commits: Commits, one: str, other: str) -> Withdrawn:
    """Returns where a doubted side of two commits has what their base has, or the other side.

    What the other side has counts where the base had something else before, too: else both
    only made one change. Where the base is in doubt alike, nothing was taken back to it.
    """
    doubted = {side: bad for side in (one, other) if (bad := commits.known_doubts(side))}
    result: Withdrawn = {}
    for base in history.merge_bases(commits.clone.repo, one, other) if doubted else ():
        unsure = commits.known_doubts(base)
        for side, bad in doubted.items():
            opposite = other if side == one else one
            for path, before in bad.items():
                fact, was = commits.at(side, path), commits.at(base, path)
                if before == fact or (path in unsure and before == unsure[path]):
                    continue
                if fact == was or (before != was and fact == commits.at(opposite, path)):
                    result[path, fact] = before
    return result


def _is_taken(commits: Commits, first: str, other: str, held: Mapping[bytes, Fact]) -> bool:
    """Tells whether a commit has all that another one vouches for, as after `reset --soft`."""
    doubted = commits.known_doubts(other)
    if not doubted:
        return False
    new = commits.differences(first, other).keys() - doubted.keys()
    return bool(new) and all(held.get(path, NOTHING) == commits.at(other, path) for path in new)


def _in_series(commits: Commits, found: Sources) -> Withdrawn:
    """Returns where one of the commits that become one took back what another one brought."""
    result: Withdrawn = {}
    series = found.applied if len(found.applied) > 1 else ()
    vouched = {
        (path, commits.at(one, path))
        for one in series
        for path in commits.changed(one).keys() - commits.known_doubts(one).keys()
    }
    for one in series:
        for path, before in commits.known_doubts(one).items():
            fact = commits.at(one, path)
            is_back = before != fact == commits.at(found.parents[0], path)
            if is_back and (path, before) in vouched:
                result[path, fact] = before
    return result

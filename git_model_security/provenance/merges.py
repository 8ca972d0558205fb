"""What of a merge that arrived nobody vouches for (clause 2).

A path is free where Git itself makes just that of the parents, from a side that does not
doubt it, over a base that nobody made up (`bases`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.clone.provenance import NOTHING
from git_model_security.git import history
from git_model_security.provenance import withdrawals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.provenance import Doubts
    from git_model_security.git.repository import Repository
    from git_model_security.git.trees import Fact
    from git_model_security.provenance.commits import Commits

    Sides = Sequence[tuple[str, Doubts]]
    """The parents, each with what nobody vouches for in it."""


class _Merge(NamedTuple):
    """What Git makes of two parents: the tree, and paths of it that are in conflict."""

    tree: str
    conflicts: frozenset[bytes]


def doubt(commits: Commits, commit: str, sides: Sides) -> Doubts:
    """Returns the doubts of a merge of two parents."""
    (one, _), (other, _) = sides
    repo = commits.clone.repo
    merge = _merge(repo, one, other)
    if merge is None:
        return doubt_differences(commits, commit, sides)
    made_up = commits.bases.of_merge(one, other)
    withdrawn = withdrawals.in_merge(commits, one, other)
    result: Doubts = {}
    for path in _touched(commits, commit, sides):
        now = commits.at(commit, path)
        made = repo.trees.at(merge.tree, path) or NOTHING
        # Over a made-up base only what the first side has is not of the other's choice.
        first = sides[:1] if path in made_up else sides
        is_made = made == now and path not in merge.conflicts
        if is_made and (path, now) not in withdrawn and _is_free(commits, path, now, first):
            continue
        if path not in made_up and _is_chosen(commits, path, now, sides):
            continue
        before = _before(commits, commit, path, sides)
        result[path] = withdrawn.get((path, now), before)
    return result


def doubt_differences(commits: Commits, commit: str, sides: Sides) -> Doubts:
    """Doubts all that not every parent has, and vouches for."""
    if not sides:
        return dict.fromkeys(commits.facts(commit))
    touched = _touched(commits, commit, sides)
    return {path: _before(commits, commit, path, sides) for path in touched}


def _before(commits: Commits, commit: str, path: bytes, sides: Sides) -> Fact | None:
    """Returns what stood at a path of a merge before it became doubtful, where one can say.

    What the sides have that do not doubt it: whoever merges chooses what the others say.
    """
    said = (commits.at(side, path) for side, bad in sides if path not in bad)
    before: set[Fact | None] = {*said} or {bad[path] for _, bad in sides}
    is_known = len(before) == 1 and before != {commits.at(commit, path)}
    return before.pop() if is_known else None


def _touched(commits: Commits, commit: str, sides: Sides) -> set[bytes]:
    """Returns the paths in which a merge differs from a side, or that one doubts."""
    found: set[bytes] = set()
    for side, bad in sides:
        found |= bad.keys() | commits.differences(side, commit).keys()
    return found


def _merge(repo: Repository, one: str, other: str) -> _Merge | None:
    """Merges two commits as Git does; None where it does not (git-merge-tree)."""
    words = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages")
    tree, *conflicts = repo.git(*words, one, other, accept=(0, 1, 128)).split(b"\0")
    if not re.fullmatch(rb"[0-9a-f]{40,64}", tree):
        return None
    return _Merge(tree.decode(), frozenset(filter(None, conflicts)))


def _is_chosen(commits: Commits, path: bytes, now: Fact, sides: Sides) -> bool:
    """Tells whether who merged decided for the one side that does not doubt a path.

    And so against a side on which nobody has signed anything else meanwhile.
    """
    doubting = [bad[path] for _, bad in sides if path in bad]
    sure = [commits.at(side, path) for side, bad in sides if path not in bad]
    if sure != [now] or not doubting:
        return False
    bases = history.merge_bases(commits.clone.repo, *(side for side, _ in sides))
    return bool(bases) and all(commits.at(base, path) == doubting[0] for base in bases)


def _is_free(commits: Commits, path: bytes, now: Fact, sides: Sides) -> bool:
    """Tells whether what Git merged at a path came from where nobody doubts it."""
    held = [(commits.at(side, path), path in bad) for side, bad in sides]
    if any(fact == now and not is_doubtful for fact, is_doubtful in held):
        return True
    if len(held) == 1:
        return False
    # What no side has was merged line by line; or brought there by a rename.
    return not any(is_doubtful or fact == NOTHING for fact, is_doubtful in held)

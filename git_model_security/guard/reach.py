"""Which refs reach a finding, and whether a remote has it: one walk for all findings."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import history, refs
from git_model_security.guard.finding import SHOWN_REFS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_model_security.git.refs import Ref
    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding

_AT_ONCE = 4096
"""Commits with findings per walk: each is one bit of a number per commit."""
_MAX_PAIRS = 20_000_000
"""Findings times groups of refs; beyond that not all refs are counted."""


def told(repo: Repository, found: Sequence[Finding]) -> list[Finding]:
    """Returns the findings with the refs that reach their commits.

    A finding without a commit is in the index or in no history, and stays as it is. In a
    damaged repository nothing can be said, and is not.
    """
    wanted = list(dict.fromkeys(one.commit for one in found if one.commit))
    if not wanted:
        return list(found)
    named = refs.listed(repo)
    # What people call a branch first; a remote's memory of it says no more.
    named.sort(key=lambda ref: (ref.is_remote, ref.name))
    try:
        reached = _reached(repo, wanted, named)
    except GitError:
        return list(found)
    follows = any(ref.is_remote for ref in named)
    return [
        reached[one.commit].told(one, named, follows) if one.commit in reached else one
        for one in found
    ]


@dataclass
class _Reach:
    """The refs that reach one commit: the first few by number, how many, if a remote's."""

    first: list[int] = field(default_factory=list)
    total: int = 0
    pushed: bool = False

    def add(self, group: Sequence[int]) -> None:
        """Takes in refs by their numbers in ascending order."""
        self.total += len(group)
        if len(self.first) < SHOWN_REFS or group[0] < self.first[-1]:
            self.first = sorted([*self.first, *group[:SHOWN_REFS]])[:SHOWN_REFS]

    def told(self, one: Finding, named: Sequence[Ref], follows: bool) -> Finding:
        """Returns the finding with the names of the refs."""
        return replace(
            one,
            refs=tuple(named[number].shown for number in self.first),
            refs_total=self.total,
            pushed=self.pushed if follows else None,
        )


def _reached(
    repo: Repository, wanted: Sequence[str], named: Sequence[Ref]
) -> dict[str, _Reach]:
    found = {oid: _Reach() for oid in wanted}
    graph = list(history.graph(repo))
    # What a ref names itself may be a tree, a blob or a tag of one.
    direct = set(wanted) - {commit for commit, _ in graph}
    for number, ref in enumerate(named):
        for oid in {ref.oid, ref.target} & direct:
            found[oid].add([number])
            found[oid].pushed |= ref.is_remote
    left = [oid for oid in wanted if oid not in direct]
    for start in range(0, len(left), _AT_ONCE):
        some = left[start : start + _AT_ONCE]
        _add(found, some, named, _masks(graph, some, {ref.target for ref in named}))
    return found


def _add(
    found: dict[str, _Reach],
    wanted: Sequence[str],
    named: Sequence[Ref],
    masks: Mapping[str, int],
) -> None:
    # Refs that reach the same findings are told together: mostly these are all of them.
    groups: defaultdict[int, list[int]] = defaultdict(list)
    pushed = 0
    for number, ref in enumerate(named):
        mask = masks.get(ref.target, 0)
        groups[mask].append(number)
        pushed |= mask if ref.is_remote else 0
    for bit in _bits(pushed):
        found[wanted[bit]].pushed = True
    left = _MAX_PAIRS
    for mask, group in groups.items():
        left -= mask.bit_count() if left > 0 else 0
        for bit in _bits(mask if left > 0 else 0):
            found[wanted[bit]].add(group)


def _masks(
    graph: Sequence[tuple[str, list[str]]], wanted: Sequence[str], tips: set[str]
) -> dict[str, int]:
    """Returns per tip which of the commits it reaches, a bit each.

    Parents come first. A commit's number is dropped when its last child has it, so that
    memory holds the width of history and not its length.
    """
    bit = {oid: 1 << number for number, oid in enumerate(wanted)}
    children = Counter(parent for _, parents in graph for parent in parents)
    masks: dict[str, int] = {}
    kept = {}
    for commit, parents in graph:
        mask = bit.get(commit, 0)
        for parent in parents:
            mask |= masks.get(parent, 0)
            children[parent] -= 1
            if not children[parent]:
                masks.pop(parent, None)
        masks[commit] = mask
        if commit in tips:
            kept[commit] = mask
    return kept


def _bits(mask: int) -> Iterable[int]:
    text = bin(mask)[:1:-1]
    position = text.find("1")
    while position >= 0:
        yield position
        position = text.find("1", position + 1)

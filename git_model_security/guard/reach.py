"""Which refs reach a finding, and whether a remote has it: one walk for all findings."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import history, refs
from git_model_security.guard.finding import SHOWN_REFS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from git_model_security.git.refs import Ref
    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding


def told(repo: Repository, found: Sequence[Finding]) -> list[Finding]:
    """Returns the findings with the refs that reach their commits.

    A finding without a commit is in the index or in no history, and stays as it is. In a
    damaged repository nothing can be said, and is not.
    """
    wanted = {one.commit for one in found if one.commit}
    if not wanted:
        return list(found)
    named = [*refs.read(repo), *refs.read_detached(repo), *refs.read_elsewhere(repo)]
    # What people call a branch first; a remote's memory of it says no more.
    named.sort(key=lambda ref: (ref.is_remote, ref.name))
    try:
        masks = _masks(repo, wanted, named)
    except GitError:
        return list(found)
    remotes = sum(1 << number for number, ref in enumerate(named) if ref.is_remote)
    return [
        replace(
            one,
            refs=tuple(named[number].shown for number in _first(masks[one.commit])),
            refs_total=masks[one.commit].bit_count(),
            pushed=bool(masks[one.commit] & remotes) if remotes else None,
        )
        if one.commit
        else one
        for one in found
    ]


def _masks(repo: Repository, wanted: Collection[str], named: Sequence[Ref]) -> dict[str, int]:
    """Returns by commit which of the refs reach it, a bit each.

    Children come first. A commit gives its bits to its parents and keeps them only where
    it is wanted, so that memory holds the width of history and not its length.
    """
    own: defaultdict[str, list[int]] = defaultdict(list)
    targets = history.peeled(repo, (ref.oid for ref in named))
    for number, ref in enumerate(named):
        for oid in {ref.oid, targets[ref.oid][1]}:
            own[oid].append(number)
    # What a ref names itself may be a tree, a blob or a tag of one.
    masks = {oid: sum(1 << number for number in own.get(oid, ())) for oid in wanted}
    given: defaultdict[str, int] = defaultdict(int)
    for commit, parents in history.graph(repo):
        mask = given.pop(commit, 0)
        for number in own.get(commit, ()):
            mask |= 1 << number
        if commit in masks:
            masks[commit] = mask
        for parent in parents:
            given[parent] |= mask
    return masks


def _first(mask: int) -> Iterator[int]:
    """Yields the numbers of the lowest bits, as many as are shown."""
    for _ in range(min(SHOWN_REFS, mask.bit_count())):
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest

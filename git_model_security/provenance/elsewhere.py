"""Where else a blob stands at a path: branches, tags, and where HEAD was before.

A squash, `cherry-pick -n`, `checkout BRANCH -- PATH` or an orphan branch carries
content on without naming the commit it came from. For files outside the filter, which
leave no trace of being made, this looks it up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import refs
from git_model_security.provenance import ancestry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.clone.provenance import Pair

MAX_REFLOG_ENTRIES = 256
MAX_QUESTIONS = 200_000
"""Paths times tips; beyond that nothing is believed to be made here."""
MAX_COMMITS = 256
"""How far down to look for an earlier version of a file."""


def unverified(clone: Clone, wanted: Iterable[Pair]) -> set[Pair]:
    """Returns those pairs that an unverified commit holds and no verified one does."""
    held = _holders(clone, wanted)
    return {
        pair
        for pair, tips in held.items()
        if not any(ancestry.stands(clone, tip) for tip in tips)
    }


def _holders(clone: Clone, wanted: Iterable[Pair]) -> dict[Pair, list[str]]:
    """Returns the tips that hold each of some pairs; empty for one that too many may hold."""
    # A line feed would end the question; such a path is not believed to be ours.
    pairs = [pair for pair in wanted if b"\n" not in pair[0]]
    tips = _tips(clone) if pairs else []
    if len(tips) * len(pairs) > MAX_QUESTIONS:
        # Whoever can push refs must not decide which of them are looked at.
        return {pair: [] for pair in pairs}
    if not tips:
        return {}
    asked = [(tip, pair) for tip in tips for pair in pairs]
    names = [b"%s:%s" % (tip.encode(), path) for tip, (path, _) in asked]
    holders: dict[Pair, list[str]] = {}
    for (tip, pair), (_, oid, _) in zip(asked, clone.objects.facts(names), strict=True):
        if oid == pair[1]:
            holders.setdefault(pair, []).append(tip)
    return holders


def signed_before(clone: Clone, wanted: Iterable[Pair]) -> set[Pair]:
    """Returns those pairs that a commit below HEAD brought which stands.

    Where somebody's unverified tip holds one as well, it may be they who bring it back.
    """
    pairs = list(wanted)
    holders = _holders(clone, pairs)
    found = set()
    for path, oid in pairs:
        tips = holders.get((path, oid))
        is_theirs = tips is not None and not (
            tips and all(ancestry.stands(clone, tip) for tip in tips)
        )
        if not is_theirs and b"\n" not in path and _is_signed_below(clone, path, oid):
            found.add((path, oid))
    return found


def _is_signed_below(clone: Clone, path: bytes, oid: str) -> bool:
    listed = clone.repo.git(
        *("--literal-pathspecs", "log", "--no-show-signature", "--format=%H", "--no-renames"),
        *("--full-history", f"--find-object={oid}", f"--max-count={MAX_COMMITS}"),
        *("HEAD", "--", path),
        accept=(0, 128),
    )
    for commit in listed.decode().split():
        fact = ancestry.facts(clone, commit).get(path)
        if fact is not None and fact[1] == oid and ancestry.stands(clone, commit):
            return True
    return False


def _tips(clone: Clone) -> Sequence[str]:
    named = [ref.oid for ref in refs.read(clone.repo)]
    before = clone.repo.git(
        *("reflog", "show", "--no-show-signature", "--format=%H"),
        *(f"--max-count={MAX_REFLOG_ENTRIES}", "HEAD"),
        accept=(0, 128),
    )
    asked = [f"{oid}^{{commit}}" for oid in dict.fromkeys((*named, *before.decode().split()))]
    return list(dict.fromkeys(oid for _, oid, _ in clone.objects.facts(asked) if oid))

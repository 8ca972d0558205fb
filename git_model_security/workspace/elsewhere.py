"""Where else a blob stands at a path: branches, tags, and where HEAD was before.

A squash, `cherry-pick -n`, `checkout BRANCH -- PATH` or an orphan branch carries
content on without naming the commit it came from. For files outside the filter, which
leave no trace of being made, this looks it up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.workspace import ancestry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.filter.clone import Clone
    from git_model_security.filter.provenance import Pair

MAX_REFS = 64
MAX_REFLOG_ENTRIES = 32


def unverified(clone: Clone, wanted: Iterable[Pair]) -> set[Pair]:
    """Returns those pairs that an unverified commit holds and no verified one does."""
    # A line feed would end the question; such a path is not believed to be ours.
    pairs = [pair for pair in wanted if b"\n" not in pair[0]]
    tips = _tips(clone) if pairs else []
    if not tips:
        return set()
    asked = [(tip, pair) for tip in tips for pair in pairs]
    names = b"".join(b"%s:%s\n" % (tip.encode(), path) for tip, (path, _) in asked)
    answers = clone.repo.git("cat-file", "--batch-check=%(objectname)", stdin=names)
    holders: dict[Pair, list[str]] = {}
    for (tip, pair), answer in zip(asked, answers.splitlines(), strict=True):
        if answer.decode("utf-8", "replace") == pair[1]:
            holders.setdefault(pair, []).append(tip)
    return {
        pair
        for pair, found in holders.items()
        if not any(ancestry.stands(clone, tip) for tip in found)
    }


def _tips(clone: Clone) -> Sequence[str]:
    refs = clone.repo.git(
        *("for-each-ref", "--sort=-committerdate", f"--count={MAX_REFS}"),
        *("--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)",),
    )
    before = clone.repo.git(
        *("reflog", "show", "--format=%H", f"--max-count={MAX_REFLOG_ENTRIES}", "HEAD"),
        accept=(0, 128),
    )
    oids = dict.fromkeys((*refs.decode().split(), *before.decode().split()))
    asked = "".join(f"{oid}\n" for oid in oids).encode()
    kinds = clone.repo.git("cat-file", "--batch-check=%(objecttype)", stdin=asked)
    return [oid for oid, kind in zip(oids, kinds.split(), strict=False) if kind == b"commit"]

"""What is vouched for below commits whose own signatures do not hold.

One unsigned commit (of somebody without a signing key, of a client without hooks, of
a rebase) must not put in doubt what was signed before it and is unchanged since: who
has to adopt every file adopts unseen what was slipped in as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import index
from git_model_security.trust import pinned_trust
from git_model_security.verify import tree_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone

Facts = dict[bytes, tuple[int, str]]
"""Mode and oid by path."""

MAX_COMMITS = 256
"""How far down to look; each commit costs a check."""


def facts(clone: Clone, commit: str) -> Facts:
    """Returns what a commit holds."""
    entries = index.tree(clone.repo, f"{commit}^{{tree}}")
    return {entry.path: (entry.mode, entry.oid) for entry in entries}


def stands(clone: Clone, commit: str) -> bool:
    """Tells whether a commit vouches for what it holds.

    Its signatures hold, or did when this clone looked, before a certificate expired; or
    a person adopted it (`git model init` does).
    """
    tree = index.require(clone.repo, f"{commit}^{{tree}}")
    known = pinned_trust.is_adopted(clone, tree) or pinned_trust.has_held(clone, tree)
    return known or tree_check.holds(clone, tree)


def last_verified(clone: Clone, commits: Sequence[str]) -> Facts:
    """Returns what all of the nearest ancestors that stand hold alike.

    Only the nearest: an older one would let an old version back in. Only what they
    hold alike: an untrusted merge could else choose the older version of a side
    branch. Where some line leads down to no such commit, that is nothing.
    """
    limit = f"--max-count={MAX_COMMITS}"
    listed = clone.repo.git("rev-list", "--topo-order", "--parents", limit, *commits)
    below: set[str] = set()
    awaited = set(commits)
    alike: Facts | None = None
    for line in listed.decode().splitlines():
        # Children come before their parents, so what is below is known by now.
        oid, *parents = line.split()
        awaited.discard(oid)
        if oid in below:
            below.update(parents)
        elif stands(clone, oid):
            below.update(parents)
            found = facts(clone, oid)
            alike = found if alike is None else dict(alike.items() & found.items())
        elif not parents:
            return {}
        else:
            awaited.update(parents)
    return {} if awaited - below else alike or {}

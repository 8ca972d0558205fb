"""What a side of a merge took back of a signed state, without a signature (clauses 2 and 3).

Who goes on from a signed branch and gives files what the base has can let the others in alone:
there the merge has no change, and the other side has just the same and vouches for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import history

if TYPE_CHECKING:
    from git_model_security.git.trees import Fact
    from git_model_security.provenance.commits import Commits
    from git_model_security.provenance.sources import Sources

    Withdrawn = dict[tuple[bytes, Fact], Fact | None]
    """Paths and what they were taken back to, with what stood there before; None: unknown."""


def of_sources(commits: Commits, found: Sources) -> Withdrawn:
    """Returns that of what a commit merges, and of what was squashed into it."""
    result: Withdrawn = {}
    for other in (*found.parents[1:], *found.squashed) if found.parents else ():
        result |= in_merge(commits, found.parents[0], other)
    return result


def in_merge(commits: Commits, one: str, other: str) -> Withdrawn:
    """Returns where a doubted side of two commits has what their base has.

    Not where the base itself is in doubt: then nothing was taken back to it.
    """
    doubted = {side: bad for side in (one, other) if (bad := commits.known_doubts(side))}
    result: Withdrawn = {}
    for base in history.merge_bases(commits.clone.repo, one, other) if doubted else ():
        unsure = commits.known_doubts(base)
        for side, bad in doubted.items():
            for path in bad.keys() - unsure.keys():
                fact = commits.at(side, path)
                if bad[path] != fact == commits.at(base, path):
                    result[path, fact] = bad[path]
    return result

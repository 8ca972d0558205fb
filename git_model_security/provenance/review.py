"""What becomes of doubts when somebody is trusted who was not: a look before, and one after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import history, index
from git_model_security.provenance import arrivals, assessment, sources
from git_model_security.provenance.commits import Commits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.trees import Fact


def list_doubted(clone: Clone) -> dict[str, list[str]]:
    """Returns the commits made here that are in doubt, the oldest first, for `judge`.

    Each with those of its parents that do not stand yet.
    """
    arrivals.take_in(clone)
    record, commits = clone.provenance, Commits(clone)
    every = history.commits(clone.repo, ["HEAD", "--branches"])
    return {
        commit: [up for up in commits.parents(commit) if not commits.stands(up)]
        for commit in (every if index.head_tree(clone.repo) else ())
        if record.doubts(commit)
    }


def judge(clone: Clone, doubted: Mapping[str, Sequence[str]]) -> None:
    """Judges anew what was in doubt of commits that were made here: a signer is trusted now.

    What was made on top of a commit of theirs is in doubt no more, nor is what theirs hold.
    All else stays: what was applied or squashed is known only while Git does it. No doubt comes
    anew.

    Args:
        doubted: what `list_doubted` returned before the signer was trusted.
    """
    record, settled = clone.provenance, dict[str, set[bytes]]()
    for commit, above in doubted.items():
        commits = Commits(clone, made=commit)
        doubts = record.doubts(commit) or {}
        ((_, message),) = clone.objects.read_many([commit])
        found = sources.gather(commits, commits.parents(commit), message)
        foreign = tuple(filter(commits.is_foreign, found.suspects))
        left = assessment.assess_as_made(commits, commit, found._replace(suspects=foreign))
        is_new_basis = any(map(commits.stands, above))
        settled[commit] = {
            path
            for path in doubts.keys() - left.keys()
            if is_new_basis
            or any(path in settled.get(up, ()) for up in above)
            or _is_of_standing(commits, path, commits.at(commit, path))
        }
        record.settle(commit, settled[commit])


def _is_of_standing(commits: Commits, path: bytes, fact: Fact) -> bool:
    """Tells whether a commit that stands brought just this content to the path."""
    rows = commits.clone.provenance.brought({fact[1]}).get(fact[1], ())
    return any(
        row.path == path and row.commit is not None and commits.stands(row.commit)
        for row in rows
    )

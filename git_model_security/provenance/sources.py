"""The commits that content to be committed may come from (clause 3)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.git import history
from git_model_security.provenance import replays
from git_model_security.provenance.arrivals import digest_message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.provenance.commits import Commits

_LOOKED_BACK = 256
"""Places of HEAD, by its reflog."""
_HEADS_JUDGED, _FORMER_HEADS = 64, 16
"""Of those that no verdict here settles; and of the ones among them that do not stand."""
_IN_PLAY = 64
"""The newest of so many: each is there by a deed of one's own, and no stranger adds any."""


class Sources(NamedTuple):
    """What the content of a commit may come from.

    Attributes:
        parents: what it follows or replaces.
        applied: what is applied again: picked, rebased, or amended.
        squashed: what was put into the index without being named by the commit.
        suspects: of what else the content may have been made: commits in play, and those
            that HEAD was at.
        is_mailed: a patch is being applied that no commit has brought.
    """

    parents: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    squashed: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    is_mailed: bool = False

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, each once."""
        every = (*self.parents, *self.applied, *self.squashed, *self.suspects)
        return tuple(dict.fromkeys(every))


def of_index(commits: Commits, *, amend: bool = False) -> Sources:
    """Returns the sources of what the index holds; with `amend`, of what HEAD shall be."""
    repo = commits.clone.repo
    parents = history.parents_to_be(repo)
    if amend and parents:
        parents += commits.parents(parents[0])
    return gather(commits, parents)


def gather(commits: Commits, parents: Iterable[str], message: bytes = b"") -> Sources:
    """Returns the sources of what follows `parents`, as the work tree is now.

    Args:
        message: of the commit, where it was made already.
    """
    clone = commits.clone
    squashed = list_unnamed(commits)
    suspects = [*clone.provenance.in_play()[-_IN_PLAY:], *_former_heads(commits)]
    applied = replays.list_applied(clone.repo, message)
    return Sources(
        tuple(dict.fromkeys(parents)),
        tuple(dict.fromkeys(applied)),
        tuple(dict.fromkeys(squashed)),
        tuple(dict.fromkeys(suspects)),
        is_mailed=replays.is_mailed(clone.repo),
    )


def list_unnamed(commits: Commits) -> list[str]:
    """Returns the commits that were put into the index, and are no parent of what is made.

    A squash lists them. `cherry-pick -n` leaves the message alone: those count that are
    foreign and have it, unless Git says itself what is being applied.
    """
    return [*history.list_squashed(commits.clone.repo), *_picked(commits)]


def _picked(commits: Commits) -> list[str]:
    git_dir = commits.clone.repo.git_dir
    path = git_dir / "MERGE_MSG"
    if not path.is_file() or (git_dir / "MERGE_HEAD").is_file():
        return []
    if any(history.pseudo_ref(commits.clone.repo, name) for name in replays.APPLIED):
        return []
    named = commits.clone.provenance.with_message(digest_message(path.read_bytes()))
    return [commit for commit in named if commits.is_foreign(commit)]


def _former_heads(commits: Commits) -> list[str]:
    """Returns those of HEAD's former commits that are in doubt, or somebody else's.

    One's own count for nothing, however often HEAD has been there, nor do those that stand.
    """
    record = commits.clone.provenance
    heads = replays.list_former_heads(commits.clone.repo, _LOOKED_BACK)
    unsettled = record.list_unsettled(heads)
    recent = [commit for commit in heads if commit in unsettled][:_HEADS_JUDGED]
    found = (one for one in recent if record.doubts(one) or commits.is_foreign(one))
    return list(itertools.islice(found, _FORMER_HEADS))

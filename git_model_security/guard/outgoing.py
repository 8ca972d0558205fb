"""The push guard: what the commits that leave would put on the remote."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.git import history, index, refs
from git_model_security.guard.finding import BROKEN_POLICY
from git_model_security.guard.knowledge import NOTHING
from git_model_security.guard.walk import Judged, Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.knowledge import Knowledge

_MANY = 1000
"""Commits: to ask the remote takes less time than to look at more of them."""


class Pushed(NamedTuple):
    """One line of pre-push's standard input (githooks, "pre-push")."""

    local_ref: str
    local_oid: str
    remote_ref: str
    remote_oid: str

    @property
    def deletes(self) -> bool:
        """Whether the ref goes."""
        return not self.local_oid.strip("0")

    @property
    def creates(self) -> bool:
        """Whether the remote has no such ref yet."""
        return not self.remote_oid.strip("0")


@dataclass
class Outgoing(Judged):
    """What would leave.

    Attributes:
        commits: those that the remote does not have.
        returning: findings in commits that this clone remembers the remote to have had,
            and that it has no more, or not for certain.
        is_forgotten: it has them no more. Else it has others that are not here, and
            these may be below them.
    """

    commits: list[str] = field(default_factory=list)
    returning: list[Finding] = field(default_factory=list)
    is_forgotten: bool = False


def judge(
    repo: Repository,
    pushed: Sequence[tuple[str, str, str, str]],
    *,
    there: Sequence[str] = (),
    ask: Callable[[], Sequence[str]] | None = None,
    is_harmless: Callable[[Judged], bool] = lambda seen: not seen.findings,
    knowledge: Knowledge = NOTHING,
) -> Outgoing:
    """Judges what would leave, by the rules of `guard.walk`.

    On top of those, nothing may leave in clear that this clone sealed or opened.

    1. Only commits that the remote does not have are judged: those below what it
       says it has, and below this clone's memory of it, are there already, and to
       refuse them would wedge everybody. The memory of *another* remote counts for
       nothing.
    2. What was purged there is still in that memory. So what it alone leaves out is
       looked at, and where that is not harmless, the remote is asked; what it does not
       have is judged as well.

    Args:
        pushed: what git gives to pre-push, as `Pushed` names it; a deletion has
            no local object and is passed.
        there: objects that the remote is known to have (`git.remotes.find_held`).
        ask: returns what it has now; None where `there` is that.
        is_harmless: says of what memory leaves out whether it may leave once more.

    Raises:
        GitError: an object that would be pushed is missing; or the remote was asked, and
            does not answer.
    """
    lines = [Pushed(*line) for line in pushed]
    leaving = [line.local_oid for line in lines if not line.deletes]
    before = [line.remote_oid for line in lines if not line.creates]
    if not leaving:
        return Outgoing()
    kinds = history.peel(repo, [*leaving, *before, *there])
    # What the remote has and this clone does not cannot leave anything out.
    held = [oid for oid in before if kinds[oid][0] == "commit"]
    tips = [oid for oid in leaving if kinds[oid][0] == "commit"]
    of_notes = [line.local_oid for line in lines if line.remote_ref.startswith("refs/notes/")]
    has_notes = of_notes or refs.read(repo, b"refs/notes/")
    notes: set[str] = set()
    if has_notes:
        notes = history.notes(repo, [oid for oid in of_notes if oid in tips])
    above = [entry for oid in held for entry in index.tree(repo, oid)]

    def left(without: Iterable[tuple[str, str]]) -> list[str]:
        known_there = [oid for kind, oid in without if kind == "commit"]
        return history.commits(repo, tips, without=[*held, *known_there]) if tips else []

    def walk(commits: Sequence[str], tips: Sequence[str], *, absent_is_found: bool) -> Judged:
        return Walk(
            repo,
            commits,
            tips,
            knowledge,
            ends=leaving,
            notes=notes,
            elsewhere=above,
            absent_is_found=absent_is_found,
        ).judge()

    commits = left(kinds[oid] for oid in there)
    found = Outgoing(**vars(walk(commits, leaving, absent_is_found=True)), commits=commits)
    if ask is not None and (doubtful := _except(left(()), commits)):
        # An object of old history that is not here was fetched by nobody, or pruned.
        judge_old = partial(walk, tips=(), absent_is_found=False)
        if len(doubtful) > _MANY or not is_harmless(judge_old(doubtful)):
            now = history.peel(repo, ask()).values()
            gone = _except(left(now), commits)
            if gone:
                found.is_forgotten = all(kind for kind, _ in now)
                _add(found, judge_old(gone), gone)
    # A policy that does not leave was broken before: to refuse would stop the mending.
    found.findings = [one for one in found.findings if one.rule != BROKEN_POLICY or one.commit]
    return found


def _except(commits: Sequence[str], others: Iterable[str]) -> list[str]:
    dropped = set(others)
    return [one for one in commits if one not in dropped]


def _add(found: Outgoing, old: Judged, commits: Sequence[str]) -> None:
    found.returning = [one for one in old.findings if one.commit]
    found.findings = [*old.findings, *found.findings]
    if found.is_forgotten:
        found.commits = [*commits, *found.commits]
        found.seen.pointers |= old.seen.pointers
        found.seen.unread |= old.seen.unread

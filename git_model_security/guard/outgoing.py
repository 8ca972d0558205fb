"""The push guard: what the commits that leave would put on the remote."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_model_security.git import history, index
from git_model_security.guard import walk
from git_model_security.guard.finding import BROKEN_POLICY
from git_model_security.guard.knowledge import Knowledge
from git_model_security.guard.walk import Judged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_model_security.envelope import Key
    from git_model_security.git.repository import Repository
    from git_model_security.guard.knowledge import Known, SealedBefore


class Pushed(NamedTuple):
    """One line of pre-push's standard input (githooks, "pre-push")."""

    local_ref: str
    local_oid: str
    remote_ref: str
    remote_oid: str


def judged(
    repo: Repository,
    pushed: Sequence[tuple[str, str, str, str]],
    *,
    there: Sequence[str] = (),
    keys: Mapping[str, Key] | None = None,
    known: Known | None = None,
    vouched: Known | None = None,
    sealed_before: SealedBefore | None = None,
) -> Judged:
    """Judges what would leave, by the rules of `guard.history.audit`.

    On top of those, nothing may leave in clear that this clone sealed or opened.

    Only commits that the remote does not have are judged: those below what it
    says it has, and below this clone's memory of it, are there already, and to
    refuse them would wedge everybody. The memory of *another* remote counts for
    nothing.

    Args:
        repo: the repository.
        pushed: what git gives to pre-push, as `Pushed` names it; a deletion has
            no local object and is passed.
        there: objects that the remote is known to have (`git.remotes.held`).
        keys: held keys by key id.
        known: says which blobs need not be read again.
        vouched: says which pointers a trusted signature holds for.
        sealed_before: says which plaintexts this clone sealed or opened.

    Raises:
        GitError: an object that would be pushed is missing.
    """
    lines = [Pushed(*line) for line in pushed]
    leaving = [line.local_oid for line in lines if line.local_oid.strip("0")]
    before = [line.remote_oid for line in lines if line.remote_oid.strip("0")]
    if not leaving:
        return Judged()
    kinds = history.peeled(repo, [*leaving, *before, *there])
    # What the remote has and this clone does not cannot leave anything out.
    held = [oid for oid in before if kinds[oid][0] == "commit"]
    without = [*held, *(kinds[oid][1] for oid in there if kinds[oid][0] == "commit")]
    tips = [oid for oid in leaving if kinds[oid][0] == "commit"]
    commits = history.commits(repo, tips, without=without) if tips else []
    of_notes = [line.local_oid for line in lines if line.remote_ref.startswith("refs/notes/")]
    found = walk.judged(
        repo,
        commits,
        leaving,
        Knowledge(keys, known, sealed_before, vouched=vouched),
        ends=leaving,
        notes=history.notes(repo, [oid for oid in of_notes if oid in tips]),
        elsewhere=(entry for oid in held for entry in index.tree(repo, oid)),
    )
    # A policy that does not leave was broken before: to refuse would stop the mending.
    found.findings = [one for one in found.findings if one.rule != BROKEN_POLICY or one.commit]
    return found

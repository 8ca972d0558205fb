"""Verifies each commit of a range: which are signed, by whom, and where that changes."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.errors import Error, GitError, Reason, gate_status
from git_model_security.git import ranges
from git_model_security.trust import pinned_trust
from git_model_security.trust.verdict import Finding, Verdict
from git_model_security.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.ranges import Commit
    from git_model_security.signing.methods import Verifier

SIGNED = "signed"

_STATES = {
    Reason.INVALID: "tampered",
    Reason.MALFORMED: "tampered",
    Reason.TAMPERED: "tampered",
    Reason.ELSEWHERE: "signed elsewhere",
    Reason.UNTRUSTED: "untrusted",
    Reason.WRONG_KEY: "untrusted",
    Reason.WRONG_IDENTITY: "untrusted",
    Reason.STALE: "stale",
    Reason.MISSING: "stale",
    Reason.EXTRA: "stale",
    Reason.UNSIGNED: "unsigned",
    Reason.NOT_FETCHED: "not fetched",
    Reason.NO_KEY: "key not held",
    Reason.UNREADABLE: "could not be read",
}
"""What a commit is in a word; the first one that applies is the worst."""


@dataclass
class Row:
    """One commit of the range.

    Attributes:
        commit: which.
        verdict: on its tree.
        before: who signed the nearest signed commits below, where that was not all the
            same signers; empty where the signer did not change.
    """

    commit: Commit
    verdict: Verdict
    before: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        """`signed`, or in a word why it is not."""
        if self.verdict.good:
            return SIGNED
        reasons = {finding.reason for finding in self.verdict.findings}
        found = (state for reason, state in _STATES.items() if reason in reasons)
        return next(found, self.verdict.findings[0].reason.value)

    @property
    def claimed(self) -> list[str]:
        """Who says to have signed, and is not trusted, in a few words each."""
        return sorted({one.claimed for one in self.verdict.findings if one.claimed})

    def to_json(self) -> dict[str, object]:
        """Returns the row for machines; the keys are stable."""
        found = self.verdict.to_json()
        return {
            "commit": self.commit.oid,
            "date": self.commit.date,
            "author": self.commit.author,
            "subject": self.commit.subject,
            "state": self.state,
            "covers": self.verdict.covers,
            "signers": self.verdict.signers,
            "signers_before": self.before,
            "signers_claimed": self.claimed,
            "findings": found["findings"],
        }


@dataclass
class RangeVerdict:
    """The verdict on a range.

    Attributes:
        subject: the range, for people.
        rows: its commits, children before parents.
    """

    subject: str
    rows: list[Row] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether every commit is signed."""
        return all(row.verdict.good for row in self.rows)

    @property
    def status(self) -> int:
        """See `Verdict`."""
        return gate_status(one.reason for row in self.rows for one in row.verdict.findings)

    @property
    def states(self) -> Counter[str]:
        """How many commits are in which state."""
        return Counter(row.state for row in self.rows)

    def to_json(self) -> dict[str, object]:
        """Returns the verdict for machines; the keys are stable."""
        return {
            "version": 1,
            "subject": self.subject,
            "good": self.good,
            "exit_status": self.status,
            "commits": [row.to_json() for row in self.rows],
        }


def check(
    clone: Clone,
    words: Sequence[str],
    verifiers: Sequence[Verifier],
    *,
    sealed_only: bool = False,
    roots: Collection[str] = (),
    remembers: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> RangeVerdict:
    """Verifies each commit of a range as `tree_check` does.

    Objects of git-lfs need not be here: history is longer than what is checked out. Where
    the verifiers are the pinned ones (`remembers`), what held once under them need not be
    looked at again. The range is as `ranges.list_commits` takes it; `progress` is called
    with how many commits of how many are done.

    Raises:
        GitError: there is no such range, or no commit in it: nothing was verified.
    """
    listed = ranges.list_commits(clone.repo, words)
    subject = " ".join(words)
    if all(commit.bounds for commit in listed):
        raise GitError(
            f"{subject}: no commit is in this range, so nothing was verified",
            hint="the older end goes first: OLD..NEW; `git model verify REV` is for one commit",
        )
    sealed_only = sealed_only or clone.ring.locked
    trees = clone.repo.trees
    memory = pinned_trust.Signers(clone, sealed_only) if remembers and not roots else None

    @functools.cache
    def judge(tree: str) -> Verdict:
        verdict = memory.recall(tree) if memory else None
        if verdict is not None:
            return verdict
        try:
            verdict = tree_check.check(
                clone,
                tree,
                verifiers,
                sealed_only=sealed_only,
                may_be_absent=True,
                roots=roots,
                entries=trees.entries(tree),
            )
        except Error as error:  # a .gitmodel that is refused, or a tree that is not here
            verdict = Verdict(tree, findings=[Finding.of_error(error)])
        if memory:
            memory.remember(tree, verdict)
        return verdict

    rows = []
    for done, commit in enumerate(reversed(listed), 1):
        rows.append(Row(commit, judge(commit.tree)))
        if progress is not None:
            progress(done, len(listed))
    _mark_changes(rows)
    return RangeVerdict(subject, [row for row in reversed(rows) if not row.commit.bounds])


def _mark_changes(rows: Sequence[Row]) -> None:
    """Marks the signed commits whose signers are not those of the signed ones below.

    Args:
        rows: parents before children, with the commits that bound the range.
    """
    last: dict[str, set[frozenset[str]]] = {}
    for row in rows:
        below: set[frozenset[str]] = set()
        for parent in row.commit.parents:
            below |= last.get(parent, set())
        if not row.verdict.good:
            last[row.commit.oid] = below
            continue
        signers = frozenset(row.verdict.signers.values())
        if below and below != {signers}:
            row.before = sorted(frozenset().union(*below))
        last[row.commit.oid] = {signers}

"""Verifies each commit of a range: which are signed, by whom, and where that changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.errors import Error, GitError, Reason, gate_status
from git_model_security.git import ranges
from git_model_security.git.trees import Trees
from git_model_security.trust import pinned_trust
from git_model_security.trust.verdict import Finding, Verdict
from git_model_security.verify import tree_check

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

Signers = dict[str, str]
"""Who signed, by model root."""


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

    Objects of git-lfs need not be here: history is longer than what is checked out.

    Args:
        clone: the clone.
        words: the range, see `ranges.list_commits`.
        verifiers: who may have signed.
        sealed_only: look at ciphertext alone.
        roots: the model roots to look at; empty for all.
        remembers: `verifiers` are the pinned ones, so that what held once under them
            need not be looked at again.
        progress: called with how many commits of how many are done.

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
    checking = _Checking(clone, verifiers, sealed_only, roots, remembers and not roots)
    rows = []
    for done, commit in enumerate(reversed(listed), 1):
        rows.append(Row(commit, checking.verdict(commit)))
        if progress is not None:
            progress(done, len(listed))
    _mark_changes(rows)
    return RangeVerdict(subject, [row for row in reversed(rows) if not row.commit.bounds])


class _Checking:
    """The check of many trees, each of them once."""

    def __init__(
        self,
        clone: Clone,
        verifiers: Sequence[Verifier],
        sealed_only: bool,
        roots: Collection[str],
        remembers: bool,
    ) -> None:
        self._clone = clone
        self._verifiers = verifiers
        self._sealed_only = sealed_only
        self._roots = roots
        self._trees = Trees(clone.repo, clone.objects)
        self._known: dict[str, Verdict] = {}
        self._memory = pinned_trust.Signers(clone, sealed_only) if remembers else None

    def verdict(self, commit: Commit) -> Verdict:
        """Returns the verdict on a commit's tree."""
        if commit.tree not in self._known:
            recalled = None if self._memory is None else self._memory.recall(commit.tree)
            self._known[commit.tree] = recalled or self._fresh(commit.tree)
        return self._known[commit.tree]

    def _fresh(self, tree: str) -> Verdict:
        try:
            verdict = tree_check.check(
                self._clone,
                tree,
                self._verifiers,
                sealed_only=self._sealed_only,
                may_be_absent=True,
                roots=self._roots,
                entries=self._trees.entries(tree),
            )
        except Error as error:  # a .gitmodel that is refused, or a tree that is not here
            verdict = Verdict(tree)
            finding = Finding(tree_check.reason_of(error), ".", str(error), hint=error.hint)
            verdict.findings.append(finding)
        if self._memory is not None:
            self._memory.remember(tree, verdict)
        return verdict


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

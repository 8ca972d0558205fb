"""What an audit saw, for people and for machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.errors import FAILED, UNCHECKED
from git_model_security.guard.finding import NEWER, UNREADABLE
from git_model_security.messages import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from git_model_security.guard.finding import Finding

JSON_VERSION = 1
_UNSEEN = frozenset({NEWER, UNREADABLE})
"""Rules that say only that nobody could look."""


@dataclass(frozen=True)
class Report:
    """What an audit saw.

    Attributes:
        commits: how many commits were walked.
        blobs: how many blobs they and the refs hold.
        proven: how many at protected paths are ciphertext for certain: opened, or
            known to this clone.
        unproven: how many there are well-formed envelopes that no held key opens, or
            `absent` or `missing` at any path.
        absent: how many are pointers whose git-lfs objects are not here.
        cut: history is shallow, so that nothing is said of what lies below.
        findings: oldest first; each blob at each path once.
        missing: how many blobs of a partial clone are not here.
        unseen: how many commits of a partial clone have trees that are not here, and how
            many policies are not.
        complaints: what could not be fetched, and why.
    """

    commits: int
    blobs: int
    proven: int
    unproven: int
    absent: int
    cut: bool
    findings: Sequence[Finding]
    missing: int = 0
    unseen: int = 0
    complaints: Sequence[str] = ()

    @property
    def clean(self) -> bool:
        """Whether all history was seen and nothing found; `unproven` may remain."""
        return not self.findings and not self.is_partial

    @property
    def is_partial(self) -> bool:
        """Whether something that was asked for was not seen."""
        return bool(self.cut or self.unseen or self.missing or self.complaints)

    @property
    def status(self) -> int:
        """The exit status: `FAILED` for a finding, `UNCHECKED` where not all was seen."""
        if any(finding.rule not in _UNSEEN for finding in self.findings):
            return FAILED
        return 0 if self.clean else UNCHECKED

    def summary(self) -> str:
        """Returns one line of text."""
        seen = f"{counted(self.commits, 'commit')}, {counted(self.blobs, 'blob')}"
        framed = self.unproven - self.absent - self.missing
        sealed = f"{self.proven} proven ciphertext, {framed} well-formed but not opened"
        if self.absent:
            sealed += f", {self.absent} in git-lfs and not here (`git lfs fetch --all`)"
        if self.missing:
            sealed += f", {self.missing} not here (partial clone: `git model audit --fetch`)"
        end = "; history is cut here (shallow clone): the rest was not seen" * self.cut
        if self.unseen:
            end += f"; {self.unseen} commits or policies were not seen: they are not here"
        return f"{seen}: {sealed}, {counted(len(self.findings), 'finding')}{end}"

    def to_json(self) -> dict[str, Any]:
        """Returns the report for `json.dumps`; the keys are stable within a version."""
        return {
            "version": JSON_VERSION,
            "clean": self.clean,
            "exit_status": self.status,
            "cut": self.cut,
            "commits": self.commits,
            "blobs": self.blobs,
            "proven": self.proven,
            "unproven": self.unproven,
            "absent": self.absent,
            "missing": self.missing,
            "unseen": self.unseen,
            "complaints": list(self.complaints),
            "findings": [finding.to_json() for finding in self.findings],
        }

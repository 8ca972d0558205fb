"""The audit: has any commit ever held plaintext where only ciphertext may stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.git import history, index
from git_model_security.guard import walk
from git_model_security.guard.knowledge import Knowledge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from git_model_security.envelope import Key
    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.knowledge import Known
    from git_model_security.guard.walk import Progress

JSON_VERSION = 1


@dataclass(frozen=True)
class Report:
    """What an audit saw.

    Attributes:
        commits: how many commits were walked.
        blobs: how many blobs they and the refs hold.
        proven: how many at protected paths are ciphertext for certain: opened, or
            known to this clone.
        unproven: how many there are well-formed envelopes that no held key opens, or
            `absent`.
        absent: how many there are pointers whose git-lfs objects are not here.
        cut: history is shallow, so that nothing is said of what lies below.
        findings: oldest first; each blob at each path once.
    """

    commits: int
    blobs: int
    proven: int
    unproven: int
    absent: int
    cut: bool
    findings: Sequence[Finding]

    @property
    def clean(self) -> bool:
        """Whether all history was seen and nothing found; `unproven` may remain."""
        return not self.findings and not self.cut

    def summary(self) -> str:
        """Returns one line of text."""
        seen = f"{self.commits} commits, {self.blobs} blobs"
        sealed = f"{self.proven} proven ciphertext, {self.unproven - self.absent} well-formed"
        sealed += " but not opened"
        if self.absent:
            sealed += f", {self.absent} in git-lfs and not here (`git lfs fetch --all`)"
        end = "; history is cut here (shallow clone): the rest was not seen" * self.cut
        return f"{seen}: {sealed}, {len(self.findings)} findings{end}"

    def to_json(self) -> dict[str, Any]:
        """Returns the report for `json.dumps`; the keys are stable within a version."""
        return {
            "version": JSON_VERSION,
            "clean": self.clean,
            "cut": self.cut,
            "commits": self.commits,
            "blobs": self.blobs,
            "proven": self.proven,
            "unproven": self.unproven,
            "absent": self.absent,
            "findings": [finding.to_json() for finding in self.findings],
        }


def audit(
    repo: Repository,
    revisions: Sequence[str] = ("--all",),
    *,
    rules: str | None = None,
    keys: Mapping[str, Key] | None = None,
    known: Known | None = None,
    progress: Progress | None = None,
) -> Report:
    """Judges every blob of every commit, at each path it ever had, by today's policy.

    That is what the attributes in force or `.gitmodel` of HEAD, of the index or of the
    audited revisions say; and where an envelope ever stood, nothing else may stand.

    Args:
        repo: the repository.
        revisions: revisions, ranges or `git.history.REF_OPTIONS`. With one of
            those, refs that hold no commit (a tag of a blob) are judged as well.
        rules: text of an attributes file: audit for a policy about to be set. Then
            nothing is encrypted yet, so a git-lfs object that is not here is a finding.
        keys: held keys by key id; without them envelopes are not proven.
        known: says which blobs this clone sealed or opened itself.
        progress: called after each blob with how many of how many are judged.

    Raises:
        UsageError: a revision is an unknown option.
        GitError: a revision names nothing, or an object is missing or corrupt.
    """
    commits = history.commits(repo, revisions)
    tips = [oid for word in revisions for oid in _tips(repo, word)]
    outcome = walk.judged(
        repo,
        commits,
        tips,
        Knowledge(keys, known),
        ends=history.ends(repo, revisions),
        rules=rules,
        notes=history.notes(repo),
        absent_is_found=rules is not None,
        progress=progress,
    )
    return Report(
        commits=len(commits),
        blobs=outcome.blobs,
        proven=outcome.proven,
        unproven=outcome.unproven,
        absent=outcome.absent,
        cut=history.is_shallow(repo),
        findings=outcome.findings,
    )


def _tips(repo: Repository, word: str) -> list[str]:
    if word in history.REF_OPTIONS:
        return history.ref_tips(repo)
    # A range names no object by itself, and its ends are commits.
    oid = None if ".." in word or word.startswith("^") else index.resolve(repo, word)
    return [oid] if oid else []

"""What a verification found: the signer, and every reason why it does not hold."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import messages
from git_model_security.errors import VerificationError, gate_status
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.errors import Error, Reason
    from git_model_security.signing.bundle import Opened

COVERS_WORK_TREE = "work tree"
"""Every file of the model roots as it lies there, and what HEAD signs besides."""
COVERS_COMMIT = "commit"
"""All that a commit holds, opened."""
COVERS_CIPHERTEXT = "ciphertext"
"""All that a commit holds, as Git has it; no content was opened."""
COVERS_DIRECTORY = "directory"
"""Every file of a directory without Git."""

_NAMED = 10


class Finding(NamedTuple):
    """One reason why a signature does not hold.

    Attributes:
        root: the model root it is about.
        names: the files concerned, relative to the root.
        hint: what to do, where the reason alone does not tell.
        claimed: who says to have signed, where that is nobody who is trusted.
    """

    reason: Reason
    root: str
    detail: str
    names: tuple[str, ...] = ()
    hint: str | None = None
    claimed: str = ""

    @classmethod
    def of_error(cls, error: Error, root: str = ".", name: str = "") -> Finding:
        """Returns why what was signed, or the bundle of a name, could not be compared."""
        if not isinstance(error, VerificationError):
            return cls(error.unverified, root, str(error), hint=error.hint)
        said = f"{name}: {error}" if name else str(error)
        return cls(error.reason, root, said, hint=error.hint, claimed=error.claimed)

    def to_json(self) -> dict[str, object]:
        """Returns the finding for machines; the keys are stable."""
        return {
            "reason": self.reason.value,
            "root": self.root,
            "detail": self.detail,
            "files": list(self.names),
        }


class Part(NamedTuple):
    """The files that were looked at, of those that might have been."""

    files: tuple[str, ...]
    left: tuple[str, ...]


class Verdict:
    """The result of a verification; good when it found nothing.

    Attributes:
        subject: what was verified, for people.
        commit: the commit that it is about, in full; empty for a directory without Git.
        covers: what was compared with the signatures: `COVERS_…`.
        files: how many files the signatures cover.
        unit: what one of these is: `.gitmodel` and the like count among the files of a
            commit, and not among those of the model.
        others: how many files beside these were compared with what HEAD holds.
        signers: fingerprints or identities that signed, by root.
        digests: SHA-256 of the bundles that were opened, by path.
        notes: what is worth saying and no failure.
        uncovered: what is there, or should be, and was not verified.
        strict: what is uncovered is a finding, too.
        ends: until when the signatures hold without another look (`methods.Verifier.ends`).
        part: where only some files were to be looked at, which; see `narrow`.
    """

    def __init__(
        self,
        subject: str,
        *,
        covers: str = COVERS_COMMIT,
        unit: str = "file",
        strict: bool = False,
        findings: Iterable[Finding] = (),
    ) -> None:
        self.subject = subject
        self.commit = ""
        self.covers = covers
        self.files = 0
        self.unit = unit
        self.others = 0
        self.signers: dict[str, str] = {}
        self.methods: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.findings = list(findings)
        self.notes: list[str] = []
        self.uncovered: list[Finding] = []
        self.strict = strict
        self.ends: float | None = None
        self.part: Part | None = None

    def __repr__(self) -> str:
        return f"<Verdict on {self.subject}: {self.why or 'good'}>"

    def narrow(self, files: Iterable[bytes], left: Iterable[bytes], beside: str = "") -> None:
        """Notes that only some files were looked at, and what of the rest is to be said."""
        text = (sorted(name.decode("utf-8", "surrogateescape") for name in names)
                for names in (files, left))  # fmt: skip
        self.part = Part(*map(tuple, text))
        self.covers = f"part of {self.covers}"
        number = len(self.part.files)
        self.subject = f"{number} of {number + len(self.part.left)} files of {self.subject}"
        names = [shown(os.fsencode(name)) for name in self.part.left]
        said = [messages.listed(names, _NAMED)] if names else []
        if said or beside:
            self.notes.append(f"not looked at: {', '.join([*said, *filter(None, [beside])])}")

    def took(self, root: str, name: str, opened: Opened) -> None:
        """Notes whose bundle is the one of a root, and which file that is."""
        self.signers[root] = str(opened.signer)
        self.methods[root] = opened.signer.method
        self.digests[_below(root, name)] = opened.sha256
        self.ends = earliest(self.ends, opened.ends)

    def leave_out(self, finding: Finding, what: str) -> None:
        """Tells what was not verified: as a finding where that is strict."""
        self.uncovered.append(finding)
        if self.strict:
            self.findings.append(finding)
            return
        names = [shown(os.fsencode(name)) for name in finding.names]
        self.notes.append(f"not verified: {what}: {messages.listed(names, _NAMED)}")

    @property
    def good(self) -> bool:
        """Whether every signature holds."""
        return not self.findings

    @property
    def status(self) -> int:
        """The exit status of a gate that found this."""
        return gate_status(finding.reason for finding in self.findings)

    @property
    def worst(self) -> Finding | None:
        """The first finding of those that its `status` comes from; None when it is good."""
        return min(self.findings, key=lambda one: one.reason.gate_status, default=None)

    @property
    def why(self) -> str:
        """The worst reason why it is not good, in a few words; empty when it is."""
        worst = self.worst
        return f"{worst.reason.value}: {worst.detail}" if worst is not None else ""

    def add(self, other: Verdict, root: str) -> None:
        """Adds the verdict on one model, which lies in the directory `root`."""
        self.files += other.files
        for mine, theirs in ((self.signers, other.signers), (self.methods, other.methods)):
            mine.update((root, value) for value in theirs.values())
        self.digests.update((_below(root, name), one) for name, one in other.digests.items())
        self.findings += (finding._replace(root=root) for finding in other.findings)
        self.uncovered += (finding._replace(root=root) for finding in other.uncovered)
        where = "" if root == "." else f"{shown(os.fsencode(root))}: "
        self.notes += (f"{where}{note}" for note in other.notes)

    def to_json(self) -> dict[str, object]:
        """Returns the verdict for machines; the keys are stable."""
        return {
            "version": 1,
            "subject": self.subject,
            "commit": self.commit or None,
            "good": self.good,
            "exit_status": self.status,
            "covers": self.covers,
            "files": self.files,
            "signers": self.signers,
            "bundles": self.digests,
            "others": self.others,
            "part": self.part
            and {"files": list(self.part.files), "not_looked_at": list(self.part.left)},
            "findings": [finding.to_json() for finding in self.findings],
            "uncovered": [finding.to_json() for finding in self.uncovered],
            "notes": self.notes,
        }


def _below(root: str, name: str) -> str:
    return name if root == "." else f"{root}/{name}"


def earliest(*ends: float | None) -> float | None:
    """Returns the first of some ends; None is no end."""
    return min((end for end in ends if end is not None), default=None)

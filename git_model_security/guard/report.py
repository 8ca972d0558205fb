"""What an audit saw, for people and for machines: text, JSON and SARIF.

OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0". Must not know
where it goes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_from_bytes

from git_model_security.errors import FAILED, UNCHECKED, GitError
from git_model_security.git import history, refs
from git_model_security.git.paths import shown
from git_model_security.guard import finding
from git_model_security.messages import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Any

    from git_model_security.git.refs import Ref
    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding

JSON_VERSION = 1
_UNSEEN = frozenset({finding.NEWER, finding.UNREADABLE})
"""Rules that say only that nobody could look."""


_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ERROR, _WARNING = "error", "warning"
MAX_RESULTS: Final = 25_000
"""Code-scanning pages take no file with more (GitHub, "SARIF support for code scanning")."""

# level, name, short description; and how severe a code-scanning page calls it
_RULES: Final = {
    finding.PLAINTEXT: (_ERROR, "Plaintext", "Plaintext at a protected path", "9.0"),
    finding.MODEL: (_ERROR, "ModelByContent", "A model file in clear", "8.0"),
    finding.KEY: (_ERROR, "KeyMaterial", "A key in clear", "9.8"),
    finding.COPY: (_ERROR, "SealedContent", "Encrypted content, in clear elsewhere", "8.0"),
    finding.UNDECIDED: (_ERROR, "UndecidedBinary", "A large binary file in clear", "6.0"),
    finding.DAMAGED: (_ERROR, "DamagedEnvelope", "Ciphertext that does not open", "7.0"),
    finding.NEWER: (_ERROR, "NewerFormat", "Ciphertext of a newer git-model", "5.0"),
    finding.POINTER: (_WARNING, "UncheckedPointer", "A pointer that nobody checked", "5.0"),
    finding.BROKEN_POLICY: (_ERROR, "BrokenPolicy", "A policy that protects less", "7.0"),
    finding.UNREADABLE: (_ERROR, "UnreadableObject", "An object that cannot be read", "5.0"),
}


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
        if any(one.rule not in _UNSEEN for one in self.findings):
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
        facts = {"version": JSON_VERSION, "clean": self.clean, "exit_status": self.status}
        return {
            **facts,
            **vars(self),
            "complaints": list(self.complaints),
            "findings": [one.to_json() for one in self.findings],
        }


def to_sarif(report: Report, version: str) -> dict[str, Any]:
    """Returns the report for `json.dumps` as a SARIF log, which code-scanning pages read."""
    ids = list(_RULES)
    told = report.findings[:MAX_RESULTS]
    notes = [report.summary(), *report.complaints]
    if len(told) < len(report.findings):
        notes.append(f"only the first {MAX_RESULTS} findings are in this file")
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(version)},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": not (report.cut or report.unseen),
                        "toolExecutionNotifications": [
                            {"level": "note", "message": {"text": text}} for text in notes
                        ],
                    }
                ],
                "results": [_result(one, ids.index(one.rule)) for one in told],
            }
        ],
    }


def _driver(version: str) -> dict[str, Any]:
    return {
        "name": "git-model",
        "version": version,
        "rules": [
            {
                "id": rule,
                "name": name,
                "shortDescription": {"text": text},
                "defaultConfiguration": {"level": level},
                "properties": {"tags": ["security"], "security-severity": severity},
            }
            for rule, (level, name, text, severity) in _RULES.items()
        ],
    }


def _result(one: Finding, rule_index: int) -> dict[str, Any]:
    return {
        "ruleId": one.rule,
        "ruleIndex": rule_index,
        "level": _RULES[one.rule][0],
        "message": {"text": one.describe()},
        "locations": [
            {
                "physicalLocation": {
                    # What stands at no path is shown at the top: a location must be there.
                    "artifactLocation": {"uri": quote_from_bytes(one.path or b".")},
                    "region": {"startLine": 1},
                }
            }
        ],
        "partialFingerprints": {"ruleBlobPath/v1": _fingerprint(one)},
        "properties": one.to_json() | {"path": shown(one.path)},
    }


def _fingerprint(one: Finding) -> str:
    """Names a finding the same in each run: neither the commit nor the refs count."""
    text = f"{one.rule}\0{one.oid}\0".encode() + one.path
    return hashlib.sha256(text).hexdigest()


def name_refs(repo: Repository, found: Sequence[Finding]) -> list[Finding]:
    """Returns the findings with the refs that reach their commits.

    A finding without a commit is in the index or in no history, and stays as it is. In a
    damaged repository nothing can be said, and is not.
    """
    wanted = {one.commit for one in found if one.commit}
    if not wanted:
        return list(found)
    named = [*refs.read(repo), *refs.read_detached(repo), *refs.read_elsewhere(repo)]
    # What people call a branch first; a remote's memory of it says no more.
    named.sort(key=lambda ref: (ref.is_remote, ref.name))
    try:
        masks = _masks(repo, wanted, named)
    except GitError:
        return list(found)
    remotes = sum(1 << number for number, ref in enumerate(named) if ref.is_remote)
    return [
        one._replace(
            refs=tuple(named[number].shown for number in _first(masks[one.commit])),
            refs_total=masks[one.commit].bit_count(),
            pushed=bool(masks[one.commit] & remotes) if remotes else None,
        )
        if one.commit
        else one
        for one in found
    ]


def _masks(repo: Repository, wanted: Collection[str], named: Sequence[Ref]) -> dict[str, int]:
    """Returns by commit which of the refs reach it, a bit each.

    Children come first. A commit gives its bits to its parents and keeps them only where
    it is wanted, so that memory holds the width of history and not its length.
    """
    own: defaultdict[str, list[int]] = defaultdict(list)
    targets = history.peel(repo, (ref.oid for ref in named))
    for number, ref in enumerate(named):
        for oid in {ref.oid, targets[ref.oid][1]}:
            own[oid].append(number)
    # What a ref names itself may be a tree, a blob or a tag of one.
    masks = {oid: sum(1 << number for number in own.get(oid, ())) for oid in wanted}
    given: defaultdict[str, int] = defaultdict(int)
    for commit, parents in history.graph(repo):
        mask = given.pop(commit, 0)
        for number in own.get(commit, ()):
            mask |= 1 << number
        if commit in masks:
            masks[commit] = mask
        for parent in parents:
            given[parent] |= mask
    return masks


def _first(mask: int) -> Iterator[int]:
    """Yields the numbers of the lowest bits, as many as are shown."""
    for _ in range(min(finding.SHOWN_REFS, mask.bit_count())):
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest

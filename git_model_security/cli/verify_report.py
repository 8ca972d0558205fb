"""What `git model verify` says: of one verdict its findings, of a range a line per commit."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import messages
from git_model_security.cli import table, terminal
from git_model_security.cli.table import Column
from git_model_security.errors import Reason
from git_model_security.git.paths import shown
from git_model_security.messages import counted, legible
from git_model_security.signing import pem
from git_model_security.verification.range_check import SIGNED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_model_security.trust.verdict import Verdict
    from git_model_security.verification.range_check import RangeVerdict, Row

_ANEW = "find out who changed it; your own HEAD: `git model sign --amend`"
_HINTS = {
    Reason.UNSIGNED: "`git model sign --amend` signs your own HEAD",
    Reason.UNTRUSTED: "if you know the signer: `git model trust add`",
    Reason.WRONG_KEY: "ask the signer for the public key that belongs to the signature",
    Reason.STALE: _ANEW,
    Reason.TAMPERED: "find out who changed it; `git restore PATH` brings back what Git holds",
    Reason.MISSING: "`git restore PATH` brings it back",
    Reason.NOT_FETCHED: "`git model checkout` downloads and writes it",
    Reason.NOT_MATERIALISED: "`git model checkout` decrypts it",
    Reason.NO_KEY: "`git model unlock --key FILE`",
    Reason.IGNORED: "remove it, or leave --strict out",
    Reason.EXTRA: "`git add` and commit it, remove it, or use --ignore-unsigned-files",
}
_FOR_OWN = frozenset({_ANEW, _HINTS[Reason.UNSIGNED]})
"""Hints for a HEAD that is one's own, and nobody else's."""
_TIP = dict.fromkeys((Reason.MISSING, Reason.EXTRA), _ANEW)
"""Hints for HEAD itself, where the work tree is not what has to be put right."""
_PAST = {
    Reason.UNSIGNED: "a commit stays as it was made: `git log -- .model-encrypted.sig` lists"
    " those that were signed",
    **dict.fromkeys(
        (Reason.STALE, Reason.MISSING, Reason.EXTRA),
        "a commit stays as it was made: find out who changed what was signed",
    ),
}
"""Hints for commits that are not HEAD."""
_RANGE_HINTS = {
    "unsigned": "who signs can look at it and sign after it: `git model sign --adopt PATH`",
    "stale": "`git model sign --amend` renews your own HEAD; find out who changed the others",
    "untrusted": "if you know the signer, pin it: `git model trust add`",
    "tampered": "find out who put it there: `git model verify REV` says what does not hold",
    "signed elsewhere": "find out who brought it here from the repository it was signed in",
    "key not held": "`git model unlock --key FILE`, or --encrypted, which needs no key",
    "not fetched": "`git lfs fetch --all`, or --encrypted, which needs no objects",
}
_COLUMNS = (
    Column("Commit"),
    Column("Signature"),
    Column("Signed by"),
    Column("Subject", least=12),
)
_DIGITS, _ROW_DIGITS = 32, 16
"""Of a fingerprint."""
_MOST = 100
"""Names of files that were looked at, where these are a part."""


class Unvouched(NamedTuple):
    """What of a commit nobody vouches for.

    Attributes:
        origins: the paths, each with who stands behind it.
        is_head: the commit is HEAD, where that can be put right.
    """

    origins: Mapping[bytes, str]
    is_head: bool


NOBODY_ASKED = Unvouched({}, is_head=False)


def show(verdict: Verdict, unvouched: Unvouched) -> None:
    """Writes a verdict, and what to do."""
    messages.info(*verdict.notes)
    if verdict.good and verdict.part is not None:
        signers = _names(verdict.signers.values(), _DIGITS)
        terminal.result(f"Verified: {verdict.subject}, these, signed by {signers}")
        names = [f"  {shown(os.fsencode(name))}" for name in verdict.part.files]
        for line in messages.shortened(names, _MOST):
            terminal.result(line)
        return
    if verdict.good:
        others = f" and {counted(verdict.others, 'other')}" if verdict.others else ""
        terminal.result(
            f"Verified: {verdict.subject}, {counted(verdict.files, verdict.unit)}{others},"
            f" signed by {_names(verdict.signers.values(), _DIGITS)}"
        )
        return
    terminal.result(f"NOT verified: {verdict.subject}")
    for finding in verdict.findings:
        where = "" if finding.root == "." else f"{shown(os.fsencode(finding.root))}: "
        terminal.result(f"{finding.reason.value}: {where}{finding.detail}")
        for name in finding.names:
            terminal.result(f"  {shown(os.fsencode(name))}")
    hints = [one.hint or _HINTS.get(one.reason) for one in verdict.findings]
    if unvouched.origins and unvouched.is_head:
        hints = [hint for hint in hints if hint not in _FOR_OWN]
    _show_unvouched(unvouched)
    for hint in dict.fromkeys(filter(None, hints)):
        messages.advise(hint)


def _show_unvouched(unvouched: Unvouched) -> None:
    """Writes why a commit is not signed, and what to do where that is HEAD."""
    if unvouched.origins:
        terminal.unvouched(unvouched.origins, is_head=unvouched.is_head)


def add_hints(verdict: Verdict, *, is_tip: bool) -> None:
    """Adds what to do about a commit, which is not what to do about a work tree."""
    hints = _TIP if is_tip else _PAST
    verdict.findings = [
        one._replace(hint=one.hint or hints.get(one.reason)) for one in verdict.findings
    ]


def show_range(found: RangeVerdict, unvouched: Unvouched) -> None:
    """Writes a line for each commit, the verdict on all of them, and what to do."""
    rows = [
        (row.commit.oid[:12], row.state, _signer(row), legible(row.commit.subject))
        for row in found.rows
    ]
    table.show(_COLUMNS, rows)
    commits = counted(len(found.rows), "commit")
    if found.good:
        signers = [name for row in found.rows for name in row.verdict.signers.values()]
        named = _names(signers, _ROW_DIGITS)
        terminal.result(f"Verified: {found.subject}, {commits}, signed by {named}")
        return
    states = found.states
    wrong = ", ".join(f"{states[state]} {state}" for state in states if state != SIGNED)
    terminal.result(f"NOT verified: {found.subject}, of {commits}: {wrong}")
    _show_unvouched(unvouched)
    if unvouched.origins:
        states = Counter(state for state in states if state not in {"stale", "unsigned"})
    for state in states:
        if state in _RANGE_HINTS:
            messages.advise(_RANGE_HINTS[state])


def _signer(row: Row) -> str:
    claimed = [f"claimed: {legible(one)}" for one in row.claimed]
    signers = _names(row.verdict.signers.values(), _ROW_DIGITS)
    said = ", ".join([*filter(None, [signers]), *claimed]) or "-"
    return f"{said} (before: {_names(row.before, _ROW_DIGITS)})" if row.before else said


def _names(signers: Iterable[str], digits: int) -> str:
    """Returns signers as there is room for them: fingerprints by their first digits."""
    chosen = sorted(set(signers))
    return ", ".join(
        one[:digits] if pem.is_fingerprint(one) else legible(one) for one in chosen
    )

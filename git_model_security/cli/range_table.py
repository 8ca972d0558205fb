"""The table of `git model verify A..B`: a line per commit, and the verdict below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.cli import table, terminal
from git_model_security.cli.table import Column
from git_model_security.git.paths import legible
from git_model_security.verify.range_check import SIGNED

if TYPE_CHECKING:
    from git_model_security.verify.range_check import RangeVerdict, Row

_COLUMNS = (
    Column("Commit"),
    Column("Signature"),
    Column("Signed by"),
    Column("Subject", least=12),
)
_FINGERPRINT_DIGITS = 16
_HINTS = {
    "unsigned": "who signs can look at it and sign after it: `git model sign --adopt PATH`",
    "stale": "`git model sign --amend` renews your own HEAD; find out who changed the others",
    "untrusted": "if you know the signer, pin it: `git model trust add`",
    "tampered": "find out who put it there: `git model verify REV` says what does not hold",
    "key not held": "`git model unlock --key FILE`, or --encrypted, which needs no key",
    "not fetched": "`git lfs fetch --all`, or --encrypted, which needs no objects",
}


def show(found: RangeVerdict) -> None:
    """Writes the table, and what comes of it."""
    rows = [
        (row.commit.oid[:12], row.state, _signer(row), _plain(row.commit.subject))
        for row in found.rows
    ]
    for line in table.lines(_COLUMNS, rows):
        terminal.result(line)
    _summary(found)


def short(signer: str) -> str:
    """Returns a signer as a table has room for: a fingerprint by its first digits."""
    is_digest = len(signer) == 64 and set(signer) <= set("0123456789abcdef")
    return signer[:_FINGERPRINT_DIGITS] if is_digest else _plain(signer)


def _signer(row: Row) -> str:
    signers = sorted(set(row.verdict.signers.values()))
    claimed = [f"claimed: {_plain(one)}" for one in row.claimed]
    said = ", ".join([*map(short, signers), *claimed]) or "-"
    if row.before:
        said += f" (before: {', '.join(map(short, row.before))})"
    return said


def _plain(text: str) -> str:
    return legible(text)


def _summary(found: RangeVerdict) -> None:
    total = len(found.rows)
    commits = f"{total} commit{'' if total == 1 else 's'}"
    if found.good:
        signers = sorted({name for row in found.rows for name in row.verdict.signers.values()})
        named = ", ".join(map(short, signers))
        terminal.result(f"Verified: {found.subject}, {commits}, signed by {named}")
        return
    states = found.states
    counted = ", ".join(f"{states[state]} {state}" for state in states if state != SIGNED)
    terminal.result(f"NOT verified: {found.subject}, of {commits}: {counted}")
    for state in states:
        if state in _HINTS:
            messages.advise(_HINTS[state])

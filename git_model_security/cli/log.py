"""`git model log`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_model_security import messages
from git_model_security.cli import options, table, terminal
from git_model_security.git.repository import Repository
from git_model_security.messages import legible
from git_model_security.signing import pem
from git_model_security.verification import events

if TYPE_CHECKING:
    from collections.abc import Mapping

_OID_DIGITS = 12
_KEY_DIGITS = 32
_SIGNER_CHARACTERS = 48


@click.command("log")
@click.option("-n", "--max-count", type=click.IntRange(min=1), metavar="N", help="The last N.")
@click.option("--action", metavar="WORD", help="Only these, such as sign or verify.")
@options.as_json
def command(max_count: int | None, action: str | None, as_json: bool) -> None:
    """Show what this clone signed, verified, overrode and repaired.

    The newest comes first. It is kept in this clone alone, and whoever can write to its
    .git can change it.
    """
    found = events.read(Repository.discover())
    if action is not None:
        found = [event for event in found if event.get("action") == action]
    if max_count is not None:
        found = found[:max_count]
    if as_json:
        terminal.document({"version": 1, "events": found})
        return
    for event in found:
        table.show_words(_words(event))
        findings = event.get("findings")
        for finding in findings if isinstance(findings, list) else []:
            terminal.result(f"    {_text(finding)}")
    if not found:
        messages.info("nothing yet")


def _words(event: Mapping[str, object]) -> list[str]:
    commits = event.get("commits")
    oids = commits if isinstance(commits, list) and commits else [event.get("tree") or ""]
    more = f" (+{len(oids) - 1})" if len(oids) > 1 else ""
    outcome = "" if "good" not in event else "good" if event["good"] is True else "NOT GOOD"
    by = event.get("signer") or event.get("user") or ""
    words = (
        _text(event.get("time", "")),
        f"{_text(event.get('action', '')):<14}",
        f"{_text(oids[0])[:_OID_DIGITS]}{more}",
        outcome,
        _text(event.get("method", "")),
        _text(by)[: _KEY_DIGITS if pem.is_fingerprint(str(by)) else _SIGNER_CHARACTERS],
        _text(event.get("ref", "")),
        _text(event.get("reason", "")),
        _text(event.get("run", "")),
    )
    return [word for word in words if word]


def _text(value: object) -> str:
    return legible(str(value)).strip('"')

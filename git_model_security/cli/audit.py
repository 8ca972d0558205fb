"""`git model audit`."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from git_model_security import __version__, messages
from git_model_security.cli import options, terminal
from git_model_security.clone.clone import Clone
from git_model_security.guard import audit

if TYPE_CHECKING:
    from git_model_security.guard.report import Report

_STANDARD_OUTPUT = "-"


@click.command("audit")
@click.argument("revisions", nargs=-1, metavar="[REV...]")
@click.option("--all", "everything", is_flag=True, help="All refs; the default without REV.")
@click.option("--reflog", is_flag=True, help="What reflogs hold too, all of the stash with it.")
@click.option("--unreachable", is_flag=True, help="What no ref reaches, too.")
@click.option("--fetch", is_flag=True, help="Download what is not here, and judge it.")
@click.option("--ci", "range_", metavar="RANGE", help="What BASE..HEAD would bring in.")
@click.option(
    "--public-key",
    "public_keys",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    multiple=True,
    help="With --ci, a signer who may decide what is in clear.",
)
@options.as_json
@click.option(
    "--sarif", metavar="FILE", help="Write SARIF 2.1.0, for code-scanning pages; - prints it."
)
@click.pass_context
@terminal.judging()
def command(
    ctx: click.Context,
    revisions: tuple[str, ...],
    everything: bool,
    reflog: bool,
    unreachable: bool,
    fetch: bool,
    range_: str | None,
    public_keys: tuple[Path, ...],
    as_json: bool,
    sarif: str | None,
) -> None:
    """Find plaintext at protected paths, and models or keys in clear, in all history.

    Needs no key. With one, envelopes are opened, which proves them. Exit status 1
    when anything was found, 4 when not all could be seen.
    """
    if everything and revisions:
        raise click.UsageError("--all and revisions exclude each other")
    if range_ is not None and (everything or revisions or reflog or unreachable or fetch):
        raise click.UsageError("--ci RANGE stands for itself")
    if public_keys and range_ is None:
        raise click.UsageError("--public-key goes with --ci RANGE")
    if as_json and sarif == _STANDARD_OUTPUT:
        raise click.UsageError("--json and --sarif - cannot both be printed")
    clone = Clone()
    with clone.objects:
        if range_ is not None:
            report = _of_range(clone, range_, public_keys)
        else:
            words = [*(revisions or ("--all",)), *(["--reflog"] if reflog else [])]
            report = _of_history(clone, words, unreachable, fetch)
    _show(report, as_json, sarif)
    ctx.exit(report.status)


def _of_range(clone: Clone, range_: str, public_keys: tuple[Path, ...]) -> Report:
    from git_model_security.guard import incoming
    from git_model_security.provenance import policy_trust
    from git_model_security.trust import anchors

    anchors.require_outside(clone.repo, public_keys)
    with policy_trust.believing(public_keys):
        return incoming.range_report(
            clone.repo,
            range_,
            keys=clone.ring.keys,
            known=clone.knows,
            trusted=partial(policy_trust.holds, clone.repo),
        )


def _of_history(clone: Clone, revisions: list[str], unreachable: bool, fetch: bool) -> Report:
    from git_model_security.guard.knowledge import Remembered

    return audit.audit(
        clone.repo,
        revisions,
        keys=clone.ring.keys,
        known=clone.knows,
        unreachable=unreachable,
        fetch=fetch,
        remembered=Remembered(clone.repo, clone.memory, clone.ring.keys),
    )


def _show(report: Report, as_json: bool, sarif: str | None) -> None:
    messages.warn_all(report.complaints)
    if sarif is not None:
        from git_model_security.guard.report import to_sarif

        text = json.dumps(to_sarif(report, __version__), indent=2)
        if sarif == _STANDARD_OUTPUT:
            terminal.result(text)
            return
        with open(sarif, "w", encoding="utf-8") as file:  # noqa: PTH123 - /dev/stdout too
            file.write(text + "\n")
    if as_json:
        terminal.document(report.to_json())
        return
    for finding in report.findings:
        terminal.result(finding.describe())
    if any(one.refs_total is not None and one.pushed is None for one in report.findings):
        terminal.result("Whether it was pushed is not known here: no remote was fetched")
    terminal.result(report.summary())

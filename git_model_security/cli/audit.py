"""`git model audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_model_security.cli import options, terminal
from git_model_security.errors import FAILED
from git_model_security.filter.clone import Clone
from git_model_security.guard import history

if TYPE_CHECKING:
    from git_model_security.guard.history import Report


@click.command("audit")
@click.argument("revisions", nargs=-1, metavar="[REV...]")
@click.option("--all", "everything", is_flag=True, help="All refs; the default without REV.")
@options.as_json
@click.pass_context
def command(
    ctx: click.Context, revisions: tuple[str, ...], everything: bool, as_json: bool
) -> None:
    """Find plaintext at protected paths, and models or keys in clear, in all history.

    Needs no key. With one, envelopes are opened, which proves them. Exit status 1
    when anything was found.
    """
    if everything and revisions:
        raise click.UsageError("--all and revisions exclude each other")
    clone = Clone()
    with clone.objects:
        report = history.audit(
            clone.repo,
            revisions or ("--all",),
            keys=clone.ring.keys,
            known=clone.knows,
        )
    if as_json:
        terminal.document(report.to_json())
    else:
        _show(report)
    ctx.exit(FAILED if report.findings else 0)


def _show(report: Report) -> None:
    for finding in report.findings:
        terminal.result(finding.describe())
    terminal.result(report.summary())

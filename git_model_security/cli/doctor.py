"""`git model doctor`."""

from __future__ import annotations

import click

from git_model_security import messages
from git_model_security.cli import terminal
from git_model_security.errors import FAILED
from git_model_security.git.repository import Repository
from git_model_security.status import health


@click.command("doctor")
@click.option("--fix", is_flag=True, help="Mend what can be mended.")
@click.pass_context
def command(ctx: click.Context, fix: bool) -> None:
    """Find what is wrong with the set-up of this clone."""
    repo = Repository.discover()
    if fix:
        messages.info(*health.mend(repo))
        repo = Repository.discover()  # where Git looks for hooks may be elsewhere now
    found = health.symptoms(repo)
    for symptom in found:
        terminal.result(f"{symptom.what}: {symptom.remedy}")
    if not found:
        terminal.result("Nothing is wrong")
    ctx.exit(FAILED if found else 0)

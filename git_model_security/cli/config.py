"""`git model config`."""

from __future__ import annotations

import click

from git_model_security import messages
from git_model_security.cli import table, terminal
from git_model_security.errors import FAILED, UsageError
from git_model_security.git.repository import Repository
from git_model_security.setup import settings


@click.command("config")
@click.argument("name", required=False)
@click.argument("values", nargs=-1, metavar="[VALUE]...")
@click.option("--unset", is_flag=True, help="Take a setting back.")
@click.pass_context
def command(ctx: click.Context, name: str | None, values: tuple[str, ...], unset: bool) -> None:
    """Show or change how this clone signs and verifies.

    Without NAME all settings are shown. Those that begin with `signing.` are for all
    clones: they stand in .gitmodel, and a change of them is yours to commit.
    """
    repo = Repository.discover()
    if name is None:
        if unset:
            raise UsageError("--unset needs the name of a setting")
        _show_all(repo)
        return
    setting = settings.find(name)
    if unset:
        if values:
            raise UsageError("--unset takes a name and no value")
        settings.unset(repo, setting)
    elif values:
        settings.put(repo, setting, values)
        if setting.policy is not None:
            messages.info(f"{setting.name} is staged in .gitmodel: commit it")
    else:
        found = settings.values(repo, setting)
        for value in found:
            terminal.result(value)
        ctx.exit(0 if found else FAILED)


def _show_all(repo: Repository) -> None:
    for setting in settings.ALL:
        found = ", ".join(settings.values(repo, setting)) or "-"
        table.show_words((f"{setting.name:<21}", f"{found:<23}", setting.what))

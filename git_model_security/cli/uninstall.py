"""`git model uninstall`."""

from __future__ import annotations

import click

from git_model_security import messages
from git_model_security.cli import terminal
from git_model_security.git.repository import Repository
from git_model_security.server import server
from git_model_security.setup import drivers
from git_model_security.setup.hooks import hook_setup


@click.command("uninstall")
@click.option("--global", "everywhere", is_flag=True, help="Undo `git model install`.")
def command(everywhere: bool) -> None:
    """Take our hooks and drivers out of this repository, and put back what was there.

    `filter.git-model.required=true` stays behind: without git-model Git then
    refuses to add what is protected. Keys stay in your keyring. In a bare
    repository it takes out what `git model install --server` put in.
    """
    if everywhere:
        drivers.remove(None, "--global")
        terminal.result("Git runs git-model no more; filter.git-model.required=true stays")
        return
    repo = Repository.discover()
    if server.is_bare(repo):
        for line in server.uninstall(repo):
            messages.info(line)
        terminal.result("Pushes to this repository are judged by git-model no more")
        return
    for line in hook_setup.uninstall(repo):
        messages.info(line)
    drivers.remove(repo, "--local")
    terminal.result("Hooks and drivers removed; filter.git-model.required=true stays")
    messages.advise("`git model config hooks off` lets `git add` go on here without them")

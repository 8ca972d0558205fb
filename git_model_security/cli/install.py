"""`git model install` and `uninstall`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_model_security import messages, server
from git_model_security.cli import options, terminal
from git_model_security.git.repository import Repository
from git_model_security.policy import profiles
from git_model_security.setup import drivers
from git_model_security.setup.hooks import hook_setup

if TYPE_CHECKING:
    from pathlib import Path


@click.command("install")
@click.option("--server", "on_server", is_flag=True, help="Guard this bare repository.")
@click.option(
    "--profile",
    type=click.Choice(profiles.NAMES),
    help="With --server: pin what to protect.",
)
@click.option("--include", multiple=True, metavar="PATTERN", help="Protect these as well.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave these clear.")
@click.option(
    "--public-key",
    "public_keys",
    type=options.FILE,
    multiple=True,
    metavar="FILE",
    help="Ask for signatures, and trust this signer (PEM).",
)
@click.option(
    "--protected-ref",
    "protected_refs",
    multiple=True,
    metavar="PATTERN",
    help="Ask for them on these refs; else on HEAD's branch and tags.",
)
@click.option(
    "--hook",
    type=options.FILE,
    metavar="FILE",
    help="Write the hook there, where the host runs a directory of hooks.",
)
def command(
    on_server: bool,
    profile: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    public_keys: tuple[Path, ...],
    protected_refs: tuple[str, ...],
    hook: Path | None,
) -> None:
    """Let Git know the filter, in every repository of this user.

    Set with required=true: a clone where nobody ran anything then fails to add
    what is protected, and never adds it in clear.

    With --server, in a bare repository that people push to: a pre-receive hook
    judges every push, without any AES key. Only the other options of --server
    change what counts; run again without them, it keeps what was chosen.
    """
    chosen = server.Choices(profile, include, exclude, public_keys, protected_refs, hook)
    if on_server:
        messages.info(*server.install(Repository.discover(), chosen))
        terminal.result("Every push to this repository is judged before it is accepted")
        return
    if chosen != server.Choices():
        raise click.UsageError("these options are for --server")
    changed = drivers.configure(None)
    terminal.result(
        "Git knows the filter git-model now" if changed else "Git knows the filter already"
    )


@click.command("uninstall")
@click.option("--global", "everywhere", is_flag=True, help="Undo `git model install`.")
def undo(everywhere: bool) -> None:
    """Take our hooks and drivers out of this repository, and put back what was there.

    `filter.git-model.required=true` stays behind: without git-model Git then
    refuses to add what is protected. Keys stay in your keyring. In a bare
    repository it takes out what `git model install --server` put in.
    """
    if everywhere:
        drivers.remove(None)
        terminal.result("Git runs git-model no more; filter.git-model.required=true stays")
        return
    repo = Repository.discover()
    if server.is_bare(repo):
        messages.info(*server.uninstall(repo))
        terminal.result("Pushes to this repository are judged by git-model no more")
        return
    messages.info(*hook_setup.uninstall(repo))
    drivers.remove(repo)
    terminal.result("Hooks and drivers removed; filter.git-model.required=true stays")
    messages.advise("`git model config hooks off` lets `git add` go on here without them")

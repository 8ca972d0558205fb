"""`git model checkout`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_model_security import messages
from git_model_security.checkout import checkout
from git_model_security.cli import terminal
from git_model_security.cli.progress import Bar
from git_model_security.clone.clone import Clone
from git_model_security.errors import FAILED
from git_model_security.git.repository import Repository
from git_model_security.messages import counted
from git_model_security.setup import accept_policy

if TYPE_CHECKING:
    from git_model_security.checkout.report import Report


@click.command("checkout")
@click.argument("pathspecs", nargs=-1, metavar="[PATHSPEC]...")
@click.pass_context
def command(ctx: click.Context, pathspecs: tuple[str, ...]) -> None:
    """Fetch and decrypt files that are not in the work tree yet, in bounded memory.

    Without PATHSPEC, all of them. A file that somebody changed is left alone.
    """
    repo = Repository.discover()
    with Bar("Decrypting") as bar:
        done = checkout.checkout(repo, pathspecs, bar)
    tell(done)
    if done.kept:
        _tell_drift(Clone(repo))
    alone = f", {done.kept} left as they are" if done.kept else ""
    terminal.result(f"{counted(len(done.written), 'file')} written{alone}")
    ctx.exit(FAILED if done.failed else 0)


def _tell_drift(clone: Clone) -> None:
    """Warns where `.gitmodel` protects what the policy in force does not: it was left alone."""
    with clone.objects:
        drift = accept_policy.drift(clone)
    if drift is not None:
        accept_policy.warn(accept_policy.describe(drift))


def tell(done: Report) -> None:
    """Tells which files were not written, and why."""
    messages.warn_all(done.warnings)
    for place, error in done.complaints():
        messages.tell(error, place)

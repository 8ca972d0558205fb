"""`git model repair`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_model_security import messages, repair
from git_model_security.cli import options, terminal
from git_model_security.clone.clone import Clone
from git_model_security.errors import FAILED, UPGRADE_HINT
from git_model_security.guard.finding import KEY, NEWER
from git_model_security.messages import counted

if TYPE_CHECKING:
    from git_model_security.repair import Repaired


@click.command("repair")
@options.reason
@click.pass_context
def command(ctx: click.Context, reason: str) -> None:
    """Encrypt the tip again after something came in clear, and say what leaked.

    Makes one commit; files of the work tree stay as they are. Exit status 1 when
    something is left that only you can take away.
    """
    clone = Clone()
    with clone.objects:
        done = repair.repair(clone, reason=reason)
    _show(done)
    ctx.exit(FAILED if done.left else 0)


def _show(done: Repaired) -> None:
    if done.commit:
        files = counted(len(done.sealed), "file")
        terminal.result(f"Encrypted {files} in commit {done.commit[:12]}")
        if done.restored:
            terminal.result("Put back .gitmodel and .gitattributes as this clone accepted them")
    else:
        terminal.result("Nothing to encrypt: HEAD holds ciphertext where it must")
    if done.leaked:
        terminal.result("Leaked, and readable in history by whoever has fetched it:")
        for finding in done.leaked:
            terminal.result(f"  {finding.describe()}")
        messages.warn(
            "the history still holds it in clear",
            "treat it as public for good: whoever has fetched it keeps it;"
            " `git model migrate` takes it out of the history",
        )
    for finding in done.left:
        if finding.rule == NEWER:
            messages.warn(f"left: {finding.describe()}", UPGRADE_HINT)
            continue
        encrypts = "`git model track PATH` encrypts it, " * (finding.rule != KEY)
        messages.warn(
            f"left: {finding.describe()}", f"{encrypts}`git rm --cached PATH` takes it out"
        )
    if any(finding.rule == KEY for finding in (*done.leaked, *done.left)):
        messages.warn(
            "a key was in clear, and to encrypt it now takes nothing back",
            "make a new one where others may have seen it; what it protected may be known",
        )
    if done.unsigned:
        messages.warn(
            f"the commit is unsigned: {done.unsigned}",
            "look at the files, then `git model sign --adopt PATH --amend`",
        )

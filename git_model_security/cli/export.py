"""`git model export`: a directory out of a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.cli import methods, options, terminal, verify_report
from git_model_security.cli.progress import Bar
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.directories import export
from git_model_security.git import index
from git_model_security.git.paths import shown
from git_model_security.signing.sources import Asked
from git_model_security.trust import verifiers

if TYPE_CHECKING:
    from pathlib import Path


@click.command("export", context_settings=methods.SPELLINGS)
@click.argument("rev")
@click.argument("directory", type=options.FILE, metavar="DIR")
@click.option("--encrypted", is_flag=True, help="Write ciphertext; needs no AES key.")
@methods.verifying
@click.pass_context
@terminal.judging()
def command(
    ctx: click.Context, /, rev: str, directory: Path, encrypted: bool, **said: Any
) -> None:
    """Write what the commit REV holds into a new directory, without Git.

    It is verified first, and nothing is written unless its signatures hold. With --encrypted
    nothing is decrypted, and nothing verified: whoever gets it does that, anywhere, by
    `git model decrypt+verify`, or without a key by `verify --dir DIR --encrypted`.
    """
    asked = methods.take(Asked, None, said)
    if encrypted and asked.given():
        raise click.UsageError("--encrypted verifies nothing: whoever gets it does")
    clone = Clone()
    missing_policy.require_ours(clone.repo, rev)
    with clone.objects, Bar("Writing", is_bytes=False) as bar:
        accepted = () if encrypted else verifiers.of(clone.repo, asked)
        commit = index.unambiguous(clone.repo, rev)
        done = export.export(
            clone, commit, directory, accepted, is_encrypted=encrypted, progress=bar
        )
    if done.verdict is not None:
        verify_report.show(done.verdict, verify_report.NOBODY_ASKED)
    for module in done.submodules:
        messages.warn(f"{shown(module)}: a submodule, which is left out")
    if done.files:
        terminal.result(f"wrote {messages.counted(done.files, 'file')} to {directory}")
    ctx.exit(done.verdict.status if done.verdict else 0)

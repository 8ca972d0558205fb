"""`git model clone`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_model_security.cli import options, terminal
from git_model_security.cli.progress import Bar
from git_model_security.cli.unlock import skip_smudge, tell
from git_model_security.errors import FAILED
from git_model_security.filter.clone import Clone
from git_model_security.workspace import cloning, state

if TYPE_CHECKING:
    from pathlib import Path


@click.command("clone")
@click.argument("url")
@click.argument("directory", required=False, type=options.FILE)
@options.key
@options.public_key
@click.option("-b", "--branch", metavar="NAME", help="Check out this branch or tag.")
@click.option("--depth", type=click.IntRange(min=1), help="Fetch only so many commits.")
@skip_smudge
@click.pass_context
def command(
    ctx: click.Context,
    url: str,
    directory: Path | None,
    key: Path | None,
    public_key: Path | None,
    branch: str | None,
    depth: int | None,
    skip_smudge: bool | None,
) -> None:
    """Clone a repository, unlock it, check it out and verify it.

    With --public-key the exit status is 1 when the signatures do not hold.
    """
    extra = [f"--branch={branch}"] if branch else []
    extra += [f"--depth={depth}"] if depth else []
    with Bar("Decrypting") as bar:
        repo, done = cloning.clone(
            url,
            directory,
            extra,
            key=key,
            public_key=public_key,
            skip_smudge=skip_smudge,
            progress=bar,
        )
    tell(done)
    terminal.result(f"Cloned into {repo.top}")
    clone = Clone(repo)
    with clone.objects:
        found = state.head_state(clone, sealed_only=bool(skip_smudge))
    if found == state.VERIFIED:
        what = "its signature over ciphertext holds" if skip_smudge else "its signatures hold"
        terminal.info(f"HEAD is verified: {what}")
    elif found:
        terminal.warn(f"HEAD is {found}", "do not deploy it; see `git model verify HEAD`")
    if done.report.failed or (public_key is not None and found not in {"", state.VERIFIED}):
        ctx.exit(FAILED)

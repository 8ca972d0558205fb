"""`git model clone`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_model_security.cli import options, terminal
from git_model_security.cli.unlock import tell
from git_model_security.workspace import cloning

if TYPE_CHECKING:
    from pathlib import Path


@click.command("clone")
@click.argument("url")
@click.argument("directory", required=False, type=options.FILE)
@options.key
@options.public_key
@click.option("-b", "--branch", metavar="NAME", help="Check out this branch or tag.")
@click.option("--depth", type=click.IntRange(min=1), help="Fetch only so many commits.")
def command(
    url: str,
    directory: Path | None,
    key: Path | None,
    public_key: Path | None,
    branch: str | None,
    depth: int | None,
) -> None:
    """Clone a repository, unlock it, check it out and verify it."""
    extra = [f"--branch={branch}"] if branch else []
    extra += [f"--depth={depth}"] if depth else []
    repo, done = cloning.clone(url, directory, extra, key=key, public_key=public_key)
    tell(done)
    terminal.result(f"Cloned into {repo.top}")

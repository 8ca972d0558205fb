"""`git model unlock`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_model_security.cli import options, terminal
from git_model_security.git.repository import Repository
from git_model_security.workspace import unlock

if TYPE_CHECKING:
    from pathlib import Path


@click.command("unlock")
@options.key
@options.public_key
@options.signing_key
def command(key: Path | None, public_key: Path | None, signing_key: Path | None) -> None:
    """Let this clone use a key, and decrypt its files in place.

    The key comes from --key, else from GIT_MODEL_KEY or GIT_MODEL_KEY_FILE, else
    from your keyring. A file that is not just what Git checked out is left alone.
    """
    repo = Repository.discover()
    tell(unlock.unlock(repo, key=key, public_key=public_key, signing_key=signing_key))


def tell(done: unlock.Unlocked) -> None:
    """Tells what an unlock did."""
    terminal.warn_all(done.warnings)
    for line in done.lines:
        terminal.info(line)
    if done.kept:
        terminal.files("Left alone, since they differ from what Git has", done.kept)
    if done.key_id:
        terminal.result(
            f"Unlocked with the key {done.key_id}: {len(done.written)} files written"
        )

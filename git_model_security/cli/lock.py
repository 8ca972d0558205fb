"""`git model lock`."""

from __future__ import annotations

import click

from git_model_security import messages
from git_model_security.cli import terminal
from git_model_security.git.repository import Repository
from git_model_security.messages import counted
from git_model_security.setup import lock


@click.command("lock")
@click.option("--forget", is_flag=True, help="Delete the key from your keyring as well.")
def command(forget: bool) -> None:
    """Turn plaintext back into ciphertext and end this clone's use of the key."""
    done = lock.lock(Repository.discover(), forget=forget)
    if done.left:
        terminal.files("Untracked, so still in clear", done.left)
    for key_id in done.forgotten:
        messages.info(f"deleted the key {key_id} from the keyring")
    count = len(done.written)
    be = "is" if count == 1 else "are"
    terminal.result(f"Locked: {counted(count, 'file')} {be} ciphertext again")

"""`git model unlock` and `lock`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.cli import checkout, methods, options, terminal
from git_model_security.cli.progress import Bar
from git_model_security.errors import FAILED
from git_model_security.git.repository import Repository
from git_model_security.messages import counted
from git_model_security.setup import lock, unlock
from git_model_security.signing.sources import Asked
from git_model_security.trust import anchors, verifiers

if TYPE_CHECKING:
    from pathlib import Path


skip_smudge = click.option(
    "--skip-smudge/--no-skip-smudge",
    default=None,
    help="Leave large files as pointers, now and later: `git model checkout` writes them.",
)


@click.command("unlock", context_settings=methods.SPELLINGS)
@options.key
@methods.verifying
@options.signing_key
@skip_smudge
@click.pass_context
def command(
    ctx: click.Context,
    /,
    key: Path | None,
    signing_key: Path | None,
    skip_smudge: bool | None,
    **said: Any,
) -> None:
    """Let this clone use a key, and decrypt its files in place.

    The key comes from --key, else from GIT_MODEL_KEY or GIT_MODEL_KEY_FILE, else
    from your keyring. A file that is not just what Git checked out is left alone.
    --public-key, or what describes another signer, says whom to trust from now on.
    """
    asked = methods.take(Asked, None, said)
    signers = verifiers.explicit(asked)
    repo = Repository.discover()
    anchors.require_outside(repo, anchors.named(asked))
    request = unlock.Request(key, signers, signing_key, skip_smudge)
    with Bar("Decrypting") as bar:
        done = unlock.unlock(repo, request, bar)
    tell(done)
    ctx.exit(FAILED if done.report.failed else 0)


def tell(done: unlock.Unlocked) -> None:
    """Tells what an unlock did."""
    messages.warn_all(done.warnings)
    messages.info(*done.lines)
    checkout.tell(done.report)
    if done.kept:
        terminal.files("Left alone, since they differ from what Git has", done.kept)
    if done.key_id:
        written = counted(len(done.report.written), "file")
        terminal.result(f"Unlocked with the key {done.key_id}: {written} written")
    if done.report.pointers:
        messages.info(
            f"left as pointers: {counted(len(done.report.pointers), 'large file')},"
            " which `git model checkout PATH` writes"
        )


@click.command("lock")
@click.option("--forget", is_flag=True, help="Delete the key from your keyring as well.")
def undo(forget: bool) -> None:
    """Turn plaintext back into ciphertext and end this clone's use of the key."""
    done = lock.lock(Repository.discover(), forget=forget)
    if done.left:
        terminal.files("Untracked, so still in clear", done.left)
    for key_id in done.forgotten:
        messages.info(f"deleted the key {key_id} from the keyring")
    count = len(done.written)
    be = "is" if count == 1 else "are"
    terminal.result(f"Locked: {counted(count, 'file')} {be} ciphertext again")

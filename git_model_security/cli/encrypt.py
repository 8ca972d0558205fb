"""`git model encrypt` and `git model decrypt`: a directory or a file, without Git."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from git_model_security.cli import directory_options, methods, options
from git_model_security.cli.progress import Bar
from git_model_security.directories import encryption

if TYPE_CHECKING:
    from pathlib import Path

_with_options = options.together(directory_options.path, directory_options.encrypting)


@click.command("encrypt", context_settings=methods.SPELLINGS)
@_with_options
def command(path: Path, encryption_key: Path | None, **said: Any) -> None:
    """Encrypt a directory or a file, without Git.

    Hidden files are left alone, and signatures. Each file is exchanged when its ciphertext
    is on the disk and was opened again; what was interrupted goes on when run again.
    """
    with Bar("Encrypting") as bar:
        done = encryption.encrypt(
            path,
            directory_options.key(encryption_key),
            ignored=said["ignored"],
            **directory_options.chosen(said, bar),
        )
    directory_options.tell("encrypted", done)


@click.command("decrypt", context_settings=methods.SPELLINGS)
@_with_options
def undo(path: Path, encryption_key: Path | None, **said: Any) -> None:
    """Decrypt a directory or a file, without Git.

    It proves that who encrypted it had the key, and not who that was: `decrypt+verify`
    checks a signature before it writes anything.
    """
    with Bar("Decrypting") as bar:
        done = encryption.decrypt(
            path,
            directory_options.key(encryption_key),
            ignored=said["ignored"],
            **directory_options.chosen(said, bar),
        )
    directory_options.tell("decrypted", done)

"""`git model encrypt` and `git model decrypt`: a directory or a file, without Git."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.cli import directory_options, methods, options
from git_model_security.cli.progress import Bar
from git_model_security.directories import encryption
from git_model_security.errors import UsageError
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_model_security.directories.writing import Done

_METHOD = "aes-256"
"""The one method, a word of model-encryption's command line."""


def _require_usual(_: click.Context, __: click.Parameter, ignores_git_paths: bool) -> None:
    if not ignores_git_paths:
        raise UsageError(
            "--no-ignore-git-paths: nothing is signed here, and .git is neither encrypted nor"
            " decrypted",
            hint="leave it out: what is encrypted is decrypted whatever its name, and a hidden"
            " file is encrypted where it is named itself, `git model encrypt FILE`",
        )


_with_options = options.together(
    click.argument("words", nargs=-1, required=True, metavar=f"[{_METHOD}] PATH"),
    directory_options.encryption_key,
    directory_options.output,
    directory_options.ignored,
    # A word of the commands that sign: what it asks for is always so here.
    click.option(
        "--ignore-git-paths/--no-ignore-git-paths",
        default=True,
        hidden=True,
        expose_value=False,
        callback=_require_usual,
    ),
    directory_options.progress,
)


@click.command("encrypt", context_settings=methods.SPELLINGS)
@_with_options
def command(words: tuple[str, ...], encryption_key: Path | None, **said: Any) -> None:
    """Encrypt a directory or a file, without Git.

    Hidden files are left alone, and signatures. Each file is exchanged when its ciphertext
    is on the disk and was opened again; what was interrupted goes on when run again.
    """
    with Bar("Encrypting") as bar:
        done = _run(encryption.encrypt, words, encryption_key, said, bar)
    directory_options.tell_encrypted(done)


@click.command("decrypt", context_settings=methods.SPELLINGS)
@_with_options
def undo(words: tuple[str, ...], encryption_key: Path | None, **said: Any) -> None:
    """Decrypt a directory or a file, without Git.

    It proves that who encrypted it had the key, and not who that was: `decrypt+verify`
    checks a signature before it writes anything.
    """
    with Bar("Decrypting") as bar:
        done = _run(encryption.decrypt, words, encryption_key, said, bar)
    directory_options.tell("decrypted", done)
    if done.doubtful:
        messages.warn(
            f"{_named(done)} may still be encrypted, by model-encryption",
            "`git model import-enc` makes envelopes of them, which decrypt opens",
        )


def _run(
    work: Callable[..., Done],
    words: tuple[str, ...],
    encryption_key: Path | None,
    said: dict[str, Any],
    bar: Bar,
) -> Done:
    key, path = directory_options.material(encryption_key), _path(words)
    directory_options.warn_of_ignored(path, said["ignored"])
    run = directory_options.run(said, bar)
    return work(
        path, key, output=run.output, ignore_paths=said["ignored"], progress=run.progress
    )


def _path(words: tuple[str, ...]) -> Path:
    """Returns the path that was named, after the method or without it.

    Raises:
        UsageError: these are other words.
    """
    method, path = words if len(words) == 2 else (_METHOD, words[-1])
    if method.replace("_", "-") != _METHOD or len(words) > 2:
        raise UsageError(
            f"one PATH, not {len(words)}; before it only the method may stand, {_METHOD}"
        )
    return Path(path)


def _named(done: Done) -> str:
    return messages.listed([shown(path) for path in done.doubtful], 3)

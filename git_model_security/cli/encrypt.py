"""`git model encrypt` and `git model decrypt`: a directory or a file, without Git."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.cli import methods, options, terminal
from git_model_security.cli.progress import Bar
from git_model_security.directories import encryption
from git_model_security.errors import KeyNotFoundError, UsageError
from git_model_security.git.paths import shown
from git_model_security.keyring import key_files, key_material, ring

if TYPE_CHECKING:
    from git_model_security.directories.encryption import Done

_METHOD = "aes-256"
"""The one method, a word of model-encryption's command line."""

_with_options = options.together(
    click.argument("words", nargs=-1, required=True, metavar=f"[{_METHOD}] PATH"),
    click.option(
        "--encryption-key", type=options.FILE, metavar="FILE", help="AES-256 key: 32 raw bytes."
    ),
    click.option(
        "--output", type=options.FILE, metavar="DIR", help="Write there; PATH stays as it is."
    ),
    click.option(
        "--ignore-paths",
        "ignored",
        type=options.FILE,
        multiple=True,
        metavar="PATH",
        help="Leave it alone; several times for several.",
    ),
    click.option(
        "--ignore-git-paths/--no-ignore-git-paths",
        default=True,
        help="Accepted as model_signing does; hidden files are left alone.",
    ),
    click.option(
        "--use-progress-bar/--no-use-progress-bar", default=True, help="Show how far it is."
    ),
)


@click.command("encrypt", context_settings=methods.SPELLINGS)
@_with_options
def command(words: tuple[str, ...], encryption_key: Path | None, **said: Any) -> None:
    """Encrypt a directory or a file, without Git.

    Hidden files are left alone, and signatures. Each file is exchanged when its ciphertext
    is on the disk and was opened again; what was interrupted goes on when run again.
    """
    with Bar("Encrypting") as bar:
        done = encryption.encrypt(_path(words), material(encryption_key), **_chosen(said, bar))
    _tell("encrypted", done)
    if done.doubtful:
        messages.warn(
            f"{_named(done)} may have been encrypted before, by model-encryption under another"
            " key: that is the plaintext now",
            "`git model decrypt` undoes it, and `git model import-enc` is for such files",
        )


@click.command("decrypt", context_settings=methods.SPELLINGS)
@_with_options
def undo(words: tuple[str, ...], encryption_key: Path | None, **said: Any) -> None:
    """Decrypt a directory or a file, without Git.

    It proves that who encrypted it had the key, and not who that was: `decrypt+verify`
    checks a signature before it writes anything.
    """
    with Bar("Decrypting") as bar:
        done = encryption.decrypt(_path(words), material(encryption_key), **_chosen(said, bar))
    _tell("decrypted", done)
    if done.doubtful:
        messages.warn(
            f"{_named(done)} may still be encrypted, by model-encryption",
            "`git model import-enc` makes envelopes of them, which decrypt opens",
        )


def _path(words: tuple[str, ...]) -> Path:
    """Returns the path that was named, after the method or without it.

    Raises:
        UsageError: these are other words.
    """
    method, path = words if len(words) == 2 else (_METHOD, words[-1])
    if method != _METHOD or len(words) > 2:
        raise UsageError(
            f"one PATH, not {len(words)}; before it only the method may stand, {_METHOD}"
        )
    return Path(path)


def _named(done: Done) -> str:
    return messages.listed([shown(path) for path in done.doubtful], 3)


def _chosen(said: dict[str, Any], bar: Bar) -> dict[str, Any]:
    return {
        "output": said["output"],
        "ignored": said["ignored"],
        "progress": bar if said["use_progress_bar"] else None,
    }


def material(path: Path | None) -> bytes:
    """Returns the 32 bytes of the key that was named, or of the one of the environment.

    Raises:
        KeyNotFoundError: there is none.
    """
    if path is not None:
        if said := key_files.exposure(path):
            messages.warn(said)
        return key_material.read(path)
    found = ring.material_from_environment()
    if found is None:
        raise KeyNotFoundError(
            "there is no key to encrypt or decrypt with",
            hint="--encryption-key FILE, or GIT_MODEL_KEY_FILE; `git model key generate FILE`"
            " makes one",
        )
    return found


def _tell(what: str, done: Done) -> None:
    size = terminal.bytes_text(done.plaintext_bytes)
    others = f"; {messages.counted(done.others, 'other file')} left" * bool(done.others)
    terminal.result(f"{what} {messages.counted(done.files, 'file')}, {size}{others}")
    for link in done.links:
        messages.warn(f"{shown(link)}: a symbolic link, which is left as it is")

"""The options of the commands that work without Git, in model_signing's words."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.cli import options, terminal
from git_model_security.directories import model as models
from git_model_security.directories.outputs import Run
from git_model_security.errors import KeyNotFoundError
from git_model_security.git.paths import shown
from git_model_security.keyring import key_files, key_material, ring
from git_model_security.verification import bundle_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from git_model_security.cli.progress import Bar
    from git_model_security.directories.model import Model
    from git_model_security.directories.signed_encryption import Sealed
    from git_model_security.directories.signing import Signed
    from git_model_security.directories.writing import Done

_NAMED = 3

path = click.argument("path", type=options.FILE)
signature = click.option(
    "--signature",
    type=options.FILE,
    metavar="FILE",
    help="The bundle; `model.sig` in the directory, or FILE.sig, unless said.",
)
ignored = click.option(
    "--ignore-paths",
    "ignored",
    type=options.FILE,
    multiple=True,
    metavar="PATH",
    help="Leave it out; several times for several.",
)
ignoring = options.together(
    ignored,
    click.option(
        "--ignore-git-paths/--no-ignore-git-paths",
        default=True,
        help="Leave .git, .gitattributes, .github and .gitignore out; the default.",
    ),
)
progress = click.option(
    "--use-progress-bar/--no-use-progress-bar", default=True, help="Show how far it is."
)
output = click.option(
    "--output", type=options.FILE, metavar="DIR", help="Write there; PATH stays as it is."
)
encryption_key = click.option(
    "--encryption-key", type=options.FILE, metavar="FILE", help="AES-256 key: 32 raw bytes."
)
encrypting = options.together(encryption_key, output, ignoring, progress)


def model(
    path: Path, said: dict[str, Any], *, is_sealed: bool = False, is_read: bool = False
) -> Model:
    """Takes the model that is meant out of a command's values.

    Args:
        path: the model.
        said: the values.
        is_sealed: the bundle over ciphertext is meant, where the directory has one.
        is_read: the bundle is there, so that a name in the directory names it too
            (`bundle_place`).
    """
    ignored, signature = said.pop("ignored"), said.pop("signature", None)
    warn_of_ignored(path, ignored)
    if is_read and signature is not None:
        signature = bundle_place.of_stock(path, signature)
    return models.find(
        path,
        signature,
        ignored,
        has_git_paths=not said.pop("ignore_git_paths"),
        is_sealed=is_sealed,
    )


def warn_of_ignored(path: Path, ignored: Iterable[Path]) -> None:
    """Warns of what is to be left out and is not there, or not below a path."""
    for one in ignored:
        inside = os.path.relpath(one, path)
        if inside.startswith(os.pardir) or not os.path.lexists(one):
            here = shown(os.fsencode(path / one.name))
            messages.warn(
                f"--ignore-paths {shown(os.fsencode(one))}: leaves nothing out, there is no"
                f" such file in {shown(os.fsencode(path))}",
                f"names are from where you stand, such as {here}",
            )


def run(said: dict[str, Any], bar: Bar) -> Run:
    """Takes how files are written out of a command's values."""
    return Run(said.pop("output"), progress=bar if said.pop("use_progress_bar") else None)


def material(path: Path | None) -> bytes:
    """Returns the 32 bytes of the key that was named, or of the one of the environment.

    Raises:
        KeyNotFoundError: there is none.
    """
    if path is not None:
        content = key_material.read(path)
        if said := key_files.exposure(path):
            messages.warn(said)
        return content
    found = ring.material_from_environment()
    if found is None:
        raise KeyNotFoundError(
            "there is no key to encrypt or decrypt with",
            hint="--encryption-key FILE, GIT_MODEL_KEY_FILE or GIT_MODEL_KEY;"
            " `git model key generate FILE` makes one",
        )
    return found


def tell_signed(signed: Signed | Sealed, what: str = "signed") -> None:
    """Says what was signed, and where the bundle is."""
    files = messages.counted(signed.files, "file")
    terminal.result(f"{what} {files} as {signed.signer}")
    terminal.result(f"the signature is {shown(os.fsencode(signed.signature))}")


def tell_encrypted(done: Done) -> None:
    """Says what was encrypted, and where plaintext is still."""
    if done.files:
        tell("encrypted", done)
    else:
        already = messages.counted(done.sealed, "file")
        terminal.result(f"nothing was left to encrypt: {already} encrypted already")
        _tell_left(done)
    if done.clear:
        messages.warn(
            f"hidden, and left in clear: {_listed(done.clear)}",
            "`git model encrypt FILE` encrypts a hidden file too, where it is named itself",
        )
    if done.doubtful:
        messages.warn(
            f"{_listed(done.doubtful)} may have been encrypted before, by model-encryption"
            " under another key: that is the plaintext now",
            "`git model decrypt` undoes it, and `git model import-enc` is for such files",
        )
    if done.linked:
        messages.warn(
            f"in clear still under another name, a hard link: {_listed(done.linked)}",
            "`find DIR -links +1` lists files that have other names",
        )


def _listed(paths: Sequence[bytes]) -> str:
    return messages.listed([shown(path) for path in paths], _NAMED)


def tell(what: str, done: Done, noun: str = "file") -> None:
    """Says what was encrypted, decrypted or taken over."""
    size = terminal.bytes_text(done.plaintext_bytes)
    others = f"; {messages.counted(done.others, 'other file')} left" * bool(done.others)
    terminal.result(f"{what} {messages.counted(done.files, noun)}, {size}{others}")
    _tell_left(done)


def _tell_left(done: Done) -> None:
    for link in done.links:
        messages.warn(f"{shown(link)}: a symbolic link, which is left as it is")
    for path in done.odd:
        messages.warn(f"{shown(path)}: neither a file nor a directory, and left as it is")

"""`git model import-enc`: the files of IBM's model-encryption become envelopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.cli import directory_options, methods, options
from git_model_security.cli.progress import Bar
from git_model_security.directories import enc_import
from git_model_security.directories.enc_signature import Signature, Signs
from git_model_security.directories.outputs import Run
from git_model_security.envelope import Key
from git_model_security.git.paths import shown
from git_model_security.signing.sources import Asked
from git_model_security.trust import anchors, verifiers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from git_model_security.directories.enc_import import Imported
    from git_model_security.signing.methods import Verifier

_NAMED = 3


@click.command("import-enc", context_settings=methods.SPELLINGS)
@directory_options.path
@click.option(
    "--encryption-key",
    type=options.FILE,
    metavar="FILE",
    help="The key that they were encrypted with: 32 raw bytes.",
)
@click.option(
    "--key", type=options.FILE, metavar="FILE", help="Seal under this key, not under that one."
)
@directory_options.output
@directory_options.ignored
@click.option(
    "--signature",
    metavar="FILE",
    help="What signs it, if not model.sig: a name in PATH, or a path.",
)
@methods.verifying
def command(
    path: Path,
    encryption_key: Path | None,
    key: Path | None,
    output: Path | None,
    ignored: tuple[Path, ...],
    signature: str | None,
    **said: Any,
) -> None:
    """Make envelopes of the .enc files of IBM's model-encryption: x.enc becomes x.

    All of them are authenticated before anything is written; no plaintext is on the disk at
    any time, and what was interrupted goes on when run again. Where a signer is described,
    the .enc files have to be as the model.sig beside them signs them.
    """
    beside = Signature(signature, _signers(path, methods.take(Asked, None, said)))
    material = directory_options.material(encryption_key)
    sealing = None if key is None else Key(directory_options.material(key))
    with Bar("Checking") as checking, Bar("Sealing") as bar:
        found = enc_import.take_over(
            path,
            material,
            key=sealing,
            ignored=ignored,
            signature=beside,
            run=Run(output, progress=bar),
            checking=checking,
        )
    _tell(found, beside.name, is_in_place=output is None)


def _signers(path: Path, asked: Asked) -> Sequence[Verifier]:
    given = verifiers.explicit(asked)
    directory = path if path.is_dir() else path.parent
    anchors.require_not_below(directory, anchors.named(asked))
    anchors.require_no_file_of(directory, anchors.named(asked))
    return given


def _tell(found: Imported, signature: str, *, is_in_place: bool) -> None:
    directory_options.tell("took over", found.done, ".enc file")
    if found.clear:
        named = messages.listed([shown(path) for path in found.clear], _NAMED)
        messages.warn(f"in clear, as before: {named}", "`git model encrypt` encrypts the rest")
    if found.signs is Signs.PLAINTEXT:
        messages.info(f"{signature} signs the plaintext: it holds again once decrypted")
    elif found.signs is Signs.CIPHERTEXT and is_in_place:
        messages.warn(
            f"{signature} signs the .enc files, which are gone: it proves nothing more",
            "remove it, and sign what `git model decrypt` writes",
        )
    elif found.signs is Signs.CIPHERTEXT:
        messages.info(f"{signature} signs the .enc files, and stays with them")

"""`git model digest`: what stands for a whole model, without a signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from git_model_security.cli import directory_options, methods, terminal
from git_model_security.cli.progress import Bar
from git_model_security.directories import model as models
from git_model_security.directories import signing
from git_model_security.signing.manifest import DIGESTS

if TYPE_CHECKING:
    from pathlib import Path


@click.command("digest", context_settings=methods.SPELLINGS)
@directory_options.path
@directory_options.ignoring
@directory_options.progress
@click.option(
    "--digest", type=click.Choice(DIGESTS), default="sha256", help="Digest of the files."
)
@click.option(
    "--manifest", is_flag=True, help="Print the digest of each file as well, as JSON."
)
def command(path: Path, **said: Any) -> None:
    """Print the digest of a model: that which its signature has of it as a whole.

    As `model_signing digest` prints it: SHA-256 over the digests of its files, in the order
    of their names. A signature in the directory is a file of it: --ignore-paths leaves it
    out, as what signed the model did.
    """
    model = directory_options.model(path, {**said, "signature": models.NO_SIGNATURE})
    with Bar("Hashing") as bar:
        progress = bar if said["use_progress_bar"] else None
        found = signing.make_manifest(model, said["digest"], progress)
    digest = signing.digest_of(found)
    if not said["manifest"]:
        terminal.result(f"sha256:{digest}")
        return
    terminal.document(
        {
            "version": 1,
            "name": found.name,
            "digest": {"sha256": digest},
            "algorithm": found.digest,
            "ignore_paths": list(found.ignore_paths),
            "files": {name: value.hex() for name, value in sorted(found.items.items())},
        }
    )

"""Options that several commands share."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from git_model_security.errors import PolicyError

FILE = click.Path(path_type=Path)

key = click.option("--key", type=FILE, metavar="FILE", help="AES-256 key: 32 raw bytes.")
public_key = click.option(
    "--public-key",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Public key of a signer to trust (PEM); several times for several signers.",
)
signing_key = click.option(
    "--signing-key", type=FILE, metavar="FILE", help="Private key to sign with (PEM)."
)
expect = click.option(
    "--expect", default="", metavar="COMMIT", help="It has to be just this commit."
)
at_least = click.option(
    "--at-least", default="", metavar="REV", help="It has to be this commit, or follow it."
)
yes = click.option("--yes", is_flag=True, help="Do not ask.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def confirm(question: str, *, yes: bool) -> None:
    """Asks a person to go on, unless `--yes` was given.

    Raises:
        PolicyError: there is nobody to ask.
        click.Abort: the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise PolicyError(
            "this has to be confirmed, and there is no terminal", hint="--yes if it is meant"
        )
    click.confirm(question, abort=True, err=True)

"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(path_type=Path)

key = click.option("--key", type=FILE, metavar="FILE", help="AES-256 key: 32 raw bytes.")
public_key = click.option(
    "--public-key", type=FILE, metavar="FILE", help="Public key of a signer to trust (PEM)."
)
signing_key = click.option(
    "--signing-key", type=FILE, metavar="FILE", help="Private key to sign with (PEM)."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")

"""`git model key`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from git_model_security import messages
from git_model_security.cli import options, terminal
from git_model_security.clone import missing_policy
from git_model_security.errors import ConfigError, GitError, KeyNotFoundError
from git_model_security.git import config
from git_model_security.git.repository import Repository
from git_model_security.keyring import key_files, key_material, ring
from git_model_security.keyring.store import Copies, KeyStore
from git_model_security.signatures import own_verifier, signers
from git_model_security.signing import keys as signing_keys
from git_model_security.signing import pem

if TYPE_CHECKING:
    from pathlib import Path


@click.group("key", cls=options.Group)
def command() -> None:
    """Make, export and list keys.

    A key file is never overwritten, and a private one never written where `git add`
    would find it.
    """


@command.command("generate")
@click.argument("file", type=options.FILE)
def generate(file: Path) -> None:
    """Make an AES-256 key: 32 raw bytes, mode 0600."""
    key_files.require_outside(file)
    key_files.write_new(file, key_material.generate())
    terminal.result(f"{file}: new AES-256 key {key_material.from_file(file).id}")


@command.command("generate-signing")
@click.argument("private", type=options.FILE)
@click.argument("public", type=options.FILE)
def generate_signing(private: Path, public: Path) -> None:
    """Make a NIST P-256 signing key: PRIVATE (PKCS#8) and PUBLIC, both PEM."""
    if public.exists():
        raise ConfigError(f"{public}: exists; a key file is never overwritten")
    key_files.require_outside(private)
    signing_keys.generate(private)
    text = pem.public_pem(signing_keys.load_private(private))
    key_files.write_new(public, text, key_files.PUBLIC_MODE)
    terminal.result(f"{private}: new signing key {pem.fingerprint(text)}")


@command.command("export")
@click.argument("file", type=options.FILE)
@click.option("--public", is_flag=True, help="What others verify your signatures with.")
def export(file: Path, public: bool) -> None:
    """Write this clone's AES-256 key to FILE.

    With --public it is the public half of the signing key, in a file or a token; of a
    signer by certificate the root, which others trust together with the identity.
    """
    repo = Repository.discover()
    if public:
        mine = own_verifier.export(repo)
        key_files.write_new(file, mine.content, key_files.PUBLIC_MODE)
        terminal.result(f"{file}: {mine.what}")
        if mine.how:
            messages.info(f"others trust it with `git model trust add {mine.how}`")
        return
    missing_policy.require_ours(repo)
    current = ring.of(repo).current
    kept = KeyStore().directory / current.id
    if not kept.exists():
        raise KeyNotFoundError(
            f"the key {current.id} comes from the environment and is not in the keyring"
        )
    key_files.require_outside(file)
    key_files.write_new(file, key_material.read(kept))
    Copies().add(current.id, file)
    terminal.result(f"{file}: AES-256 key {current.id}; keep it where nobody else reads it")


@command.command("list")
def show() -> None:
    """List the keys of your keyring, and those that this clone may use."""
    mine: set[str] = set()
    try:
        repo = Repository.discover()
        mine = {*ring.of(repo).wanted, *config.read(repo).get(signers.SIGNING_KEY, ())}
    except GitError:  # outside of a repository the keyring is still there
        pass
    kinds = dict.fromkeys(KeyStore().ids(), "AES-256")
    kinds |= dict.fromkeys(signers.keystore().fingerprints(), "signing")
    for name, kind in kinds.items():
        used = "  used by this clone" * (name in mine)
        terminal.result(f"{name[:32]}  {kind}{used}")

"""`sign+encrypt`, `encrypt+sign`, `decrypt+verify` and `verify+decrypt`, without Git."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.cli import (
    directory_options,
    methods,
    options,
    terminal,
    verify_report,
)
from git_model_security.cli.progress import Bar
from git_model_security.directories import signed_encryption, verified
from git_model_security.git.paths import shown
from git_model_security.keyring import key_material
from git_model_security.signatures import signers
from git_model_security.signatures.signers import Given
from git_model_security.signing.sources import Asked
from git_model_security.trust import verifiers
from git_model_security.verification import kinds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from git_model_security.directories.model import Model
    from git_model_security.directories.outputs import Run
    from git_model_security.directories.signed_encryption import Sealed
    from git_model_security.directories.verified import Decrypted
    from git_model_security.signing.methods import Signer

_HINTS = {
    kinds.REMOVE: "remove it, or leave it out: --ignore-paths PATH",
    kinds.FOLLOW: "put the file itself in its place; links are not followed to what is written",
}
"""Where `verify` has an option that these have not."""

_with_paths = options.together(
    click.argument("method", type=methods.METHOD, metavar="METHOD"),
    directory_options.path,
    directory_options.signature,
    directory_options.encrypting,
)


@click.command("sign+encrypt", context_settings=methods.SPELLINGS)
@_with_paths
@methods.signing
def sign_encrypt(path: Path, encryption_key: Path | None, **said: Any) -> None:
    """Sign a directory or a file, and encrypt it then.

    The signature is over the decrypted files, and stays clear: `decrypt+verify` checks it,
    and so does model_signing once they are decrypted. METHOD is sigstore, key, certificate,
    pkcs11-key or pkcs11-certificate. What --ignore-paths names is not signed, and encrypted
    all the same. What was interrupted goes on when run again: what is encrypted by then is
    verified against the signature that stands there.
    """
    found = _seal(signed_encryption.sign_and_encrypt, path, encryption_key, said)
    directory_options.tell_signed(found, "signed" if found.is_new else "signed already:")
    directory_options.tell_encrypted(found.done)


@click.command("encrypt+sign", context_settings=methods.SPELLINGS)
@_with_paths
@methods.signing
def encrypt_sign(path: Path, encryption_key: Path | None, **said: Any) -> None:
    """Encrypt a directory or a file, and sign the ciphertext.

    Who has no key can verify it, with `git model verify` or model_signing. METHOD is
    sigstore, key, certificate, pkcs11-key or pkcs11-certificate. With --output the copy there
    is signed, and has the bundle.
    """
    found = _seal(signed_encryption.encrypt_and_sign, path, encryption_key, said)
    directory_options.tell_encrypted(found.done)
    directory_options.tell_signed(found)


def _seal(
    work: Callable[[Model, Signer, bytes, Run, Bar | None], Sealed],
    path: Path,
    encryption_key: Path | None,
    said: dict[str, Any],
) -> Sealed:
    signer = signers.outside(methods.take(Given, said.pop("method"), said))
    key = directory_options.material(encryption_key)
    model = directory_options.model(path, said)
    with Bar("Signing") as hashing, Bar("Encrypting") as bar:
        run = directory_options.run(said, bar)
        return work(model, signer, key, run, hashing if run.progress else None)


@click.command("decrypt+verify", context_settings=methods.SPELLINGS)
@_with_paths
@methods.verifying
@click.pass_context
@terminal.judging()
def decrypt_verify(ctx: click.Context, /, path: Path, **said: Any) -> None:
    """Verify what a directory or a file decrypts to, and decrypt it then.

    Everything is decrypted in memory first, and nothing is written unless the signature
    holds. Run again it verifies what lies there.
    """
    _decrypt(ctx, verified.decrypt_and_verify, path, said, is_sealed=False)


@click.command("verify+decrypt", context_settings=methods.SPELLINGS)
@_with_paths
@methods.verifying
@click.pass_context
@terminal.judging()
def verify_decrypt(ctx: click.Context, /, path: Path, **said: Any) -> None:
    """Verify the ciphertext of a directory or a file, and decrypt it then.

    Nothing is written unless the signature over the ciphertext holds.
    """
    _decrypt(ctx, verified.verify_and_decrypt, path, said, is_sealed=True)


def _decrypt(
    ctx: click.Context,
    work: Callable[..., Decrypted],
    path: Path,
    said: dict[str, Any],
    *,
    is_sealed: bool,
) -> None:
    key = key_material.of(directory_options.material(said.pop("encryption_key")))
    asked = methods.take(Asked, methods.KIND_OF[said.pop("method")], said)
    model = directory_options.model(path, said, is_sealed=is_sealed, is_read=True)
    if model.only is not None:
        accepted = verifiers.of_file(model.path, asked)
    else:
        _, accepted = verifiers.of_directory([model.top], asked)
    with Bar("Decrypting") as bar:
        found = work(model, key, accepted, run=directory_options.run(said, bar))
    verdict = found.verdict
    verdict.findings = [
        one._replace(hint=_HINTS.get(one.hint or "", one.hint)) for one in verdict.findings
    ]
    verify_report.show(verdict, verify_report.NOBODY_ASKED)
    if found.done is not None and found.done.files:
        directory_options.tell("decrypted", found.done)
    elif found.done is not None:
        terminal.result("decrypted nothing: no file that is signed is encrypted")
    for name in found.left:
        messages.warn(
            f"{shown(name)}: left encrypted: no signature is over it",
            "`git model decrypt` decrypts it all the same",
        )
    ctx.exit(verdict.status)

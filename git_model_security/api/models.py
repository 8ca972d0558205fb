"""A directory or a file without Git: signed, verified, and its digest."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Unpack

from git_model_security.api import options
from git_model_security.directories import model as models
from git_model_security.directories import signing, verified
from git_model_security.directories.reading import Opened
from git_model_security.errors import KeyNotFoundError, Reason, VerificationError
from git_model_security.git.paths import shown
from git_model_security.keyring import key_material
from git_model_security.signatures import signers
from git_model_security.trust import verifiers
from git_model_security.verification.reading import AS_THEY_STAND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed import StrPath

    from git_model_security.api.options import SignerOptions, VerifierOptions
    from git_model_security.directories.model import Model
    from git_model_security.directories.signing import Signed
    from git_model_security.keyring.key_material import KeyLike
    from git_model_security.signing.manifest import Digest
    from git_model_security.signing.methods import Verifier
    from git_model_security.trust.verdict import Verdict

_NAMED = 10


def sign(
    path: StrPath,
    *,
    method: str = "key",
    signature: StrPath | None = None,
    ignore_paths: StrPath | Iterable[StrPath] = (),
    ignore_git_paths: bool = True,
    digest: Digest = "sha256",
    **signer: Unpack[SignerOptions],
) -> Signed:
    """Signs a directory or a file as it lies there; model_signing verifies it.

        sign("granite/", private_key="key.priv")

    Args:
        path: the model.
        method: `key`, `certificate`, `pkcs11-key`, `pkcs11-certificate` or `sigstore`.
        signature: where the bundle goes; `model.sig` in the directory, or FILE.sig, unless
            said.
        ignore_paths: what is left out, with what lies below it: a path, or several.
        ignore_git_paths: leave out what is Git's.
        digest: of the files; the stock verifier knows no other than `sha256`.
        signer: see `SignerOptions`.

    Raises:
        PolicyError: there is nothing to sign, a link, or the model of a repository.
        Error: a file cannot be read, or signing failed; nothing was written.
    """
    found = _find(path, signature, ignore_paths, ignore_git_paths=ignore_git_paths)
    try:
        by = signers.outside(options.given(method, signer))
    except KeyNotFoundError as error:
        if signer:
            raise
        hint = "say who signs, such as `private_key=FILE`; or SIGNING_PRIVATE_KEY in CI"
        raise KeyNotFoundError(str(error), hint=hint) from error
    return signing.sign(found, by, digest)


def verify(
    path: StrPath,
    *,
    key: KeyLike | None = None,
    signature: StrPath | None = None,
    ignore_paths: StrPath | Iterable[StrPath] = (),
    ignore_unsigned_files: bool = False,
    **signer: Unpack[VerifierOptions],
) -> Verdict:
    """Verifies a directory or a file against its bundle; every file is hashed.

        verify("granite/", public_key="key.pub")

    Args:
        path: the model.
        key: decrypt in memory what is encrypted, and verify that: a key file, its 32 bytes,
            or the key. Without it files are verified as they stand.
        signature: the bundle; `model.sig` in the directory, or FILE.sig, unless said.
            `.model-encrypted.sig` is the one over the ciphertext of a repository.
        ignore_paths: what need not be signed, with what lies below it.
        ignore_unsigned_files: let files pass that nobody signed.
        signer: see `VerifierOptions`; in a clone, those that it trusts, unless said.

    Returns:
        What was found: which files, signed by whom.

    Raises:
        VerificationError: it does not hold; its `reason` says in which way.
        KeyNotFoundError: a file is encrypted under another key.
        ConfigError: nobody is trusted, or a directory cannot be read.
    """
    found = _find(path, signature, ignore_paths)
    reading = AS_THEY_STAND if key is None else Opened(key_material.of(key))
    verdict = verified.check(
        found,
        accepted("verify", found, signer),
        reading=reading,
        ignore_unsigned_files=ignore_unsigned_files,
    )
    return require_good(verdict)


def digest(
    path: StrPath,
    *,
    ignore_paths: StrPath | Iterable[StrPath] = (),
    ignore_git_paths: bool = True,
) -> str:
    """Returns the digest of a model, as `model_signing digest` prints it: `sha256:…`.

        digest("granite/", ignore_paths=["granite/model.sig"])

    Where names sort otherwise than paths (`a.c` before `a/c`), model_signing has another one.

    Raises:
        PolicyError: there is no file, or one that cannot be signed.
        GitError: a file cannot be read.
    """
    found = _find(path, models.NO_SIGNATURE, ignore_paths, ignore_git_paths=ignore_git_paths)
    return f"sha256:{signing.digest_of(signing.make_manifest(found))}"


def accepted(caller: str, model: Model, signer: VerifierOptions) -> Sequence[Verifier]:
    """Returns who may have signed a model, whose bundle is there.

    Raises:
        VerificationError: it is not.
        Error: see `options.accepted`.
    """
    if not os.path.lexists(model.signature):
        raise VerificationError(
            Reason.UNSIGNED if model.is_usual else Reason.UNREADABLE,
            f"{shown(os.fsencode(model.signature))}: there is no such file",
            hint="`signature=` says where the bundle of the model is",
        )
    if model.only is not None:
        return options.accepted(caller, signer, partial(verifiers.of_file, model.path))
    return options.accepted(
        caller, signer, lambda asked: verifiers.of_directory([model.top], asked)[1]
    )


def require_good(verdict: Verdict) -> Verdict:
    """Returns a verdict that is good.

    Raises:
        VerificationError: it is not; with all that was found.
    """
    if verdict.good:
        return verdict
    first = verdict.findings[0]
    said = [
        f"{one.reason.value}: {one.detail}"
        + "".join(f"\n  {shown(os.fsencode(name))}" for name in one.names[:_NAMED])
        for one in verdict.findings
    ]
    lines = "\n".join(said)
    raise VerificationError(
        first.reason, f"{verdict.subject}: {lines}", hint=first.hint, claimed=first.claimed
    )


def _find(
    path: StrPath,
    signature: StrPath | None,
    ignored: StrPath | Iterable[StrPath],
    *,
    ignore_git_paths: bool = True,
) -> Model:
    return models.find(path, signature, ignored, has_git_paths=not ignore_git_paths)

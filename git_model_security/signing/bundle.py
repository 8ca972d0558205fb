"""Bundles: signing a manifest, and opening a bundle to the manifest it signs.

Knows digests only; files, blobs and trust stores are the caller's.
docs/SPEC.md, "Signatures: opening".
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, Reason, VerificationError
from git_model_security.signing import _library, dsse, roles, statement
from git_model_security.signing.document import malformed
from git_model_security.signing.methods import KeySigner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.methods import Signer, SignerIdentity, Verifier
    from git_model_security.signing.roles import Subject

_ANY_DIRECTORY = "."
"""The library wants the model's path, and hands it to our own hashing only."""


@dataclass(frozen=True)
class Opened:
    """A bundle whose signature holds under a signer that the caller trusts.

    Attributes:
        manifest: what is signed; nothing was compared with it yet.
        signer: who signed.
        subject: role and root; None for a bundle of other software.
    """

    manifest: Manifest
    signer: SignerIdentity
    subject: Subject | None

    @property
    def role(self) -> str | None:
        """`plaintext`, `ciphertext`, or None for a bundle of other software."""
        return self.subject.role if self.subject else None


def sign(manifest: Manifest, signer: Signer) -> bytes:
    """Signs a manifest; each call gives other bytes, since ECDSA is randomised.

    Returns:
        The bundle, JSON.

    Raises:
        ConfigError: the key cannot be handed over, or there is no room to work in.
    """
    if isinstance(signer, KeySigner):
        return signer.sign(manifest)
    model_signing = _library.load()
    config = model_signing.signing.Config().set_hashing_config(_library.prepared(manifest))
    try:
        with _scratch() as directory, _library.off_stdout():
            signer.configure(config)
            path = Path(directory, "bundle")
            config.sign(_ANY_DIRECTORY, path)
            return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot sign: {(error.strerror or str(error)).lower()}") from error


def open_bundle(
    data: bytes,
    verifiers: Sequence[Verifier],
    *,
    expected: Subject | None = None,
    signature_name: str | None = None,
    origin: str = "",
) -> Opened:
    """Verifies a bundle and returns what it signs.

    1. The outside has the right form and size.
    2. A trusted signer is the one that it names.
    3. model_signing verifies the signature and reads the statement.
    4. We read the same statement strictly, and both readings agree.
    5. The names are safe, and a role of ours is in the form that it has.
    6. It is over what the caller expects. Without this, who can push could put the
       bundle of one root, or the one over ciphertext, in the place of another.

    Args:
        data: the bundle; hostile.
        verifiers: the pinned signers, or the one given for this check.
        expected: the role and root that it must be over; None accepts any, also a
            bundle of other software.
        signature_name: the plaintext bundle's file name in this repository; None
            takes the one that the bundle itself leaves out.
        origin: the file's name, to begin messages with.

    Raises:
        VerificationError: `MALFORMED`, `UNTRUSTED`, `WRONG_KEY` or `INVALID`.
    """
    try:
        bundle = dsse.parse(data)
        signed, signer = _first_that_verifies(bundle, _candidates(bundle, verifiers))
        statement.check(signed, signature_name)
        subject = roles.parse(signed.name)
        if expected is not None and subject != expected:
            raise VerificationError(
                Reason.INVALID,
                f"signs {_described(subject)}, not {_described(expected)}",
                hint="find out who put it here, then sign again",
            )
    except VerificationError as error:
        if not origin:
            raise
        raise VerificationError(error.reason, f"{origin}: {error}", hint=error.hint) from error
    return Opened(signed, signer, subject)


def _candidates(bundle: dsse.Bundle, verifiers: Sequence[Verifier]) -> list[Verifier]:
    fitting = [
        verifier
        for verifier in verifiers
        if verifier.identity.method == bundle.kind
        and bundle.hint in {None, verifier.identity.fingerprint}
    ]
    if fitting:
        return fitting
    named = f"{bundle.kind} {bundle.hint[:16]}" if bundle.hint else f"a {bundle.kind}"
    given = [verifier.identity for verifier in verifiers if verifier.explicit]
    if given:
        raise VerificationError(
            Reason.WRONG_KEY,
            f"signed by {named}, not by {given[0].method} {given[0].fingerprint[:16]} as given",
            hint="give the public key of the one who signed",
        )
    raise VerificationError(
        Reason.UNTRUSTED,
        f"signed by {named}, which is not trusted here",
        hint="if the signer gave you the key, `git model unlock --public-key FILE` pins it",
    )


def _first_that_verifies(
    bundle: dsse.Bundle, candidates: list[Verifier]
) -> tuple[Manifest, SignerIdentity]:
    # More than one only for a bundle that names no key.
    for verifier in candidates:
        signed = _verified(bundle, verifier)
        if signed is not None:
            return signed, verifier.identity
    raise VerificationError(
        Reason.INVALID,
        "the signature does not hold: the bundle was altered",
        hint="restore the file from the signer's commit, or ask for a new signature",
    )


def _verified(bundle: dsse.Bundle, verifier: Verifier) -> Manifest | None:
    """Returns what is signed, None when this signer did not sign it."""
    model_signing = _library.load()
    from cryptography.exceptions import InvalidSignature

    hashing, seen = _library.recorder()
    config = model_signing.verifying.Config().set_hashing_config(hashing)
    try:
        with _scratch() as directory, _library.off_stdout():
            verifier.configure(config)
            path = Path(directory, "bundle")
            path.write_bytes(bundle.hinting(verifier.identity.fingerprint))
            config.verify(_ANY_DIRECTORY, path)
    except InvalidSignature:
        return None
    except OSError as error:
        raise ConfigError(f"cannot verify: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # The library has no errors of its own. The signature held, or the outside
        # is odd in a way that we did not see: say what is wrong in our words.
        statement.parse(bundle.payload)
        raise malformed("model_signing cannot read the bundle") from error
    strict = statement.parse(bundle.payload)
    if not seen:
        raise VerificationError(Reason.INVALID, "model_signing compared nothing")
    if strict != _library.plain(seen[0]):
        raise malformed("the signed statement can be read in two ways")
    return strict


def _scratch() -> tempfile.TemporaryDirectory[str]:
    # 0700, and only for the bundle: the library reads and writes it by path.
    return tempfile.TemporaryDirectory(prefix="git-model-")


def _described(subject: Subject | None) -> str:
    return f"the {subject.role} of {subject.root}" if subject else "a model of other software"

"""A signature over nothing, made before a clone is set up to sign: can it sign at all?

An expired certificate, another key's, or a wrong PIN would else be found by the first
commit, when the repository is set up and nobody thinks of it any more.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, VerificationError
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.manifest import plaintext_manifest

if TYPE_CHECKING:
    from git_model_security.signing.methods import Signer, Verifier

_NOTHING = plaintext_manifest(".", "sha256", [(b"trial", hashlib.sha256().digest())])


def signed(signer: Signer) -> Verifier | None:
    """Signs, and verifies that where it is known by what; the signature is thrown away.

    Returns:
        What accepts the signatures; None where the root of a chain is not known.

    Raises:
        ConfigError: what it signs does not verify.
        Error: it cannot sign.
    """
    made = signer.sign(_NOTHING)
    own = signer.verifier()
    if own is not None:
        try:
            open_bundle(made, [own])
        except VerificationError as error:
            raise ConfigError(
                f"what this signs would verify nowhere: {error}",
                hint="ask your certificate authority for a certificate with its whole chain",
            ) from error
    return own


def require_verifiable(signer: Signer) -> Verifier:
    """Signs as `signed` does, and wants to know by what that is verified.

    Raises:
        ConfigError: the root of a chain is not known, or see `signed`.
        Error: it cannot sign.
    """
    own = signed(signer)
    if own is None:
        raise ConfigError(
            "the certificates given do not reach a root, so nobody could verify with them",
            hint="`--certificate-chain FILE`, again for each file, up to the one that is"
            " signed by itself",
        )
    return own

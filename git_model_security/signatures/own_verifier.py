"""What verifies the signatures of this clone: tried before it signs, and given to others.

An expired certificate, another key's, or a wrong PIN would else be found by the first
commit, when the repository is set up and nobody thinks of it any more.

To others a signer gives a file. Of a key that is its public half, in a file or in a token.
Of a certificate it is the root, with what stands between: its own bare key would be trusted
for ever, whatever the authority says of it. Of a Sigstore identity there is no file at all.
"""

from __future__ import annotations

import hashlib
import shlex
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.clone.clone import Clone
from git_model_security.errors import ConfigError, VerificationError
from git_model_security.git.paths import shown
from git_model_security.signatures import lacks, signers
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.by_key import KeyVerifier
from git_model_security.signing.manifest import plaintext_manifest
from git_model_security.signing.methods import SIGSTORE
from git_model_security.trust import pinned_trust

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository
    from git_model_security.signing.methods import Signer, Verifier

_NOTHING = plaintext_manifest(".", "sha256", [(b"trial", hashlib.sha256().digest())])


def try_signer(signer: Signer) -> Verifier | None:
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
    """Signs as `try_signer` does, and wants to know by what that is verified.

    Raises:
        ConfigError: the root of a chain is not known, or see `try_signer`.
        Error: it cannot sign.
    """
    own = try_signer(signer)
    if own is None:
        raise ConfigError(
            "the certificates given do not reach a root, so nobody could verify with them",
            hint="`--certificate-chain FILE`, again for each file, up to the one that is"
            " signed by itself",
        )
    return own


class Introduction(NamedTuple):
    """A file for those who are to trust a signer.

    Attributes:
        content: in PEM, none of it secret.
        what: what it is, for whoever writes it.
        how: the options that go with the file; empty where --public-key takes it.
    """

    content: bytes
    what: str
    how: str = ""


def export(repo: Repository) -> Introduction:
    """Returns what others need to trust this clone's signatures.

    Raises:
        KeyNotFoundError: the clone cannot sign.
        ConfigError: it signs by an identity, or its certificate's root is not known.
        Error: the key cannot be read; see `signers.signer` and `Signer.verifier`.
    """
    if lacks.method_of(repo) == SIGSTORE:
        raise _without_file(repo)
    signer = signers.signer(Clone(repo))
    if signer is None:
        raise lacks.unable(repo)
    own = signer.verifier()
    if own is None:
        raise ConfigError(
            "the root that this clone's certificate ends in is not known",
            hint="`git model config certificateChain FILE...` names those up to the root",
        )
    if isinstance(own, KeyVerifier):
        return Introduction(own.pin.content, f"public key {own.identity.fingerprint}")
    from git_model_security.signing.by_certificate import CertificateVerifier

    assert isinstance(own, CertificateVerifier)
    # From a certificate, which is somebody else's writing.
    who = shlex.quote(shown(own.identity.name.encode()))
    how = f"--certificate-chain FILE --identity {who}"
    return Introduction(own.chain, f"certificates up to the root, for {who}", how)


def _without_file(repo: Repository) -> ConfigError:
    trust = pinned_trust.pinned(repo)
    known = [trust.verifier(one).identity for one in trust.pinned() if one.kind == SIGSTORE]
    names = f"; this clone trusts {', '.join(map(str, known))}" if known else ""
    return ConfigError(
        "this clone signs by sigstore, where there is no key to give out: others trust an"
        f" identity and its issuer{names}",
        hint="they `git model trust add sigstore --identity WHO --identity-provider ISSUER`",
    )

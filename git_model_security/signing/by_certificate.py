"""The method `certificate`, verifying: a key that an authority vouches for.

What signs is `certificate_signer`. docs/SPEC.md, "Signatures: certificates".
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, Reason, VerificationError
from git_model_security.git.paths import shown
from git_model_security.signing import certificates, certification, dsse, key_bundle
from git_model_security.signing.methods import CERTIFICATE, Pin, SignerIdentity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography.x509 import Certificate

    from git_model_security.signing.dsse import Bundle
    from git_model_security.signing.sources import Asked

_PIN = b"identity: "
_SIGN_AGAIN = "ask the signer to sign again with a valid certificate"
_CHAIN_HINT = (
    "give the certificates between it and your root as well, with --certificate-chain FILE"
    " for each; or ask the signer to sign with them"
)


class CertificateVerifier:
    """Accepts one identity that one of the given roots vouches for.

    The chain is one root or more, and what else may stand in one; only what is signed by
    itself is trusted. The identity is the subject as RFC 4514 has it, its common name, one of
    the alternative names, or SHA-256 of the certificate.

    Raises:
        ConfigError: there is no root, or the identity is empty.
    """

    def __init__(
        self,
        certificate_chain: bytes,
        identity: str,
        explicit: bool = False,
        origin: str = "the certificate chain",
    ) -> None:
        given = sorted(set(certificates.parse(certificate_chain, origin)), key=certificates.der)
        self._roots = [one for one in given if certificates.is_root(one)]
        self._between = [one for one in given if one not in self._roots]
        if not self._roots:
            raise ConfigError(
                f"{origin}: no root certificate among {len(given)}",
                hint="give the root as well: the certificate that is signed by itself",
            )
        if not identity or not identity.isprintable():
            raise ConfigError(
                "a signer by certificate is pinned by who it is",
                hint="`openssl x509 -in CERTIFICATE -noout -subject -nameopt RFC2253` shows it",
            )
        self._name = certificates.as_fingerprint(identity) or identity
        self.explicit = explicit
        self.chain = certificates.pem([*self._roots, *self._between])
        self.pin = Pin(CERTIFICATE, _PIN + self._name.encode() + b"\n" + self.chain)
        fingerprint = hashlib.sha256(self.pin.content).hexdigest()
        self.identity = SignerIdentity(CERTIFICATE, fingerprint, self._name)

    @classmethod
    def from_options(cls, asked: Asked) -> list[CertificateVerifier]:
        """Returns the verifier that was asked for."""
        return [cls.from_files(asked.certificate_chain, asked.identity or "")]

    @classmethod
    def from_files(
        cls, certificate_chain: Sequence[Path], identity: str
    ) -> CertificateVerifier:
        """Returns an explicit verifier for files of certificates.

        Raises:
            ConfigError: one cannot be read, or see the class.
        """
        found = [one for path in certificate_chain for one in certificates.load(path)]
        origin = ", ".join(map(str, certificate_chain))
        name = certificates.as_given(identity)
        return cls(certificates.pem(found), name, explicit=True, origin=origin)

    @classmethod
    def from_pin(cls, content: bytes, origin: str) -> CertificateVerifier:
        """Returns the verifier of a pinned identity.

        Raises:
            ConfigError: it is no such pin, or see the class.
        """
        first, _, chain = content.partition(b"\n")
        if not first.startswith(_PIN):
            raise ConfigError(f"{origin}: does not begin with the identity pinned")
        return cls(chain, first.removeprefix(_PIN).decode("utf-8", "replace"), origin=origin)

    @property
    def anchors(self) -> tuple[str, ...]:
        """The roots, each with its SHA-256."""
        return tuple(
            f"root {certificates.named(root)}, SHA-256 {certificates.fingerprint(root)}"
            for root in self._roots
        )

    def accepts(self, bundle: Bundle) -> bool:
        """Tells whether a bundle claims to be by whom is pinned."""
        if bundle.kind != CERTIFICATE:
            return False
        return certificates.is_for(dsse.chain(bundle)[0], self._name)

    def verify(self, bundle: Bundle) -> SignerIdentity | None:
        """Returns who signed, by our own checks, by OpenSSL's, and by the signature.

        OpenSSL looks as model_signing has it look: in the leaf's first moment, for
        certificates between among those given too, and for a root that is signed by itself.

        Raises:
            VerificationError: see `proven`; or `INVALID`: OpenSSL sees a chain otherwise.
        """
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
        from OpenSSL import crypto

        found = self.proven(bundle)
        leaf, *between = dsse.chain(bundle)
        store = crypto.X509Store()
        for one in (*self._roots, *self._between):
            store.add_cert(crypto.X509.from_cryptography(one))
        store.set_time(leaf.not_valid_before_utc)
        signer, *above = map(crypto.X509.from_cryptography, (leaf, *between))
        try:
            crypto.X509StoreContext(store, signer, above).verify_certificate()
        except crypto.X509StoreContextError as error:
            raise _invalid(f"OpenSSL does not accept its chain: {error}") from error
        key = leaf.public_key()
        assert isinstance(key, EllipticCurvePublicKey)  # or `proven` had refused it
        return found if key_bundle.holds(bundle, key) else None

    def proven(self, bundle: Bundle) -> SignerIdentity:
        """Returns whom the certificate of a bundle is for, which may not have signed it.

        1. The leaf is for whom is pinned.
        2. It holds a key that signs, is valid now, and for signing.
        3. A chain of authorities, valid now and for this, leads to a given root.

        Raises:
            VerificationError: `WRONG_IDENTITY` or `INVALID`.
        """
        leaf, *between = dsse.chain(bundle)
        if not certificates.is_for(leaf, self._name):
            raise VerificationError(
                Reason.WRONG_IDENTITY,
                f"signed by {certificates.named(leaf)}, not by {shown(self._name.encode())}",
            )
        at = certification.now()
        reason = certification.leaf_fault(leaf, at)
        if reason:
            raise _invalid(f"the certificate of {certificates.named(leaf)} {reason}")
        between += self._between
        reason = certification.chain_fault(leaf, between, self._roots, at)
        if reason:
            said = f"signed by {certificates.named(leaf)}: {reason}"
            known = [*between, *self._roots]
            is_cut = certification.missing_issuer(leaf, known) is not None
            raise _invalid(said, _CHAIN_HINT if is_cut else _SIGN_AGAIN)
        return identity(leaf)

    def ends(self, bundle: Bundle) -> float | None:
        """Returns the first end among the certificates that are valid now.

        Not each of them need be in the chain that was found: looking once more is safe.
        """
        at = certification.now()
        known = (*dsse.chain(bundle), *self._between, *self._roots)
        ends = (certificate.not_valid_after_utc for certificate in known)
        return min((end for end in ends if end >= at), default=at).timestamp()


def identity(leaf: Certificate) -> SignerIdentity:
    """Returns who a leaf is for; its fingerprint is the certificate's own."""
    return SignerIdentity(CERTIFICATE, certificates.fingerprint(leaf), certificates.named(leaf))


def _invalid(message: str, hint: str = _SIGN_AGAIN) -> VerificationError:
    return VerificationError(Reason.INVALID, message, hint=hint)

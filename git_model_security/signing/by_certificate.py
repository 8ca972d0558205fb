"""The method `certificate`: a key that an authority vouches for.

docs/SPEC.md, "Signatures: certificates".
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, Reason, VerificationError
from git_model_security.git.paths import shown
from git_model_security.signing import certificates, certification, dsse, key_bundle
from git_model_security.signing.chain import Chain, identity
from git_model_security.signing.keys import load_private
from git_model_security.signing.methods import CERTIFICATE, Pin, SignerIdentity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

    from git_model_security.signing.dsse import Bundle
    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.pem import Password
    from git_model_security.signing.sources import Asked, Sources

_PIN = b"identity: "
_SIGN_AGAIN = "ask the signer to sign again with a valid certificate"
_CHAIN_HINT = (
    "give the certificates between it and your root as well, with --certificate-chain FILE"
    " for each; or ask the signer to sign with them"
)


class CertificateSigner:
    """Signs with a private key, read when the first signature is made, and its certificate."""

    def __init__(
        self,
        private_key: Path | bytes,
        signing_certificate: Path,
        certificate_chain: Sequence[Path] = (),
        password: Password | None = None,
    ) -> None:
        self._source = private_key
        self._password = password
        self._chain = Chain(signing_certificate, certificate_chain)
        self.identity = self._chain.identity

    @classmethod
    def from_sources(cls, sources: Sources) -> CertificateSigner | None:
        """Returns the signer with a clone's certificate and key, if it has a key."""
        found = sources.private_key()
        return found and cls(found[0], *sources.certificate(), sources.password)

    @cached_property
    def _key(self) -> EllipticCurvePrivateKey:
        key = load_private(self._source, self._password)
        given = self._source
        origin = "the signing key" if isinstance(given, bytes) else str(given)
        self._chain.require_key(key.public_key(), origin)
        return key

    def sign(self, manifest: Manifest) -> bytes:
        """Returns the bundle that model_signing would make, without importing it.

        Raises:
            ConfigError: the key and the certificate are not for each other, or one of
                them cannot sign, or not now.
        """
        public_key = self._chain.require_usable()
        return key_bundle.write(
            manifest, self._chain.material, lambda data: self._signature(data, public_key)
        )

    def _signature(self, data: bytes, _public_key: EllipticCurvePublicKey) -> bytes:
        return key_bundle.signature(data, self._key)

    def verifier(self) -> CertificateVerifier | None:
        """Returns what accepts these signatures, if the chain was given up to its root."""
        return verifier_of(self._chain)


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


def verifier_of(chain: Chain) -> CertificateVerifier | None:
    """Returns what accepts a signer by who it is, also with the next certificate.

    None where its root is not known.

    Raises:
        ConfigError: its name cannot be pinned.
    """
    known = [chain.leaf, *chain.above]
    roots = [one for one in known if certificates.is_root(one)]
    if not roots:
        return None
    above = [one for one in known if one is not chain.leaf or one in roots]
    fitting = (
        one for one in certificates.names(chain.leaf) if certificates.is_for(chain.leaf, one)
    )
    name = next(fitting, certificates.fingerprint(chain.leaf))
    return CertificateVerifier(certificates.pem(above), name, origin=chain.origin)


def _invalid(message: str, hint: str = _SIGN_AGAIN) -> VerificationError:
    return VerificationError(Reason.INVALID, message, hint=hint)

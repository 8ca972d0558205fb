"""The method `certificate`, signing: by a private key and the certificate for it.

What verifies is `by_certificate`. docs/SPEC.md, "Signatures: certificates".
"""

from __future__ import annotations

import base64
from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.signing import certificates, certification, key_bundle
from git_model_security.signing.by_certificate import CertificateVerifier, identity
from git_model_security.signing.keys import load_private

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.pem import Password
    from git_model_security.signing.sources import Sources


class CertificateSigner:
    """Signs with a private key, read when the first signature is made, and its certificate.

    All certificates given go into the bundle, from the first one's file and from others, as
    with the library; a root there tells a verifier nothing.

    Raises:
        ConfigError: one cannot be read, or the chain is not the certificate's.
    """

    def __init__(
        self,
        private_key: Path | bytes,
        signing_certificate: Path,
        certificate_chain: Sequence[Path] = (),
        password: Password | None = None,
    ) -> None:
        self._source = private_key
        self._password = password
        self._take_chain(signing_certificate, certificate_chain)

    def _take_chain(self, signing_certificate: Path, certificate_chain: Sequence[Path]) -> None:
        self._origin = str(signing_certificate)
        self._leaf, *above = certificates.load(signing_certificate)
        self.identity = identity(self._leaf)
        for path in certificate_chain:
            above += certificates.load(path)
        self._above = [one for one in dict.fromkeys(above) if one != self._leaf]
        issuers = [one for one in self._above if certificates.has_issued(one, self._leaf)]
        if self._above and not issuers:
            raise ConfigError(
                f"{self._origin}: no certificate of the chain given has issued it",
                hint="give the certificate of its issuer first, then that one's issuer",
            )

    @classmethod
    def from_sources(cls, sources: Sources) -> CertificateSigner | None:
        """Returns the signer with a clone's certificate and key, if it has a key."""
        found = sources.private_key()
        return found and cls(found[0], *sources.certificate(), sources.password)

    @cached_property
    def _key(self) -> EllipticCurvePrivateKey:
        key = load_private(self._source, self._password)
        if key.public_key() != self._leaf.public_key():
            given = self._source
            origin = "the signing key" if isinstance(given, bytes) else str(given)
            raise ConfigError(
                f"{origin}: not the key of the certificate {self._origin}",
                hint="give the key that the certificate was requested with",
            )
        return key

    def sign(self, manifest: Manifest) -> bytes:
        """Returns the bundle that model_signing would make, without importing it.

        Raises:
            ConfigError: the key and the certificate are not for each other, or one of
                them cannot sign, or not now.
        """
        public_key = self._require_usable()
        return key_bundle.write(
            manifest, self.material, lambda data: self._signature(data, public_key)
        )

    @property
    def material(self) -> dict[str, object]:
        """What a bundle holds of the chain."""
        chain = [
            {"rawBytes": base64.b64encode(certificates.der(one)).decode("ascii")}
            for one in (self._leaf, *self._above)
        ]
        return {"x509CertificateChain": {"certificates": chain}}

    def _signature(self, data: bytes, _public_key: EllipticCurvePublicKey) -> bytes:
        return key_bundle.signature(data, self._key)

    def _require_usable(self) -> EllipticCurvePublicKey:
        """Refuses to make a signature that no verifier would take; returns the public key."""
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

        at = certification.now()
        reason = certification.leaf_fault(self._leaf, at)
        fault = (
            (self._leaf, reason)
            if reason
            else certification.authority_fault(self._leaf, self._above, at)
        )
        if fault:
            raise ConfigError(
                f"{self._origin}: the certificate of {certificates.named(fault[0])} {fault[1]}",
                hint="ask your certificate authority for one for code signing",
            )
        public_key = self._leaf.public_key()
        assert isinstance(public_key, EllipticCurvePublicKey)
        return public_key

    def verifier(self) -> CertificateVerifier | None:
        """Returns what accepts this signer by who it is, also with the next certificate.

        None where its root is not known.

        Raises:
            ConfigError: its name cannot be pinned.
        """
        leaf = self._leaf
        known = [leaf, *self._above]
        roots = [one for one in known if certificates.is_root(one)]
        if not roots:
            return None
        above = [one for one in known if one is not leaf or one in roots]
        fitting = (one for one in certificates.names(leaf) if certificates.is_for(leaf, one))
        name = next(fitting, certificates.fingerprint(leaf))
        return CertificateVerifier(certificates.pem(above), name, origin=self._origin)

"""A signer's certificate with those above it, as they go into a bundle.

docs/SPEC.md, "Signatures: certificates".
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.signing import certificates, certification
from git_model_security.signing.methods import CERTIFICATE, SignerIdentity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.x509 import Certificate


class Chain:
    """A signer's certificate with what its issuer gave along, in its file or in others.

    All goes into the bundle, as with the library; a root there tells a verifier nothing.

    Raises:
        ConfigError: one cannot be read, or the chain is not the certificate's.
    """

    def __init__(self, signing_certificate: Path, certificate_chain: Sequence[Path]) -> None:
        self.origin = str(signing_certificate)
        self.leaf, *above = certificates.load(signing_certificate)
        self.identity = identity(self.leaf)
        for path in certificate_chain:
            above += certificates.load(path)
        self.above = [one for one in dict.fromkeys(above) if one != self.leaf]
        if self.above and not any(
            certificates.has_issued(issuer, self.leaf) for issuer in self.above
        ):
            raise ConfigError(
                f"{self.origin}: no certificate of the chain given has issued it",
                hint="give the certificate of its issuer first, then that one's issuer",
            )

    @property
    def material(self) -> dict[str, object]:
        """What a bundle holds of it."""
        chain = [
            {"rawBytes": base64.b64encode(certificates.der(one)).decode("ascii")}
            for one in (self.leaf, *self.above)
        ]
        return {"x509CertificateChain": {"certificates": chain}}

    def require_usable(self) -> EllipticCurvePublicKey:
        """Refuses to make a signature that no verifier would take; returns the public key.

        Raises:
            ConfigError: the certificate is not valid now, or not for signing.
        """
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

        at = certification.now()
        who, reason = self.leaf, certification.leaf_fault(self.leaf, at)
        if not reason:
            who, reason = certification.authority_fault(self.leaf, self.above, at) or (
                who,
                None,
            )
        if reason:
            raise ConfigError(
                f"{self.origin}: the certificate of {certificates.named(who)} {reason}",
                hint="ask your certificate authority for one for code signing",
            )
        public_key = self.leaf.public_key()
        assert isinstance(public_key, EllipticCurvePublicKey)
        return public_key

    def require_key(self, public_key: object, origin: str) -> None:
        """Refuses another key than the certificate's.

        Raises:
            ConfigError: it is another one.
        """
        if public_key != self.leaf.public_key():
            raise ConfigError(
                f"{origin}: not the key of the certificate {self.origin}",
                hint="give the key that the certificate was requested with",
            )


def identity(leaf: Certificate) -> SignerIdentity:
    """Returns who a leaf is for; its fingerprint is the certificate's own."""
    return SignerIdentity(CERTIFICATE, certificates.fingerprint(leaf), certificates.named(leaf))

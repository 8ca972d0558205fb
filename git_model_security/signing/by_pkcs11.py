"""The methods `pkcs11-key` and `pkcs11-certificate`: a key that stays in its token.

Their bundles are those of `key` and `certificate`: who verifies needs no token.
model_signing's own signers are not used: they leave their session to the garbage
collector, take the first key of a name, ask for no PIN, and by certificate sign nothing
(1.1.1 hands DER to a field for base64). docs/SPEC.md, "Signatures: tokens".
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, KeyNotFoundError
from git_model_security.signing import key_bundle, pem, pkcs11_uri, token
from git_model_security.signing.by_key import KeyVerifier
from git_model_security.signing.certificate_signer import CertificateSigner
from git_model_security.signing.methods import KEY, SignerIdentity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.pem import Password
    from git_model_security.signing.sources import Sources


class Pkcs11Signer:
    """Signs with a key in a token, which a URI names (RFC 7512).

    Where its `fingerprint` is known no other signs; else `learned` is told it before the first
    signature. Where the URI names no module, `module_paths` are looked at.

    Raises:
        ConfigError: the URI is none.
    """

    def __init__(
        self,
        uri: str,
        module_paths: Sequence[Path] = (),
        pin: Password | None = None,
        fingerprint: str | None = None,
        learned: Callable[[str], None] | None = None,
    ) -> None:
        self._key = _Key(uri, module_paths, pin)
        self._fingerprint = fingerprint
        self._learned = learned

    @classmethod
    def from_sources(cls, sources: Sources) -> Pkcs11Signer | None:
        """Returns the signer with a clone's key in a token, if it has one."""
        found = sources.token()
        return found and cls(
            found.uri, found.modules, sources.pin, found.fingerprint, found.learned
        )

    @cached_property
    def identity(self) -> SignerIdentity:
        """Who the bundle will name; asks the token for it."""
        return SignerIdentity(KEY, self._fingerprint or self.verifier().identity.fingerprint)

    def sign(self, manifest: Manifest) -> bytes:
        """Returns a bundle like one by a key in a file.

        Raises:
            ConfigError: the token holds another key than it did.
        """
        fingerprint = self.verifier().identity.fingerprint
        if self._fingerprint is None and self._learned is not None:
            self._learned(fingerprint)
        self._fingerprint = fingerprint
        material = key_bundle.hint(fingerprint)
        public_key = self._key.public
        return key_bundle.write(
            manifest, material, lambda data: self._key.sign(data, public_key)
        )

    def verifier(self) -> KeyVerifier:
        """Returns what accepts these signatures; asks the token.

        Raises:
            ConfigError: the token holds another key than it did.
        """
        found = KeyVerifier(pem.canonical(self._key.public))
        now = found.identity.fingerprint
        if self._fingerprint not in {None, now}:
            raise ConfigError(
                f"the token holds the key {now[:16]}, and this clone was set up to sign with"
                f" {str(self._fingerprint)[:16]}",
                hint="insert that token; or `git model config pkcs11Uri URI` takes this key",
            )
        return found


class Pkcs11CertificateSigner(CertificateSigner):
    """Signs with a key in a token and the certificate for it, in a file.

    Raises:
        ConfigError: the URI is none, or see `CertificateSigner`.
    """

    def __init__(
        self,
        uri: str,
        signing_certificate: Path,
        certificate_chain: Sequence[Path] = (),
        module_paths: Sequence[Path] = (),
        pin: Password | None = None,
    ) -> None:
        self._token = _Key(uri, module_paths, pin)
        self._take_chain(signing_certificate, certificate_chain)

    @classmethod
    def from_sources(cls, sources: Sources) -> Pkcs11CertificateSigner | None:
        """Returns the signer with a clone's certificate and key in a token, if it has one."""
        found = sources.token()
        return found and cls(found.uri, *sources.certificate(), found.modules, sources.pin)

    def _signature(self, data: bytes, public_key: EllipticCurvePublicKey) -> bytes:
        return self._token.sign(data, public_key)


class _Key:
    """A key in a token, which is opened for each use: it may be pulled out between two."""

    def __init__(self, uri: str, module_paths: Sequence[Path], pin: Password | None) -> None:
        self._uri = pkcs11_uri.parse(uri)
        self._module_paths = tuple(module_paths)
        self._pin = pin

    @cached_property
    def public(self) -> EllipticCurvePublicKey:
        """The public half, which most tokens show to anybody."""
        with token.opened(self._uri, self._module_paths) as found:
            try:
                return found.public_key()
            except KeyNotFoundError:
                found.login(self._pin)
                return found.public_key()

    def sign(self, data: bytes, public_key: EllipticCurvePublicKey) -> bytes:
        """Returns a signature in DER that the public key has verified."""
        with token.opened(self._uri, self._module_paths) as found:
            found.login(self._pin)
            return found.sign(data, public_key)

"""Signing methods: how a bundle is signed, and by whom it may be.

One `Signer` and one `Verifier` per method, in a table by model_signing's word for
it. Each configures the library and knows nothing of manifests.
docs/SPEC.md, "Signatures: methods".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from git_model_security.errors import UsageError
from git_model_security.keyring import files
from git_model_security.signing import key_bundle, pem, pipe
from git_model_security.signing.keys import load_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from model_signing import signing, verifying

    from git_model_security.signing.manifest import Manifest

KEY = "key"


@dataclass(frozen=True)
class SignerIdentity:
    """Who signed, as far as a verified bundle proves it.

    Attributes:
        method: in model_signing's words.
        fingerprint: of the public key, in hexadecimal.
    """

    method: str
    fingerprint: str

    def __str__(self) -> str:
        return self.fingerprint


class Signer(Protocol):
    """Signs by one method as one identity."""

    @property
    def identity(self) -> SignerIdentity:
        """Who the bundle will name."""

    def configure(self, config: signing.Config) -> None:
        """Makes the library sign so."""


class Verifier(Protocol):
    """Accepts the bundles of one identity."""

    @property
    def identity(self) -> SignerIdentity:
        """Who must have signed."""

    @property
    def explicit(self) -> bool:
        """Whether the user gave it for this one check, and did not pin it before."""

    def configure(self, config: verifying.Config) -> None:
        """Makes the library verify so."""


class KeySigner:
    """Signs with a private key.

    Args:
        private_key: a PEM file, or the PEM itself (from a variable, in CI).
        password: of the key, if it is encrypted.

    Raises:
        ConfigError: it is no signing key, or the password does not open it.
    """

    def __init__(self, private_key: Path | bytes, password: bytes | None = None) -> None:
        if isinstance(private_key, bytes):
            self._key = pem.parse_private(private_key, password)
        else:
            self._key = load_private(private_key, password)
        self._identity = SignerIdentity(KEY, pem.fingerprint(pem.public_pem(self._key)))

    @property
    def identity(self) -> SignerIdentity:
        """Who the bundle will name."""
        return self._identity

    def configure(self, config: signing.Config) -> None:
        """Gives the library the key that was checked, not a file to read again.

        Nor does it get the password, which it would hand on as `str` where bytes
        are needed.
        """
        with pipe.readable(pem.private_pem(self._key)) as path:
            config.use_elliptic_key_signer(private_key=path)

    def sign(self, manifest: Manifest) -> bytes:
        """Returns the bundle that the library would make, without importing it."""
        return key_bundle.sign(manifest, self._key, self._identity.fingerprint)


class KeyVerifier:
    """Accepts what one public key verifies.

    Args:
        public_key: in PEM.
        explicit: the user gave it for this one check (`--public-key`).
        origin: names the file in messages.

    Raises:
        ConfigError: it is no public key that could have signed.
    """

    def __init__(
        self, public_key: bytes, explicit: bool = False, origin: str = "the public key"
    ) -> None:
        self._pem = pem.parse_public(public_key, origin)
        self._explicit = explicit
        self._identity = SignerIdentity(KEY, pem.fingerprint(self._pem))

    @classmethod
    def from_file(cls, path: Path) -> KeyVerifier:
        """Returns an explicit verifier for a public key file.

        Raises:
            ConfigError: it cannot be read, or see the class.
        """
        return cls(files.read(path), explicit=True, origin=str(path))

    @property
    def identity(self) -> SignerIdentity:
        """Who must have signed."""
        return self._identity

    @property
    def explicit(self) -> bool:
        """Whether the user gave it for this one check."""
        return self._explicit

    def configure(self, config: verifying.Config) -> None:
        """Gives the library the key that was checked."""
        with pipe.readable(self._pem) as path:
            config.use_elliptic_key_verifier(public_key=path)


METHODS: Mapping[str, type[KeySigner]] = {KEY: KeySigner}
"""What signs today, by model_signing's word."""

_STOCK = ("sigstore", KEY, "certificate", "pkcs11-key", "pkcs11-certificate")


def find(name: str) -> type[KeySigner]:
    """Returns the signer of a method.

    Raises:
        UsageError: model_signing has no such method, or git-model not yet.
    """
    if name in METHODS:
        return METHODS[name]
    known = ", ".join(METHODS)
    if name in _STOCK:
        raise UsageError(
            f"the signing method {name} is not built yet", hint=f"there is today: {known}"
        )
    raise UsageError(f"there is no signing method {name!r}", hint=f"there is today: {known}")

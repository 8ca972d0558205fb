"""The method `key`: an elliptic-curve key pair in PEM. docs/SPEC.md, "Signatures: keys"."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.keyring import key_files
from git_model_security.signing import key_bundle, pem
from git_model_security.signing.keys import load_private
from git_model_security.signing.methods import KEY, Pin, SignerIdentity

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from git_model_security.signing.dsse import Bundle
    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.pem import Password
    from git_model_security.signing.sources import Asked, Sources


class KeySigner:
    """Signs with a private key.

    Where its `fingerprint` is known, the key is read, and its password asked for, when the
    first signature is made.

    Raises:
        ConfigError: it is no signing key, or the password does not open it.
    """

    def __init__(
        self,
        private_key: Path | bytes,
        password: Password | None = None,
        fingerprint: str | None = None,
    ) -> None:
        self._source = private_key
        self._password = password
        self.identity = SignerIdentity(
            KEY, fingerprint or pem.fingerprint(pem.public_pem(self._key))
        )

    @classmethod
    def from_sources(cls, sources: Sources) -> KeySigner | None:
        """Returns the signer with a clone's private key, if it has one."""
        found = sources.private_key()
        return found and cls(found[0], sources.password, found[1])

    @cached_property
    def _key(self) -> EllipticCurvePrivateKey:
        return load_private(self._source, self._password)

    def sign(self, manifest: Manifest) -> bytes:
        """Returns the bundle that model_signing would make, without importing it."""
        material = key_bundle.hint(self.identity.fingerprint)
        return key_bundle.write(
            manifest, material, lambda data: key_bundle.signature(data, self._key)
        )

    def verifier(self) -> KeyVerifier:
        """Returns what accepts these signatures."""
        return KeyVerifier(pem.public_pem(self._key))


class KeyVerifier:
    """Accepts what one public key verifies.

    Raises:
        ConfigError: it is no public key that could have signed.
    """

    def __init__(
        self, public_key: bytes, explicit: bool = False, origin: str = "the public key"
    ) -> None:
        self._key = pem.parse_public(public_key, origin)
        self.explicit = explicit
        self.pin = Pin(KEY, pem.canonical(self._key))
        self.identity = SignerIdentity(KEY, pem.fingerprint(self.pin.content))
        self.anchors = (f"fingerprint {self.identity.fingerprint}",)

    @classmethod
    def from_file(cls, path: Path) -> KeyVerifier:
        """Returns an explicit verifier for a public key file.

        Raises:
            ConfigError: it cannot be read, or see the class.
        """
        return cls(key_files.read(path), explicit=True, origin=str(path))

    @classmethod
    def from_options(cls, asked: Asked) -> list[KeyVerifier]:
        """Returns a verifier for each public key that was given."""
        return [cls.from_file(path) for path in asked.public_key]

    @classmethod
    def from_pin(cls, content: bytes, origin: str) -> KeyVerifier:
        """Returns the verifier of a pinned public key."""
        return cls(content, origin=origin)

    def accepts(self, bundle: Bundle) -> bool:
        """Tells whether a bundle names this key, or none."""
        return bundle.kind == KEY and bundle.hint in {None, self.identity.fingerprint}

    def verify(self, bundle: Bundle) -> SignerIdentity | None:
        """Returns who signed; a signature that holds is all that there is to prove."""
        return self.identity if key_bundle.holds(bundle, self._key) else None

    def ends(self, bundle: Bundle) -> float | None:  # noqa: ARG002
        """Returns None: a key has no end."""
        return None

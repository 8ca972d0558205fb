"""Signing keys in files: making them, reading them, and keeping those of the user.

They are kept as `<fingerprint>.pem`, 0600 in 0700, where the caller says
(`$XDG_CONFIG_HOME/git-model/signing`); each as it was given: an encrypted one stays
encrypted. docs/SPEC.md, "Signatures: keys".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import KeyNotFoundError
from git_model_security.keyring import key_files
from git_model_security.signing import pem

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from git_model_security.signing.pem import Password

_SUFFIX = ".pem"


def generate(path: Path) -> str:
    """Writes a P-256 key to a new file of mode 0600, as PKCS#8 PEM; returns its fingerprint.

    Raises:
        ConfigError: the file exists, or cannot be written.
    """
    key = new()
    key_files.write_new(path, pem.private_pem(key))
    return pem.fingerprint(pem.public_pem(key))


def new() -> EllipticCurvePrivateKey:
    """Returns a new P-256 key."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def load_private(
    source: Path | bytes, password: Password | None = None
) -> EllipticCurvePrivateKey:
    """Reads a private key: a PEM file, or the PEM itself (from a variable, in CI).

    A password is used or asked for only if it is encrypted.

    Raises:
        ConfigError: it is something else; the message says what.
    """
    if isinstance(source, bytes):
        return pem.parse_private(source, password)
    return pem.parse_private(key_files.read(source), password, str(source))


class KeyStore:
    """The private signing keys that this user keeps."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def keep(self, text: bytes, key: EllipticCurvePrivateKey) -> str:
        """Keeps a key as its file has it, and returns its fingerprint."""
        name = pem.fingerprint(pem.public_pem(key))
        key_files.keep(self.directory, f"{name}{_SUFFIX}", text)
        return name

    def path(self, fingerprint: str) -> Path:
        """Returns the file of a key that is kept.

        Raises:
            KeyNotFoundError: there is none of that fingerprint.
        """
        # The fingerprint may come from a configuration file: it is no path.
        if not pem.is_fingerprint(fingerprint) or not self._file(fingerprint).is_file():
            raise KeyNotFoundError(
                f"the signing key {fingerprint[:16]!r} is not in {self.directory}",
                hint="`git model unlock --signing-key FILE` names the key to sign with",
            )
        return self._file(fingerprint)

    def fingerprints(self) -> list[str]:
        """Returns the fingerprints of the keys kept, sorted."""
        if not self.directory.is_dir():
            return []
        found = (path.stem for path in self.directory.glob(f"*{_SUFFIX}"))
        return sorted(filter(pem.is_fingerprint, found))

    def _file(self, fingerprint: str) -> Path:
        return self.directory / f"{fingerprint}{_SUFFIX}"

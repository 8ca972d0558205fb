"""The user's signing keys: `<fingerprint>.pem`, 0600 in 0700.

The caller says where (`$XDG_CONFIG_HOME/git-model/signing`). A key is kept as it was
given: an encrypted one stays encrypted. docs/SPEC.md, "Signatures: keys".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import KeyNotFoundError
from git_model_security.keyring import key_files
from git_model_security.signing import keys, pem

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from git_model_security.signing.pem import Password

_SUFFIX = ".pem"


class KeyStore:
    """The private signing keys that this user keeps."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def add(self, path: Path, password: Password | None = None) -> str:
        """Keeps a copy of a key file; one that is there already stays as it is.

        Returns:
            The fingerprint.

        Raises:
            ConfigError: it is no signing key, needs another password, or the store
                cannot be written.
        """
        text = key_files.read(path)
        return self.keep(text, pem.parse_private(text, password, str(path)))

    def keep(self, text: bytes, key: EllipticCurvePrivateKey) -> str:
        """Keeps a key as its file has it, and returns its fingerprint.

        Raises:
            ConfigError: the store cannot be written.
        """
        name = keys.fingerprint(keys.public_pem(key))
        key_files.keep(self.directory, f"{name}{_SUFFIX}", text)
        return name

    def create(self) -> str:
        """Makes a new P-256 key, keeps it and returns its fingerprint.

        Raises:
            ConfigError: the store cannot be written.
        """
        key = keys.new()
        name = keys.fingerprint(keys.public_pem(key))
        key_files.keep(self.directory, f"{name}{_SUFFIX}", pem.private_pem(key))
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

"""The user's signing keys: `<fingerprint>.pem`, 0600 in 0700.

The caller says where (`$XDG_CONFIG_HOME/git-model/signing`). A key is kept as it was
given: an encrypted one stays encrypted. docs/SPEC.md, "Signatures: keys".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, KeyNotFoundError
from git_model_security.signing import keyfile, keys, pem

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIX = ".pem"


class KeyStore:
    """The private signing keys that this user keeps."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def add(self, path: Path, password: bytes | None = None) -> str:
        """Keeps a copy of a key file; one that is there already stays as it is.

        Returns:
            The fingerprint.

        Raises:
            ConfigError: it is no signing key, needs another password, or the store
                cannot be written.
        """
        text = keyfile.read(path)
        name = keys.fingerprint(keys.public_pem(pem.parse_private(text, password, str(path))))
        self._make()
        kept = self._file(name)
        if not kept.exists():
            # Whole or not at all: a torn file would be a lost key.
            partial = self._partial()
            keyfile.write_new(partial, text)
            partial.replace(kept)
        return name

    def create(self) -> str:
        """Makes a new P-256 key, keeps it and returns its fingerprint.

        Raises:
            ConfigError: the store cannot be written.
        """
        self._make()
        partial = self._partial()
        name = keys.generate(partial)
        partial.replace(self._file(name))
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

    def _partial(self) -> Path:
        partial = self.directory / f".partial.{os.getpid()}"
        partial.unlink(missing_ok=True)
        return partial

    def _make(self) -> None:
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"{self.directory}: cannot make it: {reason}") from error

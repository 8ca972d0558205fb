"""Pinned trust: whose signatures this clone believes.

One directory, given by the caller (in the Git common directory, never committed:
who can push must not decide who is trusted). A public key is `<fingerprint>.pub`
and so names its own content; other methods get suffixes of their own.
docs/SPEC.md, "Signatures: trust".
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, KeyNotFoundError
from git_model_security.keyring import files
from git_model_security.signing import pem
from git_model_security.signing.methods import KeyVerifier

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.signing.methods import Verifier

_PUBLIC_KEY = ".pub"


class Trust:
    """The signers that a clone has pinned."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def add_public_key(self, public_key: bytes, origin: str = "the public key") -> str:
        """Pins a public key and returns its fingerprint; twice is the same as once.

        Raises:
            ConfigError: it is no public key that could have signed, or the
                directory cannot be written.
        """
        canonical = pem.parse_public(public_key, origin)
        fingerprint = pem.fingerprint(canonical)
        name = f"{fingerprint}{_PUBLIC_KEY}"
        files.keep(self.directory, name, canonical, files.PUBLIC_MODE)
        return fingerprint

    def remove(self, fingerprint: str) -> None:
        """Takes a signer's trust away.

        Raises:
            KeyNotFoundError: it is not pinned here.
        """
        if fingerprint not in self._names():
            raise KeyNotFoundError(f"the signer {fingerprint[:16]!r} is not pinned here")
        self._file(fingerprint).unlink()

    def fingerprints(self) -> list[str]:
        """Returns the fingerprints of the pinned public keys, sorted.

        Raises:
            ConfigError: a file there is not what its name says.
        """
        return list(self._keys())

    def verifiers(self) -> list[Verifier]:
        """Returns a verifier for each pinned signer.

        Raises:
            ConfigError: a file there is not what its name says.
        """
        return [
            KeyVerifier(pem, origin=str(self._file(name))) for name, pem in self._keys().items()
        ]

    @property
    def fingerprint(self) -> str:
        """SHA-256 naming the whole set, in hexadecimal.

        What was judged is remembered under it: another set judges anew.

        Raises:
            ConfigError: a file there is not what its name says.
        """
        names = "".join(f"{name}{_PUBLIC_KEY}\n" for name in self._keys())
        return hashlib.sha256(names.encode()).hexdigest()

    def _keys(self) -> dict[str, bytes]:
        found = {name: files.read(self._file(name)) for name in self._names()}
        for name, text in found.items():
            # The name is the digest of the content, so this needs no parser.
            if pem.fingerprint(text) != name:
                raise ConfigError(
                    f"{self._file(name)}: not the public key it is named for",
                    hint="remove the file, and pin the signer's key again",
                )
        return found

    def _names(self) -> list[str]:
        if not self.directory.is_dir():
            return []
        # Names with a leading dot are files that are being written.
        found = self.directory.glob(f"[!.]*{_PUBLIC_KEY}")
        return sorted(path.name.removesuffix(_PUBLIC_KEY) for path in found)

    def _file(self, fingerprint: str) -> Path:
        return self.directory / f"{fingerprint}{_PUBLIC_KEY}"

"""Pinned trust: whose signatures this clone believes.

One directory, given by the caller (in the Git common directory, never committed:
who can push must not decide who is trusted). Each signer is a file there that is named
for its own content, by SHA-256: `<fingerprint>.pub` is a public key, and other methods
have suffixes of their own. docs/SPEC.md, "Signatures: trust".
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.errors import ConfigError, KeyNotFoundError
from git_model_security.keyring import key_files
from git_model_security.signing.methods import KEY, KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from git_model_security.signing.methods import Verifier

_SUFFIXES = {kind.suffix: kind.name for kind in KINDS.values()}
_SHORTEST = 8
"""Digits of a fingerprint that may stand for the whole one."""


class Trusted(NamedTuple):
    """A signer that is pinned; the fingerprint names it: SHA-256 of its content."""

    fingerprint: str
    kind: str
    content: bytes


class Trust:
    """The signers that a clone has pinned; `share` lets others use what was written.

    Each that reads them raises a ConfigError where a file is not what its name says.
    """

    def __init__(self, directory: Path, share: Callable[[Path], None] | None = None) -> None:
        self.directory = directory
        self._share = share

    def add(self, verifier: Verifier) -> str:
        """Pins a signer and returns what names it; twice is the same as once.

        Raises:
            ConfigError: the directory cannot be written.
        """
        kind, content = verifier.pin
        fingerprint = hashlib.sha256(content).hexdigest()
        name = f"{fingerprint}{KINDS[kind].suffix}"
        key_files.keep(self.directory, name, content, key_files.PUBLIC_MODE)
        if self._share is not None:
            self._share(self.directory)
            self._share(self.directory / name)
        return fingerprint

    def add_public_key(self, public_key: bytes, origin: str = "the public key") -> str:
        """Pins a public key and returns its fingerprint.

        Raises:
            ConfigError: it is no public key that could have signed, or the
                directory cannot be written.
        """
        return self.add(KINDS[KEY].pinned(public_key, origin))

    def remove(self, fingerprint: str) -> str:
        """Takes a signer's trust away; eight digits or more of a fingerprint are enough.

        Raises:
            KeyNotFoundError: it is not pinned here, or several begin so.
        """
        found = [
            (name, suffix)
            for name, suffix in self._names()
            if name == fingerprint
            or (len(fingerprint) >= _SHORTEST and name.startswith(fingerprint))
        ]
        if len(found) != 1:
            what = "is not pinned here" if not found else "is not one signer only"
            raise KeyNotFoundError(
                f"the signer {fingerprint[:16]!r} {what}",
                hint="`git model trust list` shows who is",
            )
        name, suffix = found[0]
        self._file(name, suffix).unlink()
        return name

    def fingerprints(self) -> list[str]:
        """Returns what names the pinned signers, sorted."""
        return [one.fingerprint for one in self.pinned()]

    def verifiers(self) -> list[Verifier]:
        """Returns a verifier for each pinned signer."""
        return [self.verifier(one) for one in self.pinned()]

    def verifier(self, pinned: Trusted) -> Verifier:
        """Returns the verifier of a pinned signer.

        Raises:
            ConfigError: it is not what a verifier can be made of.
        """
        kind = KINDS[pinned.kind]
        origin = str(self._file(pinned.fingerprint, kind.suffix))
        return kind.pinned(pinned.content, origin)

    @property
    def fingerprint(self) -> str:
        """SHA-256 naming the whole set, in hexadecimal.

        What was judged is remembered under it: another set judges anew.
        """
        names = "".join(f"{one.fingerprint}{KINDS[one.kind].suffix}\n" for one in self.pinned())
        return hashlib.sha256(names.encode()).hexdigest()

    def pinned(self) -> list[Trusted]:
        """Returns the pinned signers, sorted by what names them."""
        found = []
        for name, suffix in self._names():
            content = key_files.read(self._file(name, suffix))
            if hashlib.sha256(content).hexdigest() != name:
                what = "public key" if suffix == KINDS[KEY].suffix else "signer"
                raise ConfigError(
                    f"{self._file(name, suffix)}: not the {what} it is named for",
                    hint="remove the file, and pin the signer again",
                )
            found.append(Trusted(name, _SUFFIXES[suffix], content))
        return found

    def _names(self) -> Iterator[tuple[str, str]]:
        if not self.directory.is_dir():
            return
        # Names with a leading dot are files that are being written.
        for path in sorted(self.directory.glob("[!.]*")):
            if path.suffix in _SUFFIXES:
                yield path.name.removesuffix(path.suffix), path.suffix

    def _file(self, fingerprint: str, suffix: str) -> Path:
        return self.directory / f"{fingerprint}{suffix}"

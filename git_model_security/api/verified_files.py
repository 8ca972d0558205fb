"""Where the files of a model are, and how each is found to be what was signed."""

from __future__ import annotations

import abc
import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.directories.reading import Remembering
from git_model_security.envelope.root import of_file
from git_model_security.errors import Reason, VerificationError
from git_model_security.loading.encrypted_file import open_envelope, open_regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from _typeshed import StrPath


class Place(NamedTuple):
    """Where a file lies that was verified: `root` stands for an envelope, else SHA-256."""

    path: Path | Named
    root: bytes | None
    sha256: bytes | None


class Named(os.PathLike[str]):
    """A path that errors call by the name of what was put there."""

    def __init__(self, path: StrPath, name: str) -> None:
        self._path = os.fspath(path)
        self._name = name

    def __fspath__(self) -> str:
        return self._path

    def __str__(self) -> str:
        return self._name


class Source(abc.ABC):
    """Where the files of a model are, and what was signed of them.

    Attributes:
        names: the digests that were signed, by name.
        roots: of envelopes, what was signed beside these: no digest is needed then.
        signer: who signed, for people.
    """

    names: Mapping[str, bytes]
    roots: Mapping[str, bytes]
    signer: str

    @abc.abstractmethod
    def verify(self, name: str) -> Place:
        """Returns where a file is, once it is known to be as it was signed.

        Raises:
            VerificationError: it is not.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Gives back what is held open."""


def rooted(path: Path | Named, signed: bytes, name: str) -> Place:
    """Returns the place of an envelope that has the root that was signed.

    It is only what who opens it has to find, so that nothing else need be read before.

    Raises:
        VerificationError: it has another one, or is none.
        NotFetchedError: it is the pointer of an object of git-lfs.
    """
    with open_envelope(path) as file:
        if of_file(file.fileno()) != signed:
            raise not_as_signed(name)
    return Place(path, signed, None)


def hashed(path: Path | Named, signed: bytes, name: str) -> Place:
    """Returns the place of a file that has the SHA-256 that was signed.

    Raises:
        VerificationError: it has another one.
    """
    reading, running = Remembering(), hashlib.sha256()
    with open_regular(path) as file:
        # A path of a descriptor may share its position.
        file.seek(0)
        for chunk in reading.chunks(b"", file.fileno(), None):
            running.update(chunk)
    if running.digest() != signed:
        raise not_as_signed(name)
    return place_of(path, reading, b"")


def place_of(path: Path | Named, reading: Remembering, name: bytes) -> Place:
    """Returns the place of a file that was read, and has the digest that was signed."""
    seen = reading.seen[name]
    if seen.is_root:
        return Place(path, seen.value, None)
    # Without a root it is as long as no envelope is: whoever opens it is told.
    return Place(path, b"", None) if name in reading.sealed else Place(path, None, seen.value)


def not_as_signed(name: str) -> VerificationError:
    """Returns the error of a file that is not what was signed."""
    return VerificationError(
        Reason.TAMPERED,
        f"{name}: not the content that was signed",
        hint="bring back what the signer published, and find out who changed it",
    )

"""A file of IBM's model-encryption, decrypted and sealed as it is read.

Plaintext is in memory only, a few pieces of it. Must not know files by name.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from git_model_security.content import enc_file
from git_model_security.content.background import Background
from git_model_security.directories import writing
from git_model_security.envelope import Sealer
from git_model_security.errors import AuthenticationError
from git_model_security.files import write_at
from git_model_security.git.objects import CHUNK_BYTES

if TYPE_CHECKING:
    from git_model_security.envelope import Key
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.verification.file_digests import Running


def seal(
    material: bytes,
    key: Key,
    source: BinaryIO,
    sink: int,
    *,
    is_long: bool,
    read: Running | None = None,
) -> int:
    """Seals what a file holds into one without a name; returns the plaintext's length.

    Args:
        material: the 32 bytes of the key that authenticates it.
        key: to seal it under.
        source: the file, at its beginning.
        sink: descriptor of the other one.
        is_long: whether to spread the work over several threads.
        read: takes in the very bytes that are sealed, as they stand.

    Raises:
        AuthenticationError: the file is not authentic; what was written must be dropped.
    """
    head = source.read(enc_file.HEAD_BYTES)
    if len(head) < enc_file.HEAD_BYTES:
        raise writing.changed()
    check = enc_file.Check(material, head)
    decryptor = enc_file.Decryptor(material, head)
    sealed = _Sealed(key, sink)
    also = read.update if read is not None else _pass_over
    also(head)
    if is_long:
        # Three stages side by side; each waits, when it is left, for what it was given.
        with (
            Background(also) as hashing,
            Background(sealed.update) as sealing,
            Background[bytes](lambda one: sealing.put(decryptor.update(one))) as decrypting,
        ):
            while chunk := source.read(CHUNK_BYTES):
                hashing.put(chunk)
                decrypting.put(chunk)
                check.update(chunk)
    else:
        while chunk := source.read(CHUNK_BYTES):
            also(chunk)
            check.update(chunk)
            sealed.update(decryptor.update(chunk))
    if not check.holds():
        raise AuthenticationError(
            "its HMAC does not hold any more",
            hint="somebody writes to it; run the same again, or restore it from another copy",
        )
    sealed.update(decryptor.finish())
    return sealed.finish()


def _pass_over(_: BytesLike) -> None:
    """Takes in what nobody asked for."""


class _Sealed:
    """The envelope of a plaintext that is pushed, written from the beginning of a file."""

    def __init__(self, key: Key, sink: int) -> None:
        self._sealer = Sealer(key)
        self._sink = sink
        self._length = 0
        self._written = 0

    def update(self, plaintext: BytesLike) -> None:
        self._length += len(plaintext)
        for piece in self._sealer.update(plaintext):
            self._write(piece)

    def finish(self) -> int:
        """Writes the end, of an empty plaintext nothing; returns the plaintext's length."""
        if self._length:
            self._write(self._sealer.finish())
        os.ftruncate(self._sink, self._written)
        return self._length

    def _write(self, piece: BytesLike) -> None:
        write_at(self._sink, piece, self._written)
        self._written += len(piece)

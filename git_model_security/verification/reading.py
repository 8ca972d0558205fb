"""How the files of a directory are read that is verified: as they stand, or otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.content import blob
from git_model_security.envelope import HEADER_BYTES
from git_model_security.errors import Reason, VerificationError
from git_model_security.verification import file_digests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_model_security.envelope.layout import BytesLike


class Reading:
    """Reads files as they stand.

    Attributes:
        may_be_sealed: that a file is encrypted does not explain why it differs.
    """

    may_be_sealed = False

    def chunks(
        self, path: bytes, descriptor: int, room: memoryview | None
    ) -> Iterator[BytesLike]:
        """Yields what a file holds; see `file_digests.read_chunks`."""
        return file_digests.read_chunks(path, descriptor, room)

    def forget(self, path: bytes) -> None:
        """Is told that a file only stands for another one: nothing may be done with it."""

    def follow(self, places: Mapping[bytes, bytes]) -> None:
        """Is told which files names lead to, where links were followed."""

    def bundle(self, path: bytes, data: bytes) -> bytes:  # noqa: ARG002 - others need it
        """Returns the bundle that a file holds.

        Raises:
            VerificationError: `NO_KEY`: it is encrypted.
        """
        if blob.is_sealed(data[:HEADER_BYTES]):
            raise VerificationError(
                Reason.NO_KEY,
                "the signature is still encrypted",
                hint="`git model decrypt+verify` opens it with the key; without one"
                " `git model verify --encrypted` verifies the ciphertext",
            )
        return data


AS_THEY_STAND = Reading()

"""Whether a bundle of other software is over ciphertext, as far as that is known without a key.

Such a bundle does not say. What holds tells: a file that is encrypted, and is as it was signed,
was signed so. Only the words for what does not hold come from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_model_security.content import blob
from git_model_security.content.blob import Kind as Content
from git_model_security.signing.roles import BUNDLES
from git_model_security.verification.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Form(NamedTuple):
    """What those files are that are as they were signed, and that `encrypt` encrypts.

    Attributes:
        has_sealed: some are ciphertext.
        has_clear: some are not.
        is_alone: one such file is there at most, whether it holds or not.
        is_asked_for: it is ciphertext that is to be verified.
    """

    has_sealed: bool
    has_clear: bool
    is_alone: bool
    is_asked_for: bool

    @classmethod
    def of(
        cls,
        directory: Path,
        signed: Mapping[bytes, bytes],
        actual: Mapping[bytes, bytes],
        *,
        is_asked_for: bool,
    ) -> Form:
        """Looks at the files that hold."""
        named = [name for name in signed if name in actual and not is_left_alone(name)]
        kinds = {name: kind_of(directory, name) for name in named}
        there = [name for name in named if kinds[name] is not Content.EMPTY]
        held = {kinds[name] for name in there if actual[name] == signed[name]}
        has_sealed = any(kind is not None and kind.is_sealed for kind in held)
        return cls(has_sealed, Content.CLEAR in held, len(there) <= 1, is_asked_for)

    def clear(self, name: bytes) -> Kind:
        """Returns what a file in clear is that is not as it was signed."""
        if self.has_clear or is_left_alone(name):
            return Kind.DEPLOYED
        if self.has_sealed:
            return Kind.DECRYPTED
        return Kind.DEPLOYED_ALONE if self.is_alone else Kind.DECRYPTED_OR_CHANGED

    def sealed(self) -> Kind:
        """Returns what an encrypted file is that is not as it was signed."""
        if self.has_sealed:
            return Kind.DEPLOYED
        return Kind.SEALED_UNLIKE if self.is_asked_for else Kind.DEPLOYED_SEALED


def kind_of(directory: Path, name: bytes) -> Content | None:
    """Returns what a file is by how it begins; None where that cannot be said."""
    try:
        return blob.classify_file(directory, name)
    except OSError:
        return None


def is_left_alone(name: bytes) -> bool:
    """Tells whether `git model encrypt` leaves a file as it is: it is hidden, or a bundle."""
    return any(part.startswith(b".") for part in name.split(b"/")) or is_bundle(name)


def is_bundle(name: bytes) -> bool:
    """Tells whether a file is called as bundles are, in whatever directory."""
    return name.rpartition(b"/")[2] in BUNDLES

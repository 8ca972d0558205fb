"""The key of an envelope and the four values derived from it (docs/SPEC.md, "Keys").

Owns the labels. Must not know where keys are kept or how they are named to
people; `keyring` does.
"""

from __future__ import annotations

from typing import Final

from git_model_security.envelope import memory, primitives
from git_model_security.envelope.layout import KEY_BYTES, KEY_ID_BYTES, BytesLike

_SIV_KEY_LABEL: Final = b"git-model/v1/siv"
_SEGMENT_KEY_LABEL: Final = b"git-model/v1/segment"
_HEADER_KEY_LABEL: Final = b"git-model/v1/header"
_KEY_ID_LABEL: Final = b"git-model/v1/key-id"
_SIV_INPUT_LABEL: Final = b"git-model/v1/siv-input"


class Key:
    """A 256-bit master key, ready to seal and to open.

    Only the subkeys are kept, not the material. The object is immutable and
    may be shared by threads.

    Args:
        material: 32 uniformly random bytes. A caller that reads them from a
            person checks the length and says what is wrong; here it asserts.
    """

    __slots__ = ("_header_key", "_segment_key", "_siv_key", "id")

    def __init__(self, material: bytes) -> None:
        assert len(material) == KEY_BYTES
        self._siv_key = _subkey(material, _SIV_KEY_LABEL)
        self._segment_key = _subkey(material, _SEGMENT_KEY_LABEL)
        self._header_key = _subkey(material, _HEADER_KEY_LABEL)
        self.id: Final = primitives.derive(material, _KEY_ID_LABEL, KEY_ID_BYTES).hex()
        """The public name of the key, 32 hexadecimal digits; it reveals nothing of it."""

    def __repr__(self) -> str:
        return f"Key(id={self.id!r})"

    def header_check(self, head: bytes) -> bytes:
        """Return the check value over the first half of a header."""
        return primitives.keyed_digest(self._header_key, head)

    def siv(self, aad: bytes, content: BytesLike) -> bytes:
        """Return the synthetic value of a segment, 32 bytes.

        `aad` is header, index and role at one fixed length: it is hashed too,
        so that no other place or role of the same content has the same key.
        """
        return primitives.keyed_digest(self._siv_key, _SIV_INPUT_LABEL + aad, content)

    def segment_key(self, siv: bytes) -> bytes:
        """Return the AES-256 key that belongs to one synthetic value."""
        return primitives.keyed_digest(self._segment_key, siv)


def _subkey(material: bytes, label: bytes) -> memoryview:
    """Return a subkey in memory that no core dump shows."""
    room = memory.allocate(KEY_BYTES)
    primitives.derive_into(material, label, room)
    return room.toreadonly()

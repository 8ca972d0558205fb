"""A file of IBM's model-encryption: its layout, what proves that it is one, what is in it.

    IV, 16 bytes | HMAC-SHA256, 32 bytes | ciphertext

The HMAC is over IV and ciphertext. The ciphertext is AES-256 in CFB mode, with feedback of 128
bits, of the plaintext with PKCS#7 padding (its `_encrypting/aes.py`). One key of 32 bytes does
both. There is no magic number: a name and a length prove nothing, and what begins such a file
looks random. That it is one is proven by its HMAC alone, under the key. Neither its name nor
its place is authenticated.

Only for what others wrote: nothing is ever encrypted so here. Must not know files by name
beyond the suffix, nor where keys are kept.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from git_model_security.errors import EnvelopeError

if TYPE_CHECKING:
    from git_model_security.envelope.layout import BytesLike

SUFFIX: Final = b".enc"
IV_BYTES: Final = 16
HMAC_BYTES: Final = 32
BLOCK_BYTES: Final = 16
HEAD_BYTES: Final = IV_BYTES + HMAC_BYTES

_OTHER_COPY = "restore it from another copy"


def is_possible(path: bytes, size_bytes: int) -> bool:
    """Tells whether a file may be one: it has the suffix, and a length that there is."""
    padded_bytes = size_bytes - HEAD_BYTES
    return path.endswith(SUFFIX) and padded_bytes > 0 and padded_bytes % BLOCK_BYTES == 0


def padded_length(size_bytes: int) -> int:
    """Returns the length of the plaintext with its padding, which is 1 to 16 bytes long."""
    return size_bytes - HEAD_BYTES


def is_unfinished(head: bytes) -> bool:
    """Tells whether writing ended before the HMAC, whose place holds zeros until then."""
    return head[IV_BYTES:HEAD_BYTES] == bytes(HMAC_BYTES)


class Check:
    """Takes in a file in pieces, and tells whether a key authenticates it.

    Args:
        material: the 32 bytes of the key.
        head: the first `HEAD_BYTES` of the file, or all of a shorter one.
    """

    def __init__(self, material: bytes, head: bytes) -> None:
        self._given = head[IV_BYTES:HEAD_BYTES]
        self._running = hmac.new(material, head[:IV_BYTES], "sha256")
        self._length = len(head)

    def update(self, ciphertext: BytesLike) -> None:
        """Takes in what comes next."""
        self._length += len(ciphertext)
        self._running.update(ciphertext)

    def holds(self) -> bool:
        """Tells whether all that came is such a file, under this key."""
        is_whole = is_possible(SUFFIX, self._length)
        return hmac.compare_digest(self._given, self._running.digest()) and is_whole


class Decryptor:
    """Decrypts the ciphertext of a file, pushed in pieces.

    What `update` returns is not authentic: nobody may get it before a `Check` of the same
    pieces has held.

    Args:
        material: the 32 bytes of the key.
        head: the first `HEAD_BYTES` of the file.
    """

    def __init__(self, material: bytes, head: bytes) -> None:
        # Deprecated for new designs, since nothing authenticates it: here the HMAC does.
        from cryptography.hazmat.decrepit.ciphers.modes import CFB
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES256

        self._context = Cipher(AES256(material), CFB(head[:IV_BYTES])).decryptor()
        self._held = b""

    def update(self, ciphertext: BytesLike) -> BytesLike:
        """Returns the plaintext of what comes next, but for what may be padding."""
        plaintext = self._held + self._context.update(ciphertext)
        self._held = plaintext[-BLOCK_BYTES:]
        return memoryview(plaintext)[:-BLOCK_BYTES]

    def finish(self) -> bytes:
        """Returns the end of the plaintext. To be called when the `Check` has held.

        Raises:
            EnvelopeError: there is no padding, which only who has the key can do. Before the
                check, telling this from another fault would be a padding oracle.
        """
        count = self._held[-1]
        if not 1 <= count <= BLOCK_BYTES or self._held[-count:] != bytes([count]) * count:
            raise EnvelopeError("not padded, though its HMAC holds", hint=_OTHER_COPY)
        return self._held[:-count]

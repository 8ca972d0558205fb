"""Every cryptographic call of the envelope, each with the reason it is safe.

Nothing else in this package imports `cryptography` or `blake3`, and the first only when
it is called: 4 microseconds of a segment of 1 MiB, and a tenth of a hook that opens none.
This module must not know layouts, lengths or streams (docs/SPEC.md, "Primitives").
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from blake3 import blake3

if TYPE_CHECKING:
    from git_model_security.envelope.layout import BytesLike

_ZERO_NONCE: Final = bytes(12)


def derive(material: bytes, label: bytes, size_bytes: int) -> bytes:
    """Derive one independent subkey with HKDF-SHA256 (RFC 5869).

    No salt: the master key is 32 uniformly random bytes, so the extract step
    has nothing to repair, and a salt would have to be stored. One label per
    purpose and version keeps the subkeys independent of one another and of
    those of any later version under the same master key.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=size_bytes, salt=None, info=label).derive(material)


def derive_into(material: bytes, label: bytes, room: memoryview) -> None:
    """Derive one independent subkey as `derive` does, into memory that is as long."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    HKDF(algorithm=SHA256(), length=len(room), salt=None, info=label).derive_into(
        material, room
    )


def keyed_digest(key: BytesLike, head: bytes, body: BytesLike = b"") -> bytes:
    """Return keyed BLAKE3 of `head | body`, 32 bytes.

    A PRF and, with the key known, still collision resistant: the first makes
    the synthetic value reveal nothing about the plaintext but equality, the
    second makes the envelope committing. Callers keep `head` at one fixed
    length per key, so the concatenation is injective. `body` is hashed where
    it lies; the GIL is released for it.
    """
    return blake3(head, key=key).update(body).digest()


def digest_of_sivs() -> blake3:
    """Return an unkeyed BLAKE3 to feed synthetic values to.

    Unkeyed is enough: the result is only ever sealed inside the footer, and
    what it must give is collision resistance, so that one footer stands for
    one sequence of segments.
    """
    return blake3()


def root(header: bytes, plaintext_bytes: int, footer: bytes) -> bytes:
    """Return the SHA-256 of what commits to a whole envelope, for a holder of its key.

    The footer's synthetic value is a collision-resistant function, with the key known, of
    the synthetic values of all segments, and these are of all plaintext. Who has no key
    computes it too, out of 152 bytes and the length of the file.
    """
    return sha256(header + plaintext_bytes.to_bytes(8, "little") + footer).digest()


def seal_into(key: bytes, aad: bytes, plaintext: BytesLike, sealed: memoryview) -> None:
    """Write AES-256-GCM ciphertext and tag to `sealed` (16 bytes longer).

    The nonce is always zero. That is safe only because `key` belongs to one
    (aad, plaintext): it is a PRF output over a collision-resistant digest of
    both (docs/SPEC.md, "Security argument"). Never call this with any other
    kind of key.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    AESGCM(key).encrypt_into(_ZERO_NONCE, plaintext, aad, sealed)


def open_into(
    key: bytes, aad: bytes, sealed: BytesLike, plaintext: bytearray | memoryview
) -> bool:
    """Decrypt ciphertext and tag into `plaintext`; False when the tag is wrong.

    What `plaintext` holds after False is unspecified and must be dropped. True
    alone is no proof either: GCM is not committing, so the caller goes on to
    recompute the synthetic value.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        AESGCM(key).decrypt_into(_ZERO_NONCE, sealed, aad, plaintext)
    except InvalidTag:
        return False
    return True


def same(left: BytesLike, right: BytesLike) -> bool:
    """Compare in time that depends on the lengths alone."""
    return hmac.compare_digest(left, right)

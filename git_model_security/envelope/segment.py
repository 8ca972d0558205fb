"""One segment: sealing it, opening it, and the footer's content.

Implements docs/SPEC.md, "Segments" and "Footer" (rules R13 to R18). Must not
know streams or where an envelope ends; `seal`, `open` and `segments` say which
index and role a segment has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.envelope import primitives
from git_model_security.envelope.layout import (
    DAMAGED_HINT,
    OVERHEAD_BYTES,
    SIV_BYTES,
    BytesLike,
    Role,
)
from git_model_security.errors import AuthenticationError

if TYPE_CHECKING:
    from git_model_security.envelope.key import Key


def seal_segment(
    key: Key,
    header: bytes,
    index: int,
    role: Role,
    content: BytesLike,
    room: bytearray | None = None,
) -> bytearray:
    """Return `siv | ciphertext | tag` of one segment: a function of its arguments.

    It is put into `room`, where that has just its length.
    """
    aad = bind(header, index, role)
    siv = key.siv(aad, content)
    size_bytes = len(content) + OVERHEAD_BYTES
    fits = room is not None and len(room) == size_bytes
    sealed = room if room is not None and fits else bytearray(size_bytes)
    sealed[:SIV_BYTES] = siv
    with memoryview(sealed) as view, view[SIV_BYTES:] as body:
        primitives.seal_into(key.segment_key(siv), aad, content, body)
    return sealed


def open_segment(
    key: Key, header: bytes, index: int, role: Role, sealed: memoryview
) -> bytearray | None:
    """Return the content of a sealed segment, or None where its tag is wrong.

    Verification of one segment, in this order:

    1. the GCM tag, under the key that the stored synthetic value selects
       (wrong: None, and the caller knows best what to say);
    2. the synthetic value, recomputed from what was decrypted. This commits
       to the key and the content: a tag alone can be made to fit two keys.

    Raises:
        AuthenticationError: step 2 failed (R14, R16).
    """
    content = bytearray(len(sealed) - OVERHEAD_BYTES)
    siv, body = bytes(sealed[:SIV_BYTES]), sealed[SIV_BYTES:]
    is_open = open_segment_into(key, header, index, role, siv, body, content)
    return content if is_open else None


def open_segment_into(
    key: Key,
    header: bytes,
    index: int,
    role: Role,
    siv: bytes,
    body: BytesLike,
    content: bytearray | memoryview,
) -> bool:
    """Write the content of a segment, given its synthetic value; see `open_segment`.

    Args:
        body: its ciphertext and tag.
        content: as long as the plaintext. It holds nothing of worth after False or an error.

    Raises:
        AuthenticationError: step 2 failed (R14, R16).
    """
    aad = bind(header, index, role)
    if not primitives.open_into(key.segment_key(siv), aad, body, content):
        return False
    if not primitives.same(key.siv(aad, content), siv):
        raise AuthenticationError(
            f"{name(index, role)} does not match its synthetic value: "
            "it was forged by a holder of the key",
            hint=DAMAGED_HINT,
        )
    return True


def bind(header: bytes, index: int, role: Role) -> bytes:
    """Return the associated data of a segment: its envelope, place and role."""
    return header + index.to_bytes(8, "little") + bytes((role,))


def footer_content(plaintext_bytes: int, siv_digest: bytes) -> bytes:
    """Return the 40 bytes that a footer seals."""
    return plaintext_bytes.to_bytes(8, "little") + siv_digest


def check_footer(content: BytesLike, plaintext_bytes: int, siv_digest: bytes) -> None:
    """Compare an opened footer with what the segments really were (R17, R18)."""
    if int.from_bytes(content[:8], "little") != plaintext_bytes:
        raise AuthenticationError(
            "the footer was sealed over another plaintext length", hint=DAMAGED_HINT
        )
    if not primitives.same(content[8:], siv_digest):
        raise AuthenticationError(
            "spliced: its segments do not come from one and the same file", hint=DAMAGED_HINT
        )


def name(index: int, role: Role) -> str:
    """Name a segment in a message."""
    return "the footer" if role is Role.FOOTER else f"segment {index}"

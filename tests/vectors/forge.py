"""Envelopes that only a malicious holder of the key can make.

Sealing is git-model's own, with each field open to lies.
"""

from __future__ import annotations

from blake3 import blake3

from git_model_security.envelope import Key, primitives
from git_model_security.envelope.header import write_header
from git_model_security.envelope.layout import Role
from git_model_security.envelope.segment import bind, footer_content, seal_segment


def segment(key: Key, index: int, role: Role, content: bytes) -> bytes:
    return bytes(seal_segment(key, write_header(key), index, role, content))


def footer(key: Key, index: int, plaintext_bytes: int, sivs: bytes) -> bytes:
    content = footer_content(plaintext_bytes, blake3(sivs).digest())
    return segment(key, index, Role.FOOTER, content)


def segment_with_siv(key: Key, index: int, role: Role, content: bytes, siv: bytes) -> bytes:
    """Seal under the key that a chosen synthetic value gives: the tag is right."""
    box = bytearray(len(content) + 16)
    aad = bind(write_header(key), index, role)
    primitives.seal_into(key.segment_key(siv), aad, content, memoryview(box))
    return siv + bytes(box)


def envelope(key: Key, *segments: bytes, plaintext_bytes: int) -> bytes:
    """Join sealed segments under a header and the footer that goes with them."""
    sivs = b"".join(sealed[:32] for sealed in segments)
    end = footer(key, len(segments), plaintext_bytes, sivs)
    return write_header(key) + b"".join(segments) + end

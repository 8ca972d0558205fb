"""The 64-byte header of an envelope (docs/SPEC.md, "Header", rules R1 to R7).

Must not know segments. Reading one needs no key and imports no cryptography:
guards call it on every blob of a history.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, NamedTuple

from git_model_security.envelope.layout import DAMAGED_HINT, HEADER_BYTES
from git_model_security.errors import (
    AuthenticationError,
    EnvelopeError,
    KeyNotFoundError,
    NewerFormatError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_model_security.envelope.key import Key

# As PNG's does, it begins with a byte that no text has and shows by its CR LF
# whether something converted line ends on the way.
MAGIC: Final = b"\x00GITMODEL\x00\r\n"
VERSION: Final = 1
SUITE: Final = 1
_RESERVED: Final = b"\x00\x00"
_CHECKED_BYTES: Final = 32


class Header(NamedTuple):
    """A well-formed header; nothing in it is authenticated until `authentic`."""

    version: int
    suite: int
    key_id: str
    raw: bytes

    def authentic(self, key: Key) -> bool:
        """Say whether this is the header that `key` gives to all its envelopes."""
        check = key.header_check(self.raw[:_CHECKED_BYTES])
        return hmac.compare_digest(check, self.raw[_CHECKED_BYTES:])


def read_header(head: bytes) -> Header | None:
    """Read the header at the start of `head`, the first bytes of a file.

    Args:
        head: at least 64 bytes, or the whole file where it is shorter.

    Returns:
        The header, or None where the bytes do not begin with the magic (R1).

    Raises:
        NewerFormatError: the magic, and then another version or suite (R3 to R5).
        EnvelopeError: the magic, and then too few bytes for a header (R2).
    """
    if not head.startswith(MAGIC):
        return None
    if len(head) < HEADER_BYTES:
        raise EnvelopeError(
            f"truncated header: {len(head)} of {HEADER_BYTES} bytes", hint=DAMAGED_HINT
        )
    version, suite, reserved = head[12], head[13], head[14:16]
    if version != VERSION:
        raise NewerFormatError(f"unknown envelope version {version}")
    if suite != SUITE:
        raise NewerFormatError(f"unknown cipher suite {suite}")
    if reserved != _RESERVED:
        raise NewerFormatError("reserved header bits are set")
    return Header(version, suite, head[16:32].hex(), bytes(head[:HEADER_BYTES]))


def require_header(head: bytes) -> Header:
    """Read a header like `read_header`; that there is none is an error (R1)."""
    header = read_header(head)
    if header is None:
        raise EnvelopeError("not encrypted: it does not begin as an envelope does")
    return header


def write_header(key: Key) -> bytes:
    """Return the one header of all envelopes under a key."""
    head = MAGIC + bytes((VERSION, SUITE)) + _RESERVED + bytes.fromhex(key.id)
    return head + key.header_check(head)


def find_key(header: Header, keys: Mapping[str, Key]) -> Key:
    """Return the held key that a header names, having authenticated the header.

    Raises:
        KeyNotFoundError: no held key has the header's key id (R6).
        AuthenticationError: the header check is not this key's (R7).
    """
    key = keys.get(header.key_id)
    if key is None:
        raise KeyNotFoundError(
            f"sealed under the key {header.key_id}, which is not held here",
            hint="`git model unlock --key FILE` with that key",
        )
    if not header.authentic(key):
        raise AuthenticationError("header check is wrong: the header was altered")
    return key

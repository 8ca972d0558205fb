"""The envelope: the ciphertext format of git-model, version 1 (docs/SPEC.md).

Bytes in, bytes out. Must not know Git, files by name, or where keys are kept.
Names are loaded when first used, so that reading a header costs no import of a
cryptographic library.

Sealing and opening: `Sealer` and `Opener` for streams that are pushed,
`encrypt` and `decrypt` for files, `SegmentReader` for ranges and many cores.
Without a key: `read_header`, `check_framing`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from git_model_security.envelope.framing import check_framing
    from git_model_security.envelope.header import MAGIC, Header, read_header
    from git_model_security.envelope.key import Key
    from git_model_security.envelope.layout import (
        HEADER_BYTES,
        KEY_BYTES,
        MAX_PLAINTEXT_BYTES,
        SEGMENT_BYTES,
        plaintext_length,
        sealed_length,
    )
    from git_model_security.envelope.open import Opener, decrypt
    from git_model_security.envelope.seal import Sealer, encrypt
    from git_model_security.envelope.segments import SegmentReader

__all__ = [
    "HEADER_BYTES",
    "KEY_BYTES",
    "MAGIC",
    "MAX_PLAINTEXT_BYTES",
    "SEGMENT_BYTES",
    "Header",
    "Key",
    "Opener",
    "Sealer",
    "SegmentReader",
    "check_framing",
    "decrypt",
    "encrypt",
    "plaintext_length",
    "read_header",
    "sealed_length",
]

_ROOMS = {
    "HEADER_BYTES": "layout",
    "KEY_BYTES": "layout",
    "MAGIC": "header",
    "MAX_PLAINTEXT_BYTES": "layout",
    "SEGMENT_BYTES": "layout",
    "Header": "header",
    "Key": "key",
    "Opener": "open",
    "Sealer": "seal",
    "SegmentReader": "segments",
    "check_framing": "framing",
    "decrypt": "open",
    "encrypt": "seal",
    "plaintext_length": "layout",
    "read_header": "header",
    "sealed_length": "layout",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value

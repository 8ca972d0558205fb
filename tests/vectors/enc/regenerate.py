"""Writes the vectors of model-encryption anew: `python -m tests.vectors.enc.regenerate`.

A test compares the output with the committed file byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.vectors.corpus import generate
from tests.vectors.enc import forge
from tests.vectors.enc.forge import IV, MATERIAL, OTHER_MATERIAL

FILE = Path(__file__).with_name("vectors.json")
_INLINE_LIMIT_BYTES = 256

HONEST = {
    "empty": b"",
    "one byte": b"a",
    "15 bytes": generate(15, "a"),
    "16 bytes": generate(16, "a"),
    "17 bytes": generate(17, "a"),
    "ends as padding does": b"a\x02\x02",
    "one segment": generate(1 << 20, "a"),
    "over one chunk": generate((1 << 20) + 31, "b"),
}
_OF = forge.encrypt(generate(100, "a"))
BAD = {
    "nothing": b"",
    "head alone": _OF[:48],
    "cut in a block": _OF[:-1],
    "cut by a block": _OF[:-16],
    "longer by a block": _OF + bytes(16),
    "IV changed": b"\x00" + _OF[1:],
    "HMAC changed": _OF[:16] + bytes([_OF[16] ^ 1]) + _OF[17:],
    "ciphertext changed": _OF[:-1] + bytes([_OF[-1] ^ 1]),
    "blocks swapped": _OF[:48] + _OF[64:80] + _OF[48:64] + _OF[80:],
    "never finished": forge.unfinished(generate(100, "a")),
    "another key": forge.encrypt(generate(100, "a"), OTHER_MATERIAL),
    "HMAC without the IV": IV + forge.seal(b"", _OF[48:]),
    "padding of 0": forge.encrypt_padded(bytes(16)),
    "padding of 17": forge.encrypt_padded(b"\x11" * 32),
    "padding uneven": forge.encrypt_padded(b"a" * 13 + b"\x01\x03\x03"),
}


def regenerate() -> str:
    """Return the text of the vector file."""
    entries = [_entry(name, forge.encrypt(it), it) for name, it in HONEST.items()]
    entries += [_entry(name, file) for name, file in BAD.items()]
    return json.dumps(entries, indent=1) + "\n"


def _entry(name: str, file: bytes, plaintext: bytes | None = None) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "key": MATERIAL.hex()}
    if plaintext is not None:
        entry["plaintext"] = {
            "bytes": len(plaintext),
            "sha256": hashlib.sha256(plaintext).hexdigest(),
        }
    if len(file) <= _INLINE_LIMIT_BYTES:
        entry["file"] = file.hex()
    entry["bytes"] = len(file)
    entry["sha256"] = hashlib.sha256(file).hexdigest()
    return entry


def main() -> None:
    FILE.write_text(regenerate(), "ascii")


if __name__ == "__main__":
    main()

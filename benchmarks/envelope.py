"""How fast the envelope seals and opens, against its primitives in the same run.

    python benchmarks/envelope.py [MEBIBYTES]

Single-threaded, in memory, best of five rounds; the rounds interleave, so that
a busy machine slows all rows alike and the ratios stay true.
"""

from __future__ import annotations

import io
import os
import sys
import time
from typing import TYPE_CHECKING

from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from git_model_security.envelope import (
    SEGMENT_BYTES,
    Key,
    Opener,
    Sealer,
    check_framing,
    decrypt,
    encrypt,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
PACKET_BYTES = 65516
"""What Git's pkt-line brings at once."""


class Null:
    """A sink that forgets."""

    def write(self, data: bytes) -> int:
        return len(data)


def rows(content: bytes) -> dict[str, Callable[[], object]]:
    key = Key(os.urandom(32))
    keys = {key.id: key}
    plain = io.BytesIO(content)
    sink = io.BytesIO()
    encrypt(key, io.BytesIO(content), sink)
    envelope = sink.getvalue()
    sealed = io.BytesIO(envelope)
    return {
        "AES-256-GCM": lambda: gcm(content),
        "BLAKE3 keyed": lambda: hash_segments(content),
        "seal": lambda: encrypt(key, rewound(plain), Null()),  # type: ignore[arg-type]
        "seal, pushed": lambda: push(Sealer(key), content),
        "open": lambda: decrypt(keys, rewound(sealed), Null()),  # type: ignore[arg-type]
        "open, pushed": lambda: push(Opener(keys), envelope),
        "check framing": lambda: check_framing(rewound(sealed)),
    }


def rewound(file: io.BytesIO) -> io.BytesIO:
    file.seek(0)
    return file


def gcm(content: bytes) -> None:
    view, sealed, key = memoryview(content), bytearray(SEGMENT_BYTES + 16), os.urandom(32)
    for start in range(0, len(view), SEGMENT_BYTES):
        segment = view[start : start + SEGMENT_BYTES]
        AESGCM(key).encrypt_into(
            bytes(12), segment, b"", memoryview(sealed)[: len(segment) + 16]
        )


def hash_segments(content: bytes) -> None:
    view, key = memoryview(content), os.urandom(32)
    for start in range(0, len(view), SEGMENT_BYTES):
        blake3(view[start : start + SEGMENT_BYTES], key=key).digest()


def push(stage: Sealer | Opener, data: bytes) -> None:
    view = memoryview(data)
    for start in range(0, len(view), PACKET_BYTES):
        stage.update(view[start : start + PACKET_BYTES])
    stage.finish()


def main() -> None:
    mebibytes = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    content = os.urandom(mebibytes << 20)
    work = rows(content)
    best = dict.fromkeys(work, float("inf"))
    for _ in range(ROUNDS):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    speed = {name: len(content) / seconds / 1e9 for name, seconds in best.items()}
    print(f"{'':16}{'GB/s':>8}{'of GCM':>9}{'of BLAKE3':>11}")
    for name, rate in speed.items():
        of_gcm, of_blake3 = rate / speed["AES-256-GCM"], rate / speed["BLAKE3 keyed"]
        print(f"{name:16}{rate:8.2f}{of_gcm:9.2f}{of_blake3:11.2f}")


if __name__ == "__main__":
    main()

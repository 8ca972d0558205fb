"""Pickles by content: their opcodes are read and never run.

Must not know paths' protection, Git or keys.
"""

from __future__ import annotations

from typing import Final

_PROTOCOLS: Final = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_FRAME: Final = b"\x95"
_FRAME_MIN_BYTES: Final = 4
"""pickle.py, _Framer._FRAME_SIZE_MIN."""

ENDINGS: Final = (b".pkl", b".pickle", b".joblib", b".pt", b".pth", b".ckpt")
"""What people call a pickle."""

_ENOUGH: Final = 8
"""So many opcodes in a row do not happen by chance: of 256 byte values 68 are one."""


def model_format(head: bytes, size: int, name: bytes) -> str | None:
    """Returns `pickle` for a pickle of protocol 2 to 5; older ones by name only.

    Protocols 0 and 1 are text without a beginning of their own.
    """
    if head.startswith(_PROTOCOLS):
        return "pickle" if _is_framed(head, size) or _are_opcodes(head) else None
    return "pickle" if name.endswith(ENDINGS) and _are_opcodes(head) else None


def _is_framed(head: bytes, size: int) -> bool:
    # PEP 3154, "Framing": protocols 4 and 5 put a frame with its le64 length first.
    length_bytes = int.from_bytes(head[3:11], "little")
    return head[2:3] == _FRAME and _FRAME_MIN_BYTES <= length_bytes <= size - 11


def _are_opcodes(head: bytes) -> bool:
    # Imported only for the few files that begin like a pickle.
    from pickletools import genops

    count = 0
    try:
        for opcode, _, _ in genops(head):
            count += 1
            if opcode.name == "STOP":
                return count > 2
    except ValueError:
        # An opcode that is none, or the end of the head.
        return count >= _ENOUGH
    return False

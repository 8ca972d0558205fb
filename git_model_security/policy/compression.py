"""The beginning of compressed files, unfolded: joblib and people compress models.

Must not know what the content is.
"""

from __future__ import annotations

import zlib
from typing import Final

_GZIP_WINDOW: Final = 31
"""zlib's window bits for a gzip header (zlib.h, inflateInit2)."""

_LZMA_LIMIT_BYTES: Final = 128 << 20

_MAGICS: Final = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x5d\x00\x00", "lzma"),
    # RFC 1950: deflate with a 32 KiB window, and the four levels
    *((bytes((0x78, level)), "zlib") for level in (0x01, 0x5E, 0x9C, 0xDA)),
)


def inflated(head: bytes, limit_bytes: int) -> tuple[str, bytes]:
    """Unfolds the beginning of a file.

    Args:
        limit_bytes: how much to return at most; no more is ever unfolded.

    Returns:
        The name of the compression and the first bytes of the content; both
        empty where the file is not compressed in a way known here.
    """
    for magic, title in _MAGICS:
        if head.startswith(magic):
            content = _unfold(title, head, limit_bytes)
            return ("", b"") if content is None else (title, content)
    return "", b""


def _unfold(title: str, head: bytes, limit_bytes: int) -> bytes | None:
    # A Python built without liblzma or libbz2 does without these formats.
    try:
        if title in {"gzip", "zlib"}:
            window_bits = _GZIP_WINDOW if title == "gzip" else zlib.MAX_WBITS
            return zlib.decompressobj(window_bits).decompress(head, limit_bytes)
        if title == "bzip2":
            import bz2

            return bz2.BZ2Decompressor().decompress(head, limit_bytes)
        return _unfold_lzma(head, limit_bytes)
    except (ImportError, OSError, zlib.error):
        return None


def _unfold_lzma(head: bytes, limit_bytes: int) -> bytes | None:
    import lzma

    try:
        # The head says how much memory it wants: xz -9 wants 65 MiB.
        decompressor = lzma.LZMADecompressor(memlimit=_LZMA_LIMIT_BYTES)
        return decompressor.decompress(head, limit_bytes)
    except lzma.LZMAError:
        return None

"""Models inside of zip and tar archives and compressed files, by what their heads show.

The names of entries, and what their writers leave beside the names; joblib and people
compress models. Each byte of the head is looked at once, whatever it holds. Must not know
paths' protection, Git or keys.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL: Final = b"PK\x03\x04"
_LOCAL_BYTES: Final = 30
_PYTORCH_PADDING: Final = b"FB"
"""Id of the extra field with which PyTorch aligns what it writes (caffe2/serialize/
inline_container.cc, `getPadding`): checkpoints, TorchScript, `.ptl` and `.ot`. Their
`data.pkl` may stand after all tensors."""

_MODEL_FILES: Final = rb"safetensors|gguf|onnx|tflite|mlmodel"
_NAMES: Final = (
    # torch/serialization.py, _save; torch/csrc/jit/serialization/export_module.cpp
    (re.compile(rb"(^|/)(data|constants|bytecode)\.pkl$|/\.data/serialization_id$"), "PyTorch"),
    # numpy.savez
    (re.compile(rb"\.npy$"), "NumPy"),
    # keras/src/saving/saving_lib.py
    (re.compile(rb"(^|/)model\.weights\.h5$"), "Keras"),
    (re.compile(rb"\.(" + _MODEL_FILES + rb")$"), "zip of a model"),
)

_BLOCK_BYTES: Final = 512
_TAR_MAGIC_AT: Final = 257
_TAR_NAME: Final = re.compile(
    # only endings that nothing else has; NeMo's archives hold a .ckpt
    rb"\.(" + _MODEL_FILES + rb"|ckpt|keras|pdparams|pdiparams)$"
)

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


class Entry(NamedTuple):
    """What stands before the content of an entry of a zip archive."""

    name: bytes
    extra: bytes


def zip_entries(head: bytes) -> Iterator[Entry]:
    """Yields the entries whose headers are in the head; no two of them share a byte.

    Sizes are not believed: writers that stream leave them zero (APPNOTE.TXT 4.4.4).
    """
    start = 0 if head.startswith(_LOCAL) else -1
    while start >= 0:
        # APPNOTE.TXT 4.3.7: the lengths are at 26 and 28, and both follow at 30.
        name_bytes = int.from_bytes(head[start + 26 : start + 28], "little")
        extra_bytes = int.from_bytes(head[start + 28 : start + 30], "little")
        named = start + _LOCAL_BYTES + name_bytes
        end = named + extra_bytes
        yield Entry(head[start + _LOCAL_BYTES : named], head[named:end])
        start = head.find(_LOCAL, end)


def zip_format(head: bytes) -> str | None:
    """Names the model format of a zip archive, or returns None."""
    for entry in zip_entries(head):
        if _PYTORCH_PADDING in _fields(entry.extra):
            return "PyTorch"
        name = entry.name.lower()
        for pattern, title in _NAMES:
            if pattern.search(name):
                return title
    # The weights are the last entry of a `.keras` file; its metadata is the first, stored.
    return (
        "Keras" if b'"keras_version"' in head[: len(head) * head.startswith(_LOCAL)] else None
    )


def _fields(extra: bytes) -> Iterator[bytes]:
    """Yields the ids of extra fields: each is followed by its length (APPNOTE.TXT 4.5.1)."""
    start = 0
    while start + 4 <= len(extra):
        yield extra[start : start + 2]
        start += 4 + int.from_bytes(extra[start + 2 : start + 4], "little")


def tar_content(head: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Yields name, length and first bytes of the entries of a tar archive (pax, ustar)."""
    start = 0
    while head[start + _TAR_MAGIC_AT : start + _TAR_MAGIC_AT + 5] == b"ustar":
        block = head[start : start + _BLOCK_BYTES]
        size = _octal(block[124:136])
        content = start + _BLOCK_BYTES
        yield block[:100].partition(b"\0")[0], size, head[content : content + size]
        start = content + -(-size // _BLOCK_BYTES) * _BLOCK_BYTES


def tar_names_model(name: bytes) -> bool:
    """Tells whether an entry of a tar archive is called as a model is."""
    return _TAR_NAME.search(name.lower()) is not None


def _octal(field: bytes) -> int:
    if field[:1] >= b"\x80":
        # GNU and star write a size of 8 GiB and over as a number.
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    return int(digits, 8) if digits.isdigit() and not set(digits) & set(b"89") else 0


def inflated(head: bytes, limit_bytes: int) -> tuple[str, bytes]:
    """Unfolds the beginning of a file, and never more than the limit.

    Returns the name of the compression and the first bytes of the content; both are empty where
    the file is not compressed in a way known here.
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

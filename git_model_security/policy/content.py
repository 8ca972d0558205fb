"""Model files by content: which format the first bytes of a file are of.

For files whose name no profile protects (`.cache/ckpt/model`). Owns the table
of formats; must not know paths' protection, Git or keys.

It finds mistakes and proves nothing: raw weights without a header (ONNX
external data, TensorFlow `variables.data-*`) and containers that it does not
open (tar, zstd) are not seen.
"""

from __future__ import annotations

import re
from typing import Final

from git_model_security.policy import pickles, protobuf
from git_model_security.policy.compression import inflated

HEAD_BYTES: Final = 4096
"""How much of a file `model_format` wants to see: HDF5 may begin at byte 2048."""

_UNKNOWN_SIZE_BYTES: Final = 1 << 62
"""Size of what a compressed file unfolds to: only its head is unfolded."""


def model_format(head: bytes, size: int, name: bytes) -> str | None:
    """Names the model format of a file, or returns None.

    Args:
        head: the first `HEAD_BYTES` of the file, or all of it.
        size: length of the whole file in bytes.
        name: path or name; a hint for formats that have no magic number.
    """
    found = _format(head, size, name.lower())
    if found is not None:
        return found
    compression, inner = inflated(head, HEAD_BYTES)
    # Two bytes are all that tells zlib from noise; but a model must follow.
    found = _format(inner, _UNKNOWN_SIZE_BYTES, b"")
    if compression and not inner and name.lower().endswith(pickles.ENDINGS):
        # bzip2 unfolds by blocks of up to 900 kB, and the head ends before that.
        found = "pickle"
    return f"{found}, {compression}" if found else None


def _format(head: bytes, size: int, name: bytes) -> str | None:
    for title, offset, magic in _MAGICS:
        if head.startswith(magic, offset):
            return title
    for recognise in (_safetensors, _ggml, _core_ml_weights, _zip):
        if found := recognise(head):
            return found
    return pickles.model_format(head, size, name) or protobuf.model_format(head, size, name)


_MAGICS: Final = (
    # torch/serialization.py, MAGIC_NUMBER 0x1950a86a20f9469cfc6c, pickled by itself
    ("PyTorch", 0, b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."),
    # numpy.lib.format, "Format Version 1.0"
    ("NumPy", 0, b"\x93NUMPY"),
    # HDF5 File Format Specification, "Superblock": at 0, 512, 1024, 2048, ...
    *(("HDF5", offset, b"\x89HDF\r\n\x1a\n") for offset in (0, 512, 1024, 2048)),
    # tensorflow/lite/schema/schema.fbs, file_identifier
    ("TFLite", 4, b"TFL3"),
)


def _safetensors(head: bytes) -> str | None:
    # safetensors README, "Format": le64 header length, JSON that MUST begin with `{`;
    # safetensors/src/tensor.rs, MAX_HEADER_SIZE. Truncated files are models as well.
    length_bytes = int.from_bytes(head[:8], "little")
    if not 2 <= length_bytes <= 100_000_000 or head[8:9] != b"{":
        return None
    text = head[8 : 8 + length_bytes]
    named = any(key in text for key in (b'"dtype"', b'"data_offsets"', b'"__metadata__"'))
    return "safetensors" if named else None


# llama.cpp, ggml/include/gguf.h; and its forerunners ggml, ggmf, ggjt, ggla, ggsn, whose
# magic is a little-endian u32 (llama.cpp before August 2023, llama.h)
_GGML: Final = {b"GGUF": "GGUF"} | {
    magic[::-1]: "GGML" for magic in (b"ggml", b"ggmf", b"ggjt", b"ggla", b"ggsn")
}
_TEXT_FROM: Final = 0x09000000
"""As a u32 no four bytes of text are less."""


def _ggml(head: bytes) -> str | None:
    # The version (for `ggml` the vocabulary size) follows, in the writer's byte order:
    # a text that begins with these letters is none.
    title = _GGML.get(head[:4])
    orders = (int.from_bytes(head[4:8], "little"), int.from_bytes(head[4:8], "big"))
    return title if len(head) >= 8 and min(orders) < _TEXT_FROM else None


def _core_ml_weights(head: bytes) -> str | None:
    # `weights/weight.bin` of an .mlpackage. coremltools, MILBlob/Blob/StorageFormat.hpp:
    # count, version 2, reserved up to byte 64, then the sentinel of the first entry.
    begins = head[4:8] == b"\x02\0\0\0" and not any(head[8:64])
    return "Core ML" if begins and head[64:68] == b"\xef\xbe\xad\xde" else None


_ZIP_ENTRIES: Final = (
    # torch/serialization.py, _save; torch/csrc/jit/serialization/export_module.cpp
    (re.compile(rb"(^|/)(data|constants)\.pkl$|/\.data/serialization_id$"), "PyTorch"),
    # numpy.savez
    (re.compile(rb"\.npy$"), "NumPy"),
    # keras/src/saving/saving_lib.py
    (re.compile(rb"(^|/)model\.weights\.h5$"), "Keras"),
    (re.compile(rb"\.(safetensors|gguf|onnx|tflite|mlmodel)$"), "zip of a model"),
)
_ZIP_LOCAL: Final = b"PK\x03\x04"


def _zip(head: bytes) -> str | None:
    if not head.startswith(_ZIP_LOCAL):
        return None
    for match in re.finditer(re.escape(_ZIP_LOCAL), head):
        # APPNOTE.TXT 4.3.7: the length of the name is at 26, the name at 30.
        start = match.start()
        length_bytes = int.from_bytes(head[start + 26 : start + 28], "little")
        entry = head[start + 30 : start + 30 + length_bytes]
        for pattern, title in _ZIP_ENTRIES:
            if pattern.search(entry.lower()):
                return title
    # The weights are the last entry of a `.keras` file; its metadata is the first, stored.
    return "Keras" if b'"keras_version"' in head else None

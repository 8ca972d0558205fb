"""Model files by content: which format the first bytes of a file are of.

For files whose name no profile protects (`.cache/ckpt/model`). Owns the table
of formats; must not know paths' protection, Git or keys.

It finds mistakes and proves nothing: raw weights without a header (ONNX
external data, TensorFlow `variables.data-*`), containers that it does not open (zstd)
and what stands behind the head of an archive are not seen.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final

from git_model_security.policy import archives, protobuf

if TYPE_CHECKING:
    from collections.abc import Iterable

HEAD_BYTES: Final = 4096
"""How much of a file `model_format` wants to see: HDF5 may begin at byte 2048."""

_UNKNOWN_SIZE_BYTES: Final = 1 << 62
"""Size of what a compressed file unfolds to: only its head is unfolded."""


def model_format(head: bytes, size: int, name: bytes) -> str | None:
    """Names the model format of a file by its first `HEAD_BYTES`, or returns None.

    The name is a hint for formats that have no magic number.
    """
    found = _format(head, size, name.lower())
    if found is not None:
        return found
    compression, inner = archives.inflated(head, HEAD_BYTES)
    # Two bytes are all that tells zlib from noise; but a model must follow.
    found = _format(inner, _UNKNOWN_SIZE_BYTES, b"")
    if compression and not inner and name.lower().endswith(_PICKLE_ENDINGS):
        # bzip2 unfolds by blocks of up to 900 kB, and the head ends before that.
        found = "pickle"
    return f"{found}, {compression}" if found else None


def is_text(pieces: Iterable[bytes], *, is_cut: bool = False) -> bool:
    """Tells whether content is UTF-8 without a NUL, as source text is; reads no further.

    Where it `is_cut` the last character need not be whole.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in pieces:
            if b"\0" in piece:
                return False
            decoder.decode(piece)
        decoder.decode(b"", final=not is_cut)
    except UnicodeDecodeError:
        return False
    return True


def _format(head: bytes, size: int, name: bytes) -> str | None:
    for title, offset, magic in _MAGICS:
        if head.startswith(magic, offset):
            return title
    for recognise in (
        _safetensors,
        _ggml,
        _core_ml_weights,
        _paddle,
        _tensorrt,
        archives.zip_format,
    ):
        if found := recognise(head):
            return found
    found = _pickle(head, size, name) or protobuf.model_format(head, size, name)
    return found or _tar(head)


_MAGICS: Final = (
    # torch/serialization.py, MAGIC_NUMBER 0x1950a86a20f9469cfc6c, pickled by itself
    ("PyTorch", 0, b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."),
    # numpy.lib.format, "Format Version 1.0"
    ("NumPy", 0, b"\x93NUMPY"),
    # HDF5 File Format Specification, "Superblock": at 0, 512, 1024, 2048, ...
    *(("HDF5", offset, b"\x89HDF\r\n\x1a\n") for offset in (0, 512, 1024, 2048)),
    # FlatBuffers, each by the file_identifier of its schema: tensorflow/lite/schema/
    # schema.fbs; executorch/schema/program.fbs; onnxruntime/core/flatbuffers/schema/ort.fbs
    ("TFLite", 4, b"TFL3"),
    ("ExecuTorch", 4, b"ET12"),
    ("ONNX Runtime", 4, b"ORTM"),
    ("RKNN", 0, b"RKNN\0\0\0\0"),
    # mxnet/src/ndarray/ndarray.cc, kMXAPINDArrayListMagic and the reserved number
    ("MXNet", 0, b"\x12\x01" + bytes(14)),
    # fastText/src/fasttext.cc, FASTTEXT_FILEFORMAT_MAGIC_INT32 and the version
    ("fastText", 0, b"\xba\x16\x4f\x2f\x0c\0\0\0"),
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


def _paddle(head: bytes) -> str | None:
    # paddle/fluid/framework/lod_tensor.cc, SerializeToStream: version 0, no levels, version
    # of the tensor 0, then the length of its description, which begins with the data type.
    length_bytes = int.from_bytes(head[16:20], "little")
    begins = len(head) > 24 and not any(head[:16]) and head[20] == 0x08 and head[22] == 0x10
    return "PaddlePaddle" if begins and 4 <= length_bytes <= 128 else None


def _tensorrt(head: bytes) -> str | None:
    # Undocumented, but for the messages of a runtime that meets another magic tag: the tag,
    # and the version as a little-endian u32.
    begins = head.startswith((b"ptrt", b"ftrt"))
    return "TensorRT" if begins and int.from_bytes(head[4:8], "little") < 1 << 16 else None


def _tar(head: bytes) -> str | None:
    for name, size, content in archives.tar_content(head):
        if archives.tar_names_model(name):
            return "tar of a model"
        if content and (found := _format(content, size, name.lower())):
            return f"{found}, tar"
    return None


def _core_ml_weights(head: bytes) -> str | None:
    # `weights/weight.bin` of an .mlpackage. coremltools, MILBlob/Blob/StorageFormat.hpp:
    # count, version 2, reserved up to byte 64, then the sentinel of the first entry.
    begins = head[4:8] == b"\x02\0\0\0" and not any(head[8:64])
    return "Core ML" if begins and head[64:68] == b"\xef\xbe\xad\xde" else None


_PROTOCOLS: Final = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_FRAME: Final = b"\x95"
_FRAME_MIN_BYTES: Final = 4
"""pickle.py, _Framer._FRAME_SIZE_MIN."""

_PICKLE_ENDINGS: Final = (b".pkl", b".pickle", b".joblib", b".pt", b".pth", b".ckpt")
"""What people call a pickle."""

_ENOUGH: Final = 8
"""So many opcodes in a row do not happen by chance: of 256 byte values 68 are one."""


def _pickle(head: bytes, size: int, name: bytes) -> str | None:
    # Protocols 0 and 1 are text without a beginning of their own: by name only.
    if head.startswith(_PROTOCOLS):
        return "pickle" if _is_framed(head, size) or _are_opcodes(head) else None
    return "pickle" if name.endswith(_PICKLE_ENDINGS) and _are_opcodes(head) else None


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

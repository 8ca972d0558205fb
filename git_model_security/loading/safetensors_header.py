"""The header of a safetensors file: where each tensor lies, all of it checked before use.

Implements the format as its library reads it (safetensors, "Format"): the names once each,
the tensors next to each other without a hole from the header to the end of the file. A
header that breaks a rule is refused, whatever a more lenient reader would make of it. It is
read one entry after the other: as Python objects the whole may take thirty times its length.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from git_model_security.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LENGTH_BYTES: Final = 8
"""The length of the header stands in front of it, as a little-endian number."""
_MAX_BYTES: Final = 32 << 20
"""Of 300,000 tensors and more. The library takes 100 MB, of which Python makes a gigabyte."""
_METADATA: Final = "__metadata__"
_MAX_METADATA: Final = 4 << 20
"""Characters of the metadata, of which training programs write some 100,000."""
_MAX_ENTRY: Final = 4096
"""Characters of what the header says of one tensor: 64 dimensions of 20 digits, and blanks."""
_BLANKS: Final = r"[ \t\n\r]*"
_OPENING: Final = re.compile("{" + _BLANKS)
_QUOTE: Final = re.compile('"')
_COLON: Final = re.compile(f"{_BLANKS}:{_BLANKS}")
_END: Final = re.compile(f"{_BLANKS}([,}}]){_BLANKS}")
"""Of an entry, or of them all."""
_MAX_DIMENSIONS: Final = 64
_MAX_NUMBER: Final = 1 << 63
_BITS: Final = {
    "F4": 4,
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
    **dict.fromkeys(("F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}


class Tensor(NamedTuple):
    """Where one tensor lies.

    Attributes:
        dtype: as the header names it: `F16`, `BF16`.
        shape: lengths of its dimensions; empty for a scalar.
        start: its first byte, counted from the end of the header.
        end: the byte after its last one.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class Header(NamedTuple):
    """What a header says.

    Attributes:
        metadata: texts by name, of whoever wrote the file.
        tensors: by name, as they stand in the header.
    """

    metadata: Mapping[str, str]
    tensors: Mapping[str, Tensor]


def check_length(prefix: bytes, file_bytes: int) -> int:
    """Returns the length in bytes of the header, which the first 8 bytes of a file say.

    Raises:
        ModelError: no file of this length has such a header.
    """
    if len(prefix) < LENGTH_BYTES:
        raise ModelError("not safetensors: it is shorter than 8 bytes")
    length = int.from_bytes(prefix, "little")
    if length > min(_MAX_BYTES, file_bytes - LENGTH_BYTES):
        raise ModelError(f"not safetensors: its header would have {length} bytes")
    return length


def parse(text: bytes, data_bytes: int) -> Header:
    """Reads a header.

    Args:
        text: the header, without its length.
        data_bytes: how many bytes follow it.

    Raises:
        ModelError: it breaks a rule of the format.
    """
    if not text.startswith(b"{"):
        raise ModelError("not safetensors: its header does not begin with {")
    texts: dict[str, str] | None = None
    tensors: dict[str, Tensor] = {}
    try:
        for name, facts in _entries(text.decode()):
            if name in tensors or (name == _METADATA and texts is not None):
                raise ModelError("a name occurs twice in its header")
            if name == _METADATA:
                texts = _texts(facts)
            else:
                tensors[name] = _tensor(name, facts)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"its header is no JSON of safetensors: {error}") from None
    _require_dense(tensors.values(), data_bytes)
    return Header(texts or {}, tensors)


def _entries(text: str) -> Iterator[tuple[str, Any]]:
    """Yields the names and values of a JSON object, one at a time.

    Raises:
        ValueError: it is none, or a value is longer than one of its kind.
    """
    at = _find(_OPENING, text, 0).end()
    is_end = text[at : at + 1] == "}"
    if is_end:
        at = _find(_END, text, at).end()
    while not is_end:
        _find(_QUOTE, text, at)
        name, at = _DECODER.raw_decode(text, at)
        at = _find(_COLON, text, at).end()
        limit = _MAX_METADATA if name == _METADATA else _MAX_ENTRY
        value, length = _DECODER.raw_decode(text[at : at + limit])
        yield name, value
        found = _find(_END, text, at + length)
        at, is_end = found.end(), found[1] == "}"
    if at != len(text):
        raise ValueError("more than one object")


def _find(wanted: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    found = wanted.match(text, at)
    if found is None:
        raise ValueError(f"no {wanted.pattern.replace(_BLANKS, '')} at character {at}")
    return found


def _texts(found: object) -> dict[str, str]:
    texts = {} if found is None else found
    if not isinstance(texts, dict) or not all(isinstance(one, str) for one in texts.values()):
        raise ModelError("its metadata are not texts by name")
    return texts


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ModelError("a name occurs twice in its header")
    return found


def _no(said: str) -> NoReturn:
    raise ModelError(f"{said[:20]!r} in its header is no whole number")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no, parse_float=_no)


def _tensor(name: str, facts: object) -> Tensor:
    match facts:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [start, end], **rest}:
            is_known = dtype in _BITS and not rest and len(shape) <= _MAX_DIMENSIONS
        case _:
            is_known = False
    if not is_known or not all(map(_is_size, (*shape, start, end))):
        raise ModelError(f"tensor {name[:80]!r}: its entry is none of safetensors")
    bits = math.prod(shape) * _BITS[dtype]
    if math.prod(filter(None, shape)) * _BITS[dtype] >= _MAX_NUMBER:
        raise ModelError(f"tensor {name[:80]!r}: no memory has its shape")
    if bits % 8 or end - start != bits // 8:
        raise ModelError(f"tensor {name[:80]!r}: its offsets do not fit its shape")
    return Tensor(dtype, tuple(shape), start, end)


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < _MAX_NUMBER


def _require_dense(tensors: Iterable[Tensor], data_bytes: int) -> None:
    position = 0
    for start, end in sorted((one.start, one.end) for one in tensors):
        if start != position:
            raise ModelError("its tensors overlap, or leave a hole between them")
        position = end
    if position != data_bytes:
        raise ModelError(f"its tensors end at byte {position} of {data_bytes}")

"""Protocol buffers by content: ONNX, TensorFlow and Core ML models.

The wire format has no magic number: a message is recognised by the numbers and
types of its first fields, in the order all writers use. Must not know paths'
protection, Git or keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT, _LENGTH = 0, 2
"""Wire types (protobuf.dev, "Encoding")."""

_MAX_VERSION: Final = 64
"""ONNX's IR is at 13, Core ML's specification at 10, SavedModel's schema at 1."""

# onnx/onnx.proto, ModelProto: text, number and message fields that follow ir_version
_ONNX_TEXTS: Final = frozenset({2, 3, 4, 6})
_ONNX_MODEL_VERSION: Final = 5
_ONNX_GRAPH: Final = 7
_ONNX_MESSAGES: Final = frozenset({_ONNX_GRAPH, 8, 14, 20, 25})
# GraphProto: node, name, initializer, doc_string, input, output, value_info
_ONNX_GRAPH_FIELDS: Final = frozenset({1, 2, 5, 10, 11, 12, 13})


class Field(NamedTuple):
    """A field, whose payload may be cut; `value` is its number, or the length of that."""

    number: int
    wire_type: int
    value: int
    payload: bytes
    end: int

    @property
    def is_text(self) -> bool:
        """Whether it can be a short string that is there in full."""
        if self.wire_type != _LENGTH or len(self.payload) != self.value:
            return False
        try:
            return self.payload.decode().isprintable()
        except UnicodeDecodeError:
            return False


def model_format(head: bytes, size: int, name: bytes) -> str | None:
    """Names the format; ONNX also without the help of the file's name."""
    first, second = (*_take(head, 2), None, None)[:2]
    if first is not None and name.endswith(b".pb") and _is_graph(first):
        return "TensorFlow"
    if first is None or second is None:
        return None
    if not _is_version(first):
        return None
    if name.endswith(b".pb") and (second.number, second.wire_type) == (2, _LENGTH):
        # tensorflow/core/protobuf/saved_model.proto: schema version, meta graphs
        return "TensorFlow"
    if name.endswith(b".mlmodel") and (second.number, second.wire_type) == (2, _LENGTH):
        # coremltools, mlmodel/format/Model.proto: specification version, description
        return "Core ML"
    named = name.endswith(b".onnx") and _is_onnx_field(second)
    return "ONNX" if named or _is_onnx(head, size) else None


def _is_version(field: Field) -> bool:
    return (field.number, field.wire_type) == (1, _VARINT) and 0 < field.value <= _MAX_VERSION


def _is_onnx(head: bytes, size: int) -> bool:
    for field in _fields(head[2:]):
        if not _is_onnx_field(field):
            return False
        if field.number == _ONNX_GRAPH:
            inner = next(_fields(field.payload), None)
            fits = field.end + 2 <= size
            return fits and inner is not None and inner.number in _ONNX_GRAPH_FIELDS
    return False


def _is_onnx_field(field: Field) -> bool:
    if field.number in _ONNX_TEXTS:
        return field.is_text
    if field.number == _ONNX_MODEL_VERSION:
        return field.wire_type == _VARINT
    return field.number in _ONNX_MESSAGES and field.wire_type == _LENGTH


def _is_graph(first: Field) -> bool:
    # tensorflow/core/framework/graph.proto: GraphDef begins with a NodeDef, and that
    # with its name and its operation.
    node = _take(first.payload, 2)
    return (
        (first.number, first.wire_type) == (1, _LENGTH)
        and [field.number for field in node] == [1, 2]
        and all(field.is_text for field in node)
    )


def _take(data: bytes, count: int) -> list[Field]:
    return [field for field, _ in zip(_fields(data), range(count), strict=False)]


def _fields(data: bytes) -> Iterator[Field]:
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        value, position = _varint(data, position)
        number, wire_type = key >> 3, key & 7
        # Groups and fixed-width numbers begin none of these messages.
        if not number or wire_type not in {_VARINT, _LENGTH} or position > len(data):
            return
        end = position + value if wire_type == _LENGTH else position
        yield Field(number, wire_type, value, data[position:end], end)
        position = end


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Reads one varint; past the end the position is past the end too."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    return 0, len(data) + 1

"""The header of a GGUF file: that all it announces is there, before a reader believes it.

Implements the layout of version 2 and 3 (ggml, `docs/gguf.md`). A reader that takes a count
of 2^60 at its word runs until its memory is full.
"""

from __future__ import annotations

from typing import Final, Literal

from git_model_security.errors import ModelError

_MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_STRING: Final = 8
_ARRAY: Final = 9
_BYTES: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Of the values that are numbers, by their type."""
_MAX_DIMENSIONS: Final = 8
_MAX_NESTED: Final = 8
ARRAY_BYTES: Final = 4 + 8
"""Type and count, which stand before the values of an array."""
MAX_VALUES: Final = 3 << 19
"""Names, values and tensors of one header. A vocabulary of 260,000 tokens with its merges comes
to 1.3 million; of each the library makes an object of 200 bytes or more."""


def check(content: memoryview) -> None:
    """Looks whether all that the header of a file announces lies inside of the file.

    Args:
        content: all of the file.

    Raises:
        ModelError: it is no GGUF, something would lie outside, or it is too much.
    """
    if bytes(content[:4]) != _MAGIC:
        raise ModelError("not GGUF: it does not begin with GGUF")
    # Who wrote it on a big-endian machine wrote its numbers so, the version too.
    order: Literal["little", "big"] = "little" if any(content[4:6]) else "big"
    walk = _Walk(content, order)
    walk.skip(len(_MAGIC))
    version = walk.number(4)
    if version not in _VERSIONS:
        raise ModelError(f"version {version} of GGUF is unknown")
    tensors, pairs = walk.number(8), walk.number(8)
    for _ in range(walk.counted(pairs, at_least=13)):
        walk.skip_text()
        walk.skip_value(walk.number(4), depth=0)
    for _ in range(walk.counted(tensors, at_least=24)):
        walk.skip_text()
        dimensions = walk.number(4)
        if dimensions > _MAX_DIMENSIONS:
            raise ModelError(f"a tensor of {dimensions} dimensions")
        walk.skip(8 * dimensions + 4 + 8)


class _Walk:
    """A position in the header, which goes forward and never beyond the end."""

    def __init__(self, view: memoryview, order: Literal["little", "big"]) -> None:
        self._view = view
        self._order = order
        self._at = 0
        self._values = 0

    def skip(self, length: int) -> None:
        if length > len(self._view) - self._at:
            raise ModelError("what its header announces is beyond the end of the file")
        self._at += length

    def number(self, length: int) -> int:
        start = self._at
        self.skip(length)
        return int.from_bytes(self._view[start : self._at], self._order)

    def counted(self, count: int, *, at_least: int) -> int:
        """Returns a count of things that have so many bytes each, if there is room for them."""
        if count > (len(self._view) - self._at) // at_least:
            raise ModelError(f"a count of {count}, for which it is too short")
        self._values += count
        if self._values > MAX_VALUES:
            raise ModelError(f"over {MAX_VALUES} values in its header")
        return count

    def skip_text(self) -> None:
        self.skip(self.number(8))

    def skip_value(self, kind: int, depth: int) -> None:
        if kind in _BYTES:
            self.skip(_BYTES[kind])
        elif kind == _STRING:
            self.skip_text()
        elif kind == _ARRAY and depth < _MAX_NESTED:
            inner, count = self.number(4), self.number(8)
            if inner in _BYTES:
                self.skip(self.counted(count, at_least=_BYTES[inner]) * _BYTES[inner])
                return
            for _ in range(self.counted(count, at_least=8)):
                self.skip_value(inner, depth + 1)
        else:
            raise ModelError(f"a value of the unknown type {kind}")

"""Sealing a file by offsets, on several threads: the same bytes as `Sealer` gives.

Must not know files by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from git_model_security.envelope import primitives, side_by_side
from git_model_security.envelope.header import write_header
from git_model_security.envelope.layout import (
    HEADER_BYTES,
    SEALED_SEGMENT_BYTES,
    SEGMENT_BYTES,
    SIV_BYTES,
    Role,
    sealed_length,
    segment_count,
)
from git_model_security.envelope.segment import footer_content, seal_segment
from git_model_security.envelope.source import Source
from git_model_security.files import write_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_model_security.envelope.key import Key


def seal_file(key: Key, source: BinaryIO, length: int, sink: int, threads: int = 1) -> None:
    """Write the envelope of a file to another one.

    Args:
        source: the plaintext, which is read by offsets.
        length: of the plaintext in bytes; what is behind it is not read.
        sink: descriptor of an empty file.

    Raises:
        EnvelopeError: the plaintext is empty, over 1 TiB, or shorter than `length`; what
            `sink` then holds is no envelope.
        OSError: it cannot be read, or there is no room.
    """
    total = sealed_length(length)
    plaintext = Source(source)
    header = write_header(key)
    segments = segment_count(length)
    sivs = bytearray(segments * SIV_BYTES)

    def begin() -> Callable[[int], None]:
        plain, room = bytearray(min(SEGMENT_BYTES, length)), bytearray(SEALED_SEGMENT_BYTES)

        def seal(index: int) -> None:
            size = min(SEGMENT_BYTES, length - index * SEGMENT_BYTES)
            role = Role.LAST if index == segments - 1 else Role.MORE
            with memoryview(plain)[:size] as content:
                plaintext.read_into(index * SEGMENT_BYTES, content)
                sealed = seal_segment(key, header, index, role, content, room)
            sivs[index * SIV_BYTES : (index + 1) * SIV_BYTES] = sealed[:SIV_BYTES]
            write_at(sink, sealed, HEADER_BYTES + index * SEALED_SEGMENT_BYTES)

        return seal

    side_by_side.run(range(segments), threads, begin)
    facts = footer_content(length, primitives.digest_of_sivs().update(sivs).digest())
    footer = seal_segment(key, header, segments, Role.FOOTER, facts)
    write_at(sink, header, 0)
    write_at(sink, footer, total - len(footer))

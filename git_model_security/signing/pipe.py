"""A path that is no file, for a library that takes keys only by path.

Key material must not come to lie in a temporary file, also not for a moment: a
crash would leave it there.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 8 * 1024
"""Less than any pipe holds (macOS may give 16 KiB), so that the write never waits."""


@contextlib.contextmanager
def readable(content: bytes) -> Iterator[str]:
    """Gives a path under /dev/fd that reads as `content`, once.

    Works on Linux and macOS; the descriptors are not inherited by children.
    """
    assert len(content) <= MAX_BYTES, "would wait for a reader for ever"
    reader, writer = os.pipe()
    try:
        with os.fdopen(writer, "wb") as file:
            file.write(content)
        yield f"/dev/fd/{reader}"
    finally:
        os.close(reader)

"""Memory for plaintext and keys: pages of this process alone, which no core dump shows.

What Python cannot do: the pages may be swapped out unless they are locked, and what a
library copies out of them (onnxruntime, torch) is as any memory of that library. Nor does it
clear what it has given back: the 32 bytes of a key as they were read, and what BLAKE3 and
AES were working with, may stand in memory that was freed until it is used again.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from typing import Final

from git_model_security.errors import ConfigError

_HUGE_BYTES: Final = 2 << 20
"""From this length on the kernel is asked for huge pages, where it has them."""


def allocate(length: int, *, lock: bool = False) -> memoryview:
    """Returns writable memory of some bytes, zeroed, that is not shared with any child.

    It is excluded from core dumps where the system can do so (madvise(2),
    `MADV_DONTDUMP`). It is given back when nothing refers to it any more.

    Args:
        length: in bytes.
        lock: keep it out of swap, too (mlock(2)).

    Raises:
        ConfigError: it may not be locked, by the limit of this process.
    """
    assert length >= 0
    pages = mmap.mmap(-1, max(length, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if length >= _HUGE_BYTES:
        _advise(pages, "MADV_HUGEPAGE")
    _advise(pages, "MADV_DONTDUMP")
    if lock:
        _lock(pages)
    return memoryview(pages)[:length]


def _advise(pages: mmap.mmap, name: str) -> None:
    advice = getattr(mmap, name, None)  # Linux has them, and some sandboxes of it do not
    if advice is not None:
        with contextlib.suppress(OSError):
            pages.madvise(advice)


def _lock(pages: mmap.mmap) -> None:
    import ctypes  # which a hook that opens no key need not load

    library = ctypes.CDLL(None, use_errno=True)
    address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    if library.mlock(ctypes.c_void_p(address), ctypes.c_size_t(len(pages))):
        reason = os.strerror(ctypes.get_errno())
        raise ConfigError(
            f"{len(pages)} bytes of memory cannot be locked: {reason}",
            hint="raise the limit of locked memory (`ulimit -l`), or load without it",
        )

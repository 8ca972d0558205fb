"""A reader of the `gguf` library over an encrypted file; its tensors are views of memory."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from git_model_security.loading import gguf_header
from git_model_security.loading.encrypted_file import as_model_errors
from git_model_security.loading.memfd import memfd

if TYPE_CHECKING:
    from gguf import GGUFReader

    from git_model_security.keyring.key_material import Given
    from git_model_security.loading.encrypted_file import PathLike


def load_reader(
    path: PathLike,
    key: Given,
    *,
    root: bytes | None = None,
    threads: int | None = None,
) -> GGUFReader:
    """Returns a `gguf.GGUFReader` of what an encrypted file holds, all of it in memory.

    The library maps a file, so it gets a memfd (see there what that means), whose name is
    gone when this returns.

    Args:
        path, key, root, threads: see `open_encrypted`.

    Raises:
        ModelError: what is encrypted is no GGUF.
        Error: see `open_encrypted`, and `memfd`.
    """
    import gguf
    import numpy as np

    with memfd(path, key, root=root, threads=threads) as place:
        # The library fails of content in many ways, which are its own affair.
        with as_model_errors(path, ValueError, IndexError, KeyError, TypeError):
            gguf_header.check(np.memmap(place, mode="r").data)
            found = gguf.GGUFReader(place)
        if isinstance(found.data.base, mmap.mmap):
            found.data.base.madvise(mmap.MADV_DONTDUMP)
        return found

"""A path for libraries that take nothing but a path: plaintext in memory, under a name.

The name is `/proc/self/fd/N` (memfd_create(2), Linux). Its dangers: whoever runs as this
user, or as root, may open it as long as it is there; a child that inherits descriptors has
it; and the pages may be swapped out, which no caller of this can forbid. So it is for those
who ask for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
from typing import TYPE_CHECKING, Final

from git_model_security.errors import ConfigError
from git_model_security.loading.encrypted_file import EncryptedFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import StrPath

    from git_model_security.keyring.key_material import KeyLike

_SEALS: Final = ("F_SEAL_SEAL", "F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_WRITE")


@contextlib.contextmanager
def memfd(
    path: StrPath,
    key: KeyLike,
    *,
    root: bytes | None = None,
    threads: int | None = None,
) -> Iterator[str]:
    """Yields a path at which the plaintext of an encrypted file can be read, and only read.

    It is gone at the end, but for what still has it open or mapped.

    Args:
        path, key, root, threads: see `open_encrypted`.

    Raises:
        ConfigError: this system has no memfd.
        Error: see `open_encrypted`.
    """
    if not hasattr(os, "memfd_create"):
        raise ConfigError("this system has no memfd_create", hint="load it by another loader")
    descriptor = os.memfd_create("git-model", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with EncryptedFile(path, key, root=root, threads=threads) as file:
            os.ftruncate(descriptor, file.length)
            pages = mmap.mmap(descriptor, file.length)
            pages.madvise(mmap.MADV_DONTDUMP)
            with memoryview(pages) as room:
                file.read_at(0, room)
            pages.close()  # what can still be written to cannot be sealed
        # So that nobody else who opens it can change what was authenticated.
        seals = sum(getattr(fcntl, name) for name in _SEALS)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)

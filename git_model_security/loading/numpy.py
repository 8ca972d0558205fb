"""Arrays out of an encrypted `.npy` or `.npz`, as `numpy.load` gives them; never a pickle.

A shape is believed where just so many bytes follow it, so that no file takes more memory than
it has bytes; a compressed one no more than `MAX_RATIO` times as much.
"""

from __future__ import annotations

import functools
import io
import math
import struct
import tokenize
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any, Final

from git_model_security.envelope import memory
from git_model_security.errors import ModelError
from git_model_security.loading.encrypted_file import EncryptedFile, as_model_errors
from git_model_security.loading.extras import extra

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from _typeshed import StrPath

    from git_model_security.keyring.key_material import KeyLike

    Array = np.ndarray[Any, Any]

_ZIP: Final = b"PK\x03\x04"
_CHUNK_BYTES: Final = 1 << 20
MAX_RATIO: Final = 100
"""Plaintext of a compressed archive, in its own lengths; deflate can do ten times as much."""
_ALWAYS_BYTES: Final = 64 << 20
"""What any archive may hold, however short it is."""
_METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""What numpy writes."""
_FAILURES: Final = (
    *(ValueError, EOFError, TypeError, LookupError, RuntimeError, SyntaxError, MemoryError),
    *(OverflowError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What numpy and zipfile fail with when content is not as they expect."""


def load(
    path: StrPath,
    key: KeyLike,
    *,
    root: bytes | None = None,
    threads: int | None = None,
    lock: bool = False,
) -> Array | dict[str, Array]:
    """Returns the array of a `.npy`, or those of a `.npz` by name.

    Args:
        path, key, root, threads: see `open_encrypted`.
        lock: see `safetensors.safe_open`.

    Raises:
        ModelError: what is encrypted is neither, holds Python objects, or would be over
            64 MiB and over `MAX_RATIO` times as long as it is.
        Error: see `open_encrypted`.
    """
    with (
        EncryptedFile(path, key, root=root, threads=threads, lock=lock) as file,
        as_model_errors(path, *_FAILURES, file=file),
    ):
        is_archive = file.read(len(_ZIP)) == _ZIP
        file.seek(0)
        if is_archive:
            return _read_archive(file, lock=lock)
        return _read_array(file, file.length, file.load_part)


def _read_archive(file: EncryptedFile, *, lock: bool) -> dict[str, Array]:
    with zipfile.ZipFile(io.BufferedReader(file, _CHUNK_BYTES)) as archive:
        parts = archive.infolist()
        if not {part.compress_type for part in parts} <= _METHODS:
            raise ModelError("compressed in a way in which numpy compresses nothing")
        if sum(part.file_size for part in parts) > max(_ALWAYS_BYTES, MAX_RATIO * file.length):
            raise ModelError(
                f"holds more than {MAX_RATIO} times as much as it is long",
                hint="save it anew with `numpy.savez`, which does not compress",
            )
        found: dict[str, Array] = {}
        for part in parts:
            with archive.open(part) as member:
                load = functools.partial(_load, member, lock=lock)
                array = _read_array(member, part.file_size, load)
            found[part.filename.removesuffix(".npy")] = array
        return found


def _load(member: IO[bytes], _: int, length: int, *, lock: bool) -> memoryview:
    """Reads what is left of a part of an archive, which is then found to be undamaged."""
    room, at = memory.allocate(length, lock=lock), 0
    while chunk := member.read(_CHUNK_BYTES):
        room[at : at + len(chunk)] = chunk
        at += len(chunk)
    if at != length:
        raise ModelError("ends before its arrays do")
    return room


def _read_array(
    file: IO[bytes] | EncryptedFile, size: int, load: Callable[[int, int], memoryview]
) -> Array:
    """Reads a `.npy` straight into the memory of its array (numpy.lib.format).

    Args:
        size: of the file, in bytes.
        load: reads what follows the header, given where that is and how long.
    """
    with extra("numpy"):
        import numpy as np

    version = np.lib.format.read_magic(file)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read_header is None:
        raise ModelError(f"version {version} of the format is unknown")
    shape, is_fortran, dtype = read_header(file)
    if dtype.hasobject:
        raise ModelError("it holds Python objects, which take a pickle to read")
    if not dtype.itemsize or not all(type(one) is int and one >= 0 for one in shape):
        raise ModelError(f"no array has the shape {shape!r} and the type {dtype}")
    length, start = math.prod(shape) * dtype.itemsize, file.tell()
    if length != size - start:
        raise ModelError("its length does not fit its shape")
    if not length:
        return np.empty(shape, dtype)
    array = np.frombuffer(load(start, length), dtype=dtype)
    return array.reshape(shape, order="F" if is_fortran else "C")

"""Arrays out of an encrypted `.npy` or `.npz`, as `numpy.load` gives them; never a pickle."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final

from git_model_security.errors import ModelError
from git_model_security.loading.encrypted_file import EncryptedFile, as_model_errors

if TYPE_CHECKING:
    import numpy as np
    from _typeshed import StrPath

    from git_model_security.keyring.key_material import KeyLike

    Array = np.ndarray[Any, Any]

_ZIP: Final = b"PK\x03\x04"


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
        ModelError: what is encrypted is neither, or holds Python objects.
        Error: see `open_encrypted`.
    """
    with (
        EncryptedFile(path, key, root=root, threads=threads, lock=lock) as file,
        as_model_errors(path, ValueError, EOFError, zipfile.BadZipFile, zlib.error),
    ):
        is_archive = file.read(len(_ZIP)) == _ZIP
        file.seek(0)
        return _read_archive(file) if is_archive else _read_array(file)


def _read_archive(file: EncryptedFile) -> dict[str, Array]:
    import numpy as np

    buffered = io.BufferedReader(file, 1 << 20)
    with np.load(buffered, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _read_array(file: EncryptedFile) -> Array:
    """Reads a `.npy` straight into the memory of its array (numpy.lib.format)."""
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
    length, start = math.prod(shape) * dtype.itemsize, file.tell()
    if length != file.length - start:
        raise ModelError("its length does not fit its shape")
    if not length:
        return np.empty(shape, dtype)
    array = np.frombuffer(file.load_part(start, length), dtype=dtype)
    return array.reshape(shape, order="F" if is_fortran else "C")

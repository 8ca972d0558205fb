"""An inference session of onnxruntime over an encrypted model, its external data too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_model_security.loading.encrypted_file import EncryptedFile, as_model_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnxruntime
    from _typeshed import StrPath

    from git_model_security.keyring.key_material import KeyLike


def load_session(
    path: StrPath,
    key: KeyLike,
    *,
    external_data: Mapping[str, StrPath] | None = None,
    root: bytes | None = None,
    threads: int | None = None,
    options: onnxruntime.SessionOptions | None = None,
    **given: Any,
) -> onnxruntime.InferenceSession:
    """Returns a session of a model in ONNX.

    Args:
        path, key, root, threads: see `open_encrypted`.
        external_data: the envelopes of its external data, by the names that the model has
            for them (`location`).
        options: of the session; external data are put into them.
        given: what else `onnxruntime.InferenceSession` takes.

    Raises:
        ModelError: onnxruntime does not take it.
        Error: see `open_encrypted`.
    """
    import numpy as np
    import onnxruntime

    chosen = options or onnxruntime.SessionOptions()
    held = {
        name: np.frombuffer(_load(place, key, threads=threads), dtype=np.uint8)
        for name, place in (external_data or {}).items()
    }
    if held:
        chosen.add_external_initializers_from_files_in_memory(
            [*held], [*held.values()], [one.nbytes for one in held.values()]
        )
    model = bytes(_load(path, key, root=root, threads=threads))
    with as_model_errors(path, Exception):  # its own exceptions have no other base
        return onnxruntime.InferenceSession(model, chosen, **given)


def _load(
    path: StrPath, key: KeyLike, *, root: bytes | None = None, threads: int | None
) -> memoryview:
    with EncryptedFile(path, key, root=root, threads=threads) as file:
        return file.load()

"""An inference session of onnxruntime over an encrypted model, its external data too."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from git_model_security.errors import ModelError
from git_model_security.loading.encrypted_file import EncryptedFile, as_model_errors
from git_model_security.loading.extras import extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnxruntime
    from _typeshed import StrPath

    from git_model_security.keyring.key_material import KeyLike

_FOLDER: Final = "session.model_external_initializers_file_folder_path"
"""Where it looks for the external data of a model that it was given as bytes."""


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

        session = load_session("model.onnx", "aes256.bin", external_data={"w.bin": "w.bin"})

    Its telemetry is switched off in this process: from 1.29 on it keeps names of the model and
    hashes of its graph and weights in a file, and sends them. External data that are not given
    are not looked for: in the current directory, where onnxruntime would, nobody encrypted or
    signed them.

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
    with extra("onnxruntime"):
        import numpy as np

        onnxruntime = _import()
    chosen = options or onnxruntime.SessionOptions()
    chosen.add_session_config_entry(_FOLDER, os.devnull)
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
        try:
            return onnxruntime.InferenceSession(model, chosen, **given)
        except Exception as error:
            if os.devnull not in str(error):
                raise
            raise ModelError(
                f"external data of it were not given: {error}",
                hint="`external_data={'w.bin': FILE}` gives them, by the names in the model",
            ) from error


def _import() -> Any:
    """Imports onnxruntime without its telemetry, which is on in its own builds."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # from the start
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # where the caller has imported it before
    return onnxruntime


def _load(
    path: StrPath, key: KeyLike, *, root: bytes | None = None, threads: int | None
) -> memoryview:
    with EncryptedFile(path, key, root=root, threads=threads) as file:
        return file.load()

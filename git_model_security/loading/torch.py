"""What `torch.load` gives of an encrypted file, with `weights_only=True` enforced."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from git_model_security.errors import ModelError
from git_model_security.loading.encrypted_file import as_model_errors, open_encrypted

if TYPE_CHECKING:
    from git_model_security.keyring.key_material import Given
    from git_model_security.loading.encrypted_file import PathLike


def load(
    path: PathLike,
    key: Given,
    *,
    root: bytes | None = None,
    threads: int | None = None,
    map_location: Any = None,
) -> Any:
    """Returns what a checkpoint of torch holds, where that is tensors and plain containers.

    Args:
        path, key, root, threads: see `open_encrypted`.
        map_location: see `torch.load`.

    Raises:
        ModelError: it is no checkpoint, or needs a pickle to run code.
        Error: see `open_encrypted`.
    """
    import torch

    with (
        open_encrypted(path, key, root=root, threads=threads) as file,
        as_model_errors(path, RuntimeError, EOFError),
    ):
        try:
            return torch.load(file, map_location=map_location, weights_only=True)
        except pickle.UnpicklingError as error:
            raise ModelError(
                "it cannot be read without running a pickle",
                hint="save its `state_dict()`, or convert it to safetensors",
            ) from error

"""What `torch.load` gives of an encrypted file, with `weights_only=True` enforced."""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING, Any, Final, cast

from git_model_security.errors import ConfigError, ModelError
from git_model_security.loading.encrypted_file import as_model_errors, open_encrypted
from git_model_security.loading.extras import extra

if TYPE_CHECKING:
    from _typeshed import StrPath

    from git_model_security.keyring.key_material import KeyLike
    from git_model_security.loading.encrypted_file import EncryptedFile

_SAFE_VERSION: Final = (2, 6)
"""Before it a checkpoint could run code although `weights_only=True` (CVE-2025-32434)."""
_FAILURES: Final = (
    *(RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError),
    *(OverflowError, AssertionError, SystemError, struct.error),
)
"""What torch fails with when content is not as it expects."""


def load(
    path: StrPath,
    key: KeyLike,
    *,
    root: bytes | None = None,
    threads: int | None = None,
    map_location: Any = None,
) -> Any:
    """Returns what a checkpoint of torch holds, where that is tensors and plain containers.

        model.load_state_dict(load("pytorch_model.bin", "aes256.bin"))

    Args:
        path, key, root, threads: see `open_encrypted`.
        map_location: see `torch.load`.

    Raises:
        ModelError: it is no checkpoint, or needs a pickle to run code.
        ConfigError: this torch is older than 2.6, and would run it.
        Error: see `open_encrypted`.
    """
    with extra("torch"):
        import torch

    if tuple(map(int, torch.__version__.split(".")[:2])) < _SAFE_VERSION:
        raise ConfigError(
            f"torch {torch.__version__} runs code that is in checkpoints (CVE-2025-32434)",
            hint="`pip install 'torch>=2.6'`",
        )
    with (
        open_encrypted(path, key, root=root, threads=threads) as file,
        as_model_errors(path, *_FAILURES, file=cast("EncryptedFile", file.raw)),
    ):
        try:
            # mmap: what torch is configured to do with paths does not concern this.
            return torch.load(file, map_location=map_location, weights_only=True, mmap=False)
        except (pickle.UnpicklingError, RuntimeError) as error:
            # What torch advises here is to run it. Of TorchScript it says so too.
            if isinstance(error, RuntimeError) and "weights_only" not in str(error):
                raise
            raise ModelError(
                "it cannot be read without running code that is in it",
                hint="save its `state_dict()`, or convert it to safetensors",
            ) from error

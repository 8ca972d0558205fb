"""The weights of a model's directory: safetensors in one file, or in shards with an index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from git_model_security.errors import ConfigError
from git_model_security.loading import safetensors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import StrPath

    from git_model_security.keyring.key_material import KeyLike

_INDEX: Final = "model.safetensors.index.json"
_WEIGHTS: Final = "model.safetensors"


def require(directory: StrPath) -> Path:
    """Returns the directory's index, or the one file of its weights.

    Raises:
        ConfigError: it has neither.
    """
    path = Path(directory)
    for name in (_INDEX, _WEIGHTS):
        if (path / name).is_file():
            return path / name
    raise ConfigError(
        f"{path}: has neither {_WEIGHTS} nor {_INDEX}",
        hint="weights in other files: each loader takes the file itself",
    )


def tensors(
    directory: StrPath, key: KeyLike, *, threads: int | None = None, lock: bool = False
) -> Iterator[tuple[str, Any]]:
    """Yields the names and tensors of torch, one after the other: each is authentic by then.

    Raises:
        ConfigError: there are no weights.
        Error: see `safetensors.safe_open`, `safetensors.load_sharded`.
    """
    path = require(directory)
    if path.name == _INDEX:
        yield from safetensors.iterate_sharded(path, key, threads=threads, lock=lock)
        return
    with safetensors.safe_open(path, key, threads=threads, lock=lock) as file:
        for name in file.offset_keys():
            yield name, file.get_tensor(name)

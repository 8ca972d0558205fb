"""Tensors out of an encrypted safetensors file, as `safetensors` gives them of a plain one.

Each tensor is a view of memory that this wrote once (`memory`); numpy and torch are imported
for the framework that is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from git_model_security.errors import ConfigError, ModelError
from git_model_security.loading import documents, safetensors_header
from git_model_security.loading.encrypted_file import EncryptedFile, as_model_errors
from git_model_security.loading.extras import extra
from git_model_security.loading.roots import root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from _typeshed import StrPath

    from git_model_security.keyring.key_material import KeyLike
    from git_model_security.loading.safetensors_header import Tensor

    Framework = Literal["np", "numpy", "pt", "torch"]
    View = Callable[[memoryview, str, tuple[int, ...]], Any]

_NUMPY: Final = {
    **{f"F{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
    "BOOL": "?",
    "C64": "<c8",
}
_ML_DTYPES: Final = {
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
}
_TORCH: Final = {
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    **_ML_DTYPES,
    "BOOL": "bool",
    "C64": "complex64",
}


class safe_open:  # noqa: N801 - the name that the ecosystem knows
    """Opens an encrypted safetensors file; gives out one tensor after the other.

        with safe_open("model.safetensors", "aes256.bin", "np") as file:
            weights = file.get_tensor("embeddings.weight")

    Args:
        path: the envelope.
        key: a key file, its 32 bytes, or the key.
        framework: `np` or `numpy`, `pt` or `torch`.
        root, threads: see `open_encrypted`.
        lock: the memory of the tensors is kept out of swap; see `ulimit -l`.

    Raises:
        ModelError: what is encrypted is no safetensors file.
        Error: see `open_encrypted`.
    """

    def __init__(
        self,
        path: StrPath,
        key: KeyLike,
        framework: Framework = "pt",
        *,
        root: bytes | None = None,
        threads: int | None = None,
        lock: bool = False,
    ) -> None:
        self._view = _view(framework)
        self._path = path
        self._file = EncryptedFile(path, key, root=root, threads=threads, lock=lock)
        try:
            with as_model_errors(path):
                self._begin()
        except BaseException:
            self._file.close()
            raise

    def _begin(self) -> None:
        first = min(safetensors_header.LENGTH_BYTES, self._file.length)
        prefix = bytes(self._file.load_part(0, first))
        length = safetensors_header.check_length(prefix, self._file.length)
        self._data = first + length
        text = bytes(self._file.load_part(first, length))
        self._header = safetensors_header.parse(text, self._file.length - self._data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def keys(self) -> list[str]:
        """Returns the names of the tensors, sorted."""
        return sorted(self._header.tensors)

    def offset_keys(self) -> list[str]:
        """Returns the names of the tensors in the order in which they lie in the file."""
        tensors = self._header.tensors
        return sorted(tensors, key=lambda name: tensors[name][2:])

    def metadata(self) -> Mapping[str, str]:
        """Returns the texts that whoever wrote the file put into it."""
        return self._header.metadata

    def get_tensor(self, name: str) -> Any:
        """Returns one tensor; no segment is opened that it does not reach into.

        Raises:
            ModelError: there is none of this name.
            AuthenticationError: a segment is not authentic.
        """
        tensor = self._header.tensors.get(name)
        if tensor is None:
            raise ModelError(f"{self._path}: has no tensor {name!r}")
        room = self._file.load_part(self._data + tensor.start, tensor.end - tensor.start)
        return self._shown(room, tensor)

    def get_tensors(self) -> dict[str, Any]:
        """Returns all tensors by name: views of one piece of memory.

        Raises:
            AuthenticationError: a segment is not authentic.
        """
        data = self._file.load_part(self._data, self._file.length - self._data)
        found = self._header.tensors.items()
        return {name: self._shown(data[one.start : one.end], one) for name, one in found}

    def _shown(self, room: memoryview, tensor: Tensor) -> Any:
        with as_model_errors(self._path, ValueError):  # more dimensions than numpy has
            return self._view(room, tensor.dtype, tensor.shape)


def load_file(
    path: StrPath,
    key: KeyLike,
    framework: Framework = "pt",
    *,
    root: bytes | None = None,
    threads: int | None = None,
    lock: bool = False,
) -> dict[str, Any]:
    """Returns all tensors of an encrypted safetensors file by name; see `safe_open`.

    model.load_state_dict(load_file("model.safetensors", "aes256.bin"))
    """
    with safe_open(path, key, framework, root=root, threads=threads, lock=lock) as file:
        return file.get_tensors()


def load_sharded(
    index: StrPath,
    key: KeyLike,
    framework: Framework = "pt",
    *,
    roots: Mapping[str, bytes] | None = None,
    threads: int | None = None,
    lock: bool = False,
) -> dict[str, Any]:
    """Returns all tensors of the shards that a `model.safetensors.index.json` lists.

    Args:
        index: the index, in clear or encrypted; the shards stand beside it.
        key: a key file, its 32 bytes, or the key.
        framework, threads, lock: see `safe_open`.
        roots: that were signed for the shards, by their names, and for the index, where it is
            encrypted (`VerifiedModel.roots`); None believes whoever has the key.

    Raises:
        AuthenticationError: a file has another root, or none was signed for it.
        ModelError: the index is none, names a file elsewhere, or a tensor that its shard
            does not have.
        Error: see `open_encrypted`.
    """
    return dict(iterate_sharded(index, key, framework, roots=roots, threads=threads, lock=lock))


def iterate_sharded(
    index: StrPath,
    key: KeyLike,
    framework: Framework = "pt",
    *,
    roots: Mapping[str, bytes] | None = None,
    threads: int | None = None,
    lock: bool = False,
) -> Iterator[tuple[str, Any]]:
    """Yields name and tensor, one after the other; see `load_sharded`."""
    for shard, names in _read_index(Path(index), key, roots).items():
        path = Path(index).parent / shard
        root = root_of(path, roots)
        with safe_open(path, key, framework, root=root, threads=threads, lock=lock) as file:
            if set(file.keys()) != names:
                raise ModelError(f"{path}: does not have just the tensors that the index says")
            for name in file.offset_keys():
                yield name, file.get_tensor(name)


def _read_index(
    path: Path, key: KeyLike, roots: Mapping[str, bytes] | None
) -> dict[str, set[str]]:
    """Returns the names of the tensors by shard."""
    document = documents.read_object(path, key, roots)
    with as_model_errors(path):
        try:
            weight_map = document["weight_map"].items()
            shards = {name: set[str]() for _, name in weight_map}
        except (LookupError, TypeError, AttributeError):
            raise ModelError("no index of safetensors: it has no weight_map") from None
        for tensor, shard in weight_map:
            is_name = isinstance(shard, str) and shard.isprintable()
            if not is_name or Path(shard).name != shard or shard in {".", ".."}:
                raise ModelError(f"its shard {shard!r} does not stand beside it")
            shards[shard].add(tensor)
        return shards


def _view(framework: str) -> View:
    """Returns what makes a tensor of memory.

    Raises:
        ConfigError: there is no such framework.
    """
    if framework in {"np", "numpy"}:
        return _numpy_view
    if framework in {"pt", "torch"}:
        return _torch_view
    raise ConfigError(f"{framework!r}: no framework", hint="`np` and `pt` are")


def _numpy_view(room: memoryview, dtype: str, shape: tuple[int, ...]) -> Any:
    with extra("safetensors"):
        import numpy as np

    if dtype in _ML_DTYPES:
        with extra("safetensors"):
            import ml_dtypes

        kind = np.dtype(getattr(ml_dtypes, _ML_DTYPES[dtype]))
    elif dtype in _NUMPY:
        kind = np.dtype(_NUMPY[dtype])
    else:
        raise ModelError(f"numpy has no type for {dtype}")
    return np.frombuffer(room, dtype=kind).reshape(shape) if room else np.empty(shape, kind)


def _torch_view(room: memoryview, dtype: str, shape: tuple[int, ...]) -> Any:
    with extra("torch"):
        import torch

    kind = getattr(torch, _TORCH.get(dtype, ""), None)
    if kind is None:
        raise ModelError(f"this torch has no type for {dtype}")
    if not room:
        return torch.empty(shape, dtype=kind)
    return torch.frombuffer(room, dtype=kind).reshape(shape)

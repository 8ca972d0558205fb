"""Loads an encrypted model and the plain one, and compares them: `... LOADER SEALED PLAIN`.

Run as a process that, from where a loader of ours begins, can write no file of any file
system: the limit of a file's size is 0 bytes, and who writes nevertheless is ended by SIGXFSZ
(setrlimit(2)). That holds for libraries of C too, for files without a name, and for shared
memory. Before it the plain model is read: libraries write what they please when they begin.
"""

from __future__ import annotations

import resource
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = bytes(range(32))


def main() -> None:
    loader, sealed, plain = sys.argv[1:]
    count = LOADERS[loader](Path(sealed), Path(plain))
    assert count > 0
    sys.stdout.write(f"{count} equal\n")


def _forbid_writing() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _same(found: Any, expected: Any) -> int:
    """Compares arrays, or tensors of torch, by name: bit by bit, NaN with NaN."""
    assert found.keys() == expected.keys()
    for name, one in expected.items():
        other = found[name]
        assert (other.dtype, other.shape) == (one.dtype, one.shape)
        mine, theirs = (
            value.numpy() if hasattr(value, "numpy") else value for value in (other, one)
        )
        assert mine.tobytes() == theirs.tobytes(), name
    return len(expected)


def _safetensors(framework: str) -> Callable[[Path, Path], int]:
    def compare(sealed: Path, plain: Path) -> int:
        import importlib

        from git_model_security.loading import safetensors as ours

        names = {"np": "safetensors.numpy", "pt": "safetensors.torch"}
        expected = importlib.import_module(names[framework]).load_file(plain)
        _forbid_writing()
        with ours.safe_open(sealed, KEY, framework) as file:  # type: ignore[arg-type]
            _same({name: file.get_tensor(name) for name in file.keys()}, expected)  # noqa: SIM118
        return _same(ours.load_file(sealed, KEY, framework), expected)  # type: ignore[arg-type]

    return compare


def _numpy(sealed: Path, plain: Path) -> int:
    import numpy as np

    from git_model_security.loading import numpy as ours

    expected = np.load(plain)
    _forbid_writing()
    found = ours.load(sealed, KEY)
    if isinstance(expected, np.ndarray):
        return _same({"array": found}, {"array": expected})
    return _same(found, dict(expected))


def _gguf(sealed: Path, plain: Path) -> int:
    from gguf import GGUFReader

    from git_model_security.loading.gguf import load_reader

    expected = GGUFReader(plain)
    _forbid_writing()
    found = load_reader(sealed, KEY)
    assert found.fields.keys() == expected.fields.keys()
    for name, field in expected.fields.items():
        assert found.fields[name].contents() == field.contents()
    kinds = [[one.tensor_type for one in reader.tensors] for reader in (found, expected)]
    assert kinds[0] == kinds[1]
    arrays = [{one.name: one.data for one in reader.tensors} for reader in (found, expected)]
    return _same(*arrays)


def _onnxruntime(sealed: Path, plain: Path) -> int:
    import numpy as np

    from git_model_security.loading.onnxruntime import load_session

    _forbid_writing()
    session = load_session(sealed, KEY)
    import onnxruntime  # after ours, which keeps its telemetry from being begun

    sessions = (session, onnxruntime.InferenceSession(plain))
    chance = np.random.default_rng(3)
    given = {
        "input": chance.random((1, 576), np.float32),
        "state": chance.random((2, 1, 128), np.float32),
        "sr": np.array(16000),
    }
    found, expected = (
        dict(enumerate(session.run(None, {one.name: given[one.name] for one in asked})))
        for session in sessions
        for asked in (session.get_inputs(),)
    )
    return _same(found, expected)


def _torch(sealed: Path, plain: Path) -> int:
    import torch

    from git_model_security.loading import torch as ours

    expected = torch.load(plain, map_location="cpu", weights_only=True)
    _forbid_writing()
    return _same(ours.load(sealed, KEY, map_location="cpu"), expected)


def _transformers(sealed: Path, plain: Path) -> int:
    import transformers

    from git_model_security.loading.transformers import load_model

    expected = transformers.AutoModel.from_pretrained(plain).state_dict()
    _forbid_writing()
    _same(load_model(transformers.BertModel, sealed, KEY).state_dict(), expected)
    return _same(load_model(transformers.AutoModel, sealed, KEY).state_dict(), expected)


def _writes(sealed: Path, plain: Path) -> int:
    """Is what must not be: it shows that the limit holds."""
    _forbid_writing()
    with tempfile.TemporaryFile() as file:
        file.write(b"plaintext")
    return 1


def _memfd(sealed: Path, plain: Path) -> int:
    """Has plaintext in a file without a name, by wish."""
    from git_model_security.loading.memfd import memfd

    _forbid_writing()
    with memfd(sealed, KEY):
        return 1


LOADERS: dict[str, Callable[[Path, Path], int]] = {
    "safetensors": _safetensors("np"),
    "safetensors for torch": _safetensors("pt"),
    "numpy": _numpy,
    "gguf": _gguf,
    "onnxruntime": _onnxruntime,
    "torch": _torch,
    "transformers": _transformers,
    "writes": _writes,
    "memfd": _memfd,
}

if __name__ == "__main__":
    main()

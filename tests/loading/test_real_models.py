"""Real models through every loader: equal to the plain ones, while no file can be written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from git_model_security.envelope import Key, encrypt
from tests.loading.side_by_side import KEY

ROOT = Path(__file__).parents[2]
_VAD = "silero_vad/data"
_HEADS = "lpips/weights"


def _seal(plain: Path, directory: Path) -> Path:
    path = directory / f"{plain.name}.sealed"
    with plain.open("rb") as source, path.open("wb") as sink:
        encrypt(Key(KEY), source, sink)
    return path


def _compare(loader: str, sealed: Path, plain: Path) -> subprocess.CompletedProcess[str]:
    words = (sys.executable, "-m", "tests.loading.side_by_side", loader, sealed, plain)
    # In CI some libraries keep files back that they write elsewhere.
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        words,
        cwd=ROOT,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def _assert_equal(loader: str, sealed: Path, plain: Path) -> None:
    done = _compare(loader, sealed, plain)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" equal\n")


def _need(*names: str) -> None:
    for name in names:
        if find_spec(name) is None:
            # A wheel for Linux brings gigabytes of CUDA: these tests are run by hand.
            pytest.skip(f"{name} is not installed: `pip install {name}`")


@pytest.mark.parametrize(
    "loader", ["writes", *(["memfd"] if hasattr(os, "memfd_create") else [])]
)
def test_what_writes_a_file_is_ended(loader: str, tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"plaintext")
    done = _compare(loader, _seal(tmp_path / "plain", tmp_path), tmp_path)
    assert done.returncode == -signal.SIGXFSZ, done.stderr


@pytest.mark.parametrize("loader", ["safetensors", "safetensors for torch"])
def test_safetensors(loader: str, real_models: Path, real_model: Path, tmp_path: Path) -> None:
    if loader != "safetensors":
        _need("torch")
    for plain in (
        real_model / "model.safetensors",
        real_models / _VAD / "silero_vad_16k.safetensors",
    ):
        _assert_equal(loader, _seal(plain, tmp_path), plain)


def test_numpy(real_models: Path, tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import load_file

    tensors = load_file(real_models / _VAD / "silero_vad_16k.safetensors")
    np.savez(tmp_path / "model.npz", **tensors)
    np.save(tmp_path / "one.npy", max(tensors.values(), key=lambda one: one.nbytes))
    for name in ("model.npz", "one.npy"):
        _assert_equal("numpy", _seal(tmp_path / name, tmp_path), tmp_path / name)


def test_gguf(real_model: Path, tmp_path: Path) -> None:
    from gguf import GGMLQuantizationType, GGUFWriter, quants
    from safetensors.numpy import load_file

    writer = GGUFWriter(tmp_path / "model.gguf", "bert")
    writer.add_array("tokenizer.ggml.tokens", (real_model / "vocab.txt").read_text().split())
    writer.add_array("scores", [0.5] * 1000)
    for name, tensor in load_file(real_model / "model.safetensors").items():
        kind = GGMLQuantizationType.F32 if tensor.ndim < 2 else GGMLQuantizationType.Q8_0
        is_float = tensor.dtype.kind == "f"
        data = quants.quantize(tensor, kind) if is_float else tensor
        writer.add_tensor(name, data, raw_dtype=kind if is_float else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    plain = tmp_path / "model.gguf"
    _assert_equal("gguf", _seal(plain, tmp_path), plain)


@pytest.mark.parametrize("name", ["silero_vad.onnx", "silero_vad_16k_op15.onnx"])
def test_onnxruntime(name: str, real_models: Path, tmp_path: Path) -> None:
    _need("onnxruntime")
    plain = real_models / _VAD / name
    _assert_equal("onnxruntime", _seal(plain, tmp_path), plain)


@pytest.mark.parametrize("name", ["alex", "squeeze", "vgg"])
@pytest.mark.parametrize("version", ["v0.0", "v0.1"])
def test_torch(name: str, version: str, real_models: Path, tmp_path: Path) -> None:
    _need("torch")
    plain = real_models / _HEADS / version / f"{name}.pth"
    _assert_equal("torch", _seal(plain, tmp_path), plain)


def test_transformers(real_model: Path, tmp_path: Path) -> None:
    _need("torch", "transformers")
    for name in ("model.safetensors", "config.json"):
        _seal(real_model / name, tmp_path).rename(tmp_path / name)
    _assert_equal("transformers", tmp_path, real_model)

"""Model files are recognised by content, and nothing else is."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import random
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from git_model_security.policy.content import HEAD_BYTES, model_format

NAMELESS = b".cache/ckpt/step-1000"
WEIGHTS = bytes(range(256)) * 64


def _safetensors(**header: object) -> bytes:
    text = json.dumps(header or {"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}})
    return struct.pack("<Q", len(text)) + text.encode() + WEIGHTS


def _zip(*names: str, content: bytes = WEIGHTS, compression: int = zipfile.ZIP_STORED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", compression) as archive:
        for name in names:
            archive.writestr(name, content)
    return sink.getvalue()


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return bytes((number << 3, value))
    assert len(value) < 128**2
    length = bytes((len(value) & 0x7F | 0x80, len(value) >> 7))
    return bytes((number << 3 | 2,)) + length + value


def _onnx() -> bytes:
    node = _field(1, b"x") + _field(2, b"y") + _field(4, b"Relu")
    graph = _field(1, node) + _field(2, b"graph") + _field(5, WEIGHTS[:9000])
    producer = _field(2, b"pytorch") + _field(3, b"2.3.0")
    return _field(1, 8) + producer + _field(7, graph) + _field(8, _field(2, 17))


STATE = {"layer.weight": [0.25] * 40, "layer.bias": (1, 2, 3), "epoch": 7}
TORCH_MAGIC = 0x1950A86A20F9469CFC6C


def _legacy_torch() -> bytes:
    parts = (TORCH_MAGIC, 1001, {"little_endian": True}, STATE)
    return b"".join(pickle.dumps(part, protocol=2) for part in parts) + WEIGHTS


def _hdf5(at: int) -> bytes:
    return b"user block ".ljust(at, b".")[:at] + b"\x89HDF\r\n\x1a\n\x00" + WEIGHTS


MODELS = {
    "safetensors": ("safetensors", _safetensors()),
    "safetensors with metadata first": (
        "safetensors",
        _safetensors(__metadata__={"format": "pt", "notes": "x" * 9000}),
    ),
    "GGUF": ("GGUF", b"GGUF" + struct.pack("<IQQ", 3, 291, 24) + WEIGHTS),
    "big-endian GGUF": ("GGUF", b"GGUF" + struct.pack(">IQQ", 3, 291, 24) + WEIGHTS),
    "GGML": ("GGML", struct.pack("<II", 0x67676D6C, 51864) + WEIGHTS),
    "GGJT": ("GGML", struct.pack("<II", 0x67676A74, 3) + WEIGHTS),
    "PyTorch": ("PyTorch", _zip("archive/data.pkl", "archive/data/0", "archive/version")),
    "PyTorch, named by its file": ("PyTorch", _zip("model/data.pkl", "model/data/0")),
    "TorchScript": ("PyTorch", _zip("net/code/net.py", "net/constants.pkl", content=b"z")),
    "PyTorch before 1.6": ("PyTorch", _legacy_torch()),
    **{
        f"pickle protocol {version}": ("pickle", pickle.dumps(STATE, protocol=version))
        for version in (2, 3, 4, 5)
    },
    "long pickle": ("pickle", pickle.dumps(STATE | {"raw": WEIGHTS * 9}, protocol=2)),
    "ONNX": ("ONNX", _onnx()),
    "HDF5": ("HDF5", _hdf5(0)),
    "HDF5 behind a user block": ("HDF5", _hdf5(2048)),
    "npy": ("NumPy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'}" + WEIGHTS),
    "npz": ("NumPy", _zip("arr_0.npy", compression=zipfile.ZIP_DEFLATED)),
    "Keras 3": ("Keras", _zip("metadata.json", content=b'{"keras_version": "3.4.1"}')),
    "zip of safetensors": ("zip of a model", _zip("README", "m.safetensors", content=b"x")),
    "ExecuTorch": ("ExecuTorch", b"\x38\x00\x00\x00ET12" + WEIGHTS),
    "ONNX Runtime": ("ONNX Runtime", b"\x20\x00\x00\x00ORTM" + WEIGHTS),
    "TensorRT": ("TensorRT", b"ftrt" + struct.pack("<II", 0, 232) + WEIGHTS),
    "RKNN": ("RKNN", b"RKNN" + struct.pack("<IQ", 0, 6) + WEIGHTS),
    "MXNet": ("MXNet", struct.pack("<QQQ", 0x112, 0, 9) + WEIGHTS),
    "fastText": ("fastText", struct.pack("<ii", 793712314, 12) + WEIGHTS),
    "PaddlePaddle": (
        "PaddlePaddle",
        struct.pack("<IQIi", 0, 0, 0, 6) + b"\x08\x05\x10\x03\x10\x09" + WEIGHTS,
    ),
    "TFLite": ("TFLite", b"\x1c\x00\x00\x00TFL3" + WEIGHTS),
    "weights of a Core ML package": (
        "Core ML",
        struct.pack("<II56xI", 3, 2, 0xDEADBEEF) + WEIGHTS,
    ),
    "gzipped GGUF": ("GGUF, gzip", gzip.compress(b"GGUF\x03\x00\x00\x00" + WEIGHTS)),
    "joblib with zlib": ("pickle, zlib", zlib.compress(pickle.dumps(STATE, 4))),
    "joblib with xz": ("pickle, xz", lzma.compress(pickle.dumps(STATE, 4))),
    "joblib with lzma": (
        "pickle, lzma",
        lzma.compress(pickle.dumps(STATE, 4), lzma.FORMAT_ALONE),
    ),
    "joblib with bzip2": ("pickle, bzip2", bz2.compress(pickle.dumps(STATE, 4))),
}


@pytest.mark.parametrize("case", MODELS)
def test_a_model_is_recognised_whatever_its_name(case: str) -> None:
    expected, content = MODELS[case]
    assert model_format(content[:HEAD_BYTES], len(content), NAMELESS) == expected


GRAPH_DEF = _field(1, _field(1, b"x") + _field(2, b"Placeholder")) + _field(4, b"")
SAVED_MODEL = _field(1, 1) + _field(2, _field(1, b"\x0a\x00") + WEIGHTS[:3000])
HINTED = {
    b"a/saved_model.pb": ("TensorFlow", SAVED_MODEL),
    b"frozen.PB": ("TensorFlow", GRAPH_DEF),
    b"m.mlpackage/Data/com.apple.CoreML/model.mlmodel": (
        "Core ML",
        _field(1, 7) + _field(2, _field(1, b"x")),
    ),
    b"tiny.onnx": ("ONNX", _field(1, 8) + _field(2, b"pytorch")),
    b"old.pkl": ("pickle", pickle.dumps(STATE, protocol=0)),
    b"big.joblib": ("pickle, bzip2", bz2.compress(random.Random(1).randbytes(20_000))),
}


@pytest.mark.parametrize("name", HINTED)
def test_a_format_without_magic_number_is_recognised_with_the_help_of_its_name(
    name: bytes,
) -> None:
    expected, content = HINTED[name]
    assert model_format(content[:HEAD_BYTES], len(content), name) == expected
    assert model_format(content[:HEAD_BYTES], len(content), b"notes") is None


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + WEIGHTS
OTHERS = {
    "nothing": b"",
    "one byte": b"\x80",
    "text": b"GGUF is a file format for models.\n" * 9,
    "text that begins with a forerunner's magic": b"lmgg, tjgg and fmgg are magics\n",
    "source code": Path(__file__).read_bytes(),
    "JSON": json.dumps({"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}).encode(),
    "length and JSON that names no tensor": _safetensors(a=1),
    "an absurd header length": struct.pack("<Q", 1 << 60) + b'{"dtype"',
    "PNG": PNG,
    "zeros": bytes(9000),
    "text that begins with a magic tag": b"ftrt and ptrt are tags of engines\n",
    "a table of numbers": struct.pack("<IIII", 0x112, 0, 1, 0) + WEIGHTS,
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + WEIGHTS,
    "zip of documents": _zip("[Content_Types].xml", "word/document.xml"),
    "wheel with a path file": _zip("distutils-precedence.pth", "pkg/__init__.py"),
    "zip cut in its first header": _zip("archive/data.pkl")[:20],
    "gzipped text": gzip.compress(b"words " * 999),
    "broken gzip": b"\x1f\x8b\x08" + WEIGHTS,
    "zlib of text": zlib.compress(b"words " * 999),
    "ELF": b"\x7fELF\x02\x01\x01" + WEIGHTS,
    "two bytes of a pickle and noise": b"\x80\x04" + WEIGHTS[200:],
    "a frame longer than the file": b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + b"\xff",
    "protobuf of something else": _field(1, 3) + _field(2, b"\xff\xfe") + _field(9, b"x"),
    "a graph that would end after the file": _onnx()[:-9000],
    "two numbers, zeros and noise": struct.pack("<II56xI", 3, 2, 0xDEADBEEE) + WEIGHTS,
    "a git-lfs pointer": b"version https://lfs.invalid/spec/v1\noid sha256:00\nsize 1\n",
}


@pytest.mark.parametrize("case", OTHERS)
@pytest.mark.parametrize("name", [NAMELESS, b"a.bin", b"a.txt"])
def test_other_files_are_not_taken_for_models(case: str, name: bytes) -> None:
    content = OTHERS[case]
    assert model_format(content[:HEAD_BYTES], len(content), name) is None


@pytest.mark.parametrize("name", [b"a.pb", b"a.onnx", b"a.pkl", b"a.mlmodel", b"a.joblib"])
@pytest.mark.parametrize("case", ["nothing", "one byte", "text", "source code", "PNG", "JSON"])
def test_a_name_alone_makes_no_model(case: str, name: bytes) -> None:
    content = OTHERS[case]
    assert model_format(content[:HEAD_BYTES], len(content), name) is None


def test_reading_a_pickle_runs_nothing(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (tmp_path / "fired",)

    content = pickle.dumps(Bomb(), protocol=2)
    assert model_format(content, len(content), NAMELESS) == "pickle"
    assert not (tmp_path / "fired").exists()


def test_an_envelope_is_no_model() -> None:
    from git_model_security.envelope import Key, encrypt

    sink = io.BytesIO()
    encrypt(Key(b"k" * 32), io.BytesIO(_safetensors()), sink)
    assert model_format(sink.getvalue()[:HEAD_BYTES], len(sink.getvalue()), NAMELESS) is None

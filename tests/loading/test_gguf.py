"""Tensors of an encrypted GGUF are those of the plain file; absurd headers are refused."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from git_model_security.errors import ModelError
from git_model_security.loading import gguf as loader
from git_model_security.loading import gguf_header
from tests.loading.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Seal = Callable[[str, bytes], Path]


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _file(tensors: int, pairs: int, rest: bytes, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs) + rest


def _array(kind: int, count: int, content: bytes = b"") -> bytes:
    return _text("a") + struct.pack("<IIQ", 9, kind, count) + content


def test_a_reader_gives_what_the_plain_file_has(seal: Seal, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    tensors = {"a": np.arange(12, dtype="f4").reshape(3, 4), "b": np.ones(700_000, "f2")}
    writer = gguf.GGUFWriter(tmp_path / "plain.gguf", "llama")
    writer.add_array("tokens", ["one", "two"])
    writer.add_array("scores", [1.5, 2.5])
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    reader = loader.load_reader(seal("model.gguf", (tmp_path / "plain.gguf").read_bytes()), KEY)
    found = {one.name: one.data for one in reader.tensors}
    assert found.keys() == tensors.keys()
    assert all(np.array_equal(found[name], tensors[name]) for name in tensors)
    assert reader.fields["tokens"].contents() == ["one", "two"]
    with pytest.raises(ValueError, match="read-only"):
        found["a"][0] = 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGU",
        b"GGUF",
        b"PK\x03\x04" + bytes(99),
        _file(0, 0, b"", version=99),
        _file(1 << 60, 0, bytes(200)),
        _file(0, 1 << 60, bytes(200)),
        _file(0, 1, struct.pack("<Q", 1 << 60) + bytes(200)),
        _file(0, 1, _array(0, 1 << 60, bytes(200))),
        _file(0, 1, _array(8, 1 << 60, bytes(200))),
        _file(0, 1, _array(9, 1 << 60, bytes(200))),
        _file(0, 1, _array(77, 3, bytes(200))),
        _file(0, 1, _array(0, (3 << 19) + 1, bytes((3 << 19) + 1))),
        _file(0, 1, _array(9, 1, struct.pack("<IQ", 9, 1) * 50 + bytes(99))),
        _file(0, 1, _text("a") + struct.pack("<I", 99) + bytes(99)),
        _file(0, 1, _text("a") + struct.pack("<I", 12) + bytes(3)),
        _file(1, 0, _text("a") + struct.pack("<I", 1 << 30) + bytes(99)),
        _file(1, 0, _text("a") + struct.pack("<I", 4) + bytes(20)),
    ],
)
def test_a_header_that_announces_what_is_not_there_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError):
        gguf_header.check(memoryview(content))


@pytest.mark.parametrize(
    "content",
    [
        _file(2, 0, (_text("a") + struct.pack("<IQIQ", 1, 1, 0, 0)) * 2 + bytes(99)),
        _file(0, 2, (_text("a") + struct.pack("<IB", 0, 0)) * 2 + bytes(99)),
        _file(1, 0, _text("a") + struct.pack("<IQIQ", 1, 1 << 40, 0, 0) + bytes(99)),
        _file(1, 0, _text("a") + struct.pack("<IQIQ", 1, 8, 0, 1 << 62) + bytes(99)),
        _file(1, 0, _text("a") + struct.pack("<IQQIQ", 2, 1 << 63, 2, 0, 0) + bytes(99)),
        _file(1, 0, _text("a") + struct.pack("<IQIQ", 1, 1, 999, 0) + bytes(99)),
        _file(1, 0, struct.pack("<Q", 1) + b"\xff" + struct.pack("<IQIQ", 1, 1, 0, 0)),
        _file(0, 1, _text("general.alignment") + struct.pack("<II", 4, 0) + bytes(99)),
    ],
    ids=[
        *("a tensor twice", "a field twice", "beyond the end", "an offset beyond the end"),
        *("a product beyond 2^64", "an unknown kind", "a name that is no text", "alignment 0"),
    ],
)
def test_what_the_library_does_not_take_is_named(seal: Seal, content: bytes) -> None:
    pytest.importorskip("gguf")
    with pytest.raises(ModelError, match=r"model\.gguf"):
        loader.load_reader(seal("model.gguf", content), KEY)


def test_a_file_whose_header_is_absurd_is_named(seal: Seal) -> None:
    pytest.importorskip("gguf")
    with pytest.raises(ModelError, match=r"model\.gguf: a count of"):
        loader.load_reader(seal("model.gguf", _file(1 << 60, 0, bytes(200))), KEY)

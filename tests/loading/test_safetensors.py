"""Tensors of an encrypted safetensors file are those of the plain one, or none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import save

from git_model_security.envelope import memory
from git_model_security.errors import AuthenticationError, ModelError
from git_model_security.loading import safetensors, safetensors_header
from git_model_security.loading.encrypted_file import EncryptedFile
from tests.loading.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Seal = Callable[[str, bytes], Path]

_KINDS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c8")


def _tensors() -> dict[str, np.ndarray[Any, Any]]:
    chance = np.random.default_rng(5)
    found = {kind: (chance.random((3, 5)) * 99).astype(kind) for kind in _KINDS}
    found["large"] = chance.random((700, 400), dtype=np.float32)
    found["scalar"] = np.array(7.5)
    found["none"] = np.zeros((0, 4), "f4")
    return found


def _file(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def _entry(start: int, end: int, **other: object) -> dict[str, object]:
    return {"dtype": "U8", "shape": [end - start], "data_offsets": [start, end], **other}


def test_every_tensor_is_that_of_the_plain_file(seal: Seal) -> None:
    tensors = _tensors()
    path = seal("model.safetensors", save(tensors, {"made": "here"}))
    loaded = safetensors.load_file(path, KEY, "np")
    with safetensors.safe_open(path, KEY, "np") as file:
        assert file.keys() == sorted(tensors)
        assert file.metadata() == {"made": "here"}
        assert sorted(file.offset_keys()) == file.keys()
        one_by_one = {name: file.get_tensor(name) for name in tensors}
    for found in (loaded, one_by_one):
        assert found.keys() == tensors.keys()
        for name, expected in tensors.items():
            assert found[name].dtype == expected.dtype
            assert found[name].shape == expected.shape
            assert np.array_equal(found[name], expected)


def test_a_tensor_that_is_not_there_is_named(seal: Seal) -> None:
    path = seal("model.safetensors", save(_tensors()))
    with (
        safetensors.safe_open(path, KEY, "np") as file,
        pytest.raises(ModelError, match="'no'"),
    ):
        file.get_tensor("no")


def test_only_the_segments_of_a_tensor_are_opened(seal: Seal) -> None:
    big = np.zeros((3 << 20,), "u1")
    path = seal("model.safetensors", save({"a": big, "b": big, "c": big}))
    content = bytearray(path.read_bytes())
    content[-100] ^= 1  # of the last segment
    path.write_bytes(content)
    with safetensors.safe_open(path, KEY, "np") as file:
        first, *_, last = file.offset_keys()
        assert not file.get_tensor(first).any()
        with pytest.raises(AuthenticationError):
            file.get_tensor(last)


_BAD: dict[str, bytes] = {
    "nothing but a length": (0).to_bytes(8, "little"),
    "shorter than a length": b"\1\2\3",
    "a header of 2^63 bytes": (1 << 63).to_bytes(8, "little") + b"{}",
    "a header of 2^64-1 bytes": b"\xff" * 8 + b"{}",
    "a header longer than the file": (3).to_bytes(8, "little") + b"{}",
    "a header that is a list": _file([]),
    "a header with a blank in front": _file(b" {}"),
    "a header that is no JSON": _file(b"{x}"),
    "a header that is no text": _file(b'{"\xff": 1}'),
    "a header nested too deep": _file(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a number of ten thousand digits": _file(b'{"a":' + b"9" * 10_000 + b"}"),
    "not a number": _file(b'{"a":{"dtype":"U8","shape":[NaN],"data_offsets":[0,1]}}', b"x"),
    "a name twice": _file(
        b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
        b'"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        b"x",
    ),
    "a key of an entry twice": _file(
        b'{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', b"x"
    ),
    "tensors that overlap": _file({"a": _entry(0, 3), "b": _entry(2, 4)}, b"xxxx"),
    "tensors at the same place": _file({"a": _entry(0, 4), "b": _entry(0, 4)}, b"xxxx"),
    "a hole": _file({"a": _entry(0, 1), "b": _entry(2, 3)}, b"xxx"),
    "a hole in front": _file({"a": _entry(1, 3)}, b"xxx"),
    "data beyond the tensors": _file({"a": _entry(0, 1)}, b"xxx"),
    "tensors beyond the data": _file({"a": _entry(0, 4)}, b"xxx"),
    "an end before its start": _file({"a": _entry(2, 0, shape=[2])}, b"xx"),
    "a shape that fits no offset": _file({"a": _entry(0, 3, shape=[2])}, b"xxx"),
    "a shape that is beyond all numbers": _file({"a": _entry(0, 1, shape=[1 << 63])}, b"x"),
    "shapes whose product is beyond": _file({"a": _entry(0, 1, shape=[1 << 62] * 64)}, b"x"),
    "a negative shape": _file({"a": _entry(0, 1, shape=[-1, -1])}, b"x"),
    "a shape of truth": _file({"a": _entry(0, 1, shape=[True])}, b"x"),
    "a fraction": _file({"a": _entry(0, 1, shape=[1.0])}, b"x"),
    "too many dimensions": _file({"a": _entry(0, 1, shape=[1] * 65)}, b"x"),
    "an unknown type": _file({"a": _entry(0, 1, dtype="PICKLE")}, b"x"),
    "half a byte": _file({"a": _entry(0, 1, dtype="F4", shape=[3])}, b"x"),
    "an unknown word": _file({"a": _entry(0, 1, more=1)}, b"x"),
    "no offsets": _file({"a": {"dtype": "U8", "shape": [1]}}, b"x"),
    "metadata that are no texts": _file({"__metadata__": {"a": 1}}),
    "metadata that are a list": _file({"__metadata__": ["a"]}),
}


@pytest.mark.parametrize("content", _BAD.values(), ids=_BAD.keys())
def test_a_file_that_the_format_does_not_allow_is_refused(seal: Seal, content: bytes) -> None:
    path = seal("model.safetensors", content)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        safetensors.load_file(path, KEY, "np")


def test_a_header_of_over_32_mib_is_not_read() -> None:
    for length in ((32 << 20) + 1, 1 << 40, (1 << 63) - 1):
        with pytest.raises(ModelError, match="its header would have"):
            safetensors_header.check_length(length.to_bytes(8, "little"), 1 << 41)
    at_most = (32 << 20).to_bytes(8, "little")
    assert safetensors_header.check_length(at_most, 1 << 41) == 32 << 20


def test_300000_names_are_read(seal: Seal) -> None:
    entry = json.dumps({"layer.%d": _entry(0, 1)})[1:-1].replace("[0, 1]", "[%d, %d]")
    entries = ", ".join(entry % (one, one, one + 1) for one in range(300_000))
    path = seal("model.safetensors", _file(b"{%s}" % entries.encode(), b"x" * 300_000))
    with safetensors.safe_open(path, KEY, "np") as file:
        assert len(file.keys()) == 300_000
        assert file.get_tensor("layer.299999") == ord("x")


def _shards(seal: Seal, directory: Path, index: object) -> Path:
    seal("a.safetensors", save({"one": np.ones(3, "f4")}))
    seal("b.safetensors", save({"two": np.zeros(3, "f4"), "three": np.ones(1, "i8")}))
    path = directory / "model.safetensors.index.json"
    path.write_text(json.dumps(index))
    return path


_WEIGHTS = {"one": "a.safetensors", "two": "b.safetensors", "three": "b.safetensors"}


def test_shards_come_together(seal: Seal, tmp_path: Path) -> None:
    index = _shards(seal, tmp_path, {"metadata": {}, "weight_map": _WEIGHTS})
    plain = safetensors.load_sharded(index, KEY, "np")
    assert {name: found.tolist() for name, found in plain.items()} == {
        "one": [1, 1, 1],
        "two": [0, 0, 0],
        "three": [1],
    }
    sealed = seal("sealed.index.json", index.read_bytes())
    assert safetensors.load_sharded(sealed, KEY, "np").keys() == plain.keys()


def _root(path: Path) -> bytes:
    with EncryptedFile(path, KEY) as file:
        return file.root


def test_a_shard_that_was_not_signed_is_refused(seal: Seal, tmp_path: Path) -> None:
    clear = _shards(seal, tmp_path, {"metadata": {}, "weight_map": _WEIGHTS})
    roots = {name: _root(tmp_path / name) for name in ("a.safetensors", "b.safetensors")}
    loaded = safetensors.load_sharded(clear, KEY, "np", roots=roots)
    assert loaded.keys() == _WEIGHTS.keys()
    index = seal("sealed.index.json", clear.read_bytes())
    with pytest.raises(AuthenticationError, match=r"sealed\.index\.json: no root was signed"):
        safetensors.load_sharded(index, KEY, "np", roots=roots)
    roots[index.name] = _root(index)
    assert safetensors.load_sharded(index, KEY, "np", roots=roots).keys() == loaded.keys()
    with pytest.raises(AuthenticationError, match=r"a\.safetensors: no root was signed"):
        safetensors.load_sharded(clear, KEY, "np", roots={})
    seal("b.safetensors", save({"two": np.ones(3, "f4"), "three": np.ones(1, "i8")}))
    with pytest.raises(AuthenticationError, match=r"b\.safetensors: .*its root is another"):
        safetensors.load_sharded(index, KEY, "np", roots=roots)
    seal(index.name, clear.read_bytes() + b" ")
    with pytest.raises(AuthenticationError, match=r"json: .*its root is another"):
        safetensors.load_sharded(index, KEY, "np", roots=roots)


def test_shards_may_be_kept_out_of_swap(
    seal: Seal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = _shards(seal, tmp_path, {"metadata": {}, "weight_map": _WEIGHTS})
    asked = set()
    allocate = memory.allocate

    def note(length: int, *, lock: bool = False) -> memoryview:
        asked.add(lock)
        return allocate(length)

    monkeypatch.setattr(memory, "allocate", note)
    safetensors.load_sharded(index, KEY, "np", lock=True)
    assert True in asked
    asked.clear()
    safetensors.load_sharded(index, KEY, "np")
    assert asked == {False}


@pytest.mark.parametrize(
    "index",
    [
        [],
        {},
        {"weight_map": []},
        {"weight_map": {"one": 1}},
        {"weight_map": {"one": ["a"]}},
        {"weight_map": {"one": "../a.safetensors"}},
        {"weight_map": {"one": "/etc/passwd"}},
        {"weight_map": {"one": ".."}},
        {"weight_map": {"other": "a.safetensors"}},
        {"weight_map": {"two": "b.safetensors"}},
    ],
)
def test_an_index_that_lies_is_refused(seal: Seal, tmp_path: Path, index: object) -> None:
    path = _shards(seal, tmp_path, index)
    with pytest.raises(ModelError):
        safetensors.load_sharded(path, KEY, "np")

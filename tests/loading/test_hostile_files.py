"""What a hostile file makes a loader do: raise an error of ours, with little memory."""

from __future__ import annotations

import io
import json
import os
import struct
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from git_model_security.errors import ConfigError, Error, ModelError
from git_model_security.loading import gguf_header, safetensors
from git_model_security.loading import numpy as arrays
from git_model_security.loading.encrypted_file import open_encrypted
from tests.loading.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Seal = Callable[[str, bytes], Path]


def peak_bytes(call: Callable[[], object]) -> int:
    """Returns what a call that fails took of memory, at most."""
    tracemalloc.start()
    try:
        with pytest.raises(ModelError):
            call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def npy(header: str, content: bytes = b"", version: int = 1) -> bytes:
    text = header.encode() + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes((version, 0)) + length + text + content


def described(descr: str = "'<i8'", shape: str = "(1,)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}"


def npz(*parts: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in parts:
            archive.writestr(name, content)
    return file.getvalue()


def patched(content: bytes, offset: int, value: int) -> bytes:
    """Changes two bytes of all entries of an archive, in the entry and in the directory."""
    found = bytearray(content)
    for magic, place in ((b"PK\x03\x04", offset), (b"PK\x01\x02", offset + 2)):
        at = found.find(magic)
        struct.pack_into("<H", found, at + place, value)
    return bytes(found)


SMALL = npz(("a.npy", npy(described(), bytes(8))))


@pytest.mark.parametrize(
    "content",
    [
        npy(described(shape="(True,)"), bytes(8)),
        npy(described(shape="(-1, -1)"), bytes(8)),
        npy(described(shape=f"({1 << 37},)"), bytes(8)),
        npy(described("'V0'", f"({1 << 40},)")),
        npy(described("'<U0'", f"({1 << 40},)")),
        npy(described(shape=f"(0, {1 << 62}, {1 << 62})")),
        npy(described("((((()))))"), bytes(8)),
        npy(described("(" * 3000 + ")" * 3000), bytes(8)),
        npy("(" * 9000),
        npy("{'descr': 0x" + "f" * 5000, version=2),
        npz(("a.npy", npy(described(shape=f"({1 << 37},)"), bytes(8)))),
        npz(("a.npy", npy(described("'|O'"), bytes(8)))),
        npz(("readme.txt", b"no array")),
        npz(("a.npy", npy(described(), bytes(8))), method=zipfile.ZIP_LZMA),
        patched(SMALL, 6, 1),
        patched(SMALL, 8, 77),
        patched(SMALL, 8, zipfile.ZIP_BZIP2),
        SMALL.replace(b"PK\x01\x02", b"PK\x01\x03"),
    ],
    ids=[
        *("a shape of truth", "a negative shape", "a tebibyte", "nothing, 2^40 times"),
        *("no characters, 2^40 times", "beyond all numbers", "parentheses", "3000 parentheses"),
        *("9000 parentheses", "a number without end", "a tebibyte in an archive", "a pickle"),
        *("no array", "LZMA", "a password", "an unknown method", "a wrong method"),
        "no directory",
    ],
)
def test_an_array_that_is_none_is_an_error_of_ours(seal: Seal, content: bytes) -> None:
    path = seal("model.npz", content)
    with pytest.raises(ModelError, match=r"model\.npz: "):
        arrays.load(path, KEY)


def test_an_archive_gives_no_more_than_a_hundred_times_its_length(seal: Seal) -> None:
    zeros = 200 << 20
    content = npz(("a.npy", npy(described("'|u1'", f"({zeros},)"), bytes(zeros))))
    assert len(content) * arrays.MAX_RATIO < zeros
    path = seal("model.npz", content)
    assert peak_bytes(lambda: arrays.load(path, KEY)) < 8 << 20
    sparse = np.zeros(30 << 20, "u1")
    file = io.BytesIO()
    np.savez_compressed(file, sparse)
    found = arrays.load(seal("sparse.npz", file.getvalue()), KEY)
    assert isinstance(found, dict)
    assert np.array_equal(found["arr_0"], sparse)


def test_a_wide_header_takes_little_memory(seal: Seal) -> None:
    count = 1 << 19
    for text in (
        "{" + ",".join(f'"{one:x}":{{}}' for one in range(count)) + "}",
        "{" + ",".join(f'"{one:x}":1' for one in range(count)) + "}",
        '{"a":{"dtype":"U8","shape":[' + "[]," * count + "[]]}}",
        '{"a":[' + "[]," * count + "[]]}",
        '{"__metadata__":{' + ",".join(f'"{one:x}":""' for one in range(count)) + "}}",
    ):
        content = len(text).to_bytes(8, "little") + text.encode()
        path = seal("model.safetensors", content)
        opened = peak_bytes(lambda path=path: safetensors.load_file(path, KEY, "np"))
        assert opened < 96 << 20, text[:50]


def test_a_header_may_have_blanks_and_a_name_of_any_characters(seal: Seal) -> None:
    text = (
        '{ "__metadata__" : { "a" : "{\\"b\\": 1}" } ,\n'
        '\t"x\\"{},:\\u00e9" : { "dtype" : "U8", "shape" : [ 1 ], "data_offsets" : [ 0, 1 ] }'
        "\r\n}   "
    )
    content = len(text).to_bytes(8, "little") + text.encode() + b"x"
    with safetensors.safe_open(seal("model.safetensors", content), KEY, "np") as file:
        assert file.keys() == ['x"{},:é']
        assert file.metadata() == {"a": '{"b": 1}'}


@pytest.mark.parametrize(
    "text",
    [
        *("{", '{"a"', '{"a":', '{"a":1', '{"a":{},', "{,}", '{"a":{}}{}', "{}x", '{"a" {}}'),
        '{"__metadata__":{},"__metadata__":{}}',
        '{"a":{"dtype":"U8","shape":[0,4611686018427387904,4611686018427387904],'
        '"data_offsets":[0,0]}}',
    ],
)
def test_a_header_that_is_none_is_an_error_of_ours(seal: Seal, text: str) -> None:
    content = len(text).to_bytes(8, "little") + text.encode()
    with pytest.raises(ModelError, match=r"model\.safetensors: "):
        safetensors.load_file(seal("model.safetensors", content), KEY, "np")


@pytest.mark.parametrize("shard", ["a\0b", "\ud800", "a\nb", "\x1b[2J"])
def test_an_index_that_names_what_is_no_name_is_refused(tmp_path: Path, shard: str) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"one": shard}}))
    with pytest.raises(ModelError, match="does not stand beside it"):
        safetensors.load_sharded(index, KEY, "np")


def test_numbers_of_a_gguf_take_as_little_as_others(seal: Seal) -> None:
    gguf = pytest.importorskip("gguf")
    from git_model_security.loading import gguf as loader

    assert gguf
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"a"
    count = 200_000
    content = head + struct.pack("<IIQ", 9, 0, count) + bytes(count)
    tracemalloc.start()
    reader = loader.load_reader(seal("model.gguf", content), KEY)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    field = reader.fields["a"]
    assert len(field.data) == count
    assert field.contents(count - 1) == 0
    assert field.parts[-1].tolist() == [0]
    assert taken < 300 * count
    count = gguf_header.MAX_VALUES
    more = head + struct.pack("<IIQ", 9, 0, count) + bytes(count)
    with pytest.raises(ModelError, match="values in its header"):
        gguf_header.check(memoryview(more))


@pytest.mark.parametrize(
    "path", ["/proc/self/mem", "/dev/zero", "a\0b", "\ud800", "/", "a" * 5000], ids=repr
)
def test_a_path_that_is_no_file_is_an_error_of_ours(path: str) -> None:
    if path.startswith("/proc") and not os.path.exists(path):  # noqa: PTH110
        pytest.skip("this system has no /proc")
    with pytest.raises(Error):
        open_encrypted(path, KEY)
    with pytest.raises(ConfigError):
        open_encrypted("/dev/null", path)

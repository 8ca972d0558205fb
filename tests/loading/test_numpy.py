"""Arrays of an encrypted `.npy` and `.npz` are those of the plain ones; a pickle is refused."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from git_model_security.errors import ModelError
from git_model_security.loading import numpy as loader
from tests.loading.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Seal = Callable[[str, bytes], Path]


def _saved(array: np.ndarray[Any, Any], version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.array(3),
        np.zeros((0, 3)),
        np.array(["a", "bc"]),
        np.arange(700_000, dtype=">i4"),
        np.zeros(3, dtype=[("a", "f4"), ("b", "i8")]),
    ],
)
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_an_array_is_that_of_the_plain_file(
    seal: Seal, array: np.ndarray[Any, Any], version: tuple[int, int]
) -> None:
    found = loader.load(seal("a.npy", _saved(array, version)), KEY)
    assert isinstance(found, np.ndarray)
    assert found.dtype == array.dtype
    assert found.flags.f_contiguous == array.flags.f_contiguous
    assert np.array_equal(found, array)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_is_that_of_the_plain_file(seal: Seal, save: Any) -> None:
    file = io.BytesIO()
    arrays = {"a": np.arange(500_000), "b": np.ones((2, 2))}
    save(file, **arrays)
    found = loader.load(seal("a.npz", file.getvalue()), KEY)
    assert isinstance(found, dict)
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


def _pickled(save: Any) -> bytes:
    file = io.BytesIO()
    save(file, np.array([{}], dtype=object), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        _pickled(np.save),
        _pickled(np.savez),
        b"\x93NUMPY\x09\x00" + bytes(50),
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUM",
        b"not numpy at all",
        b"PK\x03\x04 no archive",
        _saved(np.arange(9))[:-1],
        _saved(np.arange(9)) + b"x",
        _saved(np.arange(9)).replace(b"(9,)", b"(9**9,)"),
        _saved(np.arange(9)).replace(b"(9,), }", b"(99999999999,), }"),
    ],
)
def test_what_is_no_array_is_refused(seal: Seal, content: bytes) -> None:
    with pytest.raises(ModelError, match=r"a\.npy"):
        loader.load(seal("a.npy", content), KEY)

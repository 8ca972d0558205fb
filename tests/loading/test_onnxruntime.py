"""A session over an encrypted model infers as one over the plain model does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from git_model_security.errors import AuthenticationError, ModelError
from git_model_security.loading import onnxruntime as loader
from tests.loading.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Seal = Callable[[str, bytes], Path]

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
_WEIGHTS = np.arange(64 * 64, dtype="f4").reshape(64, 64) / 4096


def _model(path: Path, *, is_external: bool) -> bytes:
    made = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])],
            "graph",
            [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 64])],
            [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 64])],
            [onnx.numpy_helper.from_array(_WEIGHTS, "w")],
        ),
        ir_version=10,
        opset_imports=[onnx.helper.make_opsetid("", 17)],
    )
    options = {"save_as_external_data": True, "location": "w.bin"} if is_external else {}
    onnx.save(made, path / "plain.onnx", **options)
    return (path / "plain.onnx").read_bytes()


@pytest.mark.parametrize("is_external", [False, True])
def test_it_infers_as_the_plain_model(seal: Seal, tmp_path: Path, is_external: bool) -> None:
    content = _model(tmp_path, is_external=is_external)
    external = {}
    if is_external:
        external["w.bin"] = seal("w.bin.sealed", (tmp_path / "w.bin").read_bytes())
        (tmp_path / "w.bin").unlink()
    session = loader.load_session(seal("model.onnx", content), KEY, external_data=external)
    x = np.ones((1, 64), "f4")
    (y,) = session.run(None, {"x": x})
    assert np.allclose(y, x @ _WEIGHTS)


def test_external_data_that_nobody_gave_are_not_looked_for(
    seal: Seal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = seal("model.onnx", _model(tmp_path, is_external=True))
    monkeypatch.chdir(tmp_path)
    assert (tmp_path / "w.bin").is_file()
    with pytest.raises(ModelError, match=r"model\.onnx: external data") as raised:
        loader.load_session(path, KEY)
    assert "external_data=" in (raised.value.hint or "")


def test_external_data_are_authentic_or_there_is_no_session(seal: Seal, tmp_path: Path) -> None:
    path = seal("model.onnx", _model(tmp_path, is_external=True))
    data = seal("w.bin.sealed", (tmp_path / "w.bin").read_bytes())
    content = bytearray(data.read_bytes())
    content[200] ^= 1
    data.write_bytes(content)
    with pytest.raises(AuthenticationError, match=r"w\.bin\.sealed"):
        loader.load_session(path, KEY, external_data={"w.bin": data})


def test_what_onnxruntime_does_not_take_is_named(seal: Seal) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx"):
        loader.load_session(seal("model.onnx", b"no model"), KEY)

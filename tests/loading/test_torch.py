"""Checkpoints of torch are read as torch reads them, and no code that is in one is run."""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.errors import AuthenticationError, ConfigError, ModelError
from git_model_security.loading import torch as loader
from tests.loading.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Seal = Callable[[str, bytes], Path]

# A wheel for Linux brings gigabytes of CUDA: these tests are run by hand.
torch = pytest.importorskip("torch", reason="torch is not installed: `pip install torch`")


class _Code:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return pytest.fail, ("code was run",)


def _saved(content: object, *, is_zip: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=is_zip)
    return file.getvalue()


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_checkpoint_is_that_of_the_plain_file(seal: Seal, is_zip: bool) -> None:
    state = {"a": torch.rand(700, 900), "b": [torch.arange(3), 1.5, "text"], "c": None}
    found = loader.load(seal("model.pt", _saved(state, is_zip=is_zip)), KEY)
    assert torch.equal(found["a"], state["a"])
    assert torch.equal(found["b"][0], torch.arange(3))
    assert (found["b"][1:], found["c"]) == ([1.5, "text"], None)


@pytest.mark.parametrize("is_zip", [True, False])
def test_no_code_of_a_checkpoint_is_run(
    seal: Seal, is_zip: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    path = seal("model.pt", _saved({"a": _Code()}, is_zip=is_zip))
    with pytest.raises(ModelError, match=r"model\.pt: it cannot be read without running code"):
        loader.load(path, KEY)


@pytest.mark.filterwarnings("ignore")
def test_torchscript_is_code(seal: Seal, real_models: Path) -> None:
    content = (real_models / "silero_vad/data/silero_vad.jit").read_bytes()
    with pytest.raises(ModelError, match="without running code"):
        loader.load(seal("model.pt", content), KEY)


@pytest.mark.parametrize(
    "content",
    [
        b"no checkpoint" * 99,
        b"PK\x03\x04" + bytes(999),
        pickle.dumps(_Code()),
        pickle.dumps(b"x")[:-3],
        b"\x80\x02.",
    ],
)
def test_what_is_no_checkpoint_is_named(seal: Seal, content: bytes) -> None:
    with pytest.raises(ModelError, match=r"model\.pt"):
        loader.load(seal("model.pt", content), KEY)


@pytest.mark.parametrize("is_zip", [True, False])
def test_damage_is_told_as_damage(seal: Seal, is_zip: bool) -> None:
    path = seal("model.pt", _saved(torch.rand(1000, 1000), is_zip=is_zip))
    content = bytearray(path.read_bytes())
    content[2 << 20] ^= 1
    path.write_bytes(content)
    with pytest.raises(AuthenticationError, match=r"model\.pt: segment 1"):
        loader.load(path, KEY)


def test_a_torch_that_would_run_code_is_refused(
    seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    with pytest.raises(ConfigError, match="CVE-2025-32434"):
        loader.load(seal("model.pt", _saved({})), KEY)

"""The load format of vLLM, over a stand-in of the interface that its plugins are written to.

The stand-in is what vLLM 0.33 says of `register_model_loader` and `BaseModelLoader`, no more:
a wheel of vLLM brings gigabytes, and serves a model on an accelerator.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import save

from git_model_security.errors import AuthenticationError, ConfigError, Error, ModelError
from git_model_security.loading import model_directory
from git_model_security.loading import vllm as loader
from tests.loading.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Seal = Callable[[str, bytes], Path]

needs_torch = pytest.mark.skipif(
    find_spec("torch") is None, reason="torch is not installed: `pip install torch`"
)


class _BaseModelLoader:
    def __init__(self, load_config: Any) -> None:
        self.load_config = load_config


@pytest.fixture
def formats(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The load formats that were registered with a vLLM that stands in for the real one."""
    known: dict[str, Any] = {}

    def register_model_loader(name: str) -> Callable[[type], type]:
        def register(kind: type) -> type:
            assert issubclass(kind, _BaseModelLoader)
            known[name] = kind
            return kind

        return register

    top = "vllm.model_executor.model_loader"
    for name, content in {
        "vllm": {},
        "vllm.model_executor": {},
        top: {"register_model_loader": register_model_loader},
        f"{top}.base_loader": {"BaseModelLoader": _BaseModelLoader},
    }.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("GIT_MODEL_KEY", "GIT_MODEL_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    loader.register()
    return known


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "aes256.bin"
    path.write_bytes(KEY)
    return str(path)


class _Model:
    """What vLLM hands the weights to."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self.weights: dict[str, Any] = {}

    def named_parameters(self) -> Iterator[tuple[str, None]]:
        return iter([(name, None) for name in self._names])

    def load_weights(self, weights: Iterator[tuple[str, Any]]) -> set[str]:
        self.weights.update(weights)
        return set(self.weights)


def _made(formats: dict[str, Any], given: object) -> Any:
    return formats["git-model"](SimpleNamespace(model_loader_extra_config=given))


def _config(path: Path, quantization: str | None = None) -> Any:
    return SimpleNamespace(model=str(path), quantization=quantization)


def test_vllm_finds_the_plugin_by_its_entry_point(formats: dict[str, Any]) -> None:
    (found,) = entry_points(group="vllm.general_plugins", name="git-model")
    assert found.load() is loader.register
    formats.clear()
    found.load()()
    found.load()()  # once in each process, and again where it has the plugins loaded again
    assert formats.keys() == {"git-model"}


@needs_torch
def test_the_weights_of_one_file_and_of_shards_reach_the_model(
    formats: dict[str, Any], seal: Seal, tmp_path: Path, key_file: str
) -> None:
    made = _made(formats, {"key": key_file, "threads": 2})
    large = np.arange(700_000, dtype="f4").reshape(700, 1000)
    seal("model.safetensors", save({"a": large, "b": np.ones(3, "f2")}))
    made.download_model(_config(tmp_path))
    made.load_weights(model := _Model("a", "b"), _config(tmp_path))
    assert np.array_equal(model.weights["a"].numpy(), large)
    assert model.weights["b"].tolist() == [1, 1, 1]
    seal("one.safetensors", save({"a": large}))
    seal("two.safetensors", save({"b": np.zeros(3, "f2")}))
    weight_map = {"a": "one.safetensors", "b": "two.safetensors"}
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    made.load_weights(model := _Model("a", "b"), _config(tmp_path))
    assert np.array_equal(model.weights["a"].numpy(), large)
    assert model.weights["b"].tolist() == [0, 0, 0]


@needs_torch
def test_a_model_that_gets_no_weights_for_a_part_of_it_is_refused(
    formats: dict[str, Any], seal: Seal, tmp_path: Path, key_file: str
) -> None:
    seal("model.safetensors", save({"a": np.ones(3, "f2")}))
    made = _made(formats, {"key": key_file})
    with pytest.raises(ConfigError, match=r"no weights for \['b'\]"):
        made.load_weights(_Model("a", "b"), _config(tmp_path))
    made.load_weights(_Model("a", "b"), _config(tmp_path, quantization="fp8"))


def test_damage_and_what_is_missing_are_errors(
    formats: dict[str, Any], seal: Seal, tmp_path: Path, key_file: str
) -> None:
    made = _made(formats, {"key": key_file})
    for use in (made.download_model, lambda config: made.load_weights(_Model(), config)):
        with pytest.raises(ConfigError, match=r"neither model\.safetensors nor"):
            use(_config(tmp_path))
    path = seal("model.safetensors", save({"a": np.ones(3, "f2")}))
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(AuthenticationError):
        made.load_weights(_Model(), _config(tmp_path))
    index = tmp_path / "model.safetensors.index.json"
    index.write_text("[]")
    with pytest.raises(ModelError):
        made.load_weights(_Model(), _config(tmp_path))


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"key": ""},
        {"key": 5},
        {"key": ["x"]},
        {"key": "/nowhere/aes256.bin"},
        {"key": KEY.hex()},
        {"key": "aes256.bin", "other": 1},
        {"key": "aes256.bin", "threads": 0},
        {"key": "aes256.bin", "threads": True},
        {"key": "aes256.bin", "threads": "2"},
        {"key": "aes256.bin", "lock": 1},
    ],
)
def test_settings_that_say_nothing_of_use_are_refused(
    formats: dict[str, Any],
    given: object,
    key_file: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Error) as error:
        _made(formats, given)
    assert KEY.hex() not in f"{error.value} {error.value.hint}"


def test_memory_of_the_weights_may_be_locked(
    formats: dict[str, Any], tmp_path: Path, key_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def note(*_: object, **said: object) -> Iterator[tuple[str, Any]]:
        asked.append(said["lock"])
        return iter(())

    monkeypatch.setattr(model_directory, "tensors", note)
    for given in ({}, {"lock": True}):
        made = _made(formats, {"key": key_file, **given})
        made.load_weights(_Model(), _config(tmp_path))
    assert asked == [False, True]


def test_the_key_may_come_from_the_environment(
    formats: dict[str, Any], key_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_MODEL_KEY_FILE", key_file)
    _made(formats, {})
    with pytest.raises(ConfigError):
        _made(formats, {"key": None})

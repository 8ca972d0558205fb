"""A load format of vLLM: `--load-format git-model` reads encrypted safetensors.

    vllm serve model/ --load-format git-model --model-loader-extra-config '{"key": "KEYFILE"}'

vLLM finds `register` by the entry point `vllm.general_plugins` and calls it in each of its
processes. The model is a directory on this machine; all but its weights is in clear, since
vLLM reads it by itself. Implements `BaseModelLoader` as vLLM 0.33 has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from git_model_security.errors import ConfigError
from git_model_security.keyring import key_material, ring
from git_model_security.loading import model_directory

if TYPE_CHECKING:
    from git_model_security.envelope import Key

FORMAT: Final = "git-model"
_SETTINGS: Final = frozenset({"key", "threads", "lock"})


def register() -> None:
    """Makes the load format known to vLLM; may be called again."""
    from vllm.model_executor.model_loader import register_model_loader
    from vllm.model_executor.model_loader.base_loader import BaseModelLoader

    class EncryptedModelLoader(BaseModelLoader):  # type: ignore[misc] # vLLM is not there
        """Loads the weights of a directory out of ciphertext, one tensor after the other."""

        def __init__(self, load_config: Any) -> None:
            super().__init__(load_config)
            given = dict(load_config.model_loader_extra_config or {})
            self._threads = _threads(given)
            self._lock = _lock(given)
            self._key = _key(given)

        def download_model(self, model_config: Any) -> None:
            """Looks whether the weights are there: nothing is fetched."""
            model_directory.require(model_config.model)

        def load_weights(self, model: Any, model_config: Any) -> None:
            """Puts the weights into a model that is made already."""
            weights = model_directory.tensors(
                model_config.model, self._key, threads=self._threads, lock=self._lock
            )
            loaded = model.load_weights(weights)
            # As vLLM's own loader: what no weight was read for would keep what it was made of.
            if loaded is not None and model_config.quantization is None:
                missing = {name for name, _ in model.named_parameters()} - loaded
                if missing:
                    raise ConfigError(
                        f"{model_config.model}: has no weights for {sorted(missing)[:5]}",
                        hint="look whether its config.json is of these weights",
                    )

    register_model_loader(FORMAT)(EncryptedModelLoader)


def _threads(given: dict[str, Any]) -> int | None:
    unknown = given.keys() - _SETTINGS
    if unknown:
        raise ConfigError(
            f"model_loader_extra_config: {', '.join(sorted(unknown))} unknown to {FORMAT}",
            hint='`{"key": "aes256.bin", "threads": 2, "lock": true}` are its settings',
        )
    threads = given.get("threads")
    if threads is not None and (type(threads) is not int or threads < 1):
        raise ConfigError(f"model_loader_extra_config: threads {threads!r} is no number")
    return threads


def _lock(given: dict[str, Any]) -> bool:
    lock = given.get("lock", False)
    if not isinstance(lock, bool):
        raise ConfigError(f"model_loader_extra_config: lock {lock!r} is neither true nor false")
    return lock


def _key(given: dict[str, Any]) -> Key:
    """Returns the key; what is on a command line can be a file's name, and never the key."""
    path = given.get("key")
    if isinstance(path, str):
        return key_material.of(path)
    found = None if "key" in given else ring.from_environment()
    if found is None:
        raise ConfigError(
            "model_loader_extra_config: names no key file",
            hint='`{"key": "aes256.bin"}`, or set GIT_MODEL_KEY_FILE',
        )
    return found

"""A model of the `transformers` library whose weights are encrypted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from git_model_security.errors import ModelError
from git_model_security.loading import documents, model_directory
from git_model_security.loading.encrypted_file import as_model_errors
from git_model_security.loading.extras import extra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import StrPath

    from git_model_security.keyring.key_material import KeyLike

_CONFIG: Final = "config.json"
_DROPPED: Final = frozenset(
    # Classes that the model brings, and where an adapter would be fetched from (wav2vec2).
    {"auto_map", "custom_pipelines", "trust_remote_code", "name_or_path", "_name_or_path"}
    # Of the configuration's class: by them another key becomes one of the others.
    | {"attribute_map", "sub_configs"}
)
_KERNELS: Final = ("attn_implementation", "experts_implementation")
"""With `_` before it, or `_internal` behind, too: OWNER/NAME is code on the Hub that is run."""
_PLACES: Final = frozenset({"backbone", "architecture", "checkpoint_path", "pretrained_cfg"})
"""Where a repository or file may be named that transformers or timm would read weights or
another configuration from. transformers 5.24: `consolidate_backbone_kwargs_to_config`."""


def load_model(
    kind: Any,
    directory: StrPath,
    key: KeyLike,
    *,
    threads: int | None = None,
    lock: bool = False,
    **given: Any,
) -> Any:
    """Returns a model of transformers, as `from_pretrained` gives it of a directory in clear.

        model = load_model(AutoModelForCausalLM, "model/", "aes256.bin", dtype="bfloat16")

    Nothing that the directory names is fetched, and no code of it is run (`without_code`).
    Kernels that the library has for a kind of model it fetches by itself, where the package
    `kernels` is installed; `HF_HUB_OFFLINE=1` forbids it. Weights are safetensors, in one file
    or in shards; what else there is (`config.json`) may be in clear or encrypted.

    Args:
        kind: a class of transformers, such as `AutoModel`.
        directory: of the model.
        key, threads: see `open_encrypted`.
        lock: see `safetensors.safe_open`; what the library copies is as any memory of it.
        given: what else `from_pretrained` takes; `config` in place of `config.json`.

    Raises:
        ModelError: its index, weights or configuration are none, or name what is elsewhere.
        Error: see `open_encrypted`.
    """
    path = Path(directory)
    config = given.pop("config", None) or _config(path / _CONFIG, key)
    state = dict(model_directory.tensors(path, key, threads=threads, lock=lock))
    if hasattr(kind, "from_config"):  # AutoModel and its like, which ask a path for their class
        kind = _class_of(kind, config)
    given["local_files_only"] = True
    return kind.from_pretrained(None, config=config, state_dict=state, **given)


def without_code(document: dict[str, Any]) -> dict[str, Any]:
    """Returns what a `config.json` says, less all that names code, at any depth.

    transformers takes any key for an attribute, and runs the kernel that one of them names.

    Raises:
        ModelError: part of the model would be fetched from where it says.
    """
    return dict(_kept(document))


def _kept(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if key in _DROPPED or key.startswith("__") or any(one in key for one in _KERNELS):
            continue
        is_elsewhere = isinstance(value, dict) or not {*"/:"}.isdisjoint(str(value))
        if key in _PLACES and is_elsewhere:
            raise ModelError(
                f"its {key} names what would be fetched or read elsewhere: {str(value)[:80]!r}",
                hint="pass `config=`, made by you, in place of it",
            )
        yield key, _cleaned(value)


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return without_code(value)
    return [_cleaned(one) for one in value] if isinstance(value, list) else value


def _config(path: Path, key: KeyLike) -> Any:
    with extra("transformers"):
        import transformers

    document = documents.read_object(path, key)
    # `for_model` knows the library's own classes alone: no code that a model brings.
    with as_model_errors(path, ValueError, LookupError, TypeError, AttributeError):
        said = without_code(document)
        return transformers.AutoConfig.for_model(said.pop("model_type"), **said)


def _class_of(kind: Any, config: Any) -> Any:
    with extra("transformers"):
        import torch

    with torch.device("meta"):  # a model without memory
        return type(kind.from_config(config, trust_remote_code=False))

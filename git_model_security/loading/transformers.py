"""A model of the `transformers` library whose weights are encrypted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from git_model_security.loading import documents, model_directory
from git_model_security.loading.encrypted_file import as_model_errors

if TYPE_CHECKING:
    from _typeshed import StrPath

    from git_model_security.keyring.key_material import KeyLike

_CONFIG: Final = "config.json"


def load_model(
    kind: Any, directory: StrPath, key: KeyLike, *, threads: int | None = None, **given: Any
) -> Any:
    """Returns a model of transformers, as `from_pretrained` gives it of a directory in clear.

        model = load_model(AutoModelForCausalLM, "model/", "aes256.bin", dtype="bfloat16")

    Nothing is fetched and no code of the directory is run. Its weights are safetensors, in
    one file or in shards; what else it has (`config.json`) may be in clear or encrypted.

    Args:
        kind: a class of transformers, such as `AutoModel`.
        directory: of the model.
        key, threads: see `open_encrypted`.
        given: what else `from_pretrained` takes; `config` in place of `config.json`.

    Raises:
        ModelError: its index, weights or configuration are none.
        Error: see `open_encrypted`.
    """
    path = Path(directory)
    config = given.pop("config", None) or _config(path / _CONFIG, key)
    state = dict(model_directory.tensors(path, key, threads=threads))
    if hasattr(kind, "from_config"):  # AutoModel and its like, which ask a path for their class
        kind = _class_of(kind, config)
    return kind.from_pretrained(None, config=config, state_dict=state, **given)


def _config(path: Path, key: KeyLike) -> Any:
    import transformers

    document = documents.read_object(path, key)
    # `for_model` knows the library's own classes alone: no code that a model brings.
    with as_model_errors(path, ValueError, LookupError, TypeError, AttributeError):
        document.pop("auto_map", None)
        return transformers.AutoConfig.for_model(document.pop("model_type"), **document)


def _class_of(kind: Any, config: Any) -> Any:
    import torch

    with torch.device("meta"):  # a model without memory
        return type(kind.from_config(config, trust_remote_code=False))

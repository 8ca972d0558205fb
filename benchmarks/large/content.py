"""The data: random bytes, which neither compress nor repeat, made once per run."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK_BYTES = 1 << 20
_SHARDS = 4
_VOCABULARY = 32_000
"""Of a 7B model; its tokenizer's size follows from that."""


def random_file(path: Path, size_bytes: int) -> Path:
    """Writes a file, unless a part before made it; returns its path."""
    if path.exists() and path.stat().st_size == size_bytes:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for start in range(0, size_bytes, _CHUNK_BYTES):
            file.write(os.urandom(min(_CHUNK_BYTES, size_bytes - start)))
    return path


def model_directory(directory: Path, size_bytes: int) -> Path:
    """Makes what a published 7B model looks like: shards, a tokenizer, JSON."""
    if directory.exists():
        return directory
    names = [f"model-{number + 1:05}-of-{_SHARDS:05}.safetensors" for number in range(_SHARDS)]
    for name in names:
        random_file(directory / name, size_bytes // _SHARDS)
    vocabulary = {f"token-{number}": number for number in range(_VOCABULARY)}
    weights = {
        f"model.layers.{layer}.self_attn.{part}_proj.weight": names[layer * _SHARDS // 32]
        for layer in range(32)
        for part in "qkvo"
    }
    documents = {
        "config.json": {"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 32},
        "generation_config.json": {"bos_token_id": 1, "eos_token_id": 2},
        "special_tokens_map.json": {"bos_token": "<s>", "eos_token": "</s>"},
        "tokenizer_config.json": {"tokenizer_class": "LlamaTokenizer"},
        "tokenizer.json": {"model": {"type": "BPE", "vocab": vocabulary}},
        "model.safetensors.index.json": {
            "metadata": {"total_size": size_bytes},
            "weight_map": weights,
        },
    }
    for name, document in documents.items():
        (directory / name).write_text(json.dumps(document, indent=2))
    return directory


def link(source: Path, target: Path) -> None:
    """Puts a file or a directory of files into a work tree, without copying content.

    Git and git-model replace a work tree file, they do not write into it.
    """
    if source.is_dir():
        for file in source.rglob("*"):
            if file.is_file():
                link(file, target / file.relative_to(source))
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, target)

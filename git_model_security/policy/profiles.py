"""Which files a profile protects, and which profile fits a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from git_model_security.policy import source

if TYPE_CHECKING:
    from collections.abc import Iterable

ALL: Final = "all"
ALL_BUT_SOURCE: Final = "all-but-source"
WEIGHTS: Final = "weights"
NAMES: Final = (ALL, ALL_BUT_SOURCE, WEIGHTS)

EVERYTHING = ("[!.]*",)
"""Profiles `all` and `all-but-source`: every file whose name does not begin with a dot.
Files in a directory that does are left out by `attributes.render`."""

_WEIGHTS = (
    # weights, by the endings that frameworks write
    *("*.safetensors", "*.gguf", "*.ggml", "*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl"),
    *("*.pickle", "*.joblib", "*.onnx", "*.onnx_data", "*.h5", "*.hdf5", "*.keras", "*.npy"),
    *("*.npz", "*.msgpack", "*.pb", "*.tflite", "*.mlmodel", "*.engine", "*.nemo", "*.distcp"),
    *("saved_model/**", "variables/variables.*", "*.mlpackage/**"),
    # tokenizers
    *("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "*.tiktoken", "*.spm"),
    *("vocab.json", "vocab.txt", "merges.txt", "added_tokens.json", "special_tokens_map.json"),
    *("sentencepiece.bpe.model", "spiece.model", "chat_template.json", "chat_template.jinja"),
    # their JSON, as the Hugging Face libraries name it
    *("*.safetensors.index.json", "*.bin.index.json", "config.json", "generation_config.json"),
    *("preprocessor_config.json", "processor_config.json", "adapter_config.json"),
    *("model_index.json", "modules.json", "sentence_bert_config.json"),
    *("config_sentence_transformers.json", "scheduler_config.json", "params.json"),
)
"""Profile `weights`: model artefacts by name. No such list is ever complete: it is never
chosen any more, and kept for repositories that were set up with it."""

_CODE_ENDINGS = (
    *(b".py", b".ipynb", b".c", b".cc", b".cpp", b".cu", b".go", b".java", b".js", b".jl"),
    *(b".kt", b".rb", b".rs", b".sh", b".swift", b".ts"),
)
_CODE_NAMES = {
    *(b"CODEOWNERS", b"Dockerfile", b"Makefile", b"package.json", b"pyproject.toml"),
    *(b"requirements.txt", b"setup.cfg", b"Cargo.toml", b"go.mod", b".gitlab-ci.yml"),
}
_CODE_DIRECTORIES = (b".github/workflows/", b".circleci/", b".husky/")


def patterns(profile: str) -> tuple[str, ...]:
    """Returns the attribute patterns that a profile protects."""
    return _WEIGHTS if profile == WEIGHTS else EVERYTHING


def clear_patterns(profile: str) -> tuple[str, ...]:
    """Returns those patterns that a profile leaves clear by name, in spite of the others."""
    return source.PATTERNS if profile == ALL_BUT_SOURCE else ()


def leaves_hidden(profile: str) -> bool:
    """Tells whether a profile leaves clear what is in a directory that begins with a dot."""
    return profile != WEIGHTS


def fitting(paths: Iterable[bytes]) -> str:
    """Returns the profile for a repository with these files.

    `all-but-source` where there is code: encrypted code, CODEOWNERS, CI and lock files
    break clones without a key, reviews and dependency updates. `all` else: a
    directory that is a model.
    """
    return ALL_BUT_SOURCE if any(map(_is_code, paths)) else ALL


def _is_code(path: bytes) -> bool:
    return (
        path.endswith(_CODE_ENDINGS)
        or path.rsplit(b"/", 1)[-1] in _CODE_NAMES
        or path.startswith(_CODE_DIRECTORIES)
    )

"""Which files a profile protects, and which profile fits a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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


def _endings(words: str) -> tuple[str, ...]:
    return tuple(f"*.{word}" for word in words.split())


# What is known to be source text: the names that `all-but-source` leaves clear.
#
# A name stands here only where nothing but text that people write, or tools that build,
# has it. What is missing is encrypted, and `git model untrack` lets it out; what is here
# by mistake is published. So: no `*.json`, `*.txt`, `*.xml` or `*.csv`, which are data as
# often; no wildcard that another ending could follow (`README*`); no picture; no ending that
# is a format of something else as well (`.tf`, `.cls`). No .mlir and no .ll: whole models
# are written in them.
_CODE: Final = (
    *_endings("adb ads asm astro awk bash bat bzl c c++ cc cjs cl clj cljs cmd coffee cpp cr"),
    *_endings("cs css cts cu cuh cxx dart dockerfile el elm erl ex exs f f03 f08 f90 f95 F90"),
    *_endings("fish for fs fsi fsx glsl go gradle graphql groovy h h++ hh hlsl hpp hrl hs"),
    *_endings("htm html hxx inl ipynb java jl js jsx kt kts less lhs lisp lua m mdx metal mjs"),
    *_endings("ml mli mm nf nim nix nu pas php pl pm proto ps1 psm1 pxd py pyi pyw pyx r R"),
    *_endings("rb rmd Rmd rs s S sass sc scala scm scss sed sh smk sol sql svelte sv svh"),
    *_endings("swift tcl thrift ts tsx v vb vhd vhdl vim vue wgsl zig zsh"),
)

_BUILD: Final = (
    *_endings("bazel cmake csproj fsproj lock mk sbt sln vbproj vcxproj"),
    *("BUILD", "WORKSPACE", "CMakeLists.txt", "Makefile", "makefile", "GNUmakefile"),
    *("Makefile.am", "configure.ac", "meson.build", "meson_options.txt", "Dockerfile"),
    *("Containerfile", "Brewfile", "Gemfile", "Justfile", "justfile", "Pipfile", "Procfile"),
    *("Rakefile", "Snakefile", "Vagrantfile", "gradlew", "mvnw", "pom.xml", "go.mod"),
    *("go.sum", "go.work", "go.work.sum", "gradle.properties", "MANIFEST.in", "Jenkinsfile"),
    *("requirements*.txt", "requirements*.in", "constraints*.txt", "package.json"),
    *("package-lock.json", "npm-shrinkwrap.json", "composer.json", "tsconfig.json"),
    *("tsconfig.*.json", "jsconfig.json", "deno.json", "lerna.json", "nx.json", "turbo.json"),
    *("angular.json", "pyrightconfig.json", "renovate.json", "vercel.json"),
    # what people write to configure all of these, and CI
    *_endings("cfg ini toml yaml yml"),
)

_DOCUMENTS: Final = (
    *_endings("adoc bib cff markdown md org rst sty tex"),
    *("AUTHORS", "CHANGELOG", "CHANGES", "CITATION", "CODEOWNERS", "CONTRIBUTING"),
    *("CONTRIBUTORS", "COPYING", "COPYRIGHT", "HISTORY", "INSTALL", "LICENCE", "LICENSE"),
    *("LICENSE-APACHE", "LICENSE-MIT", "MAINTAINERS", "NEWS", "NOTICE", "OWNERS", "PATENTS"),
    *("README", "SECURITY", "TODO", "VERSION", "AUTHORS.txt", "CHANGELOG.txt", "COPYING.txt"),
    *("LICENSE.txt", "NOTICE.txt", "README.txt", "robots.txt"),
)

_SOURCE: Final = _CODE + _BUILD + _DOCUMENTS
"""Attribute patterns, in Git's letters: `MAIN.PY` is another name than `main.py`."""

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
    return _SOURCE if profile == ALL_BUT_SOURCE else ()


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

"""The profile for repositories with code protects all that is not known to be source text."""

from __future__ import annotations

import re

import pytest

from git_model_security.git.attributes import drivers_by, protected_by
from git_model_security.policy import attributes, profiles
from git_model_security.policy.gitmodel import Policy

RULES = attributes.render(Policy("all-but-source"))

MODELS = [
    *("bert_model.ckpt.data-00000-of-00001", "model.onnx.data", "net.jit", "net.torchscript"),
    *("net.pte", "net.ptl", "net.ort", "net.plan", "net.trt", "net.pdparams", "net.pdiparams"),
    *("net.ot", "net.caffemodel", "net.rknn", "net.tar.gz", "net.tar", "net.zst", "weights"),
    *("MODEL.BIN", "MODEL.PT", "net.some-future-format", "README_model.bin", "net.py.bin"),
    *("LICENSE-weights", "Makefile.data", "requirements.bin", "deep/er/net", "net.tf"),
    *("config.json", "tokenizer.json", "vocab.txt", "merges.txt", "notes.txt", "data.csv"),
    *("logo.png", "a.mlir", "a.ll", "a.pbtxt", "a.prototxt", "a.xml", "a.jinja", "a b.dat"),
]
SOURCES = [
    *("train.py", "src/deep/kernel.cu", "lib.rs", "a.R", "nb.ipynb", "run.sh", "index.html"),
    *("README.md", "docs/index.rst", "LICENSE", "CODEOWNERS", "pyproject.toml", "poetry.lock"),
    *("package.json", "tsconfig.base.json", "requirements-dev.txt", "CMakeLists.txt", "go.sum"),
    *("conf/train.yaml", "setup.cfg", "Dockerfile", "Jenkinsfile", "azure-pipelines.yml"),
    *(".gitlab-ci.yml", ".github/workflows/ci.yml", ".husky/pre-commit", ".env", "sub/.x"),
]


@pytest.mark.parametrize("path", MODELS)
def test_an_unknown_name_is_protected(path: str) -> None:
    assert protected_by(RULES, [path.encode()])


@pytest.mark.parametrize("path", SOURCES)
def test_source_text_and_hidden_files_stay_clear(path: str) -> None:
    assert not protected_by(RULES, [path.encode()])


def test_what_the_old_profile_protects_by_name_no_name_of_source_lets_out() -> None:
    names = [re.sub(r"\*\*?", "x", one).encode() for one in profiles.patterns("weights")]
    names = [name for name in names if b"/." not in name]
    for case in (bytes, bytes.upper):
        asked = {case(name) for name in names}
        assert protected_by(RULES, asked) == asked


def test_a_pattern_of_source_ends_in_what_it_names() -> None:
    patterns = profiles.clear_patterns("all-but-source")
    assert len(set(patterns)) == len(patterns)
    for pattern in patterns:
        assert re.fullmatch(r"\*\.[A-Za-z0-9+]+|[A-Za-z][A-Za-z0-9._-]*(\*\.\w+)?", pattern)


def test_other_endings_in_upper_case_are_other_names() -> None:
    assert protected_by(RULES, [b"TRAIN.PY", b"README.MD"]) == {b"TRAIN.PY", b"README.MD"}


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ({"include": ("*.py",)}, b"secret.py", True),
        ({"include": (".cache/net",)}, b".cache/net", True),
        ({"exclude": ("*.png",)}, b"docs/logo.png", False),
        ({"untracked": ("docs/**",)}, b"docs/logo.png", False),
        ({"include": ("*.py",), "exclude": ("a.py",)}, b"a.py", False),
    ],
)
def test_a_persons_own_patterns_outrank_the_list(
    fields: dict[str, tuple[str, ...]], path: bytes, *, expected: bool
) -> None:
    rules = attributes.render(Policy("all-but-source", **fields))  # type: ignore[arg-type]
    assert bool(protected_by(rules, [path])) == expected


def test_the_lines_of_the_old_profiles_are_as_they_were() -> None:
    """Each clone compares them with what it pinned."""
    weights = attributes.render(Policy("weights")).splitlines()
    assert weights[1] == f"*.safetensors {attributes.SEALED}"
    assert len(weights) == 1 + len(profiles.patterns("weights")) + 5 + 2 + 1
    everything = attributes.render(Policy("all")).splitlines()
    assert everything[1:3] == [f"[!.]* {attributes.SEALED}", f"**/.*/** {attributes.CLEAR}"]


def test_a_deploy_clone_verifies_what_this_profile_leaves_clear() -> None:
    """No path is without a filter, and the macro gives none back that was taken."""
    text = RULES + attributes.guarding(RULES)
    found = drivers_by(text, [b"net", b"a.py", b".x/y", b".gitattributes", b"model.sig"])
    assert found == {
        b"net": b"git-model",
        b"a.py": b"git-model-verified",
        b".x/y": b"git-model-verified",
        b".gitattributes": b"git-model-verified",
        b"model.sig": b"git-model",
    }

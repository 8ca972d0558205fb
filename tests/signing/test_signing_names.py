from __future__ import annotations

import pytest

from git_model_security.errors import PolicyError, VerificationError
from git_model_security.signing import roles
from git_model_security.signing.roles import Subject

HOSTILE = [
    "",
    "/etc/passwd",
    "//host/share",
    "../up",
    "a/../../up",
    "./a",
    "a/./b",
    "a//b",
    "a/",
    "a\0b",
    "caf\udce9",
    ".git/config",
    "a/.GIT/hooks/post-checkout",
    "a/.git",
    "git~1/config",
    "GIT~1",
    ".git. /config",
    ".git::$INDEX_ALLOCATION/config",
    ".g\u200cit/config",
    "..\\up",
    "a\\.git\\config",
    ".git/tree",
]

HARMLESS = [
    "model.safetensors",
    ".gitmodules",
    ".github/workflows/ci.yml",
    "-rf",
    "a b",
    "a\nb",
    'a"b',
    "a\\b",
    "..a/b..",
    "моделей/模型.bin",
    "x" * 255,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    assert roles.name_fault(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_name_that_git_tracks_is_allowed(name: str) -> None:
    assert roles.name_fault(name) is None
    assert roles.name_of(name.encode()) == name


def test_a_path_that_is_not_utf8_cannot_be_signed_and_is_named() -> None:
    with pytest.raises(PolicyError, match=r"caf\\xe9: cannot be signed: name is not UTF-8"):
        roles.name_of(b"caf\xe9")


@pytest.mark.parametrize("role", roles.ROLES)
@pytest.mark.parametrize("root", [".", "models/bert", "a.b"])
def test_a_subject_name_is_read_back(role: str, root: str) -> None:
    assert roles.parse(str(Subject(role, root))) == Subject(role, root)


@pytest.mark.parametrize("name", ["bert", "", "git-model", "my-git-model/v1/plaintext:."])
def test_a_name_of_other_software_has_no_role(name: str) -> None:
    assert roles.parse(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "git-model/v2/plaintext:.",
        "git-model/v1/pickle:.",
        "git-model/v1/plaintext",
        "git-model/v1/plaintext:",
        "git-model/v1/plaintext:../up",
        "git-model/v1/plaintext:/",
        "git-model/v1/plaintext:a/.git",
        "Git-Model/v1/plaintext:.",
        "git-model/v1/plaintext :.",
        "git-model/",
    ],
)
def test_a_name_that_claims_to_be_ours_must_be_a_role_that_exists(name: str) -> None:
    with pytest.raises(VerificationError, match="no role known"):
        roles.parse(name)


@pytest.mark.parametrize(
    "path",
    [b"model.sig", b".model-encrypted.sig", b".gitmodel", b".gitignore", b".github/ci.yml"],
)
def test_our_own_and_gits_files_at_the_root_are_left_out(path: bytes) -> None:
    assert roles.is_ignored(path)


@pytest.mark.parametrize("path", [b"a/model.sig", b"a/.gitattributes", b"model.sig2", b"x"])
def test_only_the_root_leaves_them_out(path: bytes) -> None:
    assert not roles.is_ignored(path)


def test_another_signature_name_is_left_out_instead() -> None:
    assert roles.is_ignored(b"signed.json", "signed.json")
    assert not roles.is_ignored(b"model.sig", "signed.json")

"""Weights are given out of a model whose signature holds, of just the files it signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import git_model_security as gm
from git_model_security.errors import (
    AuthenticationError,
    ConfigError,
    KeyNotFoundError,
    ModelError,
)
from tests.api.conftest import WEIGHTS, tensors

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.lfs_projects import LfsProject
    from tests.fixtures.people import Project

TRUST = {"public_key": "key.pub"}


@pytest.fixture(params=["sign+encrypt", "encrypt+sign"])
def sealed(request: pytest.FixtureRequest, here: Path) -> Path:
    steps = [
        lambda: gm.sign("granite", private_key="key.priv"),
        lambda: gm.encrypt("granite", "aes256.bin"),
    ]
    for step in steps if request.param == "sign+encrypt" else reversed(steps):
        step()
    return here / "granite"


def test_the_tensors_are_those_that_were_signed(sealed: Path) -> None:
    with gm.load(sealed, "aes256.bin", public_key="key.pub") as model:
        assert model.names == ["config.json", "model.safetensors"]
        found = model.load_tensors("np")
        assert model.open("config.json").read() == b"{}\n"
    wanted = np.frombuffer(WEIGHTS, dtype="<f4").reshape(8, 12)
    np.testing.assert_array_equal(found["embeddings.weight"], wanted)


def test_a_changed_file_is_found_when_it_is_asked_for(sealed: Path) -> None:
    file = sealed / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    with gm.load(sealed, "aes256.bin", public_key="key.pub") as model:
        assert model.open("config.json").read() == b"{}\n"
        with pytest.raises(gm.VerificationError, match=r"model\.safetensors: not the content"):
            model.open("model.safetensors")


def test_a_file_exchanged_after_it_was_verified_is_found(sealed: Path, here: Path) -> None:
    (here / "forged").write_bytes(tensors().replace(b"embeddings", b"embeddingz"))
    gm.encrypt("forged", "aes256.bin")
    with gm.load(sealed, "aes256.bin", public_key="key.pub") as model:
        model.open("model.safetensors").close()
        (sealed / "model.safetensors").write_bytes((here / "forged").read_bytes())
        with pytest.raises(AuthenticationError, match="its root is another one"):
            model.open("model.safetensors")


def test_a_clear_file_exchanged_after_it_was_verified_is_found(here: Path) -> None:
    gm.sign("granite", private_key="key.priv")
    with gm.load("granite", "aes256.bin", public_key="key.pub") as model:
        model.open("config.json")
        (here / "granite" / "config.json").write_bytes(b"forged")
        with pytest.raises(gm.VerificationError, match="not the content"):
            model.open("config.json")


@pytest.mark.parametrize("change", ["signer", "bundle", "name", "key"])
def test_what_is_wrong_from_the_beginning(sealed: Path, here: Path, change: str) -> None:
    if change == "signer":
        from tests.fixtures.bundles import make_pair

        (here / "other.pub").write_bytes(make_pair(here / "other.priv").public)
        with pytest.raises(gm.VerificationError):
            gm.load(sealed, "aes256.bin", public_key="other.pub")
    elif change == "bundle":
        (sealed / "model.sig").write_bytes(b"{}")
        with pytest.raises(gm.VerificationError):
            gm.load(sealed, "aes256.bin", public_key="key.pub")
    elif change == "name":
        (sealed / "extra.bin").write_bytes(b"nobody signed this")
        with (
            gm.load(sealed, "aes256.bin", public_key="key.pub") as model,
            pytest.raises(ConfigError, match=r"nobody signed a file of that name"),
        ):
            model.open("extra.bin")
    else:
        with (
            gm.load(sealed, bytes(32), public_key="key.pub") as model,
            pytest.raises(KeyNotFoundError),
        ):
            model.open("model.safetensors")


def test_a_file_that_is_no_model_is_told_as_such(sealed: Path) -> None:
    with (
        gm.load(sealed, "aes256.bin", public_key="key.pub") as model,
        pytest.raises(ModelError),
    ):
        model.safetensors("config.json", "np")


def test_out_of_a_clone_without_its_files(project: Project, here: Path) -> None:
    ada = project.ada
    wanted = ada.read("model.safetensors")
    (ada.path / "model.safetensors").unlink()
    with gm.load("clone", "aes256.bin", revision="HEAD") as model:
        assert model.open("model.safetensors").read() == wanted
        assert model.open("train.py").read() == ada.read("train.py")
    bare = ada.path.parent / "remote.git"
    with gm.load(bare, "aes256.bin", revision="main", public_key=project.public) as model:
        assert model.open("model.safetensors").read() == wanted
    assert here


def test_out_of_the_objects_of_git_lfs(pushed_lfs_project: LfsProject) -> None:
    project = pushed_lfs_project
    path, content = next(iter(project.content.items()))
    (project.ada.path / path).unlink()
    with gm.load(project.ada.path, project.key, revision="HEAD") as model:
        assert model.open(path).read() == content
    stored = project.stored(project.ada, path)
    stored.chmod(0o644)
    damaged = bytearray(stored.read_bytes())
    damaged[5000] ^= 1
    stored.write_bytes(damaged)
    with gm.load(project.ada.path, project.key, revision="HEAD") as model:
        file = model.open(path)
        with pytest.raises(AuthenticationError):
            file.read()


def test_a_commit_that_is_not_signed_as_it_is_gives_nothing(project: Project) -> None:
    ada = project.ada
    ada.write("train.py", "print('changed')\n")
    ada.git("commit", "--quiet", "--all", "--no-verify", "--message", "Unsigned")
    with pytest.raises(gm.VerificationError):
        gm.load(ada.path, project.key, revision="HEAD")


def test_a_repository_tells_what_it_is(project: Project) -> None:
    repository = gm.Repository(project.ada.path)
    assert repository.status().to_json()["head"] == "verified"
    assert repository.verify().good
    assert repository.verify("HEAD", encrypted=True).good
    assert repository.audit().findings == []
    project.ada.write("model.safetensors", b"forged")
    with pytest.raises(gm.VerificationError, match=r"model\.safetensors"):
        repository.verify()
    with pytest.raises(gm.Error):
        gm.Repository(project.ada.path.parent)

"""Clones of a model whose large files are in git-lfs: unlock, lock, and `git model clone`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.lfs_projects import FILES, SMALL
from tests.fixtures.people import assert_clean, is_sealed
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.lfs_projects import LfsProject
    from tests.fixtures.people import Person


@pytest.fixture
def project(pushed_lfs_project: LfsProject) -> LfsProject:
    return pushed_lfs_project


def assert_pointers(repo: Repository) -> None:
    for path in FILES:
        assert repo.read(path) == repo.blob(f"HEAD:{path}")
        assert repo.read(path).startswith(b"version https://git-lfs")


@pytest.mark.parametrize("is_installed", [False, True])
def test_a_plain_clone_has_pointers_and_is_clean_and_unlocks(
    project: LfsProject, ben: Person, is_installed: bool
) -> None:
    if is_installed:
        ben.install()
    clone = ben.clone(project.remote)
    assert_pointers(clone)
    assert is_sealed(clone.read(SMALL))
    assert_clean(clone)
    clone.model("unlock", *project.keys)
    project.assert_complete(clone)
    assert_clean(clone)


def test_model_clone_writes_everything(project: LfsProject, ben: Person) -> None:
    said = Repository(ben.home, ben.env).model(
        "clone", *project.keys, str(project.remote.path), "mine"
    )
    clone = Repository(ben.home / "mine", ben.env)
    project.assert_complete(clone)
    assert "is verified" in said.stderr
    assert "unverified" not in said.stderr
    assert clone.git("config", "--get", "git-model.skipSmudge", check=False) == ""
    assert_clean(clone)


@pytest.mark.parametrize("command", ["clone", "unlock"])
def test_with_skip_smudge_pointers_stay_until_checkout_or_unlock(
    project: LfsProject, ben: Person, command: str
) -> None:
    if command == "clone":
        where = Repository(ben.home, ben.env)
        url = str(project.remote.path)
        said = where.model("clone", "--skip-smudge", *project.keys, url, "mine")
        assert "HEAD is verified: its signature over ciphertext holds" in said.stderr
        clone = Repository(ben.home / "mine", ben.env)
    else:
        clone = ben.clone(project.remote)
        clone.model("unlock", "--skip-smudge", *project.keys)
    assert_pointers(clone)
    assert not (clone.path / ".git/lfs/objects").exists()
    assert clone.read(SMALL) == project.content[SMALL]
    assert clone.git("config", "git-model.skipSmudge") == "true"
    assert_clean(clone)
    clone.git("switch", "--quiet", "--create", "side")
    clone.model("checkout", FILES[0])
    assert clone.read(FILES[0]) == project.content[FILES[0]]
    assert clone.read(FILES[1]).startswith(b"version")
    clone.model("unlock", "--no-skip-smudge")
    project.assert_complete(clone)
    assert clone.git("config", "--get", "git-model.skipSmudge") == "false"
    assert_clean(clone)


def test_unlock_offline_says_what_is_missing_and_checkout_goes_on(
    project: LfsProject, ben: Person
) -> None:
    clone = ben.clone(project.remote)
    clone.git("remote", "set-url", "origin", "/nowhere")
    failed = clone.model("unlock", *project.keys, check=False)
    assert failed.returncode == 1
    assert "Unlocked with the key" in failed.stdout
    assert all(path in failed.stderr for path in FILES)
    assert_pointers(clone)
    assert clone.status() == ""
    clone.git("remote", "set-url", "origin", str(project.remote.path))
    clone.model("checkout")
    project.assert_complete(clone)
    assert_clean(clone)


def test_lock_brings_the_pointers_back_in_all_work_trees_without_the_objects(
    project: LfsProject, tmp_path: Path
) -> None:
    ada = project.ada
    ada.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "second"))
    second = Repository(tmp_path / "second")
    project.assert_complete(second)
    for stored in (ada.path / ".git/lfs/objects").glob("??/??/*"):
        stored.unlink()
    left_over = ada.write("shards/.git-model-partial-0123456789abcdef", b"of a killed checkout")
    ada.model("lock")
    assert not left_over.exists()
    for tree in (ada, second):
        assert_pointers(tree)
        assert is_sealed(tree.read(SMALL))
        assert_clean(tree)
    second.model("unlock")
    project.assert_complete(second)
    ada.model("checkout")
    project.assert_complete(ada)
    assert_clean(ada)

"""Commands from outside of a work tree that is named: `--git-dir`, `--work-tree`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.histories import MODEL
from tests.fixtures.people import is_sealed
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import Project

NAMED = {
    "both, absolute": {"GIT_DIR": "{repo}/.git", "GIT_WORK_TREE": "{repo}"},
    "both, relative": {"GIT_DIR": "../repo/.git", "GIT_WORK_TREE": "../repo"},
    "in the configuration": {"GIT_DIR": "../repo/.git"},
}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    directory = tmp_path / "outside"
    directory.mkdir()
    return directory


@pytest.mark.parametrize("how", NAMED)
def test_a_repository_is_used_from_outside(project: Project, outside: Path, how: str) -> None:
    top = project.ada.path
    if how == "in the configuration":
        project.ada.git("config", "core.worktree", str(top))
    env = {name: value.format(repo=top) for name, value in NAMED[how].items()}
    there = Repository(outside, env)
    assert "HEAD verified" in there.model("status").stdout
    there.model("verify")
    project.ada.write("config.json", "changed\n")
    there.git("add", "--all")
    there.git("commit", "--quiet", "-m", "From outside")
    assert is_sealed(project.ada.blob("HEAD:config.json"))
    there.model("verify", "HEAD")
    there.model("lock")
    assert is_sealed(project.ada.read("model.safetensors"))
    there.model("unlock")
    assert project.ada.read("model.safetensors") == MODEL
    assert list(outside.iterdir()) == []


def test_a_work_tree_apart_from_its_git_directory_is_locked(
    project: Project, outside: Path
) -> None:
    apart = outside.parent / "apart.git"
    (project.ada.path / ".git").rename(apart)
    env = {"GIT_DIR": str(apart), "GIT_WORK_TREE": os.path.relpath(project.ada.path, outside)}
    there = Repository(outside, env)
    assert there.model("lock").stdout == "Locked: 3 files are ciphertext again\n"
    assert is_sealed(project.ada.read("model.safetensors"))
    assert there.git("status", "--porcelain") == ""


def test_a_work_tree_that_is_named_alone_is_used(project: Project, outside: Path) -> None:
    elsewhere = Repository(project.ada.path, {"GIT_WORK_TREE": str(outside)})
    elsewhere.git("checkout", "--", ".")
    assert (outside / "model.safetensors").read_bytes() == MODEL
    assert "HEAD verified" in elsewhere.model("status").stdout


def test_inside_the_git_directory_it_is_said_where_to_go(project: Project) -> None:
    inside = Repository(project.ada.path / ".git")
    refused = inside.model("status", check=False)
    assert refused.returncode in {1, 4}
    assert "needs a work tree" in refused.stderr

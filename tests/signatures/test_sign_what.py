"""`git model sign` says what it signs: only what is staged, and all of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import assert_signed
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository


@pytest.fixture
def ada(project: Project) -> Repository:
    """Ada's clone, with an unsigned commit of somebody else at its tip."""
    repo = project.ada
    repo.write("theirs.py", "print('theirs')\n")
    repo.git("add", "theirs.py")
    repo.git(*NO_HOOKS, "commit", "--quiet", "-m", "Theirs")
    return repo


@pytest.mark.parametrize("path", ["train.py", "config.json", "new.bin", "new.py"])
def test_a_path_that_is_not_staged_is_not_adopted(project: Project, path: str) -> None:
    project.ada.write(path, "not staged\n")
    refused = project.ada.model("sign", "--adopt", path, check=False)
    assert refused.returncode == 1
    assert f"{path}: what is there is not staged" in refused.stderr
    assert "`git add` stages it" in refused.stderr
    assert refused.stdout == ""
    project.ada.git("add", path)
    project.ada.model("sign", "--adopt", path)


def test_from_below_the_path_is_the_one_that_is_meant(project: Project) -> None:
    project.ada.write("sub/train.py", "one\n")
    project.ada.commit()
    project.ada.write("sub/train.py", "two\n")
    below = project.ada.path / "sub"
    refused = project.ada.model("sign", "--adopt", "train.py", cwd=below, check=False)
    assert "train.py: what is there is not staged" in refused.stderr


def test_of_many_the_staged_ones_are_adopted_and_the_others_named(ada: Repository) -> None:
    ada.write("train.py", "not staged\n")
    ada.write("untracked.log", "no matter\n")
    said = ada.model("sign", "--adopt", ".")
    assert "adopted theirs.py" in said.stderr
    assert "train.py has changes that are not staged: not adopted" in said.stderr
    assert "untracked.log" not in said.stderr
    again = ada.model("sign", "--adopt", ".")
    assert "Signed already" in again.stdout


def test_amend_says_what_it_takes_along(project: Project) -> None:
    ada = project.ada
    ada.git("rm", "--quiet", "README.md")
    ada.write("train.py", "staged\n")
    ada.git("add", "train.py")
    ada.write("config.json", "not staged\n")
    said = ada.model("sign", "--amend")
    lines = said.stdout.splitlines()
    assert lines == [
        "Taken into HEAD as well, since it was staged (2):",
        "  README.md",
        "  train.py",
        "Signed HEAD anew",
    ]
    assert ada.status() == " M config.json"
    assert_signed(ada)


def test_amend_of_a_commit_alone_says_no_more(ada: Repository) -> None:
    said = ada.model("sign", "--adopt", "theirs.py", "--amend")
    assert said.stdout == "Signed HEAD anew\n"
    assert_signed(ada)

"""Downloads by stock git-lfs: just the objects that are asked for, from the right place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import GitError
from git_model_security.git import lfs
from git_model_security.git.repository import Repository as Facts
from tests.fixtures.lfs_projects import FILES

if TYPE_CHECKING:
    from tests.fixtures.lfs_projects import LfsProject
    from tests.fixtures.repositories import CloneFactory, Repository


@pytest.fixture
def project(pushed_lfs_project: LfsProject) -> LfsProject:
    return pushed_lfs_project


@pytest.fixture
def other(project: LfsProject, clone: CloneFactory) -> Repository:
    """A clone that has pointers and no objects."""
    return clone()


def _blobs(repo: Repository, *paths: str) -> list[str]:
    return [repo.git("rev-parse", f"HEAD:{path}") for path in paths]


def _here(repo: Repository) -> set[str]:
    return {path.name for path in repo.path.glob(".git/lfs/objects/??/??/*")}


def _fetch(repo: Repository, *paths: str) -> None:
    lfs.fetch(Facts.discover(repo.path, local=False), _blobs(repo, *paths))


def test_only_what_is_asked_for_comes(project: LfsProject, other: Repository) -> None:
    _fetch(other, FILES[0], FILES[2], FILES[0])
    assert _here(other) == {project.objects[FILES[0]], project.objects[FILES[2]]}
    assert other.git(
        "for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags"
    ).split() == ["refs/heads/main"]


@pytest.mark.parametrize(
    "setting", ["lfs.fetchexclude=*", "lfs.fetchinclude=none", "lfs.fetchrecentalways=true"]
)
def test_settings_for_other_downloads_change_nothing(
    project: LfsProject, other: Repository, setting: str
) -> None:
    other.git("config", *setting.split("="))
    _fetch(other, FILES[1])
    assert _here(other) == {project.objects[FILES[1]]}


def test_what_is_nowhere_is_told_and_the_rest_comes(
    project: LfsProject, other: Repository
) -> None:
    oid = project.objects[FILES[0]]
    (gone,) = project.remote.path.glob(f"lfs/objects/??/??/{oid}")
    gone.unlink()
    with pytest.raises(GitError, match=oid[:12]) as caught:
        _fetch(other, *FILES)
    assert caught.value.hint is not None
    assert _here(other) == {project.objects[path] for path in FILES[1:]}


def test_an_address_is_told_without_its_password(
    project: LfsProject, other: Repository
) -> None:
    other.git("config", "lfs.url", "http://me:secret@127.0.0.1:1/x")
    other.git("config", "lfs.transfer.maxretries", "1")
    with pytest.raises(GitError) as caught:
        _fetch(other, FILES[0])
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:1/x" in str(caught.value)


def test_without_a_remote_there_is_nothing_to_ask(project: LfsProject) -> None:
    project.ada.git("remote", "remove", "origin")
    with pytest.raises(GitError, match="no remote"):
        _fetch(project.ada, FILES[0])


def test_without_git_lfs_the_command_that_installs_it_is_told(
    project: LfsProject, path_without_lfs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path_without_lfs)
    assert not lfs.is_installed()
    with pytest.raises(GitError, match="not installed") as caught:
        _fetch(project.ada, FILES[0])
    assert "apt install git-lfs" in str(caught.value.hint)


def test_the_remote_is_chosen_as_git_lfs_does(repo: Repository) -> None:
    def chosen() -> str | None:
        return lfs.remote(Facts.discover(repo.path, local=False))

    assert chosen() is None
    repo.git("remote", "add", "fork", os.devnull)
    assert chosen() == "fork"
    repo.git("remote", "add", "team", os.devnull)
    assert chosen() is None
    repo.git("remote", "add", "origin", os.devnull)
    assert chosen() == "origin"
    repo.git("config", "remote.lfsdefault", "team")
    assert chosen() == "team"
    repo.git("config", "branch.main.remote", "fork")
    assert chosen() == "fork"
    repo.git("config", "branch.main.remote", ".")
    assert chosen() == "team"

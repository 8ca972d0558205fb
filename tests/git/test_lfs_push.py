"""pre-push: objects go before the pointers to them, and nothing goes without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.lfs_projects import FILES, SMALL
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from tests.fixtures.lfs_projects import LfsProject, LfsProjectFactory


@pytest.fixture
def project(lfs_project: LfsProjectFactory) -> LfsProject:
    return lfs_project()


def _uploaded(project: LfsProject) -> set[str]:
    return {path.name for path in project.remote.path.glob("lfs/objects/??/??/*")}


def _branches(project: LfsProject) -> str:
    return project.remote.git("for-each-ref")


def test_a_push_uploads_the_objects(project: LfsProject) -> None:
    project.push()
    assert _uploaded(project) == set(project.objects.values())


def test_a_push_to_an_address_uploads_them_too(project: LfsProject) -> None:
    project.ada.git("push", "--quiet", str(project.remote.path), "main")
    assert _uploaded(project) == set(project.objects.values())


def test_the_hook_of_git_lfs_beside_ours_uploads_once(project: LfsProject) -> None:
    project.ada.model("uninstall")
    project.ada.git("lfs", "install", "--local")
    project.ada.model("init")
    hook = project.ada.path / ".git" / "hooks" / "pre-push.before-git-model"
    assert "git lfs pre-push" in hook.read_text()
    done = project.ada.git.run("push", "origin", "main", env={"GIT_TRACE": "1"})
    assert done.stderr.count("exec: git-lfs pre-push") == 1
    assert _uploaded(project) == set(project.objects.values())


@pytest.mark.parametrize(
    "text", ["exit 0\n# git lfs pre-push\n", 'echo git lfs pre-push "$@"\n']
)
def test_a_hook_that_only_names_git_lfs_is_not_relied_on(
    project: LfsProject, text: str
) -> None:
    project.ada.model("uninstall")
    hook = project.ada.write(".git/hooks/pre-push", f"#!/bin/sh\n{text}")
    hook.chmod(0o755)
    project.ada.model("init")
    project.push()
    assert _uploaded(project) == set(project.objects.values())


@pytest.mark.parametrize("lenient", ["false", "true"])
def test_a_missing_object_stops_the_push_and_is_named(
    project: LfsProject, lenient: str
) -> None:
    project.ada.git("config", "lfs.allowincompletepush", lenient)
    stored = project.stored(project.ada, FILES[0])
    content = stored.read_bytes()
    stored.unlink()
    done = project.ada.git.run("push", "origin", "main", check=False)
    assert done.returncode != 0
    assert FILES[0] in done.stderr
    assert "git lfs fetch" in done.stderr
    assert _branches(project) == ""
    stored.write_bytes(content)
    project.push()
    assert _uploaded(project) == set(project.objects.values())


def test_plaintext_stops_the_push_before_anything_is_uploaded(project: LfsProject) -> None:
    project.ada.git("config", "filter.git-model.process", "")
    project.ada.git("config", "filter.git-model.required", "false")
    project.ada.write("leak.bin", b"\0leak" * 100)
    project.ada.git("add", "leak.bin")
    project.ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "Leak")
    done = project.ada.git.run("push", "origin", "main", check=False)
    assert done.returncode != 0
    assert "leak.bin" in done.stderr
    assert _uploaded(project) == set()
    assert _branches(project) == ""


def test_without_git_lfs_no_pointer_leaves(project: LfsProject, path_without_lfs: str) -> None:
    env = {"PATH": path_without_lfs}
    done = project.ada.git.run("push", "origin", "main", env=env, check=False)
    assert done.returncode != 0
    assert "git-lfs is not installed" in done.stderr
    assert "install git-lfs" in done.stderr
    assert _branches(project) == ""


def test_without_git_lfs_what_needs_none_can_be_pushed(
    project: LfsProject, path_without_lfs: str
) -> None:
    project.push()
    project.ada.write(SMALL, b'{"layers": 3}\n')
    project.ada.commit("Smaller")
    project.ada.git("push", "origin", "main", env={"PATH": path_without_lfs})


def test_what_left_git_lfs_for_inline_still_pushes_its_old_objects(project: LfsProject) -> None:
    project.ada.model("init", "--storage", "inline")
    project.ada.commit("Inline from now on")
    project.push()
    assert _uploaded(project) == set(project.objects.values())

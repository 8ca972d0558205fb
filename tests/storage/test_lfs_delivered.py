"""Objects of git-lfs: "pushed" is said of those that this clone saw at a remote."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.lfs_projects import FILES
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from tests.fixtures.lfs_projects import LfsProject, LfsProjectFactory
    from tests.fixtures.people import PersonFactory
    from tests.fixtures.repositories import Repository


@pytest.fixture
def project(lfs_project: LfsProjectFactory) -> LfsProject:
    return lfs_project()


def states(repo: Repository) -> dict[str, tuple[bool, bool]]:
    listed = json.loads(repo.model("status", "--json").stdout)["files"]
    return {one["path"]: (one["pushed"], one["unseen"]) for one in listed}


def large(repo: Repository) -> set[tuple[bool, bool]]:
    found = states(repo)
    return {found[path] for path in FILES}


NO, UNSEEN, YES = {(False, False)}, {(False, True)}, {(True, False)}


def test_a_pointer_that_went_alone_is_not_pushed_until_its_object_arrives(
    project: LfsProject,
) -> None:
    ada = project.ada
    assert large(ada) == NO
    ada.git(*NO_HOOKS, "push", "--quiet", "origin", "main")
    assert large(ada) == UNSEEN
    assert states(ada)["model.sig"] == (True, False)
    said = ada.model("status")
    assert "not seen" in said.stdout
    assert "3 pointers pushed, whose objects nobody here saw arrive" in said.stderr
    assert not (project.remote.path / "lfs").exists()
    ada.git("push", "origin", "main")
    assert large(ada) == YES
    sent = {path.name for path in project.remote.path.glob("lfs/objects/*/*/*")}
    assert sent == set(project.objects.values())


def test_a_later_push_sends_no_less(project: LfsProject) -> None:
    ada = project.ada
    oid = project.objects[FILES[1]]
    ada.git(*NO_HOOKS, "push", "--quiet", "origin", "main")
    # The pointer comes again, under another name: git-lfs takes it for sent.
    ada.git("mv", FILES[0], "moved.safetensors")
    ada.commit()
    ada.git("push", "--quiet", "origin", "main")
    assert states(ada)["moved.safetensors"] == (True, False)
    assert states(ada)[FILES[1]] == (False, True)
    assert not (project.remote.path / "lfs" / "objects" / oid[:2] / oid[2:4] / oid).exists()


def test_no_verify_is_seen_through(project: LfsProject) -> None:
    ada = project.ada
    ada.git("push", "--quiet", "--no-verify", "origin", "main")
    assert large(ada) == UNSEEN


def test_the_hook_of_git_lfs_after_ours_changes_nothing(project: LfsProject) -> None:
    ada = project.ada
    ada.git("lfs", "update", "--force")
    ada.model("doctor", "--fix")
    ada.git("push", "--quiet", "origin", "main")
    assert large(ada) == YES


def test_what_was_fetched_was_seen(project: LfsProject, person: PersonFactory) -> None:
    project.push()
    bob = project.unlocked(person("bob"))
    assert large(bob) == YES


def test_an_object_that_came_another_way_was_not_seen(
    project: LfsProject, person: PersonFactory
) -> None:
    project.push()
    bob = person("bob").clone(project.remote)
    shutil.copytree(project.ada.path / ".git" / "lfs", bob.path / ".git" / "lfs")
    bob.model("unlock", *project.keys)
    assert large(bob) == UNSEEN
    assert bob.git.run("push").returncode == 0
    assert large(bob) == YES


def test_a_push_of_nothing_that_cannot_send_is_told_and_stops_nothing(
    project: LfsProject,
) -> None:
    ada = project.ada
    ada.git(*NO_HOOKS, "push", "--quiet", "origin", "main")
    ada.git("config", "lfs.url", (project.remote.path.parent / "gone").as_uri())
    done = ada.git.run("push", "origin", "main")
    assert done.returncode == 0
    assert "git-model: warning: git-lfs could not upload all objects" in done.stderr
    assert large(ada) == UNSEEN

"""What a clone has pinned lasts, whatever Git prunes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import assert_signed, is_sealed

if TYPE_CHECKING:
    from tests.fixtures.people import Person, PersonFactory, Project
    from tests.fixtures.repositories import Repository


def prune(repo: Repository) -> None:
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")


@pytest.fixture
def ada(project: Project) -> Repository:
    """Ada has tracked a file more, and given it up; Git has pruned what she staged."""
    repo = project.ada
    repo.model("track", "train.py")
    pinned = repo.git("rev-parse", ":.gitmodel")
    repo.git("reset", "--quiet", "--hard")
    prune(repo)
    assert repo.git.run("cat-file", "-e", pinned, check=False).returncode != 0
    return repo


def test_commits_go_on(ada: Repository) -> None:
    ada.write("config.json", "changed\n")
    ada.commit()
    assert_signed(ada)


def test_what_it_protects_stays_protected(ada: Repository) -> None:
    ada.write("train.py", "print('again')\n")
    ada.commit()
    assert is_sealed(ada.blob("HEAD:train.py"))


@pytest.mark.parametrize("damage", ["removed", "of another"])
def test_one_that_is_lost_is_named_with_the_way_on(ada: Repository, damage: str) -> None:
    kept = ada.path / ".git" / "git-model" / "policy"
    if damage == "removed":
        kept.unlink()
    else:
        kept.write_bytes(ada.blob("HEAD:.gitmodel"))
    ada.write("config.json", "changed\n")
    ada.git("add", "--all")
    refused = ada.git.run("commit", "--quiet", "-m", "Change", check=False)
    assert refused.returncode == 1
    assert "the policy that this clone took over is lost" in refused.stderr
    ada.model("track", "--accept", "--yes")
    ada.git("commit", "--quiet", "-m", "Change")
    assert_signed(ada)


def test_a_policy_that_was_pulled_and_left_lasts_too(
    project: Project, person: PersonFactory
) -> None:
    bob: Person = person("bob")
    clone = project.unlocked(bob)
    project.ada.model("track", "train.py")
    project.ada.commit()
    project.ada.git("push", "--quiet")
    clone.git("pull", "--quiet")
    clone.git("reset", "--quiet", "--hard", "HEAD~")
    clone.git("update-ref", "-d", "refs/remotes/origin/main")
    prune(clone)
    clone.write("config.json", "bob's\n")
    clone.commit()
    assert is_sealed(clone.blob("HEAD:config.json"))

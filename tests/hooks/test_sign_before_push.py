"""`signing.when = push`: commits are unsigned, and the tip is signed before it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository


@pytest.fixture
def ada(project: Project) -> Repository:
    ada = project.ada
    ada.model("config", "signing.when", "push")
    ada.commit("Sign before push")
    return ada


def arrived_from_mallory(
    ada: Repository, project: Project, person: PersonFactory, content: str
) -> None:
    """Ada pulls what Mallory, whom nobody trusts, made of a file."""
    mallory = project.unlocked(person("mallory"))
    mallory.write("train.py", content)
    mallory.git("commit", "--quiet", "--all", "--message", "Improve")
    mallory.git(*NO_HOOKS, "push", "--quiet")
    ada.git("pull", "--quiet")


def test_ones_own_series_is_signed_at_its_tip_without_adopting(ada: Repository) -> None:
    for number in range(2):
        ada.write("train.py", f"print({number})\n")
        ada.write("config.json", f'{{"number": {number}}}\n')
        ada.commit(f"Step {number}")
    ada.git("rm", "--quiet", "README.md")
    ada.git("commit", "--quiet", "--message", "Without it")
    refused = ada.git.run("push", check=False)
    assert refused.returncode != 0
    assert "git model sign --amend" in refused.stderr
    ada.model("sign", "--amend")
    ada.git("push", "--quiet")
    ada.model("verify")


def test_what_somebody_pushed_unsigned_is_still_for_a_person_to_decide(
    ada: Repository, project: Project, person: PersonFactory
) -> None:
    ada.model("sign", "--amend")
    ada.git("push", "--quiet")
    arrived_from_mallory(ada, project, person, "print('mallory')\n")
    ada.write("README.md", "More to read\n")
    ada.commit("Read me")
    refused = ada.model("sign", "--amend", check=False)
    assert refused.returncode == 1
    assert "train.py" in refused.stderr
    assert "README.md" not in refused.stderr


def test_an_own_version_of_before_is_not_brought_back_by_others(
    ada: Repository, project: Project, person: PersonFactory
) -> None:
    for number in range(2):
        ada.write("train.py", f"print({number})\n")
        ada.commit(f"Step {number}")
    ada.write("config.json", "{}\n")
    ada.commit("Another file")
    ada.model("sign", "--amend")
    ada.git("push", "--quiet")
    arrived_from_mallory(ada, project, person, "print(0)\n")
    refused = ada.model("sign", "--amend", check=False)
    assert refused.returncode == 1
    assert "train.py" in refused.stderr


@pytest.mark.parametrize("later", ["push", "release"])
def test_nobody_who_can_push_has_others_commit_unsigned(
    project: Project, person: PersonFactory, later: str
) -> None:
    ada, mallory = project.ada, project.unlocked(person("mallory"))
    policy = mallory.read(".gitmodel").decode()
    mallory.write(".gitmodel", policy.replace("when = commit", f"when = {later}"))
    assert mallory.status()
    mallory.git("commit", "--quiet", "--all", "--message", "Tidy up")
    mallory.git(*NO_HOOKS, "push", "--quiet")
    said = ada.git.run("pull").stderr
    assert f"signing.when is {later}" in said
    ada.write("README.md", "More to read\n")
    ada.git("add", "README.md")
    ada.git("config", "git-model.unvouched", "refuse")
    refused = ada.git.run("commit", "--message", "Read me", check=False)
    assert refused.returncode == 1
    assert ".gitmodel" in refused.stderr
    ada.git("config", "--unset", "git-model.unvouched")
    said = ada.git.run("commit", "--message", "Read me").stderr
    assert "this commit is not signed" in said
    assert "  .gitmodel (" in said
    assert '"Tidy up" by ' in said
    assert "is not signed as it is" in ada.git.run("push", check=False).stderr
    # Whoever means it says so.
    ada.model("track", "--accept", "--yes")
    ada.git("commit", "--quiet", "--allow-empty", "--message", "Later, then")


def test_a_time_that_was_signed_for_is_taken_over(
    project: Project, person: PersonFactory
) -> None:
    ada = project.ada
    ben = project.unlocked(person("ben"))
    ben.model("trust", "add", "--yes", "--public-key", str(project.public))
    ada.model("config", "signing.when", "release")
    ada.git("commit", "--quiet", "--message", "Sign releases")
    ada.model("sign", "--amend")
    ada.git("push", "--quiet")
    said = ben.git.run("pull").stderr
    assert "took over the protection policy" in said
    assert "not the policy that this clone pinned" not in ben.model("status").stderr

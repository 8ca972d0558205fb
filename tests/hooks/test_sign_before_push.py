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

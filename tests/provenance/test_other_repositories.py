"""What Ada signed in another repository of hers, and a stranger brings here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.repositories import Repository
from tests.provenance.scenes import (
    CODE,
    SIGNED,
    TEXT,
    asked,
    commit,
    readme,
    signing_key,
    verdict,
    weights,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import Project

TOOL = "tool.py"
ELSEWHERE = "signed in another repository: its .gitmodel is not of this one"


def _another(project: Project, home: Path, *options: str) -> Repository:
    """Makes another repository of Ada's, who signs there with the same key."""
    made = Repository(project.ada.path.parent / "another")
    made.write(CODE, "# another project\n")
    made.write(TOOL, TEXT)
    made.git("init")
    made.model("init", *options, "--signing-key", str(signing_key(home)))
    made.commit("Another project")
    made.model("verify")
    return made


def _without_id(repo: Repository) -> None:
    """Makes a repository one from before they had ids, with the same AES key."""
    lines = repo.read(".gitmodel").splitlines(keepends=True)
    repo.write(".gitmodel", b"".join(one for one in lines if b"repository =" not in one))
    repo.git("add", ".gitmodel")
    repo.model("track", "--accept", "--yes")


def _bring(mallory: Repository, source: Repository, *parents: str) -> str:
    """Makes a commit of what another repository holds, on top of main unless told."""
    mallory.git("fetch", source.path, "HEAD")
    above = [word for parent in parents or ("HEAD",) for word in ("-p", parent)]
    return mallory.git("commit-tree", "FETCH_HEAD^{tree}", *above, "-m", "Housekeeping")


def _send(mallory: Repository, oid: str, branch: str = "main") -> None:
    mallory.git("push", "--no-verify", "--force", "origin", f"{oid}:refs/heads/{branch}")


def _mix(mallory: Repository, source: Repository, path: str) -> str:
    """Merges what another repository holds, over a base in which only one path is of here."""
    foreign = _bring(mallory, source)
    mallory.git("read-tree", foreign)
    mallory.git("update-index", "--force-remove", path, TOOL)
    held = mallory.git("rev-parse", f"HEAD:{path}")
    mallory.git("update-index", "--add", "--cacheinfo", f"100644,{held},{path}")
    base = mallory.git("commit-tree", mallory.git("write-tree"), "-m", "Base")
    mallory.git("read-tree", "HEAD")
    here = mallory.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-p", base, "-m", "Here")
    there = mallory.git("commit-tree", f"{foreign}^{{tree}}", "-p", base, "-m", "There")
    merged = mallory.git("merge-tree", "--write-tree", here, there).split()[0]
    return mallory.git("commit-tree", merged, "-p", here, "-p", there, "-m", "Merge")


@pytest.mark.parametrize("has_same_key", [False, True])
def test_the_whole_of_it_as_the_tip(
    ada: Repository, mallory: Repository, published: Project, home: Path, has_same_key: bool
) -> None:
    key = ("--key", str(published.key)) if has_same_key else ("--model-root", "models")
    _send(mallory, _bring(mallory, _another(published, home, *key)))
    said = ada.git.run("pull")
    assert ELSEWHERE in said.stderr
    assert "tampered" not in said.stderr
    ada.write("own.txt", "mine\n")
    made = verdict(ada, commit(ada))
    assert not made.is_signed
    assert {CODE, TOOL, ".gitmodel"} <= made.paths


def test_verify_and_status_say_that_it_was_signed_elsewhere(
    ada: Repository, mallory: Repository, published: Project, home: Path
) -> None:
    tip = _bring(mallory, _another(published, home, "--model-root", "models"))
    _send(mallory, tip)
    ada.git("pull")
    for words in (("verify", tip), ("verify",), ("verify", "--encrypted", tip)):
        said = ada.model(*words, check=False)
        assert said.returncode == 1
        assert ELSEWHERE in said.stdout
        assert "tampered" not in said.stdout
    assert ELSEWHERE in ada.model("status", check=False).stdout


@pytest.mark.parametrize("path", [CODE, ".gitmodel"])
def test_one_file_of_it_in_the_place_of_ours(
    ada: Repository, mallory: Repository, published: Project, home: Path, path: str
) -> None:
    another = _another(published, home, "--model-root", "models", "--exclude", "*.pt")
    _send(mallory, _mix(mallory, another, path))
    ada.git("pull")
    readme(ada)
    assert path in verdict(ada, commit(ada)).paths


def test_its_policy_is_not_taken_over(
    ada: Repository, mallory: Repository, published: Project, home: Path
) -> None:
    another = _another(published, home, "--model-root", "models", "--exclude", "*.pt")
    _send(mallory, _mix(mallory, another, ".gitmodel"))
    _send(mallory, _bring(mallory, another), "evil")
    said = ada.git.run("pull")
    assert "took over" not in said.stderr
    assert "it is of another repository" in said.stderr
    ada.write("new.pt", weights(7))
    commit(ada)
    assert ada.blob("HEAD:new.pt") != weights(7)


def test_of_a_repository_without_an_id_the_aes_key_tells(
    ada: Repository, mallory: Repository, published: Project, home: Path
) -> None:
    another = _another(published, home, "--model-root", "models")
    _without_id(another)
    another.commit("No id")
    _send(mallory, _bring(mallory, another))
    assert ELSEWHERE in ada.git.run("pull").stderr


def test_what_lost_the_id_does_not_count_either(
    ada: Repository, mallory: Repository, published: Project, home: Path
) -> None:
    another = _another(published, home, "--key", str(published.key))
    _without_id(another)
    another.commit("No id")
    _send(mallory, _bring(mallory, another))
    assert ELSEWHERE in ada.git.run("pull").stderr


def test_a_repository_from_before_gets_its_id_and_colleagues_learn_it(
    ada: Repository, bob: Repository
) -> None:
    _without_id(ada)
    ada.commit("As it was")
    ada.git("push")
    bob.git("pull")
    bob.model("track", "--accept", "--yes")
    for one in (ada, bob):
        (one.path / ".git" / "git-model" / "repository").unlink()
    assert "names no repository" in ada.model("doctor", check=False).stdout
    assert "gave this repository an id" in ada.model("doctor", "--fix").stderr
    assert verdict(ada, commit(ada)) == SIGNED
    ada.git("push")
    said = bob.git.run("pull")
    assert "is verified" in said.stderr
    assert "the repository has an id now" in said.stderr
    readme(bob)
    assert verdict(bob, commit(bob)) == SIGNED
    # What was signed before stays so, also for whoever comes later.
    assert bob.model("verify", "HEAD~2").returncode == 0


def test_another_person_may_still_take_its_policy_over(
    ada: Repository, mallory: Repository, published: Project, home: Path
) -> None:
    another = _another(published, home, "--key", str(published.key))
    _send(mallory, _bring(mallory, another))
    ada.git("pull")
    ada.model("track", "--accept", "--yes")
    assert ada.model("verify", "HEAD").returncode == 0


def test_a_stranger_that_changes_the_id_is_asked_about(
    ada: Repository, mallory: Repository
) -> None:
    mallory.git("config", "--file", ".gitmodel", "git-model.repository", "0" * 32)
    mallory.git("commit", "--all", "--message", "Nothing to see here")
    _send(mallory, "HEAD")
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(".gitmodel")


def test_a_job_that_has_pinned_nothing_goes_by_the_commit_that_it_follows(
    ada: Repository, mallory: Repository, published: Project, home: Path
) -> None:
    before = mallory.git("rev-parse", "HEAD")
    tip = _bring(mallory, _another(published, home, "--model-root", "models"))
    job = Repository(published.ada.path.parent / "job")
    ada.git("clone", "--no-checkout", str(published.remote.path), str(job.path))
    _send(mallory, tip, "evil")
    job.git("fetch", "origin")
    key = ("--encrypted", "--public-key", str(published.public))
    said = job.model("verify", *key, "--at-least", before, tip, check=False)
    assert said.returncode == 1
    assert "signed in another repository" in said.stdout
    assert job.model("verify", *key, "--at-least", before, before).returncode == 0


def test_no_key_of_another_repository_counts_because_a_stranger_says_so(
    ada: Repository, mallory: Repository
) -> None:
    known = ada.read(".git/git-model/repository")
    key = ada.git("config", "--file", ".gitmodel", "protect.keyid")
    mallory.git("config", "--file", ".gitmodel", "git-model.formerly", key)
    mallory.git("commit", "--all", "--message", "Housekeeping")
    mallory.git("push", "--no-verify", "origin", "HEAD:main")
    ada.git("pull")
    said = ada.model("track", "*.foo", "--yes", check=False)
    assert "git-model.formerly" in said.stderr
    assert ada.read(".git/git-model/repository") == known

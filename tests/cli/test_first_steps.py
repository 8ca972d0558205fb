"""What a new user is told: before the first commit, locked, in a merge, without the key."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import FAILED, UNCHECKED, USAGE
from tests.fixtures.people import is_sealed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "--expect", ""),
        ("verify", "--at-least="),
        ("verify", "--public-key", ""),
        ("verify", ""),
        ("verify", "key", ""),
        ("init", "--signature", ""),
        ("init", "--model-root", ""),
        ("init", "--include", "*.bin", "--include", ""),
        ("init", "--key", ""),
        ("init", "--threshold="),
        ("config", "signing.root", ""),
        ("track", ""),
    ],
    ids=" ".join,
)
def test_an_empty_word_is_no_word_that_was_left_out(
    repo: Repository, words: tuple[str, ...]
) -> None:
    done = repo.model(*words, check=False)
    assert done.returncode == USAGE
    assert "empty" in done.stderr
    assert not (repo.path / ".gitmodel").exists()


def test_before_the_first_commit_it_is_what_is_missing(repo: Repository) -> None:
    repo.write("model.bin", b"weights")
    repo.model("init")
    hint = "`git add` and `git commit` make the first one"
    for words, status in (
        (["verify"], FAILED),
        (["verify", "HEAD"], UNCHECKED),
        (["verify", "--encrypted"], UNCHECKED),
        (["verify", "HEAD..HEAD"], UNCHECKED),
    ):
        done = repo.model(*words, check=False)
        assert done.returncode == status, words
        assert "there is no commit yet" in done.stdout + done.stderr
        assert hint in done.stderr
        assert "--amend" not in done.stderr


def test_status_shows_what_sign_signed(repo: Repository) -> None:
    repo.write("model.bin", b"weights")
    repo.model("init")
    repo.git("add", "--all")
    assert not signed_of(repo)["model.bin"]
    repo.model("sign")
    assert all(signed_of(repo).values())
    assert "Signed as it is staged" in repo.model("status").stdout
    repo.git("commit", "--quiet", "--message", "First")
    assert "as it is staged" not in repo.model("status").stdout

    repo.write("model.bin", b"other weights")
    repo.git("add", "--all")
    assert not signed_of(repo)["model.bin"]
    repo.model("sign")
    assert all(signed_of(repo).values())
    repo.write("more.bin", b"more")
    repo.git("add", "--all")  # the signature is for something else now
    assert "as it is staged" not in repo.model("status").stdout


def signed_of(repo: Repository) -> dict[str, bool]:
    state = json.loads(repo.model("status", "--json").stdout)
    return {file["path"]: file["signed"] for file in state["files"]}


def test_a_clone_whose_key_is_lost_is_not_called_unlocked(
    repo: Repository, home: Path, tmp_path: Path
) -> None:
    repo.write("model.bin", b"weights")
    repo.model("init")
    repo.commit()
    (key,) = (home / ".config/git-model/keys").iterdir()
    key.rename(tmp_path / "kept")

    said = repo.model("status", check=False)
    assert f"Key not found: {key.name}" in said.stdout
    assert "`git model unlock --key FILE`" in said.stderr
    assert json.loads(repo.model("status", "--json").stdout)["key_here"] is False
    refused = repo.model("lock", check=False)
    assert refused.returncode == FAILED
    assert "nobody could decrypt what is locked now" in refused.stderr
    assert repo.read("model.bin") == b"weights"

    repo.model("unlock", "--key", str(tmp_path / "kept"))
    assert "Unlocked, key" in repo.model("status").stdout
    repo.model("lock")
    assert is_sealed(repo.read("model.bin"))


def test_a_locked_clone_is_told_to_unlock(project: Project) -> None:
    ada = project.ada
    ada.write(".notes", "clear\n")
    ada.commit()
    ada.model("lock")
    ada.write(".notes", "other\n")
    done = ada.git.run("commit", "--quiet", "--all", "--message", "Locked")
    assert "this clone is locked: its commits are unsigned" in done.stderr
    assert "--signing-key" not in done.stderr
    ada.write("new.bin", b"new")
    for words in (("add", "new.bin"), ("model", "track", "x")):
        refused = (
            ada.model(*words[1:], check=False)
            if words[0] == "model"
            else ada.git.run(*words, check=False)
        )
        assert "or without --key from your keyring" in refused.stderr


def test_a_repository_in_the_work_tree_is_called_one(project: Project) -> None:
    nested = project.ada.path / "payload"
    project.ada.git("init", "--quiet", str(nested))
    project.ada.write("payload/x.py", "pass\n")
    done = project.ada.model("verify", check=False)
    assert done.returncode == FAILED
    assert "a repository of its own" in done.stdout
    assert "remove its .git" in done.stderr


def test_what_git_overlooks_comes_back_by_the_hint(project: Project) -> None:
    ada = project.ada
    name = ada.git("ls-files", "*.bin", "*.safetensors").splitlines()[0]
    content = ada.read(name)
    for change in (None, b"bad"):
        ada.git("update-index", "--skip-worktree", name)
        if change is None:
            (ada.path / name).unlink()
        else:
            ada.write(name, change)
        done = ada.model("verify", check=False)
        assert done.returncode == FAILED
        assert "`git update-index --no-skip-worktree PATH`" in done.stderr
        ada.git("update-index", "--no-skip-worktree", name)
        ada.git("restore", name)
        assert ada.read(name) == content


def test_in_a_merge_no_command_is_named_that_cannot_work(repo: Repository) -> None:
    repo.write("model.bin", os.urandom(300))
    repo.model("init")
    repo.commit()
    for branch in ("one", "two"):
        repo.git("switch", "--quiet", "--create", branch, "main")
        repo.write("model.bin", os.urandom(300))
        repo.commit()
    repo.git.run("merge", "one", check=False)
    for words in (("lock",), ("track", "x")):
        refused = repo.model(*words, check=False)
        assert refused.returncode == FAILED
        assert "hint: finish the merge or rebase" in refused.stderr


def test_plaintext_that_git_takes_for_added_goes_in_by_the_hint(repo: Repository) -> None:
    repo.write("model.bin", b"weights")
    repo.model("init")
    off = ("process=", "clean=cat", "required=false")
    options = [word for one in off for word in ("-c", f"filter.git-model.{one}")]
    repo.git(*options, "add", "model.bin")
    refused = repo.git.run("commit", "--quiet", "--message", "First", check=False)
    assert "`git add --renormalize model.bin`" in refused.stderr
    repo.git("add", "--renormalize", "model.bin")
    repo.git("commit", "--quiet", "--message", "First")
    assert is_sealed(repo.blob("HEAD:model.bin"))


def test_a_dry_run_lists_every_path_of_a_content(repo: Repository) -> None:
    for name in ("a.bin", "b.bin", "sub/c.bin"):
        repo.write(name, b"the same weights")
    repo.commit()
    said = repo.model("migrate", "--dry-run").stdout
    assert "Will be encrypted in all history (3):\n  a.bin\n  b.bin\n  sub/c.bin\n" in said


def test_one_hint_on_commit_ids(project: Project) -> None:
    said = project.ada.model("verify", "--expect", "main", check=False).stderr
    assert "all of it" in said
    assert "7" not in said

"""`git model init` again: until it is committed, what was decided may be decided anew."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import assert_clean, is_sealed
from tests.fixtures.processes import need
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import Repository

MODEL = os.urandom(4000)


@pytest.fixture
def begun(repo: Repository) -> Repository:
    """A repository that is set up and has everything staged, and no commit."""
    repo.write("model.bin", MODEL)
    repo.write("train.py", "pass\n")
    repo.write("config.json", "{}\n")
    repo.model("init", "--profile", "all")
    repo.git("add", "--all")
    return repo


def keys(repo: Repository) -> str:
    return repo.git("config", "--get-regexp", r"^git-model\.(keyid|signingkey)$")


def sealed(repo: Repository) -> set[str]:
    """Returns the names that the index has encrypted, signatures apart."""
    names = repo.git("ls-files").splitlines()
    return {name for name in names if is_sealed(repo.blob(f":{name}"))} - {"model.sig"}


def assert_holds(repo: Repository) -> None:
    """The first commit is signed, and a clone of it gets the same again."""
    repo.git("commit", "--quiet", "--message", "First")
    repo.model("verify", "HEAD")
    assert_clean(repo)
    repo.model("verify")


def test_another_profile_opens_what_was_staged(begun: Repository) -> None:
    assert sealed(begun) == {"model.bin", "train.py", "config.json"}
    before = keys(begun)
    said = begun.model("init", "--profile", "all-but-source").stdout
    assert "Profile: all-but-source" in said
    assert keys(begun) == before
    assert sealed(begun) == {"model.bin", "config.json"}
    assert begun.blob(":train.py") == b"pass\n"
    assert_holds(begun)


def test_patterns_are_those_that_were_said_last(begun: Repository) -> None:
    begun.model("init", "--exclude", "*.json")
    assert sealed(begun) == {"model.bin", "train.py"}
    begun.model("init", "--exclude", "*.py")
    assert sealed(begun) == {"model.bin", "config.json"}
    assert_holds(begun)


def test_a_profile_that_protects_more_encrypts_what_was_staged(repo: Repository) -> None:
    repo.write("train.py", "pass\n")
    repo.model("init")
    repo.git("add", "--all")
    assert sealed(repo) == set()
    repo.model("init", "--profile", "all")
    assert sealed(repo) == {"train.py"}
    assert_holds(repo)


def test_another_key_takes_the_place_of_the_one_that_was_made(
    begun: Repository, tmp_path: Path
) -> None:
    key = tmp_path / "aes256.bin"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    signer = begun.git("config", "git-model.signingkey")
    old = begun.git("config", "--get-all", "git-model.keyid")
    begun.model("init", "--key", str(key))
    new = begun.git("config", "--get-all", "git-model.keyid")
    assert new not in {"", old}
    assert "\n" not in new
    assert begun.git("config", "git-model.signingkey") == signer
    assert f"keyid = {new}" in begun.read(".gitmodel").decode()
    copy = tmp_path / "copy.bin"
    begun.model("key", "export", str(copy))
    assert copy.read_bytes() == key.read_bytes()
    assert_holds(begun)
    begun.model("lock")
    begun.model("unlock", "--key", str(key))
    assert begun.read("model.bin") == MODEL


def test_another_place_for_ciphertext_holds_for_what_was_staged(begun: Repository) -> None:
    need("git-lfs")
    assert is_sealed(begun.blob(":model.bin"))
    begun.model("init", "--storage", "lfs", "--threshold", "1KiB")
    assert begun.blob(":model.bin").startswith(b"version https://git-lfs")
    assert is_sealed(begun.blob(":config.json"))
    begun.model("init", "--storage", "inline")
    assert sealed(begun) == {"model.bin", "train.py", "config.json"}
    assert_holds(begun)


def test_signatures_that_were_made_already_are_made_anew(begun: Repository) -> None:
    begun.model("sign")
    begun.model("init", "--signature", "ours.sig", "--digest", "blake3")
    assert not (begun.path / "model.sig").exists()
    assert_holds(begun)
    names = begun.git("ls-files").splitlines()
    assert "ours.sig" in names
    assert "model.sig" not in names


def test_the_setting_renames_a_signature_that_is_not_committed_yet(begun: Repository) -> None:
    begun.model("sign")
    begun.model("config", "signing.signature", "ours.sig")
    assert not (begun.path / "model.sig").exists()
    begun.model("track", "*.foo")  # the policy is still the one that this clone pinned
    assert_holds(begun)


def test_what_is_staged_stays_where_the_work_tree_went_on(begun: Repository) -> None:
    begun.write("train.py", "later\n")
    begun.model("init", "--profile", "all-but-source")
    assert begun.blob(":train.py") == b"pass\n"
    assert begun.read("train.py") == b"later\n"
    assert begun.git("diff", "--name-only") == "train.py"


def test_a_set_up_that_was_deleted_by_hand_is_made_again(begun: Repository) -> None:
    before = keys(begun)
    begun.git("rm", "-r", "--quiet", "--cached", ".")
    for name in (".gitmodel", ".gitattributes"):
        (begun.path / name).unlink()
    begun.model("init")
    assert keys(begun) == before
    begun.git("add", "--all")
    assert sealed(begun) == {"model.bin", "train.py", "config.json"}
    assert_holds(begun)


def test_what_was_accepted_of_the_history_is_asked_once(repo: Repository) -> None:
    repo.write("model.bin", MODEL)
    repo.write("notes.md", "text\n")
    repo.commit()
    repo.model("init", "--exclude", "*.md", "--accept-plaintext-history")
    repo.model("init", "--signature", "ours.sig")
    refused = repo.model("init", "--exclude", "*.foo", check=False)
    assert "notes.md" in refused.stdout
    assert "--accept-plaintext-history" in refused.stderr
    assert sealed(repo) == {"model.bin"}


def test_once_it_is_committed_anywhere_it_stands(begun: Repository) -> None:
    begun.git("commit", "--quiet", "--message", "First")
    begun.git("switch", "--quiet", "--orphan", "other")
    begun.git("checkout", "main", "--", ".gitmodel", ".gitattributes")
    refused = begun.model("init", "--profile", "all-but-source", check=False)
    assert refused.returncode == 2
    assert "--profile: this repository is set up already" in refused.stderr


def test_links_in_a_model_root_are_told_before_anything_is_written(
    repo: Repository, home: Path
) -> None:
    repo.write("models/model.bin", MODEL)
    repo.write("README.md", "read me\n")
    (repo.path / "LINK").symlink_to("README.md")
    repo.git("add", "--all")
    refused = repo.model("init", check=False)
    assert refused.returncode == 1
    assert "LINK: a symbolic link has no content of its own to be signed" in refused.stderr
    assert "`git model init --model-root DIR`" in refused.stderr
    assert not (repo.path / ".gitmodel").exists()
    assert not (home / ".config/git-model").exists()

    repo.model("init", "--model-root", "models")
    assert_holds(repo)


def test_links_that_nobody_added_are_warned_of(repo: Repository) -> None:
    repo.write("models/model.bin", MODEL)
    (repo.path / "current").symlink_to("models")
    said = repo.model("init")
    assert "neither encrypted nor signed (1):\n  current\n" in said.stdout
    assert "warning: a commit that holds one of these links will be refused" in said.stderr
    repo.git("add", "--all")
    refused = repo.git.run("commit", "--quiet", "--message", "First", check=False)
    assert "`git model config signing.root DIR`" in refused.stderr
    assert "`git rm --cached current`" in refused.stderr
    repo.model("config", "signing.root", "models")
    assert_holds(repo)


def test_an_empty_model_root_has_nothing_to_sign_yet(begun: Repository) -> None:
    begun.model("init", "--model-root", "models")
    assert_holds(begun)
    said = begun.model("verify").stdout
    assert said.startswith("Verified: the work tree, 0 model files")
    assert not said.endswith("signed by \n")
    begun.write("models/w.bin", MODEL)
    assert begun.model("verify", check=False).returncode == 1
    begun.commit()
    begun.model("verify")
    # Whoever empties it without signing that shows.
    begun.git("rm", "-r", "--quiet", "--force", "models")
    begun.git(*NO_HOOKS, "commit", "--quiet", "--message", "Empty it")
    assert begun.model("verify", check=False).returncode == 1


def test_the_model_roots_are_changed_by_a_command(begun: Repository) -> None:
    begun.write("a/w.bin", MODEL)
    begun.write("b/w.bin", MODEL)
    assert begun.commit()
    begun.model("config", "signing.root", "a", "./b/")
    assert begun.model("config", "signing.root").stdout == "a\nb\n"
    begun.git("commit", "--quiet", "--message", "Two models")
    begun.model("verify", "HEAD")
    assert_clean(begun)
    begun.model("verify")
    names = set(begun.git("ls-files").splitlines())
    assert {"a/model.sig", "b/model.sig", "b/.model-encrypted.sig"} <= names
    assert not names & {"model.sig", ".model-encrypted.sig"}
    begun.model("track", "*.foo")

    for wrong in ("train.py", "..", "a/../b"):
        refused = begun.model("config", "signing.root", wrong, check=False)
        assert refused.returncode == 1, wrong
    (begun.path / "a/link").symlink_to("w.bin")
    begun.git("add", "--force", "a/link")
    refused = begun.model("config", "signing.root", "a", check=False)
    assert "a/link: a symbolic link" in refused.stderr
    begun.model("config", "signing.root", "b")
    assert "bb: no tracked file" in begun.model("config", "signing.root", "b", "bb").stderr


def test_a_policy_that_is_edited_before_the_first_commit_stops_none(repo: Repository) -> None:
    repo.write("w.bin", MODEL)
    repo.model("init")
    text = repo.read(".gitmodel").decode()
    repo.write(".gitmodel", text.replace("when = commit", "when = push"))
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "First")
    repo.model("verify")

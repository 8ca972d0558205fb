"""A repository made of what IBM's model-encryption wrote; `init` and `git add` know it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import assert_clean, assert_signed, is_sealed
from tests.vectors.enc import forge
from tests.vectors.enc.forge import MATERIAL, OTHER_MATERIAL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import Repository

PLAIN = {"a.bin": os.urandom(3000), "large.bin": os.urandom(3 << 20), "sub/config.json": b"{}"}
TOLD = "model-encryption encrypted it already"


@pytest.fixture
def theirs(repo: Repository) -> Repository:
    for name, content in PLAIN.items():
        repo.write(f"{name}.enc", forge.encrypt(content))
    return repo


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "theirs.bin"
    path.write_bytes(MATERIAL)
    path.chmod(0o600)
    return str(path)


def test_with_their_key_it_is_a_fact(theirs: Repository, key: str) -> None:
    said = theirs.model("init", "--key", key).stderr
    assert "sub/config.json.enc and 2 more are encrypted already, by model-encryption" in said
    assert "`git model import-enc .`" in said
    assert "may be" not in said


def test_without_it_nobody_can_know(theirs: Repository, key: str) -> None:
    said = theirs.model("init").stderr
    assert "sub/config.json.enc and 2 more may be encrypted already" in said
    assert "`git model import-enc . --encryption-key FILE`" in said
    # again, while nothing is committed, with the key
    said = theirs.model("init", "--key", key).stderr
    assert "are encrypted already" in said


def test_other_files_of_that_name_are_not_told(repo: Repository) -> None:
    repo.write("speech.enc", b"of no such length")
    repo.write("model.bin", bytes(64))
    (repo.path / "link.enc").symlink_to("model.bin")
    assert "model-encryption" not in repo.model("init").stderr


def test_what_is_added_is_told_once_and_opens_again(theirs: Repository, key: str) -> None:
    theirs.model("init", "--key", key)
    added = theirs.git.run("add", "--all").stderr
    assert added.count(TOLD) == 1
    assert is_sealed(theirs.blob(":a.bin.enc"))
    theirs.git("commit", "--quiet", "--message", "Twice")
    (theirs.path / "a.bin.enc").touch()
    assert TOLD not in theirs.git.run("add", "--all").stderr
    (theirs.path / "a.bin.enc").unlink()
    theirs.git("restore", "a.bin.enc")
    assert theirs.read("a.bin.enc") == forge.encrypt(PLAIN["a.bin"])
    assert_clean(theirs)
    assert_signed(theirs)


@pytest.mark.parametrize(
    "content",
    [
        forge.encrypt(b"plain", OTHER_MATERIAL),
        forge.unfinished(b"plain"),
        bytes(64),
        b"short",
        forge.encrypt(b"plain")[:-1],
    ],
    ids=len,
)
def test_what_no_key_of_the_clone_authenticates_is_not_told(
    repo: Repository, key: str, content: bytes
) -> None:
    repo.model("init", "--key", key)
    repo.write("x.enc", content)
    assert "model-encryption" not in repo.git.run("add", "--all").stderr
    assert is_sealed(repo.blob(":x.enc"))


def test_a_directory_becomes_a_repository(theirs: Repository, key: str) -> None:
    theirs.model("init", "--key", key)
    theirs.model("import-enc", ".", "--encryption-key", key)
    theirs.model("decrypt", ".", "--encryption-key", key)
    theirs.commit()
    assert {name: theirs.read(name) for name in PLAIN} == PLAIN
    assert is_sealed(theirs.blob("HEAD:a.bin"))
    assert_clean(theirs)
    assert_signed(theirs)


def test_envelopes_are_added_as_they_are(theirs: Repository, key: str) -> None:
    theirs.model("init", "--key", key)
    theirs.model("import-enc", ".", "--encryption-key", key)
    envelope = theirs.read("a.bin")
    theirs.git("add", "--all")
    assert theirs.blob(":a.bin") == envelope
    theirs.model("checkout")
    assert theirs.read("a.bin") == PLAIN["a.bin"]


def test_a_history_of_theirs_may_stay_as_it_is(theirs: Repository, key: str) -> None:
    theirs.commit("As model-encryption advises")
    refused = theirs.model("init", "--key", key, check=False)
    assert "--exclude '*.enc'" in refused.stderr
    theirs.model("init", "--key", key, "--exclude", "*.enc")
    theirs.model("import-enc", ".", "--encryption-key", key)
    theirs.model("decrypt", ".", "--encryption-key", key)
    theirs.commit()
    assert_signed(theirs)
    assert " 0 findings" in theirs.model("audit").stdout


def test_a_history_with_other_plaintext_is_not_told_so(theirs: Repository, key: str) -> None:
    theirs.write("b.bin", b"in clear")
    theirs.commit()
    refused = theirs.model("init", "--key", key, check=False)
    assert "model-encryption" not in refused.stderr

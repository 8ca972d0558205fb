"""`git model unlock` and `lock`: where keys come from, and that nothing is lost."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.histories import MODEL
from tests.fixtures.people import assert_clean, is_sealed
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from tests.fixtures.people import Person, PersonFactory, Project


@pytest.fixture
def bob(person: PersonFactory) -> Person:
    return person("bob")


@pytest.fixture
def locked(project: Project, bob: Person) -> Repository:
    """Bob's clone, made where the filter is known and no key is."""
    bob.install()
    return bob.clone(project.remote)


def is_decrypted(repo: Repository) -> bool:
    return repo.read("model.safetensors") == MODEL and not is_sealed(repo.read("model.sig"))


def test_a_key_file_unlocks_and_is_kept_in_the_keyring(
    project: Project, locked: Repository, bob: Person
) -> None:
    said = locked.model("unlock", "--key", str(project.key))
    assert is_decrypted(locked)
    assert " written" in said.stdout
    assert [key.read_bytes() for key in bob.keyring.iterdir()] == [project.key.read_bytes()]
    assert_clean(locked)


@pytest.mark.parametrize("form", ["hexadecimal", "base64", "file"])
def test_a_key_in_the_environment_unlocks_and_is_written_nowhere(
    project: Project, locked: Repository, bob: Person, form: str
) -> None:
    raw = project.key.read_bytes()
    forms = {
        "hexadecimal": {"GIT_MODEL_KEY": raw.hex()},
        "base64": {"GIT_MODEL_KEY": base64.b64encode(raw).decode() + "\n"},
        "file": {"GIT_MODEL_KEY_FILE": str(project.key)},
    }
    ci = Repository(locked.path, {**locked.env, **forms[form]})

    ci.model("unlock", "--public-key", str(project.public))

    assert is_decrypted(ci)
    assert not bob.keyring.exists()
    assert_clean(ci)
    ci.model("verify")
    ci.write("model.safetensors", b"trained in CI")
    ci.commit()
    assert is_sealed(ci.blob("HEAD:model.safetensors"))
    assert not any(
        raw in path.read_bytes() for path in locked.path.rglob("*") if path.is_file()
    )


def test_without_the_variable_a_clone_unlocked_by_it_says_what_is_missing(
    project: Project, locked: Repository
) -> None:
    key = {"GIT_MODEL_KEY": project.key.read_bytes().hex()}
    locked.model("unlock", env=key)
    assert locked.status() == ""
    locked.write("model.safetensors", b"changed")
    refused = locked.git.run("add", "--all", check=False)
    assert refused.returncode == 128
    assert "is not in the keyring" in refused.stderr
    assert "GIT_MODEL_KEY_FILE" in refused.stderr
    locked.git("add", "--all", env=key)


def test_the_keyring_is_asked_by_key_id(
    project: Project, bob: Person, locked: Repository, project_key_elsewhere: None
) -> None:
    said = locked.model("unlock")
    assert is_decrypted(locked)
    assert said.stdout.startswith("Unlocked with the key ")
    assert_clean(locked)


@pytest.fixture
def project_key_elsewhere(project: Project, locked: Repository, bob: Person) -> None:
    """Bob has the key from another clone, and one more key of another project."""
    other = bob.home / "another"
    locked.git("clone", "--quiet", str(project.remote.path), str(other))
    Repository(other, bob.env).model("unlock", "--key", str(project.key))
    mine = bob.home / "mine.bin"
    key_id = locked.model("key", "generate", str(mine)).stdout.split()[-1]
    (bob.keyring / key_id).write_bytes(mine.read_bytes())


def test_the_presence_of_a_key_unlocks_nothing(
    project: Project, locked: Repository, project_key_elsewhere: None
) -> None:
    locked.git("checkout", "--quiet", "--force", "HEAD")
    assert is_sealed(locked.read("model.safetensors"))


def test_without_a_key_unlock_names_the_key_it_wants(
    project: Project, locked: Repository
) -> None:
    refused = locked.model("unlock", check=False)
    key_id = project.ada.git("config", "git-model.keyId")
    assert refused.returncode == 1
    assert f"sealed under the key {key_id}, and it is not here" in refused.stderr


def test_a_wrong_key_is_refused_with_both_ids_and_changes_nothing(
    project: Project, locked: Repository, bob: Person
) -> None:
    wrong = bob.home / "wrong.bin"
    given = locked.model("key", "generate", str(wrong)).stdout.split()[-1]
    wanted = project.ada.git("config", "git-model.keyId")

    refused = locked.model("unlock", "--key", str(wrong), check=False)

    assert refused.returncode == 1
    assert f"is the key {given}; this repository is sealed under {wanted}" in refused.stderr
    assert locked.git.run("config", "git-model.keyId", check=False).returncode == 1
    assert_clean(locked)
    locked.model("unlock", "--key", str(project.key))
    assert is_decrypted(locked)


def test_a_dirty_tree_is_unlocked_without_losing_anything(
    project: Project, locked: Repository
) -> None:
    locked.write("config.json", "my own words\n")
    locked.write("train.py", "changed\n")
    locked.write("untracked.bin", b"mine")
    (locked.path / "README.md").unlink()

    said = locked.model("unlock", "--key", str(project.key))

    assert is_decrypted(locked)
    assert locked.read("config.json") == b"my own words\n"
    assert locked.read("train.py") == b"changed\n"
    assert locked.read("untracked.bin") == b"mine"
    assert "Left alone, since they differ from what Git has (1):\n  config.json" in said.stdout
    assert locked.status().splitlines() == [
        " D README.md",
        " M config.json",
        " M train.py",
        "?? untracked.bin",
    ]


def test_a_deleted_protected_file_stays_deleted(project: Project, locked: Repository) -> None:
    (locked.path / "config.json").unlink()
    locked.model("unlock", "--key", str(project.key))
    assert locked.status() == " D config.json"


def test_unlocking_twice_is_like_once(project: Project, locked: Repository) -> None:
    locked.model("unlock", "--key", str(project.key))
    said = locked.model("unlock")
    assert "Left alone" not in said.stdout
    assert_clean(locked)


def test_unlock_keeps_modes(project: Project, locked: Repository) -> None:
    project.ada.write("run.bin", b"#!/bin/sh\n").chmod(0o755)
    project.ada.commit()
    project.ada.git("push", "--quiet")
    locked.git("pull", "--quiet")
    locked.model("unlock", "--key", str(project.key))
    assert (locked.path / "run.bin").stat().st_mode & 0o100
    assert_clean(locked)


def test_what_is_no_model_repository_is_not_unlocked(
    project: Project, repo: Repository, person: PersonFactory
) -> None:
    carol = person("carol")
    plain = Repository(carol.home / "plain", carol.env)
    plain.path.mkdir()
    plain.git("init", "--quiet")
    refused = plain.model("unlock", "--key", str(project.key), check=False)
    assert refused.returncode == 1
    assert "not a git-model repository" in refused.stderr


def test_lock_turns_plaintext_into_ciphertext(project: Project, locked: Repository) -> None:
    before = {name: locked.read(name) for name in ("model.safetensors", "config.json")}
    locked.model("unlock", "--key", str(project.key))

    said = locked.model("lock")

    assert {name: locked.read(name) for name in before} == before
    assert said.stdout == "Locked: 3 files are ciphertext again\n"
    assert_clean(locked)
    locked.write("model.safetensors", b"changed")
    refused = locked.git.run("add", "--all", check=False)
    assert refused.returncode == 128
    assert "this clone is locked" in refused.stderr
    locked.git("restore", "model.safetensors")
    locked.model("unlock")
    assert is_decrypted(locked)
    assert_clean(locked)


def test_lock_refuses_to_lose_changes(project: Project) -> None:
    project.ada.write("model.safetensors", b"unsaved work")
    (project.ada.path / "config.json").unlink()

    refused = project.ada.model("lock", check=False)

    assert refused.returncode == 1
    assert "would lose changes" in refused.stderr
    assert "model.safetensors" in refused.stderr
    assert project.ada.read("model.safetensors") == b"unsaved work"
    project.ada.git("add", "--all")
    project.ada.model("lock")
    assert project.ada.status() == "D  config.json\nM  model.safetensors"
    project.ada.model("unlock")
    assert project.ada.read("model.safetensors") == b"unsaved work"


def test_lock_does_not_mind_changes_of_clear_files(project: Project) -> None:
    project.ada.write("train.py", "changed\n")
    project.ada.model("lock")
    assert project.ada.read("train.py") == b"changed\n"
    assert is_sealed(project.ada.read("model.safetensors"))


def test_lock_names_untracked_plaintext(project: Project) -> None:
    project.ada.write("loose.bin", b"in clear")
    assert "still in clear (1):\n  loose.bin" in project.ada.model("lock").stdout
    assert project.ada.read("loose.bin") == b"in clear"


def test_lock_clears_the_linked_worktrees_too(project: Project) -> None:
    linked = project.ada.path.parent / "linked"
    project.ada.git("worktree", "add", "--quiet", "--detach", str(linked))
    assert (linked / "model.safetensors").read_bytes() == MODEL
    project.ada.model("lock")
    assert is_sealed((linked / "model.safetensors").read_bytes())
    assert_clean(Repository(linked))


def test_forget_deletes_the_key_only_while_another_copy_stands(
    project: Project, locked: Repository, bob: Person
) -> None:
    source = bob.home / "aes256.bin"
    source.write_bytes(project.key.read_bytes())
    locked.model("unlock", "--key", str(source))
    source.write_bytes(os.urandom(32))  # no copy any more

    refused = locked.model("lock", "--forget", check=False)

    assert refused.returncode == 1
    assert "may hold the last copy of the key" in refused.stderr
    assert is_decrypted(locked)
    assert len(list(bob.keyring.iterdir())) == 1
    locked.model("key", "export", str(bob.home / "export.bin"))
    said = locked.model("lock", "--forget")
    assert "deleted the key" in said.stderr
    assert list(bob.keyring.iterdir()) == []
    assert_clean(locked)
    locked.model("unlock", "--key", str(bob.home / "export.bin"))
    assert is_decrypted(locked)


def test_a_locked_clone_is_not_locked_again(locked: Repository) -> None:
    refused = locked.model("lock", check=False)
    assert refused.returncode == 1
    assert "this clone is locked already" in refused.stderr

"""`git model key`: files are made once, exported privately and never overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.processes import execute, need
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project


@pytest.fixture
def here(tmp_path: Path) -> Repository:
    """A directory that is no repository."""
    return Repository(tmp_path)


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def test_a_generated_key_is_32_private_bytes(here: Repository, tmp_path: Path) -> None:
    said = here.model("key", "generate", "aes256.bin")
    assert len((tmp_path / "aes256.bin").read_bytes()) == 32
    assert mode(tmp_path / "aes256.bin") == "0o600"
    assert len(said.stdout.split()[-1]) == 32


def test_a_generated_signing_pair_is_openssls(here: Repository, tmp_path: Path) -> None:
    need("openssl")
    here.model("key", "generate-signing", "key.priv", "key.pub")
    assert mode(tmp_path / "key.priv") == "0o600"
    curve = execute("openssl", "ec", "-in", "key.priv", "-noout", "-text", cwd=tmp_path)
    assert "prime256v1" in curve.stdout
    public = execute("openssl", "ec", "-in", "key.priv", "-pubout", cwd=tmp_path).stdout
    assert public == (tmp_path / "key.pub").read_text()


def test_no_key_file_is_ever_overwritten(
    here: Repository, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    ada = project.ada
    for command in (
        ("key", "generate", "../precious"),
        ("key", "generate-signing", "../precious", "../new.pub"),
        ("key", "generate-signing", "../new.priv", "../precious"),
        ("key", "export", "../precious"),
        ("key", "export", "--public", "../precious"),
    ):
        refused = ada.model(*command, check=False)
        assert refused.returncode == 1, command
        assert "never overwritten" in refused.stderr
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert not (tmp_path / "new.pub").exists()
    assert not (tmp_path / "new.priv").exists()


def test_the_export_is_private_and_opens_the_repository(
    project: Project, person: PersonFactory
) -> None:
    assert mode(project.key) == "0o600"
    assert project.public.read_text().startswith("-----BEGIN PUBLIC KEY-----")
    bob = person("bob").clone(project.remote)
    bob.model("unlock", *project.keys)
    bob.model("verify")


def test_the_list_shows_which_key_this_clone_uses(project: Project, home: Path) -> None:
    used = project.ada.git("config", "git-model.keyId")
    other = "0" * 32
    (home / ".config/git-model/keys" / other).write_bytes(bytes(32))
    lines = project.ada.model("key", "list").stdout.splitlines()
    assert f"{used}  AES-256  used by this clone" in lines
    assert f"{other}  AES-256" in lines
    assert any(line.endswith("  signing  used by this clone") for line in lines)


def test_the_list_works_outside_of_a_repository(here: Repository) -> None:
    assert here.model("key", "list").stdout == ""


def test_a_locked_clone_has_nothing_to_export(project: Project, person: PersonFactory) -> None:
    clone = person("bob").clone(project.remote)
    for options in ((), ("--public",)):
        refused = clone.model("key", "export", *options, "key", check=False)
        assert refused.returncode == 1
        assert "git model unlock" in refused.stderr
    assert not (clone.path / "key").exists()


def test_a_key_from_the_environment_is_not_exported(
    project: Project, person: PersonFactory
) -> None:
    clone = person("ci").clone(project.remote)
    key = {"GIT_MODEL_KEY": project.key.read_bytes().hex()}
    clone.model("unlock", env=key)
    refused = clone.model("key", "export", "key", check=False, env=key)
    assert refused.returncode == 1
    assert "comes from the environment" in refused.stderr


def test_forgetting_does_not_take_the_keyrings_own_file_for_a_copy(
    project: Project, person: PersonFactory
) -> None:
    bob = person("bob")
    clone = bob.clone(project.remote)
    clone.model("unlock", *project.keys)
    (kept,) = bob.keyring.iterdir()
    project.key.unlink()
    clone.model("lock")
    clone.model("unlock", "--key", str(kept))
    refused = clone.model("lock", "--forget", check=False)
    assert refused.returncode == 1
    assert "last copy" in refused.stderr
    assert kept.exists()

"""`import-enc`, and the words of model-encryption that `encrypt` and `decrypt` take."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import FAILED, USAGE
from tests.fixtures.bundles import make_pair
from tests.fixtures.people import is_sealed
from tests.vectors.enc import forge
from tests.vectors.enc.forge import MATERIAL, OTHER_MATERIAL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import Repository

PLAIN = {"a.bin": os.urandom(3000), "sub/config.json": b"{}"}


@pytest.fixture
def key(tmp_path: Path) -> str:
    return _key(tmp_path / "keys" / "theirs.bin", MATERIAL)


def _key(path: Path, material: bytes) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(material)
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def model(repo: Repository) -> Repository:
    """A directory as model-encryption leaves it, in a repository where git-model is not."""
    for name, content in PLAIN.items():
        repo.write(f"m/{name}.enc", forge.encrypt(content))
    return repo


def test_import_then_decrypt_gives_the_model(model: Repository, key: str) -> None:
    done = model.model("import-enc", "m", "--encryption-key", key)
    assert done.stdout == "took over 2 .enc files, 2.9 KiB\n"
    assert done.stderr == ""
    assert is_sealed(model.read("m/a.bin"))
    again = model.model("import-enc", "m", "--encryption-key", key, check=False)
    assert again.returncode == FAILED
    assert "2 envelopes already" in again.stderr
    model.model("decrypt", "aes-256", "--encryption-key", key, "--no_use_progress_bar", "m")
    assert {name: model.read(f"m/{name}") for name in PLAIN} == PLAIN
    model.model("encrypt", "aes-256", "--encryption-key", key, "m")
    assert is_sealed(model.read("m/sub/config.json"))


def test_the_key_may_come_from_the_environment_and_another_may_seal(
    model: Repository, tmp_path: Path
) -> None:
    ours = _key(tmp_path / "keys" / "ours.bin", OTHER_MATERIAL)
    env = {"GIT_MODEL_KEY": MATERIAL.hex()}
    model.model("import-enc", "m", "--key", ours, "--output", "out", env=env)
    model.model("decrypt", "out", "--encryption-key", ours)
    assert {name: model.read(f"out/{name}") for name in PLAIN} == PLAIN
    assert model.read("m/a.bin.enc") == forge.encrypt(PLAIN["a.bin"])


def test_without_a_key_it_is_asked_for(model: Repository) -> None:
    done = model.model("import-enc", "m", check=False)
    assert done.returncode == FAILED
    assert "hint: --encryption-key FILE" in done.stderr


def test_a_key_that_is_none_is_no_wrong_key(model: Repository, tmp_path: Path) -> None:
    short = _key(tmp_path / "keys" / "short.bin", MATERIAL[:31])
    done = model.model("import-enc", "m", "--encryption-key", short, check=False)
    assert "an AES-256 key is 32 raw bytes" in done.stderr


def test_what_was_not_encrypted_is_told(model: Repository, key: str) -> None:
    model.write("m/run.py", b"pass\n")
    (model.path / "m/link.enc").symlink_to("a.bin.enc")
    done = model.model("import-enc", "m", "--encryption-key", key)
    assert "; 1 other file left" in done.stdout
    assert "warning: in clear, as before: run.py" in done.stderr
    assert "warning: link.enc: a symbolic link" in done.stderr


def test_a_key_that_came_with_the_model_says_nothing_of_it(model: Repository, key: str) -> None:
    make_pair(model.path / "m" / ".ada.pem")
    words = ("import-enc", "m", "--encryption-key", key, "--public-key", "m/.ada.pem")
    done = model.model(*words, check=False)
    assert done.returncode == FAILED
    assert "m/.ada.pem" in done.stderr
    assert (model.path / "m/a.bin.enc").exists()


@pytest.mark.parametrize("words", [("a", "m"), ("aes-256", "m", "n"), ("aes-128", "m"), ()])
@pytest.mark.parametrize("command", ["encrypt", "decrypt"])
def test_other_methods_and_other_words_are_wrong_usage(
    model: Repository, command: str, words: tuple[str, ...], key: str
) -> None:
    done = model.model(command, "--encryption-key", key, *words, check=False)
    assert done.returncode == USAGE
    assert (model.path / "m/a.bin.enc").exists()


def test_a_directory_may_be_called_as_the_method(repo: Repository, key: str) -> None:
    repo.write("aes-256/a.bin", b"weights")
    repo.model("encrypt", "aes-256", "--encryption-key", key)
    assert is_sealed(repo.read("aes-256/a.bin"))
    repo.model("decrypt", "aes-256", "aes-256", "--encryption-key", key)
    assert repo.read("aes-256/a.bin") == b"weights"

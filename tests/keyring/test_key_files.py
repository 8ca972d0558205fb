"""Key files of the keyring: who can reach them, and what counts as a copy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_model_security.keyring import key_files
from git_model_security.keyring.store import Copies, KeyStore, config_home

RAW = bytes(range(32))


@pytest.fixture
def config(home: Path) -> Path:
    """The user's configuration, which nothing has made yet."""
    return home / ".config"


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_our_directories_are_private_whatever_the_umask(config: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        key = KeyStore().add(RAW)
        Copies().add(key.id, Path("somewhere"))
    finally:
        os.umask(before)
    ours = config_home()
    assert ours == config / "git-model"
    assert {_mode(path) for path in (ours, ours / "keys", ours / "copies")} == {0o700}
    assert _mode(ours / "keys" / key.id) == 0o600
    assert _mode(config) == 0o777 & ~umask


def test_directories_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    key_files.keep(tmp_path / "keys", "k", RAW)
    assert _mode(tmp_path) == 0o755
    assert _mode(tmp_path / "keys") == 0o700


def test_the_keyrings_own_file_is_no_copy_under_any_name(config: Path, tmp_path: Path) -> None:
    key = KeyStore().add(RAW)
    kept = KeyStore().directory / key.id
    (tmp_path / "hard").hardlink_to(kept)
    (tmp_path / "soft").symlink_to(kept)
    (config / "linked").symlink_to(config_home(), target_is_directory=True)
    (config_home() / "backup").write_bytes(RAW)
    for path in (
        *(kept, tmp_path / "hard", tmp_path / "soft"),
        *(config / "linked" / "keys" / key.id, config_home() / "backup"),
    ):
        Copies().add(key.id, path)
    assert Copies().standing(key.id) == []
    (tmp_path / "copy").write_bytes(RAW)
    Copies().add(key.id, tmp_path / "copy")
    assert Copies().standing(key.id) == [tmp_path / "copy"]


def test_a_recorded_copy_that_became_a_link_to_the_keyring_counts_no_more(
    config: Path, tmp_path: Path
) -> None:
    assert not config.exists()
    key = KeyStore().add(RAW)
    copy = tmp_path / "copy"
    copy.write_bytes(RAW)
    Copies().add(key.id, copy)
    copy.unlink()
    copy.symlink_to(KeyStore().directory / key.id)
    assert Copies().standing(key.id) == []

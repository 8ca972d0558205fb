"""What came along in a directory says neither what that is nor whom to trust."""

from __future__ import annotations

import io
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import git_model_security as gm
from git_model_security.envelope import Key, encrypt
from git_model_security.errors import (
    ConfigError,
    EnvelopeError,
    GitError,
    KeyNotFoundError,
    Reason,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import Project

KEY = "aes256.bin"
TRUST = {"public_key": "key.pub"}
SHARD = "model.safetensors"


def seal(path: Path, key: bytes) -> None:
    """Encrypts a file, whatever it is."""
    content = io.BytesIO(path.read_bytes())
    with path.open("wb") as sink:
        encrypt(Key(key), content, sink)


@pytest.fixture
def downloaded(project: Project, here: Path) -> Path:
    """A clone of somebody's with all that is Git's in it, as a ZIP brings it."""
    return shutil.copytree(project.ada.path, here / "downloaded", symlinks=True)


def test_a_directory_that_brings_a_repository_trusts_nobody_of_it(downloaded: Path) -> None:
    for top in (downloaded, downloaded / ".git"):
        with pytest.raises(gm.Error) as raised:
            gm.load(top, KEY)
        assert not isinstance(raised.value, GitError)
    with pytest.raises(ConfigError, match="nobody is trusted"):
        gm.load("downloaded", KEY)


def test_a_work_tree_is_read_by_the_bundle_over_its_files(
    project: Project, downloaded: Path
) -> None:
    trust: dict[str, Any] = {"public_key": project.public}
    with gm.load(downloaded, KEY, **trust) as model:
        with pytest.raises(gm.VerificationError, match="decrypted, where ciphertext") as raised:
            model.open(SHARD)
        assert "`signature=` with the model.sig" in (raised.value.hint or "")
    with gm.load(downloaded, KEY, signature=downloaded / "model.sig", **trust) as model:
        assert model.open(SHARD).read() == project.ada.read(SHARD)


def test_what_is_missing_in_a_clone_is_not_fetched(
    project: Project, downloaded: Path, here: Path
) -> None:
    """A promisor that is asked runs what its configuration says, as whoever loads."""
    program = here / "fetch.sh"
    program.write_text(f"#!/bin/sh\ntouch {here}/fetched\nfalse\n")
    program.chmod(0o755)
    settings = {
        "remote.origin.promisor": "true",
        "remote.origin.url": os.fspath(here / "clone"),
        "remote.origin.uploadpack": os.fspath(program),
        "extensions.partialClone": "origin",
        "core.repositoryFormatVersion": "1",
    }
    clone = project.ada
    for name, value in settings.items():
        clone.git("-C", downloaded, "config", name, value)
    tree = clone.git("rev-parse", "HEAD^{tree}").strip()
    (downloaded / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(GitError):
        gm.load(downloaded, KEY, revision="HEAD", public_key=project.public)
    gm.load(downloaded, KEY, public_key=project.public).close()
    assert not (here / "fetched").exists()


def test_signed_ciphertext_that_was_encrypted_again_is_not_what_was_signed(here: Path) -> None:
    gm.encrypt("granite", KEY)
    gm.sign("granite", private_key="key.priv")
    for path in (here / "granite").glob("*.*n*"):
        seal(path, (here / KEY).read_bytes())
    with gm.load("granite", KEY, **TRUST) as model:
        for name in model.names:
            with pytest.raises(gm.VerificationError, match="not the content") as raised:
                model.open(name)
            assert raised.value.reason is Reason.TAMPERED


def test_ciphertext_and_plaintext_are_not_both_what_one_bundle_signs(here: Path) -> None:
    seal(here / "granite" / SHARD, (here / KEY).read_bytes())
    gm.sign("granite", private_key="key.priv")
    seal(here / "granite" / "config.json", (here / KEY).read_bytes())
    with gm.load("granite", KEY, **TRUST) as model:
        model.open(SHARD).close()
        with pytest.raises(gm.VerificationError, match=r"config\.json: not the content"):
            model.open("config.json")
    with gm.load("granite", KEY, **TRUST) as model:
        assert model.open("config.json").read() == b"{}\n"
        with pytest.raises(gm.VerificationError, match=r"safetensors: not the content"):
            model.open(SHARD)


def test_a_file_that_is_gone_is_told_as_verify_tells_it(here: Path) -> None:
    gm.sign("granite", private_key="key.priv")
    gm.encrypt("granite", KEY)
    (here / "granite" / SHARD).unlink()
    with gm.load("granite", KEY, **TRUST) as model, pytest.raises(gm.VerificationError) as one:
        model.open(SHARD)
    with pytest.raises(gm.VerificationError) as other:
        gm.verify("granite", key=KEY, **TRUST)
    assert one.value.reason is other.value.reason is Reason.MISSING
    assert str(one.value) == f"{SHARD}: signed and not there"
    assert one.value.hint == other.value.hint


def test_what_stands_in_the_place_of_a_file_is_told(here: Path) -> None:
    gm.sign("granite", private_key="key.priv")
    path = here / "granite" / "config.json"
    path.rename(here / "config.json")
    path.symlink_to(here / "config.json")
    with gm.load("granite", KEY, **TRUST) as model:
        with pytest.raises(gm.VerificationError) as raised:
            model.open("config.json")
        assert raised.value.reason is Reason.LINK
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(gm.VerificationError, match=r"config\.json: not the content"):
            model.open("config.json")


def test_a_pipe_that_comes_in_the_place_of_a_verified_file_holds_nobody_up(here: Path) -> None:
    gm.sign("granite", private_key="key.priv")
    with gm.load("granite", KEY, **TRUST) as model:
        model.open("config.json").close()
        (here / "granite" / "config.json").unlink()
        os.mkfifo(here / "granite" / "config.json")
        with pytest.raises(ConfigError, match=r"config\.json: no regular file"):
            model.open("config.json")


def test_a_signed_file_that_only_begins_as_an_envelope_is_told_as_such(here: Path) -> None:
    seal(here / "granite" / "config.json", (here / KEY).read_bytes())
    path = here / "granite" / "config.json"
    path.write_bytes(path.read_bytes()[:100])
    gm.sign("granite", private_key="key.priv")
    with (
        gm.load("granite", KEY, **TRUST) as model,
        pytest.raises(EnvelopeError, match=r"config\.json: truncated"),
    ):
        model.open("config.json")


def test_an_error_in_a_clone_names_the_file(project: Project, here: Path) -> None:
    (here / "other.bin").write_bytes(bytes(32))
    with (
        gm.load("clone", "other.bin", revision="HEAD") as model,
        pytest.raises(KeyNotFoundError, match=r"^model\.safetensors: sealed under the key"),
    ):
        model.open(SHARD)
    assert project

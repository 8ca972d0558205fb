"""A directory is encrypted and decrypted file by file, each whole or not at all."""

from __future__ import annotations

import io
import os
import threading
from typing import TYPE_CHECKING, BinaryIO

import pytest

from git_model_security.directories import encryption
from git_model_security.envelope import SEGMENT_BYTES, Key, encrypt
from git_model_security.errors import (
    AuthenticationError,
    ConfigError,
    GitError,
    KeyNotFoundError,
    NotFetchedError,
    PolicyError,
)
from tests.vectors.corpus import generate

if TYPE_CHECKING:
    from pathlib import Path

KEY, OTHER = Key(bytes(range(32))), Key(bytes(32))
FILES = {
    "model.safetensors": generate(9 * SEGMENT_BYTES + 5, "large"),
    "config.json": b"{}",
    "deep/er/weights.bin": generate(3 * SEGMENT_BYTES, "whole segments"),
    "deep/one": b"1",
    "blänk name.txt": b"text",
}
LEFT = {
    ".hidden": b"h",
    ".cache/file": b"c",
    "deep/.git/config": b"g",
    "model.sig": b"signature",
    "empty": b"",
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    top = tmp_path / ".dotted" / "model"  # IBM's encrypted nothing below such a directory
    for name, content in (FILES | LEFT).items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    return top


def _read(top: Path) -> dict[str, bytes]:
    return {
        os.fspath(path.relative_to(top)): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def _sealed(content: bytes, key: Key = KEY) -> bytes:
    sink = io.BytesIO()
    encrypt(key, io.BytesIO(content), sink)
    return sink.getvalue()


SEALED = {name: _sealed(content) for name, content in FILES.items()}


@pytest.mark.parametrize("threads", [1, 3])
def test_the_bytes_are_those_of_git_add_and_come_back(model: Path, threads: int) -> None:
    done = encryption.encrypt(model, KEY, threads=threads)
    assert _read(model) == SEALED | LEFT
    assert (done.files, done.plaintext_bytes) == (5, sum(map(len, FILES.values())))
    done = encryption.decrypt(model, KEY, threads=threads)
    assert _read(model) == FILES | LEFT
    assert (done.files, done.plaintext_bytes) == (5, sum(map(len, FILES.values())))


def test_to_another_directory_the_first_one_stays(model: Path, tmp_path: Path) -> None:
    sealed, again = tmp_path / "new" / "sealed", tmp_path / "again"
    encryption.encrypt(model, KEY, output=sealed)
    assert _read(model) == FILES | LEFT
    assert _read(sealed) == SEALED | {"empty": b""}
    encryption.decrypt(sealed, KEY, output=again)
    assert _read(again) == FILES | {"empty": b""}


@pytest.mark.parametrize("below", [True, False])
def test_an_output_that_is_read_too_is_refused(model: Path, below: bool) -> None:
    output = model / "out" if below else model.parent
    with pytest.raises(PolicyError, match="lies inside"):
        encryption.encrypt(model, KEY, output=output)
    assert _read(model) == FILES | LEFT


def test_a_single_file_may_be_hidden(model: Path) -> None:
    encryption.encrypt(model / ".hidden", KEY)
    assert _read(model) == FILES | LEFT | {".hidden": _sealed(b"h")}


def test_nothing_done_is_no_success(model: Path, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="nothing to decrypt"):
        encryption.decrypt(model, KEY)
    encryption.encrypt(model, KEY)
    with pytest.raises(PolicyError, match="5 encrypted files, and no other"):
        encryption.encrypt(model, KEY)
    (tmp_path / "none").mkdir()
    with pytest.raises(PolicyError, match="nothing to encrypt"):
        encryption.encrypt(tmp_path / "none", KEY)
    with pytest.raises(ConfigError, match="there is no such"):
        encryption.encrypt(tmp_path / "missing", KEY)


def test_what_was_interrupted_goes_on(model: Path) -> None:
    (model / "config.json").write_bytes(SEALED["config.json"])
    done = encryption.encrypt(model, KEY)
    assert (done.files, done.others) == (4, 2)
    assert _read(model) == SEALED | LEFT


def test_ignored_paths_stay_clear(model: Path) -> None:
    encryption.encrypt(model, KEY, ignored=[model / "deep", model / "config.json"])
    kept = {name: FILES[name] for name in ("deep/er/weights.bin", "deep/one", "config.json")}
    assert _read(model) == SEALED | kept | LEFT


def test_a_file_under_another_key_stops_all_before_anything_is_done(model: Path) -> None:
    (model / "zzz").write_bytes(_sealed(b"z", OTHER))
    with pytest.raises(PolicyError, match="zzz: is encrypted already, under another key"):
        encryption.encrypt(model, KEY)
    assert _read(model) == FILES | LEFT | {"zzz": _sealed(b"z", OTHER)}


def test_a_pointer_of_git_lfs_is_no_model(model: Path) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    (model / "pointer.bin").write_text(text)
    for work in (encryption.encrypt, encryption.decrypt):
        with pytest.raises(NotFetchedError, match=r"pointer\.bin"):
            work(model, KEY)


def test_a_wrong_key_and_damage_leave_the_ciphertext(model: Path) -> None:
    encryption.encrypt(model, KEY)
    with pytest.raises(KeyNotFoundError):
        encryption.decrypt(model, OTHER)
    damaged = bytearray(SEALED["model.safetensors"])
    damaged[-200] ^= 1
    (model / "model.safetensors").write_bytes(damaged)
    with pytest.raises(AuthenticationError, match=r"model\.safetensors"):
        encryption.decrypt(model, KEY)
    assert (model / "model.safetensors").read_bytes() == damaged
    assert not list(model.rglob(".git-model-partial-*"))


def test_no_link_is_followed(model: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"outside")
    (model / "link").symlink_to(outside)
    (model / "directory").symlink_to(tmp_path)
    (model / "lost").symlink_to("nowhere")
    done = encryption.encrypt(model, KEY)
    assert sorted(done.links) == [b"directory", b"link", b"lost"]
    assert outside.read_bytes() == b"outside"
    assert (model / "link").is_symlink()


def test_permissions_stay(model: Path) -> None:
    (model / "deep/one").chmod(0o640)
    (model / "config.json").chmod(0o444)
    for work in (encryption.encrypt, encryption.decrypt):
        work(model, KEY)
        assert (model / "deep/one").stat().st_mode & 0o777 == 0o640
        assert (model / "config.json").stat().st_mode & 0o777 == 0o444


def test_a_file_that_changes_meanwhile_is_left_alone(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_file = encryption.seal_file

    def seal(key: Key, source: BinaryIO, length: int, sink: int, threads: int) -> None:
        seal_file(key, source, length, sink, threads)
        (model / "config.json").write_bytes(b"newer content")

    monkeypatch.setattr(encryption, "seal_file", seal)
    with pytest.raises(GitError, match=r"config\.json: was changed while it was read"):
        encryption.encrypt(model / "config.json", KEY)
    assert (model / "config.json").read_bytes() == b"newer content"


def test_a_full_disk_leaves_the_plaintext(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = threading.Lock()

    def full(*_: object) -> None:
        with lock:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(GitError, match="cannot write it"):
        encryption.encrypt(model, KEY)
    monkeypatch.undo()
    assert _read(model) == FILES | LEFT

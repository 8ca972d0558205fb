"""A directory is encrypted and decrypted file by file, each whole or not at all."""

from __future__ import annotations

import fcntl
import io
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, BinaryIO

import pytest

from git_model_security.directories import encryption
from git_model_security.envelope import SEGMENT_BYTES, Key, encrypt
from git_model_security.errors import (
    AuthenticationError,
    ConfigError,
    EnvelopeError,
    GitError,
    KeyNotFoundError,
    NotFetchedError,
    PolicyError,
)
from tests.vectors.corpus import generate

if TYPE_CHECKING:
    from collections.abc import Callable
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
    others = LEFT.keys() - {"deep/.git/config"}
    assert _read(sealed) == SEALED | {name: LEFT[name] for name in others}
    encryption.decrypt(sealed, KEY, output=again)
    assert _read(again) == FILES | {name: LEFT[name] for name in others}


@pytest.mark.parametrize("below", [True, False])
def test_an_output_that_is_read_too_is_refused(model: Path, below: bool) -> None:
    output = model / "out" if below else model.parent
    with pytest.raises(PolicyError, match="lies inside"):
        encryption.encrypt(model, KEY, output=output)
    assert _read(model) == FILES | LEFT


def test_one_file_goes_to_a_directory_beside_it(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model)
    encryption.encrypt("config.json", KEY, output="./od")
    assert _read(model) == FILES | LEFT | {"od/config.json": SEALED["config.json"]}
    with pytest.raises(PolicyError, match="lies inside"):
        encryption.encrypt("config.json", KEY, output=".")


def test_what_was_decrypted_elsewhere_is_decrypted_there_once_more(
    model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    encryption.encrypt(model, KEY)
    encryption.decrypt(model, KEY, output=output)
    first = _read(output)
    encryption.decrypt(model, KEY, output=output)
    assert _read(output) == first
    (output / "mine").write_bytes(b"mine")
    with pytest.raises(PolicyError, match="something stands there already"):
        encryption.decrypt(model, KEY, output=output)


def test_an_output_that_an_interrupted_run_began_is_completed(
    model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encryption.encrypt(model, KEY, output=output, progress=interrupt)
    assert ".git-model-unfinished" in _read(output)
    (output / "mine").write_bytes(b"mine")
    with pytest.raises(PolicyError, match="something stands there already"):
        encryption.encrypt(model, KEY, output=output)
    (output / "mine").unlink()
    encryption.encrypt(model, KEY, output=output)
    encryption.decrypt(output, KEY)
    there = _read(model).items()
    assert _read(output) == {path: one for path, one in there if ".git/" not in path}


@pytest.mark.parametrize("work", [encryption.encrypt, encryption.decrypt])
def test_an_output_where_something_stands_is_refused(
    model: Path, tmp_path: Path, work: Callable[..., object]
) -> None:
    (model / "sealed").write_bytes(_sealed(b"s"))
    output = tmp_path / "output"
    output.mkdir()
    (output / "mine").write_bytes(b"mine")
    (output / f".git-model-partial-{'0' * 16}").write_bytes(b"plaintext")
    with pytest.raises(PolicyError, match="something stands there already"):
        work(model, KEY, output=output)
    assert _read(output) == {"mine": b"mine"}


def test_a_single_file_may_be_hidden(model: Path) -> None:
    encryption.encrypt(model / ".hidden", KEY)
    assert _read(model) == FILES | LEFT | {".hidden": _sealed(b"h")}


def test_nothing_done_is_no_success(model: Path, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="nothing to decrypt"):
        encryption.decrypt(model, KEY)
    none = tmp_path / "none"
    none.mkdir()
    with pytest.raises(PolicyError, match="nothing to encrypt: no file is there"):
        encryption.encrypt(none, KEY)
    (none / ".hidden").write_bytes(b"h")
    (none / "empty").touch()
    (none / "link").symlink_to(model)
    os.mkfifo(none / "pipe")
    said = "only 1 empty file, 1 hidden file, 1 symbolic link, 1 special file"
    with pytest.raises(PolicyError, match=said):
        encryption.encrypt(none, KEY)
    with pytest.raises(PolicyError, match="nothing to encrypt: the file is empty"):
        encryption.encrypt(none / "empty", KEY)
    with pytest.raises(ConfigError, match="there is no such"):
        encryption.encrypt(tmp_path / "missing", KEY)


def test_what_was_interrupted_goes_on(model: Path) -> None:
    (model / "config.json").write_bytes(SEALED["config.json"])
    done = encryption.encrypt(model, KEY)
    assert (done.files, done.others) == (4, 2)
    assert _read(model) == SEALED | LEFT


def test_a_second_run_has_nothing_to_do(model: Path) -> None:
    encryption.encrypt(model, KEY)
    done = encryption.encrypt(model, KEY)
    assert (done.files, done.sealed) == (0, 5)
    assert _read(model) == SEALED | LEFT


def test_a_copied_header_does_not_make_an_envelope(model: Path) -> None:
    secret = SEALED["config.json"][:64] + b"secret weights"
    (model / "secret.bin").write_bytes(secret)
    with pytest.raises(EnvelopeError, match=r"secret\.bin: begins as if it were encrypted"):
        encryption.encrypt(model, KEY)
    assert _read(model) == FILES | LEFT | {"secret.bin": secret}
    encryption.encrypt(model, KEY, ignore_paths=[model / "secret.bin"])


def test_ignored_paths_stay_clear(model: Path) -> None:
    encryption.encrypt(model, KEY, ignore_paths=[model / "deep", model / "config.json"])
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


def test_where_plaintext_is_left_is_told(model: Path, tmp_path: Path) -> None:
    os.link(model / "config.json", tmp_path / "other-name")
    os.mkfifo(model / "pipe")
    done = encryption.encrypt(model, KEY)
    assert done.clear == [b".cache/file", b".hidden"]
    assert done.linked == [b"config.json"]
    assert done.odd == [b"pipe"]


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o1777, 0o666])
def test_no_file_gets_more_rights_than_a_copy_would_have(
    model: Path, tmp_path: Path, mode: int
) -> None:
    encryption.encrypt(model, KEY)
    for name in ("config.json", ".hidden"):
        (model / name).chmod(mode)
    before = os.umask(0o077)
    try:
        encryption.decrypt(model, KEY, output=tmp_path / "out")
        encryption.decrypt(model, KEY)
    finally:
        os.umask(before)
    for name in ("config.json", ".hidden"):
        assert (tmp_path / "out" / name).stat().st_mode & 0o7777 == mode & 0o700
    assert (model / "config.json").stat().st_mode & 0o7777 == mode & 0o777


@pytest.mark.parametrize("work", [encryption.encrypt, encryption.decrypt])
def test_what_a_killed_run_left_is_swept_away(
    model: Path, tmp_path: Path, work: Callable[..., object]
) -> None:
    (model / "sealed").write_bytes(_sealed(b"s"))
    left = model / "deep" / f".git-model-partial-{'0' * 16}"
    left.write_bytes(b"plaintext")
    live = model / f".git-model-partial-{'1' * 16}"
    with live.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        work(model, KEY, output=tmp_path / "out")
        assert live.exists()
    assert not left.exists()
    assert not list((tmp_path / "out").rglob(".git-model-partial-*"))


def test_a_killed_run_leaves_nothing_that_the_next_one_keeps(model: Path) -> None:
    script = (
        "import os, sys\n"
        "from git_model_security.directories import encryption\n"
        "from git_model_security.git import replacement\n"
        "replacement._NAMELESS = None  # a file system without files that have no name\n"
        "encryption.require_opens = lambda *_: os.kill(os.getpid(), 9)\n"
        "encryption.encrypt(sys.argv[1], bytes(range(32)))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script, str(model)], check=False)
    assert done.returncode == -9
    assert list(model.rglob(".git-model-partial-*"))
    encryption.encrypt(model, KEY)
    assert _read(model) == SEALED | LEFT


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

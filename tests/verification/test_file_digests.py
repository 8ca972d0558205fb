"""Digests of files below a directory: the same whichever way the cores share the work."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from git_model_security.verification import file_digests

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {
    "empty": 0,
    "d/small": 10,
    "d/e/large": 2_500_000,
    "large": 3_145_728,
    "third": 700_000,
}


@pytest.mark.parametrize("cores", [1, 2, 64])
@pytest.mark.parametrize("digest", ["sha256", "blake3"])
def test_all_of_every_file_is_hashed(
    cores: int, digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    expected = {}
    for name, size in SIZES.items():
        content = os.urandom(size)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
        new = blake3(content) if digest == "blake3" else hashlib.sha256(content)
        expected[name.encode()] = new.digest()
    far: list[tuple[int, int]] = []
    found = file_digests.digests(
        tmp_path, [*expected, b"none", b"none/x"], digest, lambda *now: far.append(now)
    )
    assert found == expected
    assert [done for done, _ in far] == sorted(done for done, _ in far)
    assert far[-1] == (sum(SIZES.values()),) * 2


def test_many_files_of_many_directories(tmp_path: Path) -> None:
    names = [f"{number % 7}/{number}".encode() for number in range(300)]
    for name in names:
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name)
    expected = {name: hashlib.sha256(name).digest() for name in names}
    assert file_digests.digests(tmp_path, names, "sha256") == expected


def test_what_is_no_file_has_no_digest(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "file").write_bytes(b"w")
    (tmp_path / "link").symlink_to("directory/file")
    (tmp_path / "parent").symlink_to("directory")
    os.mkfifo(tmp_path / "pipe")
    found = file_digests.digests(
        tmp_path, [b"directory", b"link", b"parent/file", b"pipe"], "sha256"
    )
    assert found == {
        b"directory": file_digests.NOT_A_FILE,
        b"link": file_digests.UNREADABLE,
        b"pipe": file_digests.NOT_A_FILE,
    }

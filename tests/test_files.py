"""A file is written whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_model_security import files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("old")
    return tmp_path / "file"


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def _fail(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_that_cannot_be_written_stays_as_it_was(path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as failed:
        files.replace(path, b"new", finish=_fail)
    assert failed.value.filename == str(path)
    assert path.read_text() == "old"
    assert _names(path.parent) == ["file"]


def test_what_is_in_the_way_is_named_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    directory = tmp_path / "directory"
    directory.mkdir()
    with pytest.raises(IsADirectoryError) as failed:
        files.replace(directory, b"new")
    assert failed.value.filename == str(directory)
    assert _names(tmp_path) == ["directory"]


def test_a_link_is_replaced_and_not_followed(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    files.replace(link, b"new", sync=True)
    assert not link.is_symlink()
    assert (link.read_text(), path.read_text()) == ("new", "old")


def test_a_new_file_takes_nothing_of_what_stands_there(path: Path) -> None:
    dangling = path.with_name("dangling")
    dangling.symlink_to("nowhere")
    for taken in (path, dangling):
        with pytest.raises(FileExistsError):
            files.create(taken, b"new", 0o600)
    assert path.read_text() == "old"
    assert _names(path.parent) == ["dangling", "file"]


def test_a_file_has_its_permissions_before_it_has_its_name(path: Path) -> None:
    seen = []

    def finish(descriptor: int) -> None:
        seen.append((os.fstat(descriptor).st_mode & 0o777, path.read_text()))

    files.replace(path, b"new", 0o600, finish=finish)
    assert seen == [(0o600, "old")]
    assert path.read_text() == "new"

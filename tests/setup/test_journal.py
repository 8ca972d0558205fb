"""File changes that happen together or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import GitError
from git_model_security.setup.hooks.journal import Journal
from tests.fixtures.hooks import snapshot

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "directory"
    directory.mkdir()
    (directory / "file").write_text("old")
    (directory / "file").chmod(0o640)
    (directory / "link").symlink_to("nowhere")
    return directory


def change(journal: Journal, directory: Path) -> None:
    journal.make_directory(directory / "new" / "below")
    journal.write(directory / "new" / "below" / "file", b"text")
    journal.move(directory / "link", directory / "file")
    journal.write(directory / "file", b"text", 0o600)
    journal.write(directory / "other", b"text")
    journal.remove(directory / "other")


def test_changes_stay(directory: Path) -> None:
    with Journal() as journal:
        change(journal, directory)
    assert (directory / "file").read_text() == "text"
    assert (directory / "file").stat().st_mode & 0o777 == 0o600
    assert (directory / "new" / "below" / "file").stat().st_mode & 0o777 == 0o755
    assert not (directory / "link").is_symlink()
    assert sorted(path.name for path in directory.iterdir()) == ["file", "new"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_any_exception_takes_all_back(directory: Path, error: type[BaseException]) -> None:
    def attempt() -> None:
        with Journal() as journal:
            change(journal, directory)
            raise error

    before = snapshot(directory)
    with pytest.raises(error):
        attempt()
    assert snapshot(directory) == before


def test_a_failing_change_is_an_error_that_names_the_path(directory: Path) -> None:
    def attempt() -> None:
        with Journal() as journal:
            change(journal, directory)
            journal.write(directory / "none" / "file", b"")

    before = snapshot(directory)
    with pytest.raises(GitError, match="directory/none/file: no such file") as caught:
        attempt()
    assert "writable" in str(caught.value.hint)
    assert snapshot(directory) == before


def test_one_thing_that_cannot_be_taken_back_does_not_keep_the_others(directory: Path) -> None:
    def attempt() -> None:
        with Journal() as journal:
            journal.write(directory / "file", b"text")
            journal.on_failure((directory / "gone").unlink)
            raise RuntimeError

    before = snapshot(directory)
    with pytest.raises(RuntimeError):
        attempt()
    assert snapshot(directory) == before

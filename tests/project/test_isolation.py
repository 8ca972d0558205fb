"""The test harness itself: tests must not reach the user's files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.fixtures.processes import execute

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import CloneFactory, Repository


def test_every_test_has_a_home_of_its_own(home: Path) -> None:
    assert os.environ["HOME"] == str(home)
    assert [entry.name for entry in home.iterdir()] == [".gitconfig"]


def test_git_reads_no_settings_but_those_of_the_test_home(home: Path, repo: Repository) -> None:
    origins = repo.git("config", "--list", "--show-origin", "--name-only").splitlines()
    files = {line.split("\t")[0] for line in origins}
    assert files == {f"file:{home}/.gitconfig", "file:.git/config"}


def test_git_finds_the_program_under_test(home: Path, bin_directory: Path) -> None:
    assert execute("sh", "-c", "command -v git-model").stdout.strip() == str(
        bin_directory / "git-model"
    )


def test_a_clone_of_the_remote_holds_what_was_pushed(
    repo: Repository, remote: Repository, clone: CloneFactory
) -> None:
    repo.write("dir/a b.txt", "text\n")
    repo.commit()
    repo.git("push", "--quiet", str(remote.path), "HEAD")
    assert clone().read("dir/a b.txt") == b"text\n"
    assert remote.git("rev-parse", "HEAD") == repo.git("rev-parse", "HEAD")


def test_the_real_model_is_complete(real_model: Path) -> None:
    assert (real_model / "model.safetensors").stat().st_size == 90_868_376
    assert (real_model / ".gitattributes").is_file()

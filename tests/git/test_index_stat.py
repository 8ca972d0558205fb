"""The index is written as Git writes it: under its lock, at its place, with its mode."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

import pytest

from git_model_security.git import index, index_stat
from git_model_security.git.repository import Repository as Facts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.fixtures.repositories import Repository

ROUNDS = 300


@pytest.fixture
def tracked(repo: Repository) -> Repository:
    """A repository with one file, whose index shows it as changed by its date."""
    repo.write("a.bin", b"content")
    repo.commit()
    os.utime(repo.path / "a.bin", (1, 1))
    return repo


def written(facts: Facts) -> Mapping[bytes, os.stat_result]:
    found = index.stat(facts, b"a.bin")
    assert found is not None
    return {b"a.bin": found}


def is_settled(repo: Repository) -> bool:
    return repo.git("diff-files", "--name-only") == ""


def test_the_lock_of_another_process_is_never_removed(tracked: Repository) -> None:
    facts = Facts.discover(tracked.path)
    found = written(facts)
    lock = tracked.path / ".git" / "index.lock"
    stop = threading.Event()
    lost: list[int] = []

    def hold() -> None:
        """Takes the lock whenever it is free, as another Git would, and gives it back."""
        at = 0
        while not stop.is_set():
            at += 1
            with contextlib.suppress(FileExistsError):
                descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
                try:
                    os.fsync(descriptor)
                    mine, there = os.fstat(descriptor), None
                    with contextlib.suppress(FileNotFoundError):
                        there = lock.stat()
                    if there is None or there.st_ino != mine.st_ino:
                        lost.append(at)
                finally:
                    os.close(descriptor)
                    lock.unlink(missing_ok=True)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        done = 0
        while done < ROUNDS and not lost:
            with contextlib.suppress(index_stat.IndexLockedError):
                index_stat.refresh(facts, found)
            done += 1
    finally:
        stop.set()
        holder.join()
    assert not lost
    assert tracked.git("ls-files") == "a.bin"


@pytest.mark.parametrize("shared", ["umask", "group", "all", "0640"])
def test_the_index_keeps_the_mode_that_git_gave_it(tracked: Repository, shared: str) -> None:
    tracked.git("config", "core.sharedRepository", shared)
    tracked.write("b.bin", b"more")
    tracked.git("add", "b.bin")
    file = tracked.path / ".git" / "index"
    before = file.stat()
    old = os.umask(0o077)
    try:
        facts = Facts.discover(tracked.path)
        assert index_stat.refresh(facts, written(facts))
    finally:
        os.umask(old)
    assert file.stat().st_ino != before.st_ino
    assert file.stat().st_mode == before.st_mode
    assert is_settled(tracked)


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_an_index_that_is_a_link_stays_one_and_is_locked_where_it_leads(
    tracked: Repository, tmp_path: Path, kind: str
) -> None:
    file, target = tracked.path / ".git" / "index", tmp_path / "elsewhere" / "index"
    target.parent.mkdir()
    file.rename(target)
    file.symlink_to(target if kind == "absolute" else os.path.relpath(target, file.parent))
    facts = Facts.discover(tracked.path)
    lock = target.with_name("index.lock")
    lock.touch()
    assert tracked.git.run("add", "--refresh", "a.bin", check=False).returncode == 128
    with pytest.raises(index_stat.IndexLockedError):
        index_stat.refresh(facts, written(facts))
    lock.unlink()

    assert index_stat.refresh(facts, written(facts))

    assert file.is_symlink()
    assert is_settled(tracked)
    assert [path.name for path in target.parent.iterdir()] == ["index"]
    tracked.git("fsck", "--strict")


@pytest.mark.parametrize("length", [0, 5, 12, 40, 75])
def test_an_index_that_is_cut_short_is_left_to_git(tracked: Repository, length: int) -> None:
    file = tracked.path / ".git" / "index"
    facts = Facts.discover(tracked.path)
    found = written(facts)
    content = file.read_bytes()[:length]
    file.write_bytes(content)
    assert not index_stat.refresh(facts, found)
    assert file.read_bytes() == content
    assert not file.with_name("index.lock").exists()

"""A `.git` that cannot be written to: looking works, changing is refused in words."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults import claims
from tests.faults.conftest import CONTENT
from tests.fixtures.processes import execute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.conftest import Established
    from tests.fixtures.repositories import Repository


KILLED = """
import os, pathlib
from git_model_security.clone.clone import Clone
from git_model_security.git.repository import Repository
Clone(Repository.discover(pathlib.Path())).memory.execute("DELETE FROM judged")
os._exit(9)
"""


def freeze(path: Path) -> bool:
    """Makes a directory read-only, for root too; tells whether that worked."""
    if os.geteuid():
        execute("chmod", "-R", "a-w", path)
        return True
    return execute("chattr", "-R", "+i", path, check=False).returncode == 0


def thaw(path: Path) -> None:
    if os.geteuid():
        execute("chmod", "-R", "u+w", path)
    else:
        execute("chattr", "-R", "-i", path)


@pytest.fixture
def frozen(made: Established) -> Iterator[Repository]:
    directory = made.repo.path / ".git"
    if not freeze(directory):
        thaw(directory)
        pytest.skip("root, and the file system knows no immutable files")
    yield made.repo
    thaw(directory)


def test_looking_works_and_changing_is_refused(frozen: Repository, made: Established) -> None:
    assert "encrypted" in frozen.model("status").stdout
    assert "Verified" in frozen.model("verify").stdout
    assert "Verified" in frozen.model("verify", "HEAD").stdout
    assert "0 findings" in frozen.model("audit").stdout
    assert frozen.status() == ""
    frozen.write("config.json", b"changed " + claims.MARKER)
    claims.told(frozen.git.run("add", "config.json", check=False), status=None)
    claims.told(frozen.git.run("commit", "-a", "-m", "x", check=False), status=None)
    frozen.write("config.json", CONTENT["config.json"])
    for words in ("lock", "unlock", "sign --adopt .", "doctor --fix", "uninstall"):
        done = frozen.model(*words.split(), check=False)
        assert "Traceback" not in done.stderr, done.stderr
    thaw(frozen.path / ".git")
    claims.clean(frozen)
    claims.sealed(frozen)
    frozen.write("config.json", b"changed " + claims.MARKER)
    frozen.commit("Again")
    claims.clean(frozen)


def test_what_a_killed_process_left_of_the_memory_stops_nothing(made: Established) -> None:
    execute(sys.executable, "-I", "-c", KILLED, cwd=made.repo.path, check=False)
    assert list((made.repo.path / ".git" / "git-model").glob("*.sqlite-wal"))
    if not freeze(made.repo.path):
        thaw(made.repo.path)
        pytest.skip("root, and the file system knows no immutable files")
    try:
        assert "0 findings" in made.repo.model("audit").stdout
    finally:
        thaw(made.repo.path)


def test_init_in_a_read_only_repository_changes_nothing(repo: Repository) -> None:
    repo.write("a.bin", claims.MARKER)
    directory = repo.path / ".git"
    try:
        if not freeze(directory):
            pytest.skip("root, and the file system knows no immutable files")
        claims.told(repo.model("init", check=False))
    finally:
        thaw(directory)
    assert {path.name for path in repo.path.iterdir()} == {".git", "a.bin"}
    repo.model("init")
    repo.commit()
    claims.clean(repo)
    claims.sealed(repo)


def test_a_file_in_the_place_of_our_directory_is_told(made: Established) -> None:
    state = made.repo.path / ".git" / "git-model"
    kept = state.rename(state.with_name("kept"))
    state.write_bytes(b"")
    made.repo.write("config.json", claims.MARKER)
    for words in ("status", "verify", "doctor"):
        done = made.repo.model(*words.split(), check=False)
        assert "Traceback" not in done.stderr, done.stderr
    done = made.repo.git.run("add", "config.json", check=False)
    claims.told(done, str(state), status=None)
    claims.sealed(made.repo)
    state.unlink()
    kept.rename(state)
    made.repo.commit()
    claims.clean(made.repo)

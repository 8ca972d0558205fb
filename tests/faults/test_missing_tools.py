"""Python, git-model or git is gone: what would get into history stops, with a hint."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults import claims
from tests.faults.conftest import CONTENT
from tests.fixtures.processes import execute
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from tests.faults.conftest import Established


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A Python environment of its own with git-model in it, that a test may remove."""
    directory = tmp_path / "environment"
    (directory / "bin").mkdir(parents=True)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", directory)
    (directory / "lib").symlink_to(Path(sys.prefix) / "lib")
    (directory / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    return directory


@pytest.fixture
def installed(made: Established, environment: Path) -> Established:
    """The set-up repository, whose filter and hooks run that environment."""
    python = environment / "bin" / "python"
    execute(python, "-I", "-m", "git_model_security", "init", cwd=made.repo.path)
    assert str(python) in made.repo.git("config", "filter.git-model.process")
    return made


def test_without_its_python_nothing_is_added_committed_or_pushed(
    installed: Established, environment: Path
) -> None:
    repo = installed.repo
    staged = repo.write("config.json", b"staged " + claims.MARKER)
    # Else Git would clean it again to be sure, and stop there without our hint.
    os.utime(staged, (10**9, 10**9))
    repo.git("add", "config.json")
    environment.rename(environment.with_name("gone"))

    repo.write("new.bin", claims.MARKER)
    claims.told(repo.git.run("add", "new.bin", check=False), status=None)
    assert repo.git("ls-files", "new.bin") == ""
    for words in ("commit -m x", "commit --amend --no-edit", "push origin main:other"):
        done = repo.git.run(*words.split(), check=False)
        claims.told(
            done,
            f"{environment}/bin/python is missing",
            "install git-model again",
            "git model doctor --fix",
            status=None,
        )
    assert installed.remote.git("branch", "--list", "other") == ""
    # What only comes in is not stopped, and is said.
    done = repo.git.run("switch", "--create", "side")
    assert "warning: " in done.stderr
    assert "the post-checkout hook did nothing" in done.stderr
    claims.sealed(repo, installed.remote)
    claims.sound(repo)
    assert repo.read("new.bin") == claims.MARKER

    environment.with_name("gone").rename(environment)
    repo.git("add", "new.bin")
    repo.git("commit", "--quiet", "-m", "again")
    claims.clean(repo)
    claims.sealed(repo)


def test_a_checkout_without_the_filter_fails_and_the_next_one_heals(
    installed: Established, environment: Path
) -> None:
    repo = installed.repo
    repo.write("config.json", b"second " + claims.MARKER)
    repo.commit("Second")
    environment.rename(environment.with_name("gone"))
    claims.told(
        repo.git.run("checkout", "HEAD^", "--", "config.json", check=False), status=None
    )
    claims.sound(repo)
    environment.with_name("gone").rename(environment)
    repo.git("reset", "--quiet", "--hard")
    assert repo.read("config.json") == b"second " + claims.MARKER
    claims.clean(repo)


def test_another_git_model_mends_what_a_removed_one_left(
    installed: Established, environment: Path
) -> None:
    shutil.rmtree(environment)
    status = installed.repo.model("status", check=False)
    assert "doctor --fix" in status.stdout + status.stderr
    claims.told(installed.repo.model("doctor", check=False), "doctor --fix")
    installed.repo.model("doctor", "--fix", check=False)
    installed.repo.write("config.json", claims.MARKER)
    installed.repo.commit("Mended")
    claims.clean(installed.repo)


def test_filter_and_hooks_need_no_git_model_on_path(
    made: Established, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # GUIs start Git with next to no PATH.
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tools))
    made.repo.write("config.json", b"changed " + claims.MARKER)
    made.repo.commit("From a GUI")
    claims.clean(made.repo)
    made.repo.git("push", "--quiet")
    claims.sealed(made.repo, made.remote)


def test_without_git_on_path_a_command_says_so(
    made: Established, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for words in ("status", "verify", "unlock", "init", "install", "clone x", "doctor"):
        done = made.repo.model(*words.split(), check=False)
        claims.told(done, "git is not on PATH", "2.39", status=claims.failed(words))


def test_a_clone_where_nobody_installed_anything_adds_nothing_in_clear(
    made: Established, tmp_path: Path, home: Path
) -> None:
    # Required globally, as `git model uninstall --global` leaves it.
    execute("git", "model", "install")
    execute("git", "model", "uninstall", "--global")
    path = tmp_path / "other"
    done = execute("git", "clone", "--quiet", made.remote.path, path, check=False)
    other = Repository(path)
    other.write("new.bin", claims.MARKER)
    claims.told(other.git.run("add", "new.bin", check=False), status=None)
    claims.sealed(other)
    if done.returncode:
        execute("git", "model", "install")
        other.git("checkout", "--quiet", "--force", "HEAD")
    execute("git", "model", "install")
    other.model("unlock")
    assert other.read("config.json") == CONTENT["config.json"]


def test_an_unwritable_home_is_told(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file" / "config"))
    repo.write("a.bin", claims.MARKER)
    claims.told(repo.model("init", check=False), "not a directory")
    assert repo.read("a.bin") == claims.MARKER

"""`install.sh`: what it leaves on a machine, and what it says when it cannot."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.installations import FILLED, python_with
from tests.fixtures.isolation import OUTSIDE
from tests.fixtures.processes import execute, skip_or_fail
from tests.fixtures.tracked import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTALL = ROOT / "install.sh"


@pytest.fixture
def machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without git-model on PATH, but with the user's way to the package index."""
    monkeypatch.setenv("PATH", OUTSIDE["PATH"])
    pip = Path(OUTSIDE.get("HOME", "/"), ".config", "pip", "pip.conf")
    if pip.is_file() and "PIP_CONFIG_FILE" not in os.environ:
        monkeypatch.setenv("PIP_CONFIG_FILE", str(pip))
    monkeypatch.setenv("PIP_COMPILE", "no")  # half of what an installation costs
    return home


def install(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[Any]:
    done = execute(INSTALL, *arguments, check=False, **options)
    if "requirements.lock could not be installed" in done.stderr:
        skip_or_fail("the package index cannot be reached")
    return done


def tree(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


def program(directory: Path, name: str, body: str) -> None:
    (directory / name).write_text(f"#!/bin/sh\n{body}\n")
    (directory / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with the programs of a small system, and neither Python nor Git."""
    directory = tmp_path / "programs"
    directory.mkdir()
    for name in (
        *("sh", "env", "dirname", "basename", "cat", "sed", "mkdir", "rm", "rmdir", "ln"),
        *("readlink", "cmp", "chmod", "id", "mktemp"),
    ):
        found = shutil.which(name)
        assert found
        (directory / name).symlink_to(found)
    program(directory, "apt-get", "exit 1")
    monkeypatch.setenv("PATH", str(directory))
    return directory


def test_it_installs_itself_shows_the_demo_upgrades_and_is_removed(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip_environment: Path
) -> None:
    # A machine that has never seen the project, whose person has quotes in their name.
    prefix = tmp_path / "a home with 'quotes'" / ".local"
    monkeypatch.setenv("HOME", str(prefix.parent))
    monkeypatch.setenv("XDG_DATA_HOME", str(prefix / "share"))
    git_model = prefix / "bin" / "git-model"

    first = install("--demo")
    if "could not be fetched" in first.stderr:
        skip_or_fail("the package index cannot be reached")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.count("(exit status 1)") == 2
    assert git_model.is_symlink()
    assert f"{prefix / 'bin'} is not on your PATH".replace("'", "") in first.stdout.replace(
        "'", ""
    )
    assert execute(git_model, "--version").stdout.startswith("git-model")
    # What `pip install` and `pipx install` of a checkout go by.
    assert (prefix / "share/git-model/current/share/man/man1/git-model.1").is_file()
    assert execute("git", "config", "--global", "filter.git-model.required").stdout == "true\n"
    configured = execute("git", "config", "--global", "--get-regexp", "filter.git-model").stdout
    assert "/envs/" not in configured, "the next upgrade would break this configuration"

    monkeypatch.setenv("GIT_MODEL_PYTHON", str(python_with(tmp_path, pip_environment, FILLED)))
    again = install("--prefix", prefix)
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(list((prefix / "share" / "git-model" / "envs").iterdir())) == 1
    assert (
        execute("git", "config", "--global", "--get-regexp", "filter.git-model").stdout
        == configured
    )

    gone = install("--prefix", prefix, "--uninstall")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert tree(prefix) == {"bin", "share"}
    assert execute("git", "config", "--global", "filter.git-model.required").stdout == "true\n"
    assert "filter.git-model.required=true" in gone.stdout


@pytest.fixture
def running(machine: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An installation that has begun to fill its environment."""
    process = subprocess.Popen(
        (INSTALL, "--prefix", tmp_path / "prefix"),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        # A shell that runs the tests in its background has it ignored, for children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    while process.poll() is None and not list(
        tmp_path.glob("prefix/share/git-model/envs/*/bin")
    ):
        time.sleep(0.01)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_an_interrupted_installation_leaves_nothing(
    running: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait() == 130
    assert tree(tmp_path / "prefix") == {
        "bin",
        "share",
        "share/git-model",
        "share/git-model/envs",
    }


def test_a_git_model_of_somebody_else_is_not_overwritten(machine: Path, tmp_path: Path) -> None:
    other = tmp_path / "bin" / "git-model"
    other.parent.mkdir()
    other.write_text("other")
    done = install("--prefix", tmp_path)
    assert done.returncode == 1
    assert f"{other} is not from this installer" in done.stderr
    assert install("--prefix", tmp_path, "--uninstall").returncode == 0
    assert other.read_text() == "other"


def test_a_missing_git_is_named_with_the_command_that_installs_it(programs: Path) -> None:
    done = install()
    assert done.returncode == 1
    assert "git is not installed" in done.stderr
    assert "hint: apt install git" in done.stderr


def test_an_old_git_is_refused(programs: Path) -> None:
    program(programs, "git", "echo git version 2.38.9")
    assert "git is 2.38.9, 2.39 or newer is needed" in install().stderr


@pytest.mark.parametrize("version", ["2.39.5", "2.39.3 (Apple Git-146)", "2.54.0-rc1", "3.0.0"])
def test_a_new_enough_git_is_taken_and_a_missing_python_named(
    programs: Path, version: str
) -> None:
    program(programs, "git", f"echo 'git version {version}'")
    done = install()
    assert "Python 3.11 or newer is needed" in done.stderr
    assert "hint: apt install python3 python3-venv" in done.stderr


def test_a_python_without_venv_names_the_debian_package(programs: Path) -> None:
    program(programs, "git", "echo git version 2.39.5")
    program(programs, "python3", "case $3 in *ensurepip*) exit 1 ;; esac")
    done = install()
    assert "python3 has no venv module" in done.stderr
    assert "hint: apt install python3-venv" in done.stderr


def test_a_python_that_is_too_old_is_passed_over(programs: Path) -> None:
    program(programs, "git", "echo git version 2.39.5")
    program(programs, "python3", "exit 1")
    program(programs, "python3.12", "case $3 in *ensurepip*) exit 1 ;; esac")
    assert "hint: apt install python3.12-venv" in install().stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bogus"], "unknown option --bogus"),
        (["directory"], "unexpected argument directory"),
        (["--prefix"], "--prefix needs a directory"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], message: str) -> None:
    done = install(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"install.sh: error: {message}\n")


def test_a_demo_of_a_directory_that_is_not_there_installs_nothing(machine: Path) -> None:
    done = install("--demo", "no such model")
    assert done.returncode == 1
    assert "no such model: no such directory" in done.stderr
    assert not (machine / ".local").exists()

"""A lock is installed as it stands: what its index holds beside is looked up nowhere."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.installations import FILLED, python_with
from tests.fixtures.isolation import OUTSIDE
from tests.fixtures.processes import execute, skip_or_fail
from tests.fixtures.tracked import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = ROOT / "requirements.lock"
NEWER = ".0.999"
"""What follows the version in a newer release, one that a bound like `<3` still admits."""
OLD_PIP = {11: "23.0.1", 12: "23.2.1"}.get(sys.version_info[1])
"""The pip that the first release of this Python brought. Both are from before 23.3, which
resolves extras by the pin; Python 3.13 brought a later one, and runs no such pip."""


@dataclass
class Index:
    """A package index on loopback.

    Attributes:
        directory: what it serves, a directory for each project.
        asked: the paths that were asked for.
        silent: how many of the next requests get no answer.
        ended: set when no request needs to be kept waiting any longer.
    """

    directory: Path
    asked: list[str] = field(default_factory=list)
    silent: int = 0
    ended: threading.Event = field(default_factory=threading.Event)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked wheels, and a pip that is old."""
    directory = tmp_path_factory.mktemp("wheels")
    pip = (sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", directory)
    wanted = [("--require-hashes", "--only-binary", ":all:", "-r", str(LOCK))]
    if OLD_PIP:
        wanted.append((f"pip=={OLD_PIP}",))
    for words in wanted:
        done = subprocess.run((*pip, *words), env=OUTSIDE, capture_output=True, check=False)
        if done.returncode != 0:
            skip_or_fail("the package index cannot be reached")
    return directory


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An empty index, the only one that pip knows."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            served.asked.append(self.path)

        def do_GET(self) -> None:
            if served.silent > 0:
                served.silent -= 1
                served.ended.wait()
                return
            super().do_GET()

    directory = tmp_path / "index"
    directory.mkdir()
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(directory))
    )
    served = Index(directory)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    # Read after the machine's own files, so that these are the values that count.
    settings = tmp_path / "pip.conf"
    settings.write_text(
        f"[global]\nindex-url = http://127.0.0.1:{server.server_address[1]}\n"
        "extra-index-url =\nfind-links =\nconstraint =\nno-cache-dir = true\n"
        "[install]\ncompile = false\n"  # half of what an installation costs
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield served
    served.ended.set()
    server.shutdown()
    thread.join()
    server.server_close()


def publish(index: Index, wheel: Path) -> None:
    """Puts a wheel and the name of a newer release of it into the index."""
    name, version = wheel.name.split("-")[:2]
    project = index.directory / re.sub(r"[-_.]+", "-", name).lower()
    project.mkdir()
    (project / wheel.name).symlink_to(wheel)
    newer = wheel.name.replace(f"-{version}-", f"-{version}{NEWER}-")
    (project / "index.html").write_text(
        "".join(f'<a href="{file}">{file}</a>\n' for file in (wheel.name, newer))
    )


def test_no_newer_release_of_what_is_locked_is_looked_at(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pip_environment: Path,
    wheels: Path,
    index: Index,
) -> None:
    old_pip = wheels / f"pip-{OLD_PIP}-py3-none-any.whl"
    for wheel in wheels.glob("*.whl"):
        if wheel != old_pip:
            publish(index, wheel)
    install = f'"$1"/bin/python -I -m pip -qq install --no-index --no-deps "{old_pip}"'
    # Always this Python: the wheels were fetched for it.
    python = python_with(tmp_path, pip_environment, install if OLD_PIP else ":")
    monkeypatch.setenv("GIT_MODEL_PYTHON", str(python))

    done = execute(ROOT / "install.sh", "--prefix", tmp_path / "prefix", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    installed = tmp_path / "prefix" / "share" / "git-model" / "current" / "bin" / "python"
    assert OLD_PIP is None or f"pip {OLD_PIP} " in execute(installed, "-m", "pip", "-V").stdout
    assert {path for path in index.asked if path.endswith(".whl")}, "the lock came from it"
    assert not [path for path in index.asked if f"{NEWER}-" in path]


@pytest.mark.long
def test_an_index_that_falls_silent_is_asked_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheels: Path, index: Index
) -> None:
    for wheel in wheels.glob("*.whl"):
        if not wheel.name.startswith("pip-"):
            publish(index, wheel)
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "100000")
    index.silent = 1
    done = execute(ROOT / "install.sh", "--prefix", tmp_path / "prefix")
    assert index.silent == 0
    assert "Retrying" in done.stderr


def test_an_index_without_the_packages_is_told_with_what_pip_says(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pip_environment: Path,
    index: Index,
) -> None:
    monkeypatch.setenv("GIT_MODEL_PYTHON", str(python_with(tmp_path, pip_environment, ":")))
    done = execute(ROOT / "install.sh", "--prefix", tmp_path / "prefix", check=False)
    assert done.returncode == 1
    pip_says, _, ours = done.stderr.partition("install.sh: error: ")
    assert pip_says
    assert "the packages of requirements.lock could not be installed" in ours
    assert not list((tmp_path / "prefix").rglob("git-model*.whl"))
    assert not (tmp_path / "prefix" / "bin" / "git-model").exists()


def test_packages_that_do_not_fit_together_are_named(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pip_environment: Path,
    wheels: Path,
    index: Index,
) -> None:
    for wheel in wheels.glob("*.whl"):
        publish(index, wheel)
    misfit = tmp_path / "misfit-1.dist-info"
    misfit.mkdir()
    (misfit / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: misfit\nVersion: 1\nRequires-Dist: click<1\n"
    )
    made = f'{FILLED}cp -R "{misfit}" "$1"/lib/python*/site-packages'
    python = python_with(tmp_path, pip_environment, made)
    monkeypatch.setenv("GIT_MODEL_PYTHON", str(python))

    done = execute(ROOT / "install.sh", "--prefix", tmp_path / "prefix", check=False)
    assert done.returncode == 1
    assert "the locked packages do not fit together: misfit 1 " in done.stderr
    assert not (tmp_path / "prefix" / "bin" / "git-model").exists()

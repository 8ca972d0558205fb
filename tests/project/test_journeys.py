"""docs/ARCHITECTURE.md tells the truth: each journey passes the files that it names."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.processes import execute
from tests.fixtures.tracked import ROOT

if TYPE_CHECKING:
    from tests.fixtures.people import Project

PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
TRACE = """
import sys, threading
passed = {}
def note(frame, event, argument):
    if event == "call" and frame.f_code.co_name != "<module>":
        passed.setdefault(frame.f_code.co_filename)
log = open(sys.argv.pop(1), "w")
sys.setprofile(note)
threading.setprofile(note)
from git_model_security.cli import run
status = run(sys.argv[1:])
sys.setprofile(None)
log.writelines(f"{name}\\n" for name in passed)
log.close()
sys.exit(status)
"""
UNUSED = {"git/lfs_push.py"}
"""Only where there are objects of git-lfs."""


def journey(name: str) -> list[str]:
    """Returns the files that the page names for a journey."""
    (text,) = re.findall(rf"\n\*\*{re.escape(name)}\*\*(.*?)(?=\n\n|\Z)", PAGE, re.DOTALL)
    return [one for one in re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", text) if one not in UNUSED]


class Tracer:
    """Runs git-model and says which of its files were passed."""

    def __init__(self, project: Project, directory: Path) -> None:
        self._script = directory / "trace.py"
        self._script.write_text(TRACE)
        self._log = directory / "passed"
        self._cwd = project.ada.path

    @property
    def command(self) -> list[str]:
        return [sys.executable, str(self._script), str(self._log)]

    def run(self, *arguments: str, stdin: str = "") -> None:
        execute(*self.command, *arguments, cwd=self._cwd, stdin=stdin)

    def passed(self) -> set[str]:
        package = ROOT / "git_model_security"
        named = map(Path, self._log.read_text().splitlines())
        return {str(one.relative_to(package)) for one in named if one.is_relative_to(package)}


@pytest.fixture
def tracer(project: Project, tmp_path: Path) -> Tracer:
    project.ada.write("model.safetensors", b"trained further")
    project.ada.write("train.py", "print('other')\n")
    return Tracer(project, tmp_path)


def test_a_file_at_git_add(project: Project, tracer: Tracer) -> None:
    process = f"filter.git-model.process={' '.join(tracer.command)} filter-process"
    project.ada.git("-c", process, "add", "--all")
    assert set(journey("A file at `git add`.")) <= tracer.passed()


def test_a_commit(project: Project, tracer: Tracer) -> None:
    project.ada.git("add", "--all")
    tracer.run("hook", "pre-commit")
    assert set(journey("A commit.")) <= tracer.passed()


def test_git_model_verify(project: Project, tracer: Tracer) -> None:
    project.ada.commit()
    tracer.run("verify")
    assert set(journey("`git model verify`.")) <= tracer.passed()


def test_a_push(project: Project, tracer: Tracer) -> None:
    before = project.ada.git("rev-parse", "HEAD")
    project.ada.commit()
    after = project.ada.git("rev-parse", "HEAD")
    url = project.ada.git("remote", "get-url", "origin")
    line = f"refs/heads/main {after} refs/heads/main {before}\n"
    tracer.run("hook", "pre-push", "origin", url, stdin=line)
    assert set(journey("A push.")) <= tracer.passed()


def test_the_floors_are_those_of_the_contract() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    (layers,) = re.findall(r"\nlayers = \[\n(.*?)\n\]", project, re.DOTALL)
    floors = [re.findall(r"\w+", row) for row in layers.splitlines()]
    rows = re.findall(r"^\| (`[^|]*`) \|", PAGE, re.MULTILINE)
    written = [re.findall(r"`(\w+)`", row) for row in rows]
    lowest = [name for row in floors[len(written) - 1 :] for name in row]
    assert [*map(sorted, written)] == [*map(sorted, floors[: len(written) - 1]), sorted(lowest)]

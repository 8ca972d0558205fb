"""The test harness itself: a command in this process does what one of its own does."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import git_model_security
from tests.fixtures import in_process

if TYPE_CHECKING:
    from tests.fixtures.people import Project

PACKAGE = Path(str(git_model_security.__file__)).parent

COMMANDS = (
    ["status"],
    ["status", "--json"],
    ["verify"],
    ["verify", "--json", "HEAD"],
    ["audit"],
    ["log"],
    ["key", "list"],
    ["track"],
    ["config"],
    ["--version"],
    ["--help"],
    ["nonsense"],
    ["verify", "--expect", ""],
    ["unlock", "--key", "missing"],
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_says_the_same_in_this_process(project: Project, words: list[str]) -> None:
    project.ada.write("train.py", b"# not as it was signed\n")
    runs = [
        project.ada.model(*words, check=False, text=False, process=process)
        for process in (True, False, False)
    ]
    said = {(done.returncode, done.stdout, done.stderr) for done in runs}
    assert len(said) == 1
    assert runs[0].stdout or runs[0].stderr


def test_a_command_leaves_this_process_as_it_was(project: Project) -> None:
    before = _state()
    project.ada.model("verify", env={"MARK": "1", "TMPDIR": str(project.ada.path.parent)})
    project.ada.model("verify", "nowhere", check=False)
    assert _state() == before


def _state() -> tuple[dict[str, str], Path, list[tuple[int, int]]]:
    facts = [os.fstat(descriptor) for descriptor in range(3)]
    return dict(os.environ), Path.cwd(), [(one.st_dev, one.st_ino) for one in facts]


def test_children_write_to_what_the_command_writes_to(project: Project) -> None:
    """Git's own words come out, too, as of a process: descriptors are exchanged, not names."""
    target = str(project.ada.path.parent / "again")
    done = project.ada.model("clone", *project.keys, str(project.remote.path), target)
    assert target in done.stderr + done.stdout
    broken = project.ada.model("clone", "file:///nowhere", f"{target}2", check=False)
    assert "/nowhere" in broken.stderr


def test_a_log_and_what_git_starts_have_a_process_of_their_own() -> None:
    assert in_process.is_enough(["status"], {})
    assert not in_process.is_enough(["--log-level", "debug", "status"], {})
    assert not in_process.is_enough(["status"], {"GIT_MODEL_LOG_LEVEL": "debug"})
    assert not in_process.is_enough(["hook", "pre-push"], {})


def test_the_package_keeps_nothing_that_a_second_command_could_see() -> None:
    """But for caches, which are emptied, and for what only a log and telemetry set."""
    keeping, caching = set(), set()
    for file in PACKAGE.rglob("*.py"):
        place = str(file.relative_to(PACKAGE).parent)
        tree = ast.parse(file.read_text())
        keeping |= {place for node in ast.walk(tree) if isinstance(node, ast.Global)}
        caching |= {
            (file.name, method.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            for method in node.body
            if isinstance(method, ast.FunctionDef)
            for decorator in method.decorator_list
            if ast.unparse(decorator).startswith(("functools.", "lru_cache", "cache("))
        }
    assert keeping == {"logs", "telemetry"}
    assert not caching, "a cache of a method is not found by in_process.forget"

"""How many processes one command starts: git's, and those that git starts for us.

Each costs a person time, most of all on machines that look into every one. What is
counted are `git`s, the hooks that git runs, and the git-models that these start.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from git_model_security.setup.drivers import Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository

    Count = Callable[..., int]

LONG_AGO = 1_000_000_000

OF_A_COMMIT_IN_GIT_2_39 = ["prepared", "committed"]
"""The states in which reference-transaction is run. Git 2.54 has one more of them, and moves
refs three times; what a later run of the hook starts is counted all the same."""


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A file with a line for each git-model that a hook has started."""
    return tmp_path / "ours"


@pytest.fixture
def count(project: Project, tmp_path: Path, ours: Path) -> Count:
    """Counts what a git command in Ada's clone starts, without itself."""
    # What `git model` runs is no git.
    of_itself = {"model": 1}
    counting = tmp_path / "python"
    counting.write_text(f'#!/bin/sh\necho >>"{ours}"\nexec "{sys.executable}" "$@"\n')
    counting.chmod(counting.stat().st_mode | stat.S_IXUSR)
    for hook in (project.ada.path / ".git" / "hooks").iterdir():
        text = hook.read_text()
        if "# git-model hook" in text:
            hook.write_text(text.replace(str(Program.current().python), str(counting)))

    def counted(*arguments: str) -> int:
        trace = tmp_path / "trace"
        for file in (ours, trace):
            file.write_text("")
        project.ada.git(*arguments, env={"GIT_TRACE2_EVENT": str(trace)})
        events = [json.loads(line) for line in trace.read_text().splitlines()]
        gits = [one for one in events if one["event"] == "start"]
        hooks = [one for one in events if one.get("child_class") == "hook"]
        moves = [one for one in hooks if one["hook_name"] == "reference-transaction"]
        asked = len(hooks) - len(moves) + min(len(moves), len(OF_A_COMMIT_IN_GIT_2_39))
        started = len(gits) - 1 + asked + len(ours.read_text().splitlines())
        return started + of_itself.get(arguments[0], 0)

    return counted


def changed(repo: Repository, path: str, content: bytes) -> None:
    """Stages a change that Git need not clean once more."""
    file = repo.write(path, content)
    os.utime(file, (LONG_AGO, LONG_AGO))
    repo.git("add", path)


def test_a_commit_of_one_protected_file_starts_few_processes(
    project: Project, count: Count
) -> None:
    changed(project.ada, "model.safetensors", b"trained further")
    of_tables = 3 if project.ada.has_ref_tables else 0  # what a file says elsewhere
    assert 10 < count("commit", "--quiet", "--message", "Further") - of_tables <= 20
    assert "verified" in project.ada.git("model", "verify").lower()


def test_a_push_of_one_commit_starts_few_processes(project: Project, count: Count) -> None:
    changed(project.ada, "model.safetensors", b"trained further")
    project.ada.git("commit", "--quiet", "--message", "Further")
    bare = count("push", "--quiet", "--no-verify", "origin", "HEAD:refs/heads/other")
    project.ada.git("update-ref", "-d", "refs/remotes/origin/other")
    assert 5 < count("push", "--quiet", "origin", "HEAD:main") - bare <= 12


@pytest.mark.parametrize("command", ["verify", "status"])
def test_what_only_looks_starts_few_processes(count: Count, command: str) -> None:
    assert 3 < count("model", command) <= 8


def test_the_end_of_a_rebase_starts_git_model_once(
    project: Project, count: Count, ours: Path
) -> None:
    ada = project.ada
    # What a hook cannot see of an amended commit, its parents, is asked for once more.
    count("commit", "--quiet", "--amend", "--message", "Amended")
    assert len(ours.read_text().splitlines()) <= 3
    ada.git("branch", "side")
    for number in range(2):
        ada.write(f"{number}.md", "text\n")
        ada.commit()
    ada.git("switch", "--quiet", "side")
    ada.write("side.md", "text\n")
    ada.commit()
    done = ada.git.run("rebase", "--quiet", "main")
    assert done.stderr.count("unverified") == 1
    ada.git("reset", "--quiet", "--hard", "side@{1}")
    count("rebase", "--quiet", "main")
    assert len(ours.read_text().splitlines()) == 1

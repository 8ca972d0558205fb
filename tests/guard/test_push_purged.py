"""Tracking refs are a memory: what was purged on the server does not come back by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository


@pytest.fixture
def at_home(project: Project) -> Project:
    """A project whose remote is where it always was, so that tracking refs speak of it."""
    (project.ada.path / ".git" / "git-model" / "remotes").unlink()
    project.ada.model("unlock")
    return project


@pytest.fixture
def leaked(at_home: Project) -> Project:
    """The branch `wip` holds plaintext and is on the server, past all guards."""
    project, ada = at_home, at_home.ada
    ada.git("switch", "--quiet", "--create", "wip")
    blob = ada.git("hash-object", "-w", "--no-filters", "--stdin", stdin=b"\0secret" * 100)
    ada.git("update-index", "--add", "--cacheinfo", f"100644,{blob},leak.bin")
    ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "Leak")
    ada.git("push", "--quiet", "--no-verify", "origin", "wip")
    ada.git("switch", "--quiet", "main")
    ada.git("branch", "--quiet", "-D", "wip")
    return project


def traced(repo: Repository, tmp_path: Path, *arguments: str) -> str:
    """Pushes, and returns which commands git ran."""
    trace = tmp_path / "trace"
    repo.git("push", "--quiet", "origin", *arguments, env={"GIT_TRACE": str(trace)})
    said = trace.read_text()
    trace.unlink()
    return said


def test_what_was_purged_is_refused(leaked: Project) -> None:
    leaked.remote.git("update-ref", "-d", "refs/heads/wip")
    refused = leaked.ada.git.run("push", "origin", "origin/wip:refs/heads/again", check=False)
    assert refused.returncode != 0
    assert "leak.bin: plaintext at a protected path" in refused.stderr
    assert "git fetch --prune origin" in refused.stderr
    assert leaked.remote.git("for-each-ref", "refs/heads/again") == ""


def test_so_is_what_was_made_on_top_of_it(leaked: Project) -> None:
    leaked.remote.git("update-ref", "-d", "refs/heads/wip")
    ada = leaked.ada
    ada.git("switch", "--quiet", "--create", "more", "origin/wip")
    ada.write("notes.txt", "words\n")
    ada.git("add", "notes.txt")
    ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "More")
    refused = ada.git.run("push", "origin", "more", check=False)
    assert refused.returncode != 0
    assert "leak.bin" in refused.stderr


def test_what_is_still_there_passes(leaked: Project) -> None:
    leaked.ada.git("push", "--quiet", "origin", "origin/wip:refs/heads/again")


def test_who_is_behind_fetches_first(leaked: Project, person: PersonFactory) -> None:
    ben = person("ben").clone(leaked.remote, "--branch", "wip")
    ben.git(*NO_HOOKS, "commit", "--quiet", "--allow-empty", "--message", "On top")
    ben.git("push", "--quiet", "--no-verify", "origin", "wip")
    push = ("push", "origin", "origin/wip:refs/heads/again")
    refused = leaked.ada.git.run(*push, check=False)
    assert refused.returncode != 0
    assert "`git fetch origin`, then push again" in refused.stderr
    leaked.ada.git("fetch", "--quiet", "origin")
    leaked.ada.git(*push)


def test_a_long_history_is_asked_for_and_not_walked(leaked: Project, tmp_path: Path) -> None:
    tip = leaked.ada.git("rev-parse", "origin/wip")
    lines = "".join(
        f"commit refs/heads/long\ncommitter A <a@x> {number} +0000\ndata 1\nx\n"
        + f"from {tip}\n" * (not number)
        for number in range(1001)
    )
    leaked.ada.git("fast-import", "--quiet", stdin=lines)
    leaked.ada.git("push", "--quiet", "--no-verify", "origin", "long")
    assert "ls-remote" in traced(leaked.ada, tmp_path, "origin/long:refs/heads/again")
    for name in ("wip", "long", "again"):
        leaked.remote.git("update-ref", "-d", f"refs/heads/{name}")
    refused = leaked.ada.git.run("push", "origin", "long:refs/heads/once-more", check=False)
    assert refused.returncode != 0
    assert "leak.bin" in refused.stderr


def test_a_harmless_memory_is_believed_without_asking(at_home: Project, tmp_path: Path) -> None:
    assert "ls-remote" not in traced(at_home.ada, tmp_path, "main:refs/heads/side")
    at_home.ada.write("notes.txt", "words\n")
    at_home.ada.commit()
    assert "ls-remote" not in traced(at_home.ada, tmp_path, "main")

"""A clone of one revision (`git clone --revision`, 2.49): it has no refs, and no refspec."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.repositories import NO_HOOKS, Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project

CLEAR = os.urandom(3000)


def commit_in_clear(repo: Repository, message: str) -> str:
    """Commits plaintext at a protected path, as somebody does who has none of this."""
    oid = repo.git("hash-object", "-w", "--stdin", "--no-filters", stdin=CLEAR)
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{message}.bin")
    repo.git(*NO_HOOKS, "commit", "--quiet", "--message", message)
    return repo.git("rev-parse", "HEAD")


@pytest.fixture
def single(project: Project, person: PersonFactory) -> Repository:
    """Such a clone, unlocked; the history that it came with has a leak."""
    web = person("web").clone(project.remote)
    commit_in_clear(web, "leak")
    web.git("push", "--quiet", "origin", "main")
    bob = person("bob")
    clone = bob.clone(project.remote, "--no-checkout")
    # What `--revision` leaves, made with every version of git.
    tip = clone.git("rev-parse", "HEAD")
    clone.git("checkout", "--quiet", "--detach")
    for ref in clone.git("for-each-ref", "--format=%(refname)").splitlines():
        clone.git("update-ref", "--no-deref", "-d", ref)
    clone.git("config", "--unset-all", "remote.origin.fetch")
    assert clone.git("for-each-ref") == ""
    assert clone.git("rev-parse", "HEAD") == tip
    clone.model("unlock", *project.keys)
    return clone


def test_the_history_that_it_came_with_is_no_work_of_this_clone(
    single: Repository, project: Project
) -> None:
    single.git("switch", "--quiet", "--create", "work")
    single.git("branch", "again")
    single.write("README.md", "# Mine\n")
    tip = single.commit("Mine")
    single.git("push", "--quiet", "origin", "work")
    assert project.remote.git("rev-parse", "work") == tip


def test_what_is_made_in_it_is_judged(single: Repository, project: Project) -> None:
    before = project.remote.git("for-each-ref")
    own = commit_in_clear(single, "own")
    for way in ("switch --create work", f"branch work {own}", f"tag v1 {own}"):
        done = single.git.run(*way.split(), check=False)
        assert done.returncode, way
        assert "own.bin: plaintext at a protected path" in done.stderr
        assert "leak.bin" not in done.stderr
    pushed = single.git.run("push", "origin", f"{own}:refs/heads/work", check=False)
    assert "own.bin: plaintext at a protected path" in pushed.stderr
    assert "leak.bin" not in pushed.stderr
    assert project.remote.git("for-each-ref") == before


def test_git_leaves_it_as_these_tests_make_it(project: Project, person: PersonFactory) -> None:
    who = person("bob")
    options = ("--quiet", "--revision=refs/heads/main", str(project.remote.path), "single")
    home = Repository(who.home, who.env)
    done = home.git.run("clone", *options, check=False)
    if done.returncode == 129:
        pytest.skip(f"{home.git('version')} knows no clone --revision")
    clone = Repository(who.home / "single", who.env)
    assert clone.git("for-each-ref") == ""
    assert clone.git("config", "--get-all", "remote.origin.fetch", check=False) == ""
    assert clone.git("reflog", "--format=%gs").startswith("clone: ")


@pytest.mark.parametrize("remotes", [0, 1])
def test_in_other_clones_no_reflog_is_walked_for_it(
    project: Project, tmp_path: Path, remotes: int
) -> None:
    if not remotes:
        project.ada.git("remote", "remove", "origin")
    project.ada.write("README.md", "# Mine\n")
    trace = tmp_path / "trace"
    project.ada.git("commit", "-qanm", "Mine", env={"GIT_TRACE": str(trace)})
    assert "rev-list" in trace.read_text()
    assert "'--format=%H %gs'" not in trace.read_text()

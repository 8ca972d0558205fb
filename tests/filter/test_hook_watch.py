"""Programs that take the hooks away: the filter says so, and nothing comes in until mended.

The programs are the real ones.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_model_security.git.repository import Repository as Opened
from git_model_security.setup.hooks import hook_place
from tests.fixtures.hooks import script
from tests.fixtures.people import assert_signed
from tests.fixtures.processes import execute, need, tool

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository

    Taking = Callable[[Repository], None]

ABSENT = "no hook of git-model runs: Git looks in .husky/_"
FIX = "git-model: hint: `git model doctor --fix` makes them run\n"
LEFTHOOK = "pre-commit:\n  jobs:\n    - run: echo theirs\n"
LFS = 'command -v git-lfs >/dev/null || { echo SAID; exit 2; }\ngit lfs pre-push "$@"\n'
PRE_COMMIT = """\
repos:
  - repo: local
    hooks:
      - {id: theirs, name: theirs, entry: "true", language: system, always_run: true}
"""


@pytest.fixture
def husky(npm_programs: Path) -> Taking:
    return lambda repo: _run(repo, npm_programs / "husky")


@pytest.fixture
def lefthook(npm_programs: Path) -> Taking:
    def take(repo: Repository) -> None:
        repo.write("lefthook.yml", LEFTHOOK)
        _run(repo, npm_programs / "lefthook", "install")

    return take


def pre_commit(repo: Repository) -> None:
    repo.write(".pre-commit-config.yaml", PRE_COMMIT)
    _run(repo, tool("pre-commit"), "install", "--overwrite")


def git_lfs(repo: Repository) -> None:
    need("git-lfs")
    repo.git("lfs", "update", "--force")


def removal(repo: Repository) -> None:
    (repo.path / ".git" / "hooks" / "reference-transaction").unlink()


@pytest.fixture(params=["husky", "lefthook", pre_commit, git_lfs, removal])
def taking(request: pytest.FixtureRequest) -> Taking:
    found: Taking = request.param
    return request.getfixturevalue(found) if isinstance(found, str) else found


def _run(repo: Repository, *argv: str | Path) -> None:
    execute(*argv, cwd=repo.path, env=repo.env)


def changed(repo: Repository, content: bytes = b"changed" * 999) -> Repository:
    repo.write("model.safetensors", content)
    return repo


def add(repo: Repository, *before: str) -> subprocess.CompletedProcess[str]:
    return repo.git.run(*before, "add", "model.safetensors", check=False)


def is_staged(repo: Repository) -> bool:
    return bool(repo.git("diff", "--cached", "--name-only"))


def test_nothing_comes_in_until_it_is_mended(project: Project, taking: Taking) -> None:
    ada = changed(project.ada)
    taking(ada)
    refused = add(ada)
    assert refused.returncode != 0
    assert refused.stderr.startswith("git-model: error: model.safetensors: ")
    assert FIX in refused.stderr
    assert not is_staged(ada)
    for commit in (("commit", "-am", "One"), ("commit", "-m", "One", "model.safetensors")):
        assert ada.git.run(*commit, check=False).returncode != 0
    assert "`git model doctor --fix`" in ada.model("doctor", check=False).stdout
    assert ada.model("doctor", "--fix").stdout == "Nothing is wrong\n"
    ada.commit()
    assert_signed(ada)
    # What takes the hooks away does it again with every `npm ci`; husky takes nothing then.
    taking(ada)
    if not (ada.path / ".husky").exists():
        ada.model("doctor", "--fix")
    assert ada.model("doctor").stdout == "Nothing is wrong\n"
    changed(ada, b"again" * 999).commit()
    assert_signed(ada)


def test_what_only_looks_is_told_and_goes_on(project: Project) -> None:
    ada = project.ada
    ada.git("config", "core.hooksPath", ".husky/_")
    for words in (
        ("status",),
        ("-C", ".", "-c", "color.ui=false", "--no-pager", "diff"),
        ("reset", "--quiet"),
        ("update-index", "-q", "--really-refresh"),
        ("hash-object", "model.safetensors"),
        ("checkout", "--quiet", "-b", "other"),
        ("restore", "model.safetensors"),
    ):
        # As long as it was: Git has to compare the content.
        changed(ada, os.urandom(len(ada.read("model.safetensors"))))
        done = ada.git.run(*words, check=False)
        assert done.stderr.count(ABSENT) == 1, words
        assert "git-model: error:" not in done.stderr


def test_what_takes_content_in_is_refused(project: Project) -> None:
    ada = changed(project.ada)
    ada.git("config", "core.hooksPath", ".husky/_")
    for words in (
        ("update-index", "model.safetensors"),
        ("update-index", "--refresh", "model.safetensors"),
        ("hash-object", "-w", "model.safetensors"),
        ("hash-object", "-wt", "blob", "model.safetensors"),
        ("stash",),
        ("-c", "alias.in=add --all", "in"),
    ):
        assert "git-model: error:" in ada.git.run(*words, check=False).stderr, words
    assert not is_staged(ada)


def test_a_clone_without_hooks_can_still_be_locked(project: Project) -> None:
    ada = project.ada
    ada.git("config", "core.hooksPath", ".husky/_")
    os.utime(ada.path / "model.safetensors")
    ada.model("lock")


def test_it_is_said_once_for_many_files(project: Project) -> None:
    ada = project.ada
    for number in range(9):
        ada.write(f"{number}.safetensors", os.urandom(999))
    ada.git("config", "core.hooksPath", ".husky/_")
    assert ada.git.run("add", ".", check=False).stderr.count(ABSENT) == 1
    ada.git("config", "git-model.hooks", "warn")
    assert ada.git.run("add", ".").stderr.count(ABSENT) == 1
    assert ada.git.run("stash").stderr.count("git-model: error") == 0


def test_a_person_decides_otherwise(project: Project) -> None:
    ada = changed(project.ada)
    ada.git("config", "core.hooksPath", ".husky/_")
    once = add(ada, "-c", "git-model.guard=warn", "-c", "git-model.reason=a trial")
    assert once.returncode == 0
    assert "add was overridden" in once.stderr
    (event,) = ada.events()
    assert event["action"] == "override-add"
    assert event["reason"] == "a trial"
    changed(ada, b"more" * 999)
    assert add(ada).returncode != 0
    ada.model("config", "hooks", "warn")
    done = add(ada)
    assert (done.returncode, ABSENT in done.stderr) == (0, True)
    changed(ada, b"and more" * 999)
    ada.model("config", "hooks", "off")
    done = add(ada)
    assert (done.returncode, done.stderr) == (0, "")
    ada.git("config", "git-model.hooks", "never")
    changed(ada, b"and even more" * 999)
    done = add(ada)
    assert done.returncode != 0
    assert "git-model: hint: required, warn or off" in done.stderr


def test_other_hooks_for_one_command_are_told_and_let_through(project: Project) -> None:
    ada = changed(project.ada)
    done = add(ada, "-c", f"core.hooksPath={os.devnull}")
    assert done.returncode == 0
    assert done.stderr == (
        f"git-model: warning: no hook of git-model runs: Git looks in {os.devnull}\n"
    )


def test_hooks_that_only_report_stop_nothing(project: Project) -> None:
    ada = changed(project.ada)
    (ada.path / ".git" / "hooks" / "post-merge").unlink()
    done = add(ada)
    assert done.returncode == 0
    assert "warning: hooks of git-model that do not run: post-merge\n" in done.stderr
    assert is_staged(ada)


def test_a_locked_clone_hears_nothing_of_it(project: Project) -> None:
    ada = project.ada
    ada.model("lock")
    ada.git("config", "core.hooksPath", ".husky/_")
    os.utime(ada.path / "model.safetensors")
    done = ada.git.run("add", ".")
    assert (done.returncode, done.stderr) == (0, "")


def test_where_git_looks_is_known_from_below_and_from_outside(
    project: Project, tmp_path: Path
) -> None:
    ada = project.ada
    ada.write("below/b.safetensors", b"b" * 999)
    ada.git("config", "core.hooksPath", "team/hooks")
    ada.model("doctor", "--fix")
    below = Opened.discover(ada.path / "below")
    assert hook_place.missing(below, below.hooks) == []
    ada.git("-C", "below", "add", "b.safetensors")
    outside = (f"--git-dir={ada.path / '.git'}", f"--work-tree={ada.path}")
    changed(ada)
    execute("git", *outside, "add", "model.safetensors", cwd=tmp_path, env=ada.env)
    assert is_staged(ada)


def test_two_hooks_for_one_place_are_named(project: Project) -> None:
    ada = project.ada
    hook = ada.path / ".git" / "hooks" / "pre-push"
    for text in ("exit 0\n", "exit 1\n"):
        script(hook, text)
        ada.model("doctor", "--fix", check=False)
    said = ada.model("doctor", check=False).stdout
    assert said == (
        "hooks of git-model that do not run: pre-push: make one hook of"
        " .git/hooks/pre-push and pre-push.before-git-model\n"
    )
    hook.with_name("pre-push.before-git-model").unlink()
    ada.model("doctor", "--fix")


def test_a_newer_hook_of_git_lfs_replaces_the_kept_one(project: Project) -> None:
    ada = project.ada
    hook = ada.path / ".git" / "hooks" / "pre-push"
    for said in ("older", "newer"):
        script(hook, LFS.replace("SAID", said))
        ada.model("doctor", "--fix")
    assert "newer" in hook.with_name("pre-push.before-git-model").read_text()
    script(hook, LFS + "echo mine\n")
    assert "make one hook" in ada.model("doctor", "--fix", check=False).stdout
    assert "newer" in hook.with_name("pre-push.before-git-model").read_text()

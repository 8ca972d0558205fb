"""Hooks of Git's configuration, which git 2.54 and newer run before those in files."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from git_model_security.git import config
from git_model_security.setup.hooks import configured_hooks
from tests.fixtures.hooks import opened
from tests.fixtures.processes import execute, need

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository

LFS = 'git lfs pre-push "$@"'
PLAIN = b"plaintext" * 30_000


def configure(repo: Repository, name: str, command: str, *events: str) -> None:
    repo.git("config", "--global", f"hook.{name}.command", command)
    for event in events or ("pre-push",):
        repo.git("config", "--global", "--add", f"hook.{name}.event", event)


def undecided(repo: Repository) -> list[str]:
    return list(configured_hooks.undecided(config.read(opened(repo), "hook")))


def needs_configured_hooks(repo: Repository) -> None:
    configure(repo, "probe", "true", "post-index-change")
    listed = repo.git("hook", "list", "post-index-change", check=False)
    repo.git("config", "--global", "--remove-section", "hook.probe")
    if "probe" not in listed.split():
        pytest.skip(f"{repo.git('version')} runs no hooks of the configuration")


def test_that_of_git_lfs_is_switched_off_and_on_again(project: Project) -> None:
    ada = project.ada
    configure(ada, "my lfs.v3", LFS)
    configure(ada, "bare", "git lfs pre-push")
    configure(ada, "direct", 'git-lfs pre-push "$@"')
    assert undecided(ada) == ["my lfs.v3", "bare", "direct"]
    said = ada.model("doctor", check=False).stdout
    assert said.startswith("hook.my lfs.v3 runs at each push, also one that git-model refuses")
    ada.write("model.safetensors", os.urandom(999))
    assert "hook.my lfs.v3 runs" in ada.git.run("add", "model.safetensors").stderr
    fixed = ada.model("doctor", "--fix")
    assert "switched off hook.my lfs.v3 here: git-model uploads" in fixed.stderr
    assert fixed.stdout == "Nothing is wrong\n"
    for name in ("my lfs.v3", "bare", "direct"):
        assert ada.git("config", "--local", f"hook.{name}.enabled") == "false"
    ada.model("uninstall")
    assert undecided(ada) == ["my lfs.v3", "bare", "direct"]


def test_any_other_is_for_a_person_to_decide(project: Project) -> None:
    ada = project.ada
    configure(ada, "lint", "make lint")
    configure(ada, "both", LFS, "pre-push", "post-commit")
    configure(ada, "commit", "make test", "pre-commit")
    configure(ada, "taken-back", "make", "pre-push", "", "pre-commit")
    said = ada.model("doctor", "--fix", check=False).stdout.splitlines()
    assert [line.split()[0] for line in said] == ["hook.lint", "hook.both"]
    assert said[0].endswith(
        ": `git config hook.lint.enabled false`, or true if it uploads nothing"
    )
    ada.git("config", "hook.lint.enabled", "true")
    ada.git("config", "--global", "hook.both.enabled", "false")
    assert ada.model("doctor").stdout == "Nothing is wrong\n"


def test_an_event_that_is_switched_off_counts_as_a_hook_that_does_not_run(
    project: Project,
) -> None:
    ada = project.ada
    ada.git("config", "--global", "hook.pre-commit.enabled", "false")
    ada.write("model.safetensors", os.urandom(999))
    refused = ada.git.run("add", "model.safetensors", check=False)
    assert refused.returncode != 0
    assert "hooks of git-model that do not run: pre-commit\n" in refused.stderr
    assert "`git config hook.pre-commit.enabled true`" in refused.stderr
    ada.git("config", "hook.pre-commit.enabled", "true")
    ada.git("add", "model.safetensors")


def test_nothing_is_uploaded_that_the_guard_refuses(project: Project, tmp_path: Path) -> None:
    need("git-lfs")
    ada = project.ada
    needs_configured_hooks(ada)
    configure(ada, "lfs", LFS)
    ada.model("doctor", "--fix")
    # A colleague without git-model put the model into git-lfs in clear.
    other = tmp_path / "other"
    execute("git", "clone", "--quiet", project.remote.path, other)
    bob = type(ada)(other)
    for words in (("lfs", "install", "--local"), ("lfs", "track", "*.safetensors")):
        bob.git(*words)
    bob.git("rm", "--quiet", "--cached", ".gitattributes", "model.safetensors")
    bob.write(".gitattributes", "*.safetensors filter=lfs -text\n")
    bob.write("model.safetensors", PLAIN)
    bob.git("add", ".gitattributes", "model.safetensors")
    bob.git("commit", "--quiet", "--message", "In clear")
    ada.git("fetch", "--quiet", str(other), "main")
    shutil.copytree(other / ".git" / "lfs", ada.path / ".git" / "lfs")
    refused = ada.git.run("push", "origin", "FETCH_HEAD:refs/heads/theirs", check=False)
    assert refused.returncode != 0
    assert "git-model: error: refused" in refused.stderr
    assert not (project.remote.path / "lfs").exists()
    # As it would be, had nobody switched it off.
    ada.git("config", "hook.lfs.enabled", "true")
    ada.git("push", "origin", "FETCH_HEAD:refs/heads/theirs", check=False)
    assert (project.remote.path / "lfs").exists()

"""`--log-level` and GIT_MODEL_LOG_LEVEL: what went on, on standard error."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository

VARIABLE = "GIT_MODEL_LOG_LEVEL"


def test_debug_shows_commands_files_and_the_signer_and_no_secret(project: Project) -> None:
    key = project.key.read_bytes()
    secrets = {"GIT_MODEL_KEY": key.hex(), VARIABLE: "debug"}
    project.ada.write("new.safetensors", b"plaintext of a model")
    added = project.ada.git.run("add", "new.safetensors", env=secrets)
    commit = project.ada.git.run("commit", "--quiet", "--message", "More", env=secrets)
    key_id = project.ada.git("config", "git-model.keyid")
    signer = project.ada.git("config", "git-model.signingkey")
    assert "clean new.safetensors: " in added.stderr
    assert key_id in added.stderr
    assert "run git ls-files --stage -z" in added.stderr
    assert f"signed model.sig as {signer}" in commit.stderr
    verified = project.ada.model("verify", env={VARIABLE: "info"})
    assert f"git-model: info: accepted as signer (key): {signer}" in verified.stderr
    for secret in (key.hex(), "plaintext of a model", "PRIVATE"):
        assert secret not in added.stderr + commit.stderr


def test_the_flag_outranks_the_variable_and_reaches_what_git_starts(project: Project) -> None:
    keys = project.keys
    target = str(project.ada.path.parent / "clone")
    done = project.ada.model(
        *("--log-level", "DEBUG", "clone", *keys, str(project.remote.path), target),
        env={VARIABLE: "error"},
    )
    processes = {
        line.split("[", 1)[1].split(" ", 1)[0]
        for line in done.stderr.splitlines()
        if line.startswith("git-model: debug: [")
    }
    assert len(processes) > 1


def test_what_people_are_told_does_not_depend_on_it(project: Project) -> None:
    project.ada.write("train.py", b"# others\n")
    runs = [
        project.ada.model("verify", check=False, env=env)
        for env in ({}, {VARIABLE: "error"}, {VARIABLE: "warning"})
    ]
    assert len({(done.returncode, done.stdout, done.stderr) for done in runs}) == 1
    assert runs[0].stderr


@pytest.mark.parametrize("arguments", [["--log-level", "loud", "status"], ["status"]], ids=len)
def test_a_level_that_there_is_not_is_wrong_usage(
    repo: Repository, arguments: list[str]
) -> None:
    env = {} if "loud" in arguments else {VARIABLE: "loud"}
    done = repo.model(*arguments, check=False, env=env)
    assert done.returncode == 2
    assert "'loud' is none of debug, info, warning, error" in done.stderr


def test_the_filter_refuses_such_a_level_too(project: Project) -> None:
    project.ada.write("new.safetensors", os.urandom(100))
    done = project.ada.git.run("add", ".", check=False, env={VARIABLE: "loud"})
    assert done.returncode
    assert "'loud' is none of" in done.stderr

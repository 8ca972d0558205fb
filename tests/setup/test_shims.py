"""The text of the shims, without Git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from git_model_security.setup.drivers import Program
from git_model_security.setup.hooks import shims

PROGRAM = Program(Path("/gone/it's $HOME \\1/python"), Path("/gone/a b/__main__.py"))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def render(hook: str, where: str = shims.BESIDE, program: Program = PROGRAM) -> bytes:
    return shims.render(hook, shims.HOOKS, program, where)


@pytest.mark.parametrize("where", [shims.BESIDE, shims.ELSEWHERE, shims.ALONE])
def test_every_shim_is_a_script_that_sh_can_read(where: str) -> None:
    for hook in (*shims.HOOKS, "commit-msg"):
        subprocess.run(["sh", "-n"], input=render(hook, where), check=True)


def test_paths_reach_the_shell_as_they_are(tmp_path: Path) -> None:
    text = render("pre-push", shims.ALONE)
    values = b"".join(
        line for line in text.splitlines(True) if line[:5] in (b"pytho", b"main=")
    )
    said = subprocess.run(
        ["sh"], input=values + b'printf %s "$python|$main"', stdout=subprocess.PIPE, check=True
    )
    assert said.stdout.decode() == f"{PROGRAM.python}|{PROGRAM.main}"


def test_a_shim_is_known_by_its_id_and_not_through_a_link(tmp_path: Path) -> None:
    ours = written(tmp_path / "ours", render("pre-commit"))
    (tmp_path / "link").symlink_to(ours)
    assert shims.is_ours(ours)
    assert not shims.is_ours(tmp_path / "link")
    assert not shims.is_ours(tmp_path / "none")
    assert not shims.is_ours(written(tmp_path / "theirs", b"#!/bin/sh\ngit-model status\n"))
    assert not shims.is_framework(ours)


def test_a_shim_works_while_its_program_is_there(tmp_path: Path) -> None:
    program = Program(written(tmp_path / "python", b""), written(tmp_path / "main", b""))
    shim = written(tmp_path / "shim", render("pre-commit", program=program))
    assert shims.works(shim)
    program.main.unlink()
    assert not shims.works(shim)


def test_a_shim_that_passes_on_does_not_change_when_git_model_moves() -> None:
    elsewhere = Program(Path("/elsewhere/python"), Path("/elsewhere/__main__.py"))
    for hook in set(shims.ALL) - set(shims.HOOKS):
        shim = render(hook, shims.ELSEWHERE)
        assert shim == render(hook, shims.ELSEWHERE, elsewhere)


def test_every_hook_of_ours_is_a_hook_of_git() -> None:
    assert set(shims.HOOKS) <= set(shims.ALL)

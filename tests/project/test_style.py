"""Linters, types and shell: the commands of CONTRIBUTING, run as tests."""

from __future__ import annotations

import sys

import pytest

from tests.fixtures.processes import execute, tool
from tests.fixtures.tracked import ROOT, text_files


def python(*arguments: str) -> None:
    execute(sys.executable, "-m", *arguments, cwd=ROOT)


def test_ruff_finds_nothing() -> None:
    python("ruff", "check")


def test_every_file_is_formatted() -> None:
    python("ruff", "format", "--check", "--diff")


def test_the_package_has_strict_types() -> None:
    python("mypy")


@pytest.mark.parametrize("command", [("run", "type:check"), ("fmt", "--check")], ids=" ".join)
def test_the_hatch_scripts_agree(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    tool("git-model")  # else hatch would install the project into this environment
    # The environment of this run, so that hatch has nothing to fetch.
    monkeypatch.setenv("HATCH_ENV_TYPE_VIRTUAL_PATH", sys.prefix)
    execute(tool("hatch"), *command, cwd=ROOT)


def test_the_shell_scripts_are_portable() -> None:
    scripts = [
        path
        for path, text in text_files()
        if text.startswith("#!/bin/sh") or path.suffix == ".sh"
    ]
    execute(tool("shellcheck"), "--shell=sh", *scripts, cwd=ROOT)

"""What a hook imports before it does anything: a person waits for each module."""

from __future__ import annotations

import subprocess
import sys

import pytest

_TOLD = "import sys, git_model_security.{0}; print(*sorted(sys.modules), sep='\\n')"


@pytest.mark.parametrize("name", ["hooks.pre_commit", "hooks.index_guard", "filter.server"])
def test_a_hook_waits_for_no_dataclass(name: str) -> None:
    """`dataclasses` and `inspect` with it cost a hook as much as starting Python does."""
    assert not {"dataclasses", "inspect"} & imported(name)


@pytest.mark.parametrize("name", ["hooks.pre_commit", "filter.server", "team.epochs"])
def test_what_seals_waits_for_no_library_that_wraps_keys(name: str) -> None:
    assert not {"pyrage", "bcrypt"} & imported(name)


def test_the_keys_of_a_list_are_read_without_its_judge() -> None:
    ours = {module for module in imported("team.epochs") if "git_model_security.team" in module}
    assert ours == {"git_model_security.team", "git_model_security.team.epochs"}


def imported(name: str) -> set[str]:
    command = (sys.executable, "-I", "-c", _TOLD.format(name))
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert f"git_model_security.{name}" in modules
    return {*modules}

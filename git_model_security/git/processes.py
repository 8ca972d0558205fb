"""Which git command a process runs under: what Git itself does not tell its hooks."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from git_model_security.git import config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.git.repository import Repository

_MAX_ANCESTORS = 12
"""Shells, wrappers and hook managers stand between git and a hook."""

_WITH_VALUE = {
    *("-c", "-C", "--git-dir", "--work-tree", "--namespace", "--super-prefix"),
    *("--config-env", "--attr-source"),
}
"""Options of git itself that take the next word (git, "OPTIONS")."""


def command(repo: Repository) -> str:
    """Returns the subcommand (`fetch`) of the git that runs this hook; empty if unknown.

    An alias is looked up, since git runs what it stands for in the same process.
    """
    name, *_ = words() or [""]
    return _unaliased(repo, name)


def words(ancestors: int = _MAX_ANCESTORS) -> list[str]:
    """Returns the subcommand of the git above this process, and what it was given.

    Args:
        ancestors: how many processes may stand above, git included.

    Returns:
        The words as they were typed; none if it is unknown.
    """
    process = os.getppid()
    for _ in range(ancestors):
        parent, line = _process(process)
        name = PurePath(line[0]).name if line else ""
        if name == "git":
            return _subcommand(line[1:])
        if name.startswith("git-") and not name.startswith("git-model"):
            return [name.removeprefix("git-"), *line[1:]]
        if parent <= 1:
            break
        process = parent
    return []


def _subcommand(line: Sequence[str]) -> list[str]:
    place = 0
    while place < len(line) and line[place].startswith("-"):
        place += 2 if line[place] in _WITH_VALUE else 1
    return list(line[place:])


def _unaliased(repo: Repository, name: str) -> str:
    alias = config.get(repo, f"alias.{name}") if name.isalnum() else None
    if not alias or alias.startswith("!"):
        return name
    try:
        return (_subcommand(shlex.split(alias)) or [""])[0]
    except ValueError:
        return name


def _process(process: int) -> tuple[int, list[str]]:
    """Returns the parent and the words of the command line of a process."""
    directory = Path("/proc") / str(process)
    try:
        # proc(5): the name in parentheses may hold anything; the parent is second after it.
        stat = (directory / "stat").read_bytes().rpartition(b")")[2].split()
        line = (directory / "cmdline").read_bytes().split(b"\0")
        return int(stat[1]), [os.fsdecode(word) for word in line if word]
    except (OSError, IndexError, ValueError):
        return _process_by_ps(process)


def _process_by_ps(process: int) -> tuple[int, list[str]]:
    # POSIX; where /proc is not what it is on Linux.
    try:
        done = subprocess.run(
            ("ps", "-o", "ppid=", "-o", "args=", "-p", str(process)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        parent, *line = done.stdout.decode("utf-8", "replace").split()
        return int(parent), line
    except (OSError, ValueError):
        return 0, []

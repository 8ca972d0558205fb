"""Scratch repositories under a home of their own: the user's files are not touched."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MODEL = (sys.executable, "-I", "-m", "git_model_security")

_GITCONFIG = """\
[user]
\tname = Bench
\temail = bench@example.com
[init]
\tdefaultBranch = main
[maintenance]
\tauto = false
[gc]
\tauto = 0
"""


class Place:
    """A directory to measure in, and the environment to measure under."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        home = directory / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(_GITCONFIG)
        programs = directory / "bin"
        programs.mkdir()
        program = programs / "git-model"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(MODEL)} "$@"\n')
        program.chmod(0o755)
        # What the caller's shell says of Git or of keys must not count here.
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GIT_", "XDG_", "PYTHON"))
        }
        self.env = kept | {
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
            "PATH": f"{programs}{os.pathsep}{kept.get('PATH', os.defpath)}",
        }

    def repository(self, name: str) -> Path:
        """Makes an empty repository."""
        path = self.directory / name
        self.run("git", "init", "--quiet", str(path), cwd=self.directory)
        return path

    def run(self, *words: str, cwd: Path, env: Mapping[str, str] | None = None) -> float:
        """Runs a program and returns the seconds it took.

        Args:
            words: the program and its arguments.
            cwd: where to run it.
            env: variables on top of the place's own.

        Raises:
            SystemExit: it failed; what it said is the message.
        """
        start = time.perf_counter()
        done = subprocess.run(
            words,
            cwd=cwd,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        seconds = time.perf_counter() - start
        if done.returncode:
            said = (done.stdout + done.stderr).decode("utf-8", "replace")
            sys.exit(f"{shlex.join(words)} ended with {done.returncode}:\n{said}")
        return seconds


def fill(repository: Path, names: list[str], size_bytes: int) -> None:
    """Writes files of random bytes."""
    for name in names:
        file = repository / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(size_bytes))

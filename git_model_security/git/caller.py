"""Which Git command started this process, where its answer depends on that.

Git tells a filter what to do and not what for: `git status` runs clean to compare, and
`git add` to keep. Only the system knows who asks.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

_LOOKS = frozenset(
    {
        *("blame", "describe", "diff", "diff-files", "diff-index", "status"),
        *("checkout", "reset", "restore", "rm", "switch"),
    }
)
"""Commands that run clean to compare, and keep nothing of it; all others may."""
_REFRESHES = frozenset(
    {"-q", "--clear-resolve-undo", "--really-refresh", "--refresh", "--unmerged"}
)
"""Options of `update-index` with which it only compares, where it gets no others."""
_TAKES_VALUE = frozenset(
    {"-C", "-c", "--config-env", "--git-dir", "--namespace", "--work-tree", "--super-prefix"}
)
_SHELLS = 2
"""Git starts a filter through a shell, which mostly becomes the filter."""
_PROC = Path("/proc")


def only_looks() -> bool:
    """Tells whether the Git command that runs us keeps nothing; unknown is no."""
    process = os.getppid()
    for _ in range(_SHELLS):
        words, parent = _asked(process)
        if words and _name(words[0]) == "git":
            command, *more = _command(words[1:])
            return command in _LOOKS or (command == "update-index" and {*more} <= _REFRESHES)
        process = parent
    return False


def _asked(process: int) -> tuple[list[str], int]:
    """Returns the command line of a process and the process above it."""
    try:
        if _PROC.joinpath("self").exists():
            words = (_PROC / str(process) / "cmdline").read_bytes().split(b"\0")[:-1]
            status = (_PROC / str(process) / "status").read_bytes()
            above = re.search(rb"^PPid:\s*(\d+)", status, re.MULTILINE)
            return [os.fsdecode(word) for word in words], int(above[1]) if above else 0
        asked = ("ps", "-o", "ppid=", "-o", "command=", "-p", str(process))
        parent, *rest = subprocess.run(
            asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        ).stdout.split()
        return [os.fsdecode(word) for word in rest], int(parent)
    except (OSError, ValueError):
        return [], 0


def _name(word: str) -> str:
    return word.rsplit("/", 1)[-1]


def _command(words: list[str]) -> list[str]:
    """Returns the command behind the options that are for git itself, and its words."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in _TAKES_VALUE else 1
    return words[place:] or [""]

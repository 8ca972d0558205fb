"""Many small files: add, checkout and status, beside other filters in the same run."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.place import fill

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.place import Place

FILES = 2000
FILE_BYTES = 4096
PART = f"{FILES} files of {FILE_BYTES} bytes"
_NAMES = [f"part-{number // 100:02}/{number:04}.bin" for number in range(FILES)]
_LIMIT = 10
_ROUNDS = {"git-model": 3, "git-crypt": 1, "git-lfs": 3}

Seconds = dict[str, float]


def figures(place: Place) -> list[Figure]:
    ours = _measured(place, "git-model")
    peers = {
        name: _measured(place, name) for name in ("git-crypt", "git-lfs") if shutil.which(name)
    }
    found = []
    for operation, seconds in ours.items():
        for name, theirs in peers.items():
            found.append(
                Figure(
                    PART,
                    f"{operation}, times faster than {name}",
                    theirs[operation] / seconds,
                    "x",
                    _LIMIT if name == "git-crypt" else None,
                    at_least=True,
                    peer=f"{seconds:.2f} s, {name} {theirs[operation]:.2f} s",
                )
            )
    return found


def _measured(place: Place, filter_name: str) -> Seconds:
    """Returns the median of each operation."""
    rounds = [
        _round(place, filter_name, f"{filter_name}-{number}")
        for number in range(_ROUNDS[filter_name])
    ]
    return {
        operation: statistics.median(seconds[operation] for seconds in rounds)
        for operation in rounds[0]
    }


def _round(place: Place, filter_name: str, name: str) -> Seconds:
    repository = place.repository(name)
    fill(repository, _NAMES, FILE_BYTES)
    _prepare(place, filter_name, repository)
    seconds = {"git add": place.run("git", "add", ".", cwd=repository)}
    place.run("git", "commit", "--quiet", "-m", "all of them", cwd=repository)
    for directory in repository.glob("part-*"):
        shutil.rmtree(directory)
    seconds["git checkout"] = place.run("git", "checkout", "--", ".", cwd=repository)
    for file in _NAMES:
        # Another time than the index has: Git runs clean over the content again.
        os.utime(repository / file, (time.time() - 60,) * 2)
    seconds["git status"] = place.run("git", "status", cwd=repository)
    shutil.rmtree(repository)
    return seconds


def _prepare(place: Place, filter_name: str, repository: Path) -> None:
    if filter_name == "git-model":
        place.run("git-model", "init", "--profile", "all", cwd=repository)
        return
    if filter_name == "git-crypt":
        place.run("git-crypt", "init", cwd=repository)
        driver = "git-crypt"
    else:
        place.run("git", "lfs", "install", "--local", "--skip-repo", cwd=repository)
        driver = "lfs"
    (repository / ".gitattributes").write_text(f"*.bin filter={driver} diff={driver} -text\n")

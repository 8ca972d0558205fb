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
_OURS = "git-model"
_ORDER = (_OURS, "git-lfs", "git-crypt", _OURS, "git-lfs", _OURS)
"""git-crypt once, for it takes a minute, and in the middle: the machine may grow busy."""

Seconds = dict[str, float]


def figures(place: Place) -> list[Figure]:
    rounds: dict[str, list[Seconds]] = {_OURS: [], "git-crypt": [], "git-lfs": []}
    for number, name in enumerate(_ORDER):
        if name == _OURS or shutil.which(name):
            rounds[name].append(_round(place, name, f"{name}-{number}"))
    peers = {name: _medians(found) for name, found in rounds.items() if found}
    ours = peers.pop(_OURS)
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


def _medians(rounds: list[Seconds]) -> Seconds:
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
    if filter_name == _OURS:
        place.run("git-model", "init", "--profile", "all", cwd=repository)
        return
    if filter_name == "git-crypt":
        place.run("git-crypt", "init", cwd=repository)
        driver = "git-crypt"
    else:
        place.run("git", "lfs", "install", "--local", "--skip-repo", cwd=repository)
        driver = "lfs"
    (repository / ".gitattributes").write_text(f"*.bin filter={driver} diff={driver} -text\n")

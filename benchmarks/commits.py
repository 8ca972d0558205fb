"""A commit that changes no protected file, beside the same commit with plain Git."""

from __future__ import annotations

import resource
import statistics
import time
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.place import fill

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.place import Place

PART = "a commit that changes no protected file, 20 protected files beside it"
_PAIRS = 11
_LIMIT_SECONDS = 0.4
_NAMES = [f"model-{number:02}.safetensors" for number in range(20)]
_FILE_BYTES = 64 * 1024
_RACY_SECONDS = 1.1
"""Git reads a file again that changed in the second of its index (racy-git): whoever
commits has worked longer than that since the last commit."""
_CHANGED = {"weights": "README.md", "all": ".gitignore"}


def figures(place: Place) -> list[Figure]:
    return [
        figure for profile, path in _CHANGED.items() for figure in _pair(place, profile, path)
    ]


def _pair(place: Place, profile: str, path: str) -> list[Figure]:
    ours, plain = place.repository(f"commit-{profile}"), place.repository(f"plain-{profile}")
    place.run("git-model", "init", "--profile", profile, cwd=ours)
    for repository in (ours, plain):
        fill(repository, _NAMES, _FILE_BYTES)
        place.run("git", "add", ".", cwd=repository)
        _commit(place, repository, path, 0)
    # In pairs: a machine that grows busy slows both.
    pairs = [
        (_commit(place, ours, path, number), _commit(place, plain, path, number))
        for number in range(1, _PAIRS + 1)
    ]
    wall = statistics.median(mine[0] - theirs[0] for mine, theirs in pairs)
    busy = statistics.median(mine[1] - theirs[1] for mine, theirs in pairs)
    plain_seconds = statistics.median(theirs[0] for _, theirs in pairs)
    name = f"{path}, profile {profile}: over plain Git"
    peer = f"plain {plain_seconds:.2f} s, median of {_PAIRS} pairs"
    return [
        Figure(PART, name, wall, "s", _LIMIT_SECONDS, peer=peer),
        Figure(PART, "  of which a processor worked", busy, "s"),
    ]


def _commit(place: Place, repository: Path, path: str, number: int) -> tuple[float, float]:
    """Commits, and returns the seconds it took and those that a processor worked."""
    (repository / path).write_text(f"round-{number}\n")
    time.sleep(_RACY_SECONDS)
    place.run("git", "add", path, cwd=repository)
    before = _busy_seconds()
    seconds = place.run("git", "commit", "--quiet", "-m", str(number), cwd=repository)
    return seconds, _busy_seconds() - before


def _busy_seconds() -> float:
    """Returns what all children have used; a busy machine stretches it far less."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

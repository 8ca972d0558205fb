"""A commit that changes no protected file, beside the same commit with plain Git."""

from __future__ import annotations

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
    return [_figure(place, profile, path) for profile, path in _CHANGED.items()]


def _figure(place: Place, profile: str, path: str) -> Figure:
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
    over = statistics.median(mine - theirs for mine, theirs in pairs)
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Figure(
        PART,
        f"{path}, profile {profile}: over plain Git",
        over,
        "s",
        _LIMIT_SECONDS,
        peer=f"{mine:.2f} s, plain {theirs:.2f} s, median of {_PAIRS} pairs",
    )


def _commit(place: Place, repository: Path, path: str, number: int) -> float:
    (repository / path).write_text(f"round-{number}\n")
    time.sleep(_RACY_SECONDS)
    place.run("git", "add", path, cwd=repository)
    return place.run("git", "commit", "--quiet", "-m", str(number), cwd=repository)

"""What a large file costs when it did not change: `git status`, and commits beside it."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.large import content, turns
from benchmarks.large.peers import LARGE, Peer, remove
from benchmarks.large.scale import rate, shown

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.large.scale import Scale
    from benchmarks.place import Place

_STATUS_TIMES = 4.0
_COMMIT_LIMIT = 1.1
_COMMIT_PAIRS = 11
_SMALL = "config.json"
_SMALL_BYTES = 1024
_RACY_SECONDS = 1.1
"""Git reads a file again that changed in the second of its index (racy-git)."""


def status(place: Place, scale: Scale) -> list[Figure]:
    source = content.random_file(place.directory / "data" / LARGE, scale.size_bytes)
    peers = (Peer(place, "sha256"), Peer(place))
    origins = {peer.name: peer.committed(f"status {peer.name}", source) for peer in peers}
    runs = {name: partial(_status, place, origin) for name, origin in origins.items()}
    took = turns.take(runs, scale.pairs)
    for origin in origins.values():
        remove(origin)
    said = {name: rate(scale.size_bytes, took.seconds(name)) for name in took.rounds}
    return [
        Figure(
            f"git status after touch of {shown(scale.size_bytes)}",
            "times faster than git-lfs",
            took.ratio("git-lfs", "git-model sha256"),
            "x",
            _STATUS_TIMES,
            at_least=True,
            peer=f"{said['git-model sha256']}, git-lfs {said['git-lfs']}",
        )
    ]


def _status(place: Place, repository: Path) -> float:
    # Another time than the index has, and than it had before.
    os.utime(repository / LARGE)
    time.sleep(_RACY_SECONDS)
    return place.run("git", "status", cwd=repository)


def commit(place: Place, scale: Scale) -> list[Figure]:
    large = content.random_file(place.directory / "data" / "beside.bin", scale.largest_bytes)
    small = content.random_file(place.directory / "data" / _SMALL, _SMALL_BYTES)
    peer = Peer(place, "sha256")
    with_model = peer.repository("beside", large)
    without = peer.repository("alone", small)
    for repository in (with_model, without):
        (repository / _SMALL).write_bytes(os.urandom(_SMALL_BYTES))
        place.run("git", "add", ".", cwd=repository)
        place.run("git", "commit", "--quiet", "-m", "all of it", cwd=repository)
    without_name, with_name = "without the model", "beside the model"
    runs = {
        with_name: partial(_commit, place, with_model),
        without_name: partial(_commit, place, without),
    }
    took = turns.take(runs, _COMMIT_PAIRS)
    for path in (with_model, without):
        remove(path)
    large.unlink()
    seconds = f"{took.seconds(with_name):.2f} s, without {took.seconds(without_name):.2f} s"
    return [
        Figure(
            f"commit of a change of 1 KiB beside {shown(scale.largest_bytes)} of model",
            "as long as without the model",
            took.ratio(with_name, without_name),
            "x",
            _COMMIT_LIMIT,
            peer=f"{seconds}, median of {_COMMIT_PAIRS} pairs",
        )
    ]


def _commit(place: Place, repository: Path) -> float:
    """Returns the seconds of the add and of the commit."""
    (repository / _SMALL).write_bytes(os.urandom(_SMALL_BYTES))
    time.sleep(_RACY_SECONDS)
    added = place.run("git", "add", _SMALL, cwd=repository)
    return added + place.run("git", "commit", "--quiet", "-m", "a change", cwd=repository)

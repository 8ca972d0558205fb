"""Cost against size: a line, with no upward bend."""

from __future__ import annotations

import importlib
import statistics
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.figure import Figure
from benchmarks.large import content, turns
from benchmarks.large.peers import CHECKOUT, Peer, remove
from benchmarks.large.scale import GIB, shown

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.large.scale import Scale
    from benchmarks.place import Place

_BEND_LIMIT = 1.15
_ADD, _CHECKOUT = "git add", "git model checkout"
_OURS = "git-model"
Line = list[tuple[int, float]]
"""Bytes, and the seconds that these took."""


def measure(place: Place, scale: Scale) -> dict[str, Line]:
    """Returns a line for each work of git-model and of git-lfs."""
    found: dict[str, dict[int, list[float]]] = {}
    for number in range(scale.pairs):
        # Up and down by turns: a disk that grows slower must not look like a bend.
        for size_bytes in scale.steps[:: -1 if number % 2 else 1]:
            source = place.directory / "data" / "growing"
            content.random_file(source / "model.safetensors", size_bytes)
            for name, seconds in _round(place, source).items():
                print(f"  {shown(size_bytes)}, {name}: {seconds:.2f} s", file=sys.stderr)
                found.setdefault(name, {}).setdefault(size_bytes, []).append(seconds)
            remove(source)
    return {
        name: [(size, statistics.median(seconds)) for size, seconds in sorted(sizes.items())]
        for name, sizes in found.items()
    }


def figures(lines: dict[str, Line]) -> list[Figure]:
    """Returns how far the largest file is above the line through the smaller ones."""
    found = []
    for name, line in lines.items():
        smaller, (size, seconds) = line[:-1], line[-1]
        slope, start = statistics.linear_regression(*zip(*smaller, strict=True))
        points = ", ".join(f"{shown(at)} {took:.2f} s" for at, took in line)
        found.append(
            Figure(
                "cost against size: the largest file against the line of the smaller ones",
                name,
                seconds / (start + slope * size),
                "x",
                _BEND_LIMIT if name.startswith(_OURS) else None,
                peer=points,
            )
        )
    return found


def plot(lines: dict[str, Line], file: Path) -> None:
    """Draws the lines; the name's ending says in what format.

    Raises:
        SystemExit: matplotlib is not installed.
    """
    figure, axes = _pyplot().subplots(figsize=(8, 5))
    for name, line in lines.items():
        sizes, seconds = zip(*line, strict=True)
        style = "o-" if name.startswith(_OURS) else "s--"
        axes.plot([size / GIB for size in sizes], seconds, style, label=name)
    axes.set(xlabel="GiB", ylabel="seconds", title="Cost against size", xlim=0, ylim=0)
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(file)


def need_plotting() -> None:
    """Ends the program before the measurement, not after it, where a plot cannot be made."""
    _pyplot()


def _pyplot() -> Any:
    try:
        importlib.import_module("matplotlib").use("agg")
        return importlib.import_module("matplotlib.pyplot")
    except ImportError:
        sys.exit("--plot needs matplotlib: pip install matplotlib")


def _round(place: Place, source: Path) -> dict[str, float]:
    seconds = {}
    for peer in (Peer(place, "sha256"), Peer(place)):
        ours = peer.digest is not None
        origin = peer.repository(f"growth {peer.name}", source)
        turns.settle()
        name = _OURS if ours else peer.name
        seconds[f"{name}: {_ADD}"] = place.run("git", "add", ".", cwd=origin)
        place.run("git", "commit", "--quiet", "-m", "all of it", cwd=origin)
        clone = peer.clone(origin, "growth clone")
        if ours:
            peer.pointers(clone)
        turns.settle()
        words = ("git-model", "checkout") if ours else CHECKOUT
        label = _CHECKOUT if ours else "git checkout"
        seconds[f"{name}: {label}"] = place.run(*words, cwd=clone)
        remove(clone)
        remove(origin)
    return seconds

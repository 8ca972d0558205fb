"""Checkout of a large file whose object is here: through the filter, and directly.

Each run has a fresh clone, so that nothing is known from a run before.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.large import content, turns
from benchmarks.large.peers import CHECKOUT, LARGE, VERIFY_OFF, Peer, remove
from benchmarks.large.scale import rate, shown
from benchmarks.large.signing import Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.large.scale import Scale
    from benchmarks.place import Place

_THROUGH_FILTER = ("git", "-c", "git-model.directThreshold=1t", *CHECKOUT[1:])
_LFS = "git-lfs"
_UNCHECKED_LIMIT = 1.1
_CHECKED_TIMES = 1.0
_CHECKED_LIMIT = 1.1
_DIRECT_TIMES = 2.0


def filtered(place: Place, scale: Scale) -> list[Figure]:
    """Returns the figures of the road through the filter."""
    sha256, blake3, lfs = Peer(place, "sha256"), Peer(place, "blake3"), Peer(place)
    with _origins(place, scale, sha256, blake3, lfs) as origins:
        runs: dict[str, Callable[[], float]] = {
            _LFS: _through_filter(lfs, origins[lfs], trusting=False),
            "off": _through_filter(sha256, origins[sha256], trusting=False),
            "off blake3": _through_filter(blake3, origins[blake3], trusting=False),
            "sha256": _through_filter(sha256, origins[sha256], trusting=True),
            "blake3": _through_filter(blake3, origins[blake3], trusting=True),
            "model_signing": _Verifying(place, origins[lfs]),
        }
        took = turns.take(runs, scale.pairs)
    return _filtered_table(took, scale)


def direct(place: Place, scale: Scale) -> list[Figure]:
    """Returns the figures of `git model checkout`, which writes without the filter."""
    ours, lfs = Peer(place, "sha256"), Peer(place)
    with _origins(place, scale, ours, lfs) as origins:
        runs: dict[str, Callable[[], float]] = {
            _LFS: _through_filter(lfs, origins[lfs], trusting=False),
            "direct": _direct(ours, origins[ours], "git-model", "checkout"),
            "git lfs checkout": _direct(lfs, origins[lfs], "git", "lfs", "checkout"),
        }
        took = turns.take(runs, scale.pairs)
    said = {name: rate(scale.size_bytes, took.seconds(name)) for name in took.rounds}
    return [
        Figure(
            f"git model checkout of {shown(scale.size_bytes)}, the object here",
            f"times faster than {command}",
            took.ratio(name, "direct"),
            "x",
            limit,
            at_least=True,
            peer=f"{said['direct']}, {command} {said[name]}",
        )
        for name, command, limit in (
            (_LFS, "git checkout with git-lfs", _DIRECT_TIMES),
            ("git lfs checkout", "git lfs checkout", None),
        )
    ]


@contextlib.contextmanager
def _origins(place: Place, scale: Scale, *peers: Peer) -> Iterator[dict[Peer, Path]]:
    """Makes a repository of each peer to clone from, for as long as they are needed."""
    source = content.random_file(place.directory / "data" / LARGE, scale.size_bytes)
    origins = {peer: peer.committed(f"from {peer.name}", source) for peer in peers}
    yield origins
    for origin in origins.values():
        remove(origin)


def _filtered_table(took: turns.Turns, scale: Scale) -> list[Figure]:
    said = {name: rate(scale.size_bytes, took.seconds(name)) for name in took.rounds}
    part = f"git checkout of {shown(scale.size_bytes)} through the filter, the object here"
    lfs = f"git-lfs {said[_LFS]}"
    unchecked = Figure(
        part,
        "verification off: as long as git-lfs",
        took.ratio("off", _LFS),
        "x",
        _UNCHECKED_LIMIT,
        peer=f"{said['off']}, {lfs}",
    )
    checked = [
        Figure(
            part,
            f"{digest}, verified: times faster than git-lfs and model_signing",
            took.ratio(_LFS, digest, plus="model_signing"),
            "x",
            _CHECKED_TIMES,
            at_least=True,
            peer=f"{said[digest]}, {lfs}, model_signing {said['model_signing']}",
        )
        for digest in ("sha256", "blake3")
    ]
    costs = Figure(
        part,
        "blake3, verified: as long as not verified",
        took.ratio("blake3", "off blake3"),
        "x",
        _CHECKED_LIMIT,
        peer=f"{said['blake3']}, unverified {said['off blake3']}",
    )
    return [unchecked, *checked, costs]


def _through_filter(peer: Peer, origin: Path, *, trusting: bool) -> Callable[[], float]:
    def run() -> float:
        clone = peer.clone(origin, "clone", trusting=trusting)
        turns.settle()
        env = {} if trusting else VERIFY_OFF
        seconds = peer.place.run(*_THROUGH_FILTER, cwd=clone, env=env)
        if trusting:  # what was measured must have been a good verification
            peer.place.run("git-model", "verify", "HEAD", cwd=clone)
        _assert_complete(origin, clone)
        remove(clone)
        return seconds

    return run


def _direct(peer: Peer, origin: Path, *words: str) -> Callable[[], float]:
    def run() -> float:
        clone = peer.clone(origin, "clone")
        peer.pointers(clone)
        turns.settle()
        seconds = peer.place.run(*words, cwd=clone)
        _assert_complete(origin, clone)
        remove(clone)
        return seconds

    return run


class _Verifying:
    """Has `model_signing` verify what git-lfs checked out; a run for `turns.take`."""

    def __init__(self, place: Place, checked_out: Path) -> None:
        self._signer = Signer.make(place)
        self._model = checked_out
        self._signature = self._signer.sign(checked_out)

    def __call__(self) -> float:
        turns.settle()
        return self._signer.verify(self._model, self._signature)


def _assert_complete(origin: Path, clone: Path) -> None:
    """Fails unless the whole file came: a pointer is written faster."""
    sizes = [(directory / LARGE).stat().st_size for directory in (origin, clone)]
    assert sizes[0] == sizes[1], f"{LARGE} has {sizes[1]} bytes, not {sizes[0]}"

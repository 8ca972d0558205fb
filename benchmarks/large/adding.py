"""`git add` of a large file, beside git-lfs and beside one SHA-256 of the same file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.large import content, turns
from benchmarks.large.peers import LARGE, Peer, remove, stored_bytes
from benchmarks.large.scale import rate, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.large.scale import Scale
    from benchmarks.place import Place

_SHA256, _BLAKE3, _LFS, _OPENSSL = "git-model sha256", "git-model blake3", "git-lfs", "openssl"
_SHA256_TIMES = 1.4
_BLAKE3_TIMES = 2.2
_OPENSSL_LIMIT = 1.4


def figures(place: Place, scale: Scale) -> list[Figure]:
    """Returns the figures of one large file."""
    source = content.random_file(place.directory / "data" / LARGE, scale.size_bytes)

    def openssl() -> float:
        return place.run("openssl", "dgst", "-sha256", str(source), cwd=place.directory)

    peers = (Peer(place, "sha256"), Peer(place, "blake3"), Peer(place))
    runs = {peer.name: _adding(peer, source, scale.size_bytes) for peer in peers}
    took = turns.take({**runs, _OPENSSL: openssl}, scale.pairs)
    part = f"git add of {shown(scale.size_bytes)}"
    said = {name: rate(scale.size_bytes, took.seconds(name)) for name in took.rounds}
    found = [
        Figure(
            part,
            f"{name.partition(' ')[2]}: times faster than git-lfs",
            took.ratio(_LFS, name),
            "x",
            limit,
            at_least=True,
            peer=f"{said[name]}, git-lfs {said[_LFS]}",
        )
        for name, limit in ((_SHA256, _SHA256_TIMES), (_BLAKE3, _BLAKE3_TIMES))
    ]
    by_openssl = took.ratio(_BLAKE3, _OPENSSL)
    peer = f"openssl {said[_OPENSSL]}"
    name = "blake3: as long as openssl dgst -sha256"
    return [*found, Figure(part, name, by_openssl, "x", _OPENSSL_LIMIT, peer=peer)]


def directory(place: Place, scale: Scale) -> list[Figure]:
    """Returns the figures of a directory that is shaped like a model of 7B parameters."""
    source = content.model_directory(place.directory / "data" / "7b", scale.size_bytes)
    peers = (Peer(place, "sha256"), Peer(place))
    took = turns.take(
        {peer.name: _adding(peer, source, scale.size_bytes) for peer in peers}, scale.pairs
    )
    said = {name: rate(scale.size_bytes, took.seconds(name)) for name in took.rounds}
    return [
        Figure(
            f"git add of a directory like a 7B model, {shown(scale.size_bytes)}",
            "sha256: times faster than git-lfs",
            took.ratio(_LFS, _SHA256),
            "x",
            peer=f"{said[_SHA256]}, git-lfs {said[_LFS]}",
        )
    ]


def _adding(peer: Peer, source: Path, size_bytes: int) -> Callable[[], float]:
    """Returns a run in a repository that has seen nothing of the content before."""

    def run() -> float:
        repository = peer.repository(f"add {peer.name}", source)
        turns.settle()
        seconds = peer.place.run("git", "add", ".", cwd=repository)
        # As objects, for that is what is compared; an inline blob takes another time.
        assert stored_bytes(repository) >= size_bytes, "not all of it became objects"
        remove(repository)
        return seconds

    return run

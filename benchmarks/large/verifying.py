"""`git model verify` of four large files, beside the stock `model_signing verify`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.large import content, turns
from benchmarks.large.peers import Peer, remove
from benchmarks.large.scale import rate, shown
from benchmarks.large.signing import Signer

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.large.scale import Scale
    from benchmarks.place import Place

_FILES = 4
_TIMES = 5.0


def figures(place: Place, scale: Scale) -> list[Figure]:
    each = scale.size_bytes // 2
    source = place.directory / "data" / "four"
    for number in range(_FILES):
        content.random_file(source / f"model-{number}.safetensors", each)
    signer = Signer.make(place)
    signature = signer.sign(source)
    origins = {
        digest: Peer(place, digest).committed(f"verify {digest}", source)
        for digest in ("blake3", "sha256")
    }
    runs: dict[str, Callable[[], float]] = {
        digest: partial(place.run, "git-model", "verify", cwd=origin)
        for digest, origin in origins.items()
    }
    runs["model_signing"] = partial(signer.verify, source, signature)
    turns.settle()
    took = turns.take(runs, scale.pairs)
    for directory in (*origins.values(), source):
        remove(directory)
    said = {name: rate(_FILES * each, took.seconds(name)) for name in took.rounds}
    return [
        Figure(
            f"git model verify of {_FILES} files of {shown(each)}",
            f"{digest}: times faster than model_signing verify",
            took.ratio("model_signing", digest),
            "x",
            _TIMES if digest == "blake3" else None,
            at_least=True,
            peer=f"{said[digest]}, model_signing {said['model_signing']}",
        )
        for digest in origins
    ]

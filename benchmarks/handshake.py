"""How long Git waits for the filter process, and what that process imports."""

from __future__ import annotations

import io
import statistics
import time
from typing import TYPE_CHECKING

from benchmarks.conversation import Conversation
from benchmarks.figure import Figure
from benchmarks.place import MODEL, fill

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.place import Place

PART = "handshake: from the spawn of filter-process until Git may ask"
_ROUNDS = 15
_LIMIT_MS = 120
_UNWANTED = ("pygit2", "click", "rich", "model_signing", "sigstore")


def figures(place: Place) -> list[Figure]:
    repository = place.repository("handshake")
    fill(repository, ["model.safetensors"], 4096)
    place.run("git-model", "init", cwd=repository)
    ours, bare = [], []
    for _ in range(_ROUNDS):
        ours.append(_milliseconds(place, repository))
        bare.append(1000 * place.run(MODEL[0], "-I", "-c", "pass", cwd=repository))
    imported = _imported(place, repository)
    unwanted = [name for name in _UNWANTED if name in imported]
    median = statistics.median(ours)
    python = f"Python alone takes {statistics.median(bare):.0f} ms to start and end"
    return [
        Figure(PART, "median", median, "ms", _LIMIT_MS, peer=python),
        Figure(PART, "slowest", max(ours), "ms", peer=f"of {_ROUNDS}"),
        Figure(
            PART,
            "unwanted packages imported",
            len(unwanted),
            "",
            limit=0,
            peer=" ".join(unwanted) or f"none of {' '.join(_UNWANTED)}, after a clean too",
        ),
    ]


def _milliseconds(place: Place, repository: Path) -> float:
    start = time.perf_counter()
    with Conversation(*MODEL, "filter-process", cwd=repository, env=place.env) as git:
        git.shake_hands()
        return 1000 * (time.perf_counter() - start)


def _imported(place: Place, repository: Path) -> set[str]:
    """Returns the packages that a process which cleaned a file has imported."""
    python, *words = MODEL
    command = (python, "-X", "importtime", *words, "filter-process")
    with Conversation(*command, cwd=repository, env=place.env) as git:
        git.shake_hands()
        content = (repository / "model.safetensors").read_bytes()
        git.ask(b"clean", "model.safetensors", [content], io.BytesIO())
        lines = git.said().splitlines()
    names = (
        line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")
    )
    return {name.partition(".")[0] for name in names}

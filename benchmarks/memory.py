"""What the filter process keeps resident while a large file goes through it, inline.

`benchmarks.large` measures the same with git-lfs, and Git's own memory too.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from benchmarks.conversation import Conversation
from benchmarks.figure import Figure
from benchmarks.place import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.place import Place

PART = "resident memory of filter-process (VmHWM), one file of {mebibytes} MiB"
_LIMIT_MB = 150
_CHUNK_BYTES = 1 << 20
_NAME = "large.safetensors"


def figures(place: Place, mebibytes: int) -> list[Figure]:
    repository = place.repository("memory")
    place.run("git-model", "init", "--profile", "all", "--storage", "inline", cwd=repository)
    plain, sealed = repository / _NAME, place.directory / "sealed"
    with plain.open("wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(_CHUNK_BYTES))
    part = PART.format(mebibytes=mebibytes)
    found = [_figure(place, part, "clean", plain, sealed)]
    found.append(_figure(place, part, "smudge", sealed, plain))
    plain.unlink()
    sealed.unlink()
    return found


def _figure(place: Place, part: str, command: str, source: Path, target: Path) -> Figure:
    before = source.stat().st_size
    repository = place.directory / "memory"
    # Into another file: what arrives must be the whole of it, and then replaces the target.
    answer = target.with_name("answer")
    with Conversation(*MODEL, "filter-process", cwd=repository, env=place.env) as git:
        git.shake_hands()
        start = time.perf_counter()
        with answer.open("wb") as sink:
            git.ask(command.encode(), _NAME, _chunks(source), sink)
        seconds = time.perf_counter() - start
        peak = git.peak_bytes()
    answer.replace(target)
    return Figure(
        part,
        command,
        peak / 1e6,
        "MB",
        _LIMIT_MB,
        peer=f"{seconds:.1f} s at {before / seconds / 1e9:.2f} GB/s, both ends of the pipe",
    )


def _chunks(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk

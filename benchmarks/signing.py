"""Signing and verifying: ten thousand files, and large ones, beside stock model_signing."""

from __future__ import annotations

import os
import statistics
import sys
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.place import fill

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.place import Place

FILES = 10_000
_FILE_BYTES = 512
_NAMES = [f"part-{number // 100:03}/{number:05}.bin" for number in range(FILES)]
_SHARDS = [f"model-{number}-of-4.safetensors" for number in range(1, 5)]
_SHARD_MIB = 128
_PART = f"{FILES} signed files"
_LARGE_PART = f"{len(_SHARDS)} signed files of {_SHARD_MIB} MiB"
_LIMIT_SECONDS = 1.0
_ROUNDS = 3
_STOCK = (sys.executable, "-m", "model_signing", "verify", "key")


def figures(place: Place) -> list[Figure]:
    many, public = _committed(place, "many")
    return [
        *_from_cache(place, many),
        _beside_stock(place, many, public, _PART),
        _large(place),
    ]


def _large(place: Place) -> Figure:
    large, public = _committed(place, "shards")
    return _beside_stock(place, large, public, _LARGE_PART)


def _committed(place: Place, name: str) -> tuple[Path, Path]:
    """Returns a repository whose files are signed, and the public key."""
    repository = place.repository(f"signed-{name}")
    if name == "many":
        fill(repository, _NAMES, _FILE_BYTES)
    else:
        for shard in _SHARDS:
            (repository / shard).write_bytes(os.urandom(1 << 20) * _SHARD_MIB)
    place.run("git-model", "init", "--profile", "all", "--storage", "inline", cwd=repository)
    place.run("git", "add", ".", cwd=repository)
    place.run("git", "commit", "--quiet", "-m", "signed", cwd=repository)
    public = place.directory / f"{name}.pub"
    place.run("git-model", "key", "export", "--public", str(public), cwd=repository)
    return repository, public


def _from_cache(place: Place, repository: Path) -> list[Figure]:
    verify = [place.run("git-model", "verify", "HEAD", cwd=repository) for _ in range(_ROUNDS)]
    sign = []
    for number in range(_ROUNDS):
        (repository / _NAMES[0]).write_bytes(b"changed %d" % number)
        place.run("git", "add", _NAMES[0], cwd=repository)
        sign.append(place.run("git-model", "sign", cwd=repository))
    place.run("git", "commit", "--quiet", "-m", "changed", cwd=repository)
    how = f"median of {_ROUNDS}"
    return [
        Figure(
            _PART, "sign, one changed", statistics.median(sign), "s", _LIMIT_SECONDS, peer=how
        ),
        Figure(
            _PART,
            "verify HEAD, from cache",
            statistics.median(verify),
            "s",
            _LIMIT_SECONDS,
            peer=how,
        ),
    ]


def _beside_stock(place: Place, repository: Path, public: Path, part: str) -> Figure:
    stock = (*_STOCK, "--signature", "model.sig", "--public_key", str(public), ".")
    # In pairs: a machine that grows busy slows both.
    pairs = [
        (
            place.run("git-model", "verify", cwd=repository),
            place.run(*stock, cwd=repository),
        )
        for _ in range(_ROUNDS)
    ]
    ours = statistics.median(mine for mine, _ in pairs)
    theirs = statistics.median(seconds for _, seconds in pairs)
    return Figure(
        part,
        "verify the work tree, times faster than model_signing",
        statistics.median(seconds / mine for mine, seconds in pairs),
        "x",
        1,
        at_least=True,
        peer=f"{ours:.2f} s, model_signing {theirs:.2f} s",
    )

"""Models outside Git, beside model-encryption's way and the stock model_signing.

model-encryption is on no package index: `benchmarks.model_encryption` does what it does, by the
layout of its files (AES-256-CFB, HMAC-SHA256, PKCS7, four threads, a file each).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.figure import Figure

if TYPE_CHECKING:
    from benchmarks.place import Place

_ROUNDS = 3
_STOCK = (sys.executable, "-m", "model_signing")
_PEER = (sys.executable, "-m", "benchmarks.model_encryption")
_TOP = Path(__file__).parents[1]


class _Model(NamedTuple):
    """One of the seeds' table: a size, and in how many files."""

    name: str
    files: int
    file_bytes: int


_MODELS = (_Model("8 KB", 2, 4 << 10), _Model("215 MB", 4, 51 << 20))
_LARGE_MODELS = (_Model("2.8 GB", 8, 334 << 20), _Model("3.3 GB", 2, 1574 << 20))


def figures(place: Place, mebibytes: int, *, is_full: bool) -> list[Figure]:
    directory = place.directory / "directories"
    directory.mkdir()
    key, private, public = (directory / name for name in ("aes256.bin", "key.priv", "key.pub"))
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    place.run("git-model", "key", "generate-signing", str(private), str(public), cwd=directory)
    found = _encryption(place, directory, key, mebibytes)
    for model in (*_MODELS, *(_LARGE_MODELS if is_full else ())):
        found += _signing(place, directory, model, private, public)
    shutil.rmtree(directory)
    return found


def _encryption(place: Place, directory: Path, key: Path, mebibytes: int) -> list[Figure]:
    part = f"directory of {mebibytes} MiB, 8 files, in place"
    ours, theirs = directory / "ours", directory / "theirs"
    for top in (ours, theirs):
        _fill(top, _Model("", 8, (mebibytes << 20) // 8))
    seconds: dict[str, list[float]] = {}
    for _ in range(_ROUNDS):
        for verb in ("encrypt", "decrypt"):
            words = (verb, "--encryption-key", str(key), str(ours))
            seconds.setdefault(verb, []).append(place.run("git-model", *words, cwd=directory))
            words = (verb, str(key), str(theirs))
            seconds.setdefault(f"their {verb}", []).append(place.run(*_PEER, *words, cwd=_TOP))
    found = []
    for verb in ("encrypt", "decrypt"):
        own, other = min(seconds[verb]), min(seconds[f"their {verb}"])
        how = f"{own:.2f} s, {other:.2f} s"
        found += [
            Figure(
                part,
                f"{verb}: times model-encryption",
                other / own,
                "x",
                5,
                at_least=True,
                peer=how,
            ),
            Figure(part, verb, mebibytes / 1024 / own, "GiB/s", peer=f"{own:.2f} s"),
        ]
    for top in (ours, theirs):
        shutil.rmtree(top)
    return found


def _signing(
    place: Place, directory: Path, model: _Model, private: Path, public: Path
) -> list[Figure]:
    part = f"model of {model.name}, {model.files} files"
    top = directory / "model"
    _fill(top, model)
    ours, theirs = directory / "ours.sig", directory / "theirs.sig"
    sign = ("sign", "key", str(top), "--private_key", str(private), "--signature")
    verify = ("verify", "key", str(top), "--public_key", str(public), "--signature")
    runs = {
        "sign": (("git-model", *sign, str(ours)), (*_STOCK, *sign, str(theirs))),
        "verify": (("git-model", *verify, str(ours)), (*_STOCK, *verify, str(theirs))),
    }
    found = []
    for verb, (own_words, other_words) in runs.items():
        own, other = [], []
        for _ in range(_ROUNDS):
            own.append(place.run(*own_words, cwd=directory))
            other.append(place.run(*other_words, cwd=directory))
        how = f"{min(own):.2f} s, {min(other):.2f} s"
        ratio = min(own) / min(other)
        found.append(Figure(part, f"{verb}: as long as model_signing", ratio, "x", 1, peer=how))
    shutil.rmtree(top)
    return found


def _fill(top: Path, model: _Model) -> None:
    top.mkdir()
    content = os.urandom(min(model.file_bytes, 1 << 20))
    for number in range(model.files):
        with (top / f"model-{number}.safetensors").open("wb") as file:
            left = model.file_bytes
            while left:
                left -= file.write(content[:left])

"""Weights out of ciphertext into memory, beside the same weights in clear.

The runs are a process of their own (`benchmarks.loading_turns`), whose memory is asked for
once and kept: on a virtual machine the first touch of memory can take longer than all else.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.large.turns import Turns
from git_model_security.envelope import Key, encrypt
from git_model_security.envelope.root import of_file
from git_model_security.signing import keys, pem
from git_model_security.signing.by_key import KeySigner
from git_model_security.signing.manifest import ciphertext_manifest

if TYPE_CHECKING:
    from benchmarks.place import Place

KEY = bytes(range(32))
PLAIN, SEALED, PEER = "plain.safetensors", "sealed.safetensors", "peer.cryptotensors"
BUNDLE, PUBLIC = ".model-encrypted.sig", "signing.pub"
TENSOR = "embedding"
_TENSOR_MIB = 64
_LAYER_MIB = 16
_NORM_BYTES = 8192
# What malloc takes from the system it keeps, so that the next round finds it touched.
_RESIDENT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "99999999999"}


def figures(place: Place, mebibytes: int) -> list[Figure]:
    directory = place.directory / "loading"
    directory.mkdir()
    _write(directory / PLAIN, mebibytes)
    with (directory / PLAIN).open("rb") as plain, (directory / SEALED).open("wb") as sealed:
        encrypt(Key(KEY), plain, sealed)
    part = f"loading {mebibytes} MiB of safetensors, pages of the files in memory"
    _sign(directory)
    turns = Turns(_run(place, "turns", _RESIDENT))
    peak_bytes = _run(place, "peak", {})
    found = [
        _ratio(part, turns, "1 thread", "plain", 2.2),
        _ratio(part, turns, "2 threads", "plain", 1.4),
        *(
            [_ratio(part, turns, "2 threads", "cryptotensors", 1.0)]
            if "cryptotensors" in turns.rounds
            else []
        ),
        _ratio(part, turns, "1 thread", "read, AES-256-GCM, BLAKE3"),
        _ratio(part, turns, "load_file, 2 threads", "plain"),
        _ratio(part, turns, "signed root, 2 threads", "load_file, 2 threads", 1.05),
        _ratio(part, turns, "one tensor, 2 threads", "plain: one tensor", 1.3),
        Figure(part, "opening it", 1000 * turns.seconds("open"), "ms", 10),
        Figure(part, "memory over the plaintext", peak_bytes / 2**20, "MiB", 16, peer="VmHWM"),
    ]
    for path in directory.iterdir():
        path.unlink()
    return found


def _sign(directory: Path) -> None:
    """Writes the bundle that a repository has over its ciphertext, and the public key."""
    sealed, private = directory / SEALED, directory.parent / "signing.pem"
    with sealed.open("rb") as file:
        entries = [(SEALED.encode(), hashlib.file_digest(file, "sha256").digest())]
        root = of_file(file.fileno())
    assert root is not None
    manifest = ciphertext_manifest(".", entries, b"", {SEALED.encode(): root})
    keys.generate(private)
    (directory / BUNDLE).write_bytes(KeySigner(private).sign(manifest))
    public = pem.public_pem(keys.load_private(private))
    (directory.parent / PUBLIC).write_bytes(public)


def _ratio(
    part: str, turns: Turns, over: str, under: str, limit: float | None = None
) -> Figure:
    seconds = f"{turns.seconds(over):.3f} s, {under} {turns.seconds(under):.3f} s"
    ratio = turns.ratio(over, under)
    return Figure(part, f"{over}: as long as {under}", ratio, "x", limit, peer=seconds)


def _write(path: Path, mebibytes: int) -> None:
    """Writes a model of one large tensor, and layers with a norm of some bytes behind each."""
    layers = (mebibytes - _TENSOR_MIB) // _LAYER_MIB
    sizes = {TENSOR: _TENSOR_MIB << 20}
    for number in range(layers):
        sizes |= {f"layer.{number}": _LAYER_MIB << 20, f"layer.{number}.norm": _NORM_BYTES}
    header, end = {}, 0
    for name, size in sizes.items():
        shape = [size // 2048, 1024] if size > _NORM_BYTES else [size // 2]
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    content = os.urandom(_TENSOR_MIB << 20)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for size in sizes.values():
            file.write(memoryview(content)[:size])


def _run(place: Place, what: str, env: dict[str, str]) -> dict[str, list[float]]:
    """Returns what `benchmarks.loading_turns` measured."""
    top = Path(__file__).parents[1]
    answer = place.directory / "loading" / f"{what}.json"
    words = (sys.executable, "-m", "benchmarks.loading_turns", what, str(answer))
    place.run(*words, cwd=top, env=env)
    return json.loads(answer.read_bytes())

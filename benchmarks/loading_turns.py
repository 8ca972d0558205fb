"""The process that loads: `benchmarks.loading` starts it, and reads what it measured."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import safe_open
from safetensors.numpy import load_file

from benchmarks.envelope import gcm, hash_segments
from benchmarks.large.turns import take
from benchmarks.loading import BUNDLE, KEY, PEER, PLAIN, PUBLIC, SEALED, TENSOR
from git_model_security import load, load_into
from git_model_security.envelope import memory
from git_model_security.loading import safetensors

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDS = 7
_MODEL = bytes(range(32, 64))


def turns(directory: Path) -> dict[str, list[float]]:
    plain, sealed = directory / PLAIN, directory / SEALED
    room = memory.allocate(plain.stat().st_size)
    content = plain.read_bytes()
    room[:] = content  # touched

    def primitives() -> None:
        with plain.open("rb", buffering=0) as file:
            file.readinto(room)
        gcm(content)
        hash_segments(content)

    def tensor_of_plain() -> object:
        with safe_open(plain, "np") as file:
            return file.get_tensor(TENSOR)

    def tensor() -> object:
        with safetensors.safe_open(sealed, KEY, "np", threads=2) as file:
            return file.get_tensor(TENSOR)

    def signed() -> object:
        bundle, public = directory / BUNDLE, directory.parent / PUBLIC
        with (
            load(directory, KEY, signature=bundle, public_key=public) as model,
            model.safetensors(SEALED, "np", threads=2) as file,
        ):
            return file.get_tensors()

    def opening() -> object:
        with safetensors.safe_open(sealed, KEY, "np") as file:
            return file.keys()

    runs: dict[str, Callable[[], object]] = {
        "plain": lambda: load_file(plain),
        "1 thread": lambda: load_into(sealed, KEY, room, threads=1),
        "2 threads": lambda: load_into(sealed, KEY, room, threads=2),
        "load_file, 2 threads": lambda: safetensors.load_file(sealed, KEY, "np", threads=2),
        "signed root, 2 threads": signed,
        "read, AES-256-GCM, BLAKE3": primitives,
        "plain: one tensor": tensor_of_plain,
        "one tensor, 2 threads": tensor,
        "open": opening,
    }
    if importlib.util.find_spec("cryptotensors") is not None:
        runs["cryptotensors"] = _peer(directory)
    for run in runs.values():
        run()  # memory, imports and pages are there from here on
    return take({name: _timed(run) for name, run in runs.items()}, _ROUNDS).rounds


def peak(directory: Path) -> int:
    """Returns the bytes that were resident at most, over those before and the plaintext."""
    with safetensors.safe_open(directory / SEALED, KEY, "np", threads=2) as file:
        file.get_tensor(file.keys()[-1])
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    safetensors.load_file(directory / SEALED, KEY, "np", threads=2)
    return _status("VmHWM") - before - (directory / PLAIN).stat().st_size


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)


def _timed(run: Callable[[], object]) -> Callable[[], float]:
    def measure() -> float:
        start = time.perf_counter()
        kept = run()
        seconds = time.perf_counter() - start
        del kept
        return seconds

    return measure


def _peer(directory: Path) -> Callable[[], object]:
    import cryptotensors
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptotensors import numpy

    signer = Ed25519PrivateKey.from_private_bytes(_MODEL)
    private, public = signer.private_bytes_raw(), signer.public_key().public_bytes_raw()
    keys = [
        {"kty": "oct", "kid": "key", "alg": "aes256gcm", "k": _text(KEY)},
        {"kty": "okp", "kid": "signer", "alg": "ed25519", "d": _text(private)},
    ]
    keys[1]["x"] = _text(public)
    config = {"enc_key": keys[0], "sign_key": keys[1]}
    numpy.save_file(load_file(directory / PLAIN), directory / PEER, config=config)
    cryptotensors.register_direct_key_provider(keys=keys)
    return lambda: numpy.load_file(directory / PEER)


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def main() -> None:
    _, what, answer = sys.argv
    measure = {"turns": turns, "peak": peak}[what]
    os.sync()
    Path(answer).write_text(json.dumps(measure(Path(answer).parent)))


if __name__ == "__main__":
    main()

"""What the list of the team costs: read for each `git add`, and replayed when it is newer."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.figure import Figure
from git_model_security.envelope import Key
from git_model_security.signing import dsse, key_bundle, pem
from git_model_security.team import document, epochs, identities, wraps
from git_model_security.team.belief import compare
from git_model_security.team.replay import low, replay
from git_model_security.team.words import May, Member, NewKey, Reader, Signer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.place import Place
    from git_model_security.team.words import Word

_ENTRIES = 1000
_ROUNDS = 7
_NOW = datetime(2026, 11, 29, 14, 2, 11, tzinfo=UTC)
_MATERIAL = bytes(range(32))


def figures(place: Place) -> list[Figure]:
    data = _grown(_ENTRIES)
    file = place.directory / "team"
    file.write_bytes(data)
    shorter = data[: document.parse(data).entries[-2].end]
    (mine,) = identities.parse(identities.generate())
    wrapped = wraps.wrap(_MATERIAL, mine.recipient)
    key_id = Key(_MATERIAL).id
    part = f"the list of the team, {_ENTRIES} entries, {len(data) / 1000:.0f} kB"

    def figure(name: str, work: Callable[[], object], limit_ms: float | None = None) -> Figure:
        return Figure(part, name, _best(work) * 1000, "ms", limit_ms)

    return [
        figure("the keys of a believed list, for the filter", lambda: _scan(file), 2),
        figure("replay", lambda: replay(data), 300),
        figure("replay of what is believed", lambda: replay(data, believed_bytes=len(data))),
        figure("one more entry than is believed", lambda: compare(shorter, data)),
        figure("a key wrapped for one reader", lambda: wraps.wrap(_MATERIAL, mine.recipient)),
        figure("and opened", lambda: wraps.unwrap(wrapped, key_id, [mine])),
    ]


def _scan(file: Path) -> epochs.Epochs:
    return epochs.scan(file.read_bytes())


def _grown(count: int) -> bytes:
    """Returns a list with which in each entry a person comes, a device, and a reader."""
    first = ec.generate_private_key(ec.SECP256R1())
    name = pem.fingerprint(pem.public_pem(first))
    parts = [document.header("81e451f8e225b2329284a5358d9b7d0a")]
    running = hashlib.sha256(parts[0])
    for number in range(1, count + 1):
        key = first if number == 1 else ec.generate_private_key(ec.SECP256R1())
        change = document.change(number, _NOW, _words(number, key))
        running.update(change)
        signed = dsse.encoded(document.PAYLOAD_TYPE, running.digest())
        made = low(key_bundle.signature(signed, first), first.key_size)
        assert made is not None
        end = f"{document.Signature(name, made)}\n".encode("ascii")
        running.update(end)
        parts += [change, end]
    return b"".join(parts)


def _words(number: int, key: ec.EllipticCurvePrivateKey) -> list[Word]:
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (identity,) = identities.parse(identities.generate())
    name = f"m{number}"
    return [
        Member(name, f"Member {number} <{name}@example.org>"),
        Signer(name, "laptop", "content+list", "key", der),
        Reader(name, "laptop", identity.recipient.text),
        *([NewKey("main", f"{number:032x}")] if number % 100 == 1 else []),
        May("main", name),
    ]


def _best(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best

"""Reads the test vectors and puts their envelopes together (docs/SPEC.md, "Test vectors")."""

from __future__ import annotations

import functools
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from git_model_security.envelope import Key, encrypt

DIRECTORY = Path(__file__).parent
Entry = dict[str, Any]


@dataclass(frozen=True)
class Vector:
    """One vector; `rule` is None where the envelope must open to `plaintext`."""

    name: str
    key: bytes
    rule: str | None
    message: str | None
    plaintext: bytes | None
    envelope: bytes
    root: bytes | None = None

    def __repr__(self) -> str:
        return self.name


class Builder:
    """Builds envelopes from parts, which may refer to entries added before."""

    def __init__(self) -> None:
        self._envelopes: dict[str, bytes] = {}

    def add(self, entry: Entry) -> Vector:
        plaintext = None
        if recipe := entry.get("plaintext"):
            plaintext = generate(recipe["bytes"], recipe["seed"])
        key = bytes.fromhex(entry["key"])
        envelope = b"".join(self._part(part, key, plaintext) for part in entry["envelope"])
        self._envelopes[entry["name"]] = envelope
        rule, message = entry.get("rule"), entry.get("message")
        root = bytes.fromhex(entry["root"]) if "root" in entry else None
        return Vector(entry["name"], key, rule, message, plaintext, envelope, root)

    def envelope(self, name: str) -> bytes:
        return self._envelopes[name]

    def _part(self, part: dict[str, Any], key: bytes, plaintext: bytes | None) -> bytes:
        if "hex" in part:
            return bytes.fromhex(part["hex"])
        if "of" in part:
            return self._envelopes[part["of"]][part["from"] : part["to"]]
        if "flip" in part:
            return bytes((self._envelopes[part["flip"]][part["at"]] ^ 1,))
        assert part == {"seal": True}
        assert plaintext is not None
        sink = io.BytesIO()
        encrypt(Key(key), io.BytesIO(plaintext), sink)
        return sink.getvalue()


@functools.cache
def generate(size: int, seed: str) -> bytes:
    return hashlib.shake_256(seed.encode("ascii")).digest(size)


@functools.cache
def entries() -> tuple[Entry, ...]:
    """Return the committed entries; honest envelopes come first."""
    names = ("honest", "header", "length", "segment", "footer")
    lists = [json.loads((DIRECTORY / f"{name}.json").read_text("ascii")) for name in names]
    return tuple(entry for entries in lists for entry in entries)


@functools.cache
def vectors() -> tuple[Vector, ...]:
    builder = Builder()
    return tuple(builder.add(entry) for entry in entries())

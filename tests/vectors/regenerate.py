"""Writes the test vectors anew: `python -m tests.vectors.regenerate`.

The output is a function of `cases.py` and the format alone; a test compares it
with the committed files byte for byte.
"""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

from git_model_security.envelope import Key, SegmentReader
from tests.vectors import cases
from tests.vectors.corpus import DIRECTORY, Builder, Entry

_INLINE_LIMIT_BYTES = 1024


class File:
    """The entries of one JSON file, in the order in which they were added."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._entries: list[Entry] = []

    def good(self, name: str, size: int, seed: str, key: bytes) -> None:
        facts = {"name": name, "key": key.hex(), "plaintext": {"bytes": size, "seed": seed}}
        self._add(facts, [{"seal": True}])
        # By key: a test compares it with what is made of the envelope without one.
        reader = SegmentReader(Key(key), io.BytesIO(self._builder.envelope(name)))
        self._entries[-1]["root"] = reader.root.hex()

    def bad(
        self,
        name: str,
        rule: str,
        message: str,
        *parts: bytes | dict[str, Any],
        key: bytes = cases.MATERIAL,
    ) -> None:
        facts = {"name": name, "key": key.hex(), "rule": rule, "message": message}
        self._add(facts, [{"hex": p.hex()} if isinstance(p, bytes) else p for p in parts])

    def text(self) -> str:
        return json.dumps(self._entries, indent=1) + "\n"

    def _add(self, entry: Entry, parts: list[dict[str, Any]]) -> None:
        entry["envelope"] = parts
        envelope = self._builder.add(entry).envelope
        if len(envelope) <= _INLINE_LIMIT_BYTES:
            entry["envelope"] = [{"hex": envelope.hex()}]
        entry["bytes"] = len(envelope)
        entry["sha256"] = hashlib.sha256(envelope).hexdigest()
        self._entries.append(entry)


def regenerate() -> dict[str, str]:
    """Return the text of each vector file by its name."""
    builder = Builder()
    texts = {}
    for fill in (cases.honest, cases.header, cases.length, cases.segment, cases.footer):
        file = File(builder)
        fill(file)
        texts[f"{fill.__name__}.json"] = file.text()
    return texts


def main() -> None:
    for name, text in regenerate().items():
        (DIRECTORY / name).write_text(text, "ascii")


if __name__ == "__main__":
    main()

"""Writes the vectors of the list anew: `python -m tests.vectors.team.regenerate`.

A test compares the output with the committed file byte for byte.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from git_model_security.team.replay import replay
from tests.vectors.team import cases

FILE = Path(__file__).with_name("vectors.json")
Entry = dict[str, Any]


class File:
    """The lists, in the order in which they were added."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def good(self, name: str, data: bytes) -> None:
        self.entries.append({"name": name, **written(data), **state(data)})

    def bad(self, name: str, rule: str, message: str, data: bytes) -> None:
        self.entries.append({"name": name, **written(data), "rule": rule, "message": message})


def written(data: bytes) -> Entry:
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"hex": data.hex()}


def bytes_of(entry: Entry) -> bytes:
    return bytes.fromhex(entry["hex"]) if "hex" in entry else str(entry["text"]).encode()


def state(data: bytes) -> Entry:
    """Return what a list says, by git-model's own reader; the second one is held against it."""
    found = replay(data)
    roster = found.roster
    signers = roster.signers.items()
    return {
        "fingerprint": found.fingerprint,
        "proposal": found.proposal is not None,
        "members": [*roster.members],
        "quorum": roster.quorum,
        "list": sorted(name for name, one in signers if one.signs_list),
        "content": sorted(name for name, one in signers if one.signs_content),
        "ended": {name: [*one.anchors] for name, one in signers if one.anchors is not None},
        "current": dict(roster.epochs.current),
        "ids": {key: roster.epochs.ids(key) for key in roster.allowed},
        "recipients": {key: roster.recipients(key) for key in roster.allowed},
        "due": sorted(roster.rotations_due),
    }


def regenerate() -> str:
    file = File()
    for fill in (cases.honest, cases.form, cases.word, cases.meaning, cases.signature):
        fill(file)
    compared = [
        {"believed": believed, "seen": seen, "standing": standing}
        for believed, seen, standing in cases.COMPARISONS
    ]
    return json.dumps({"lists": file.entries, "comparisons": compared}, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(regenerate(), "ascii")

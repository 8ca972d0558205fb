"""A model as docs/API.md has it, in the directory where the examples run."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.bundles import make_pair

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import Project

WEIGHTS = bytes(range(48)) * 8
"""Of one tensor, 8 rows of 12 float32."""


def tensors() -> bytes:
    """Returns a safetensors file."""
    header = {"embeddings.weight": {"dtype": "F32", "shape": [8, 12], "data_offsets": [0, 384]}}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + WEIGHTS


@pytest.fixture
def here(tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the examples: a model, keys, and a clone under the same key."""
    top = tmp_path / "examples"
    (top / "granite").mkdir(parents=True)
    (top / "granite" / "model.safetensors").write_bytes(tensors())
    (top / "granite" / "config.json").write_bytes(b"{}\n")
    (top / "aes256.bin").write_bytes(project.key.read_bytes())
    pair = make_pair(top / "key.priv")
    (top / "key.pub").write_bytes(pair.public)
    (top / "clone").symlink_to(project.ada.path)
    monkeypatch.chdir(top)
    return top

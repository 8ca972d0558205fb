"""Envelopes of small models, as `git add` would make them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key, encrypt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = bytes(range(32))

Sealing = "Callable[[str, bytes], Path]"


@pytest.fixture
def seal(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Returns what writes the envelope of some plaintext under a name."""

    def write(name: str, plaintext: bytes) -> Path:
        path = tmp_path / name
        with path.open("wb") as sink:
            encrypt(Key(KEY), io.BytesIO(plaintext), sink)
        return path

    return write

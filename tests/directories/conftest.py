"""A model without Git, and what encrypts and signs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.fixtures.bundles import make_pair
from tests.vectors.corpus import generate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.bundles import Pair

FILES = {
    "model.safetensors": generate((1 << 20) + 5, "weights"),
    "config.json": b"{}\n",
    "tokenizer/vocab é.txt": "é\n".encode(),
    "empty": b"",
}
HIDDEN = {".hidden": b"signed, and not encrypted\n"}


class Signed(NamedTuple):
    """A model, with the files that its commands are given.

    Attributes:
        top: the directory of the model.
        key: 32 bytes, in a file.
        private: the signer's key, and `public` the one that verifies.
    """

    top: Path
    key: Path
    private: Path
    public: Path

    def read(self) -> dict[str, bytes]:
        """Returns what lies there, but for bundles."""
        found = (path for path in self.top.rglob("*") if path.is_file())
        return {
            os.fspath(path.relative_to(self.top)): path.read_bytes()
            for path in found
            if path.suffix != ".sig"
        }


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("signer") / "key.priv")


@pytest.fixture
def signed(tmp_path: Path, pair: Pair) -> Signed:
    top = tmp_path / "granite"
    for name, content in (FILES | HIDDEN).items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    key, private, public = (tmp_path / name for name in ("aes256.bin", "key.priv", "key.pub"))
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    private.write_bytes(pair.private.read_bytes())
    private.chmod(0o600)
    public.write_bytes(pair.public)
    return Signed(top, key, private, public)

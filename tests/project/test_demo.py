"""The demo: it checks its own claims and ends with an error when one does not hold."""

from __future__ import annotations

import json
import os
import struct
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.processes import execute
from tests.fixtures.tracked import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DEMO = ROOT / "demo" / "demo.sh"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A little model of the user's own, in a directory with a space."""
    directory = tmp_path / "my model"
    (directory / "sub dir").mkdir(parents=True)
    header = json.dumps(
        {"my.embedding.weight": {"dtype": "F32", "shape": [65536], "data_offsets": [0, 262144]}}
    ).encode()
    tensors = struct.pack("<Q", len(header)) + header + os.urandom(262_144)
    (directory / "model.safetensors").write_bytes(tensors)
    (directory / "config.json").write_text('{"hidden_size": 16}\n')
    (directory / "sub dir" / "vocab.txt").write_text("a\nb\n")
    return directory


def test_the_demo_runs_on_a_model_of_the_user(
    model: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary files"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}

    said = execute(DEMO, model).stdout

    assert "objects of the host that contain the text" in said
    assert said.count("(exit status 1)") == 2
    after = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    assert after == before
    assert not list(temporary.iterdir())
    assert [entry.name for entry in home.iterdir()] == [".gitconfig"]


def test_the_demo_stops_at_the_first_surprise(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A `git-model` that does nothing, and says that all is well.
    (tmp_path / "bin").mkdir()
    idle = tmp_path / "bin" / "git-model"
    idle.write_text("#!/bin/sh\nexit 0\n")
    idle.chmod(0o755)
    monkeypatch.setenv("PATH", f"{idle.parent}{os.pathsep}{os.environ['PATH']}")

    done = execute(DEMO, model, check=False)

    assert done.returncode == 1
    assert "demo: error: nothing is protected" in done.stderr


def test_the_demo_says_how_it_is_used() -> None:
    done = execute(DEMO, check=False)
    assert (done.returncode, done.stderr) == (2, "usage: demo.sh MODEL-DIRECTORY\n")

"""examples/serve: what it answers, and when it does not start."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import UNCHECKED
from tests.examples.conftest import Scene, damage, files
from tests.examples.serving import LABELS, POINTS, serving
from tests.fixtures.bundles import make_pair

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

PROGRAM = ("python", "examples/serve/serve.py")
TRUST = ("--key", "aes256.bin", "--public-key", "signer.pub")
ANY_PORT = ("--port", "0")
HEAD = ("--revision", "HEAD")


def refused(scene: Scene, *words: str) -> subprocess.CompletedProcess[str]:
    done = scene.run(*PROGRAM, *ANY_PORT, *words, check=False)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done


def test_a_directory_of_ciphertext_is_served_to_this_machine_and_nothing_is_written(
    scene: Scene, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    before = files(scene.path, temporary)
    with serving(scene, *PROGRAM, *TRUST, *ANY_PORT, "v1", TMPDIR=str(temporary)) as server:
        assert server.host == "127.0.0.1"
        assert server.predict(*POINTS) == LABELS
        status, said = server.ask("GET", "/health")
        assert (status, f"signed by {said['signer']}\n") == (200, server.signer)
        assert files(scene.path, temporary) == before


def test_a_bare_clone_is_served_by_the_commit_that_it_holds(scene: Scene) -> None:
    scene.run("git", "clone", "--quiet", "--bare", "granite", "bare.git")
    with serving(scene, *PROGRAM, *TRUST, *ANY_PORT, *HEAD, "bare.git") as server:
        assert server.predict(*POINTS) == LABELS


def test_a_clone_is_served_by_the_signers_that_it_trusts(scene: Scene) -> None:
    with serving(scene, *PROGRAM, *TRUST[:2], *ANY_PORT, *HEAD, "granite") as server:
        assert server.predict(*POINTS) == LABELS


def test_what_is_no_request_for_a_prediction_is_told_so(scene: Scene) -> None:
    bodies = (
        *(b"", b"[", b"[]", b"{}", b"7", b"\xff", b'{"inputs": 7}', b'{"inputs": []}'),
        *(b'{"inputs": [[1]]}', b'{"inputs": [[1, 2, 3]]}', b'{"inputs": [[1, 2], [3]]}'),
        *(b'{"inputs": [["a", "b"]]}', b'{"inputs": [[NaN, 1]]}', b'{"inputs": [[1e999, 1]]}'),
        *(b'{"inputs": [[[1, 2]]]}', b'{"inputs": [[null, 1]]}', b'{"inputs": {"a": 1}}'),
        *(b'{"inputs": [[1e300, 1]]}', b"[" * 100_000),
    )
    with serving(scene, *PROGRAM, *TRUST, *ANY_PORT, "v1") as server:
        for body in bodies:
            status, said = server.ask("POST", "/predict", body)
            assert (status, *said) == (400, "error"), body[:80]
        assert server.ask("POST", "/predict")[0] == 411
        for length in ("-1", "", "1e3", "\u00b2"):
            assert server.ask("POST", "/predict", b"{}", length=length)[0] == 411, length
        for length in ("1048577", "9" * 5000):
            assert server.ask("POST", "/predict", length=length)[0] == 413, length
        assert server.ask("POST", "/", b"{}")[0] == 404
        assert server.ask("GET", "/../aes256.bin")[0] == 404
        assert server.predict(*POINTS) == LABELS


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", ".model-encrypted.sig"])
def test_what_was_changed_is_not_served(name: str, scene: Scene) -> None:
    damage(scene.path / "v1" / name)
    assert refused(scene, *TRUST, "v1").returncode == 1


def test_what_another_signed_is_not_served(scene: Scene) -> None:
    other = make_pair(scene.path / "other.pem")
    (scene.path / "signer.pub").write_bytes(other.public)
    assert refused(scene, *TRUST, "v1").returncode == 1
    assert refused(scene, *TRUST, *HEAD, "granite").returncode == 1


def test_what_cannot_be_checked_is_not_served(scene: Scene) -> None:
    key, signer = scene.path / "aes256.bin", scene.path / "signer.pub"
    content = key.read_bytes()
    key.write_bytes(os.urandom(32))
    assert refused(scene, *TRUST, "v1").returncode == UNCHECKED
    key.write_bytes(b"short")
    assert refused(scene, *TRUST, "v1").returncode == UNCHECKED
    key.write_bytes(content)
    assert refused(scene, *TRUST, "nowhere").returncode == UNCHECKED
    assert refused(scene, *TRUST[:2], "v1").returncode == UNCHECKED
    signer.unlink()
    assert refused(scene, *TRUST, "v1").returncode == UNCHECKED


def test_another_model_is_not_served(scene: Scene) -> None:
    scene.granite.write("config.json", json.dumps({"layers": 2}))
    scene.granite.commit()
    done = refused(scene, *TRUST, *HEAD, "granite")
    assert done.returncode == 1
    assert "no classifier of examples/train" in done.stderr


def test_an_address_that_cannot_be_had_is_said(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for words in (("--port", port), ("--port", "99999"), ("--host", "256.0.0.1")):
            done = refused(scene, *TRUST, *words, "v1")
            assert done.returncode == 1
            assert "choose another --host or --port" in done.stderr

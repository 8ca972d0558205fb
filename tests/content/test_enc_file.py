"""Files of IBM's model-encryption: what proves that one is, and what is in it."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from git_model_security.content import enc_file
from git_model_security.errors import EnvelopeError
from tests.vectors.enc import forge, regenerate
from tests.vectors.enc.forge import MATERIAL

if TYPE_CHECKING:
    from pathlib import Path

_PADDING = {"padding of 0", "padding of 17", "padding uneven"}


def _open(file: bytes, step: int) -> tuple[bool, bytes]:
    """Returns whether a file is authentic, and its plaintext, pushed in pieces."""
    head, body = file[: enc_file.HEAD_BYTES], file[enc_file.HEAD_BYTES :]
    check, decryptor = enc_file.Check(MATERIAL, head), _decryptor(head)
    plaintext = b""
    for at in range(0, len(body), step):
        check.update(body[at : at + step])
        plaintext += decryptor.update(body[at : at + step])
    return check.holds(), plaintext + decryptor.finish() if check.holds() else b""


def _decryptor(head: bytes) -> enc_file.Decryptor:
    return enc_file.Decryptor(MATERIAL, head.ljust(enc_file.HEAD_BYTES, b"\0"))


def test_the_committed_vectors_are_what_the_layout_gives() -> None:
    assert regenerate.FILE.read_text("ascii") == regenerate.regenerate()


@pytest.mark.parametrize("name", regenerate.HONEST)
@pytest.mark.parametrize("step", [1 << 20, 1000])
def test_an_honest_file_opens(name: str, step: int) -> None:
    plaintext = regenerate.HONEST[name]
    file = forge.encrypt(plaintext)
    assert enc_file.is_possible(b"x.enc", len(file))
    assert _open(file, step) == (True, plaintext)


@pytest.mark.parametrize("step", [1, 15, 16, 17])
def test_it_does_not_matter_how_it_is_cut(step: int) -> None:
    plaintext = regenerate.HONEST["17 bytes"] * 3
    assert _open(forge.encrypt(plaintext), step) == (True, plaintext)


@pytest.mark.parametrize("name", sorted(regenerate.BAD.keys() - _PADDING))
def test_what_the_key_does_not_authenticate_does_not_open(name: str) -> None:
    assert _open(regenerate.BAD[name], 1000) == (False, b"")


@pytest.mark.parametrize("name", sorted(_PADDING))
def test_padding_is_looked_at_once_the_hmac_holds(name: str) -> None:
    with pytest.raises(EnvelopeError, match="not padded"):
        _open(regenerate.BAD[name], 1000)


@pytest.mark.parametrize(
    ("path", "size", "is_possible"),
    [
        (b"model.enc", 64, True),
        (b"a/b.enc", 48 + 16 * 1000, True),
        (b"model.enc", 48, False),
        (b"model.enc", 0, False),
        (b"model.enc", 63, False),
        (b"model.encrypted", 64, False),
        (b"enc", 64, False),
    ],
)
def test_most_files_are_told_apart_without_being_read(
    path: bytes, size: int, is_possible: bool
) -> None:
    assert enc_file.is_possible(path, size) is is_possible


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not there")
def test_openssl_reads_the_vectors_as_well(tmp_path: Path) -> None:
    for entry in json.loads(regenerate.FILE.read_text("ascii")):
        if "plaintext" not in entry or "file" not in entry:
            continue
        file = bytes.fromhex(entry["file"])
        source = tmp_path / "ciphertext"
        source.write_bytes(file[48:])
        key, iv = entry["key"], file[:16].hex()
        words = ["openssl", "enc", "-d", "-aes-256-cfb", "-nopad", "-K", key, "-iv", iv]
        done = subprocess.run([*words, "-in", source], capture_output=True, check=True)
        padded = done.stdout
        assert padded[: -padded[-1]] == regenerate.HONEST[entry["name"]]

"""Of a bundle that does not say whether it is over ciphertext: what is told of what differs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from git_model_security.directories import encryption, signing
from git_model_security.directories import model as models
from git_model_security.signing.by_key import KeySigner
from tests.directories.conftest import Signed, pair, signed
from tests.directories.test_verbs import run

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["pair", "signed"]  # fixtures

WEIGHTS = "model.safetensors"
VISIBLE = {WEIGHTS, "config.json", "tokenizer/vocab é.txt"}


def sign(signed: Signed) -> None:
    signing.sign(models.find(signed.top), KeySigner(signed.private))


@pytest.fixture
def sealed(signed: Signed) -> Signed:
    """A directory whose ciphertext is signed."""
    encryption.encrypt(signed.top, signed.key)
    sign(signed)
    return signed


@pytest.fixture
def clear(signed: Signed) -> Signed:
    """A directory whose decrypted files are signed, and that is decrypted."""
    sign(signed)
    return signed


def alter(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def found(signed: Signed, *words: object, status: int = 1) -> dict[str, set[str]]:
    who = ("--public-key", signed.public, "--json")
    said = run("verify", *(words or ("--dir", signed.top)), *who, status=status)
    findings = json.loads(said.stdout)["findings"]
    return {one["reason"]: set(one["files"]) for one in findings}


def test_altered_ciphertext_is_tampered_and_not_to_be_decrypted(sealed: Signed) -> None:
    alter(sealed.top / WEIGHTS)
    bundle = ("key", "--signature", sealed.top / "model.sig", sealed.top)
    directory = ("--dir", sealed.top)
    for words in (directory, (*directory, "--encrypted"), bundle):
        assert found(sealed, *words) == {"tampered": {WEIGHTS}}


def test_ciphertext_of_signed_plaintext_is_still_encrypted(clear: Signed) -> None:
    encryption.encrypt(clear.top, clear.key)
    assert found(clear, status=4) == {"not materialised": VISIBLE}
    asked = ("verify", "--dir", clear.top, "--encrypted", "--public-key", clear.public)
    said = run(*asked, status=1)
    assert "not the ciphertext that was signed; or the decrypted files were" in said.stdout
    assert "git model verify --encrypted" not in said.stderr
    assert "`git model decrypt+verify` tells" in said.stderr


@pytest.mark.parametrize("option", [(), ("--encrypted",)])
def test_what_was_only_decrypted_is_not_called_tampered(
    sealed: Signed, option: tuple[str, ...]
) -> None:
    encryption.decrypt(sealed.top, sealed.key)
    assert found(sealed, "--dir", sealed.top, *option) == {"invalid signature": VISIBLE}
    said = run("verify", "--dir", sealed.top, *option, "--public-key", sealed.public, status=1)
    assert "changed, or decrypted where ciphertext was signed" in said.stdout
    assert "`git model verify+decrypt` tells, with the key" in said.stderr
    keys = ("--public-key", sealed.public, "--encryption-key", sealed.key)
    assert "Verified" in run("verify+decrypt", "key", *keys, sealed.top).stdout


def test_one_file_that_was_decrypted_among_ciphertext_is_not_called_tampered(
    sealed: Signed,
) -> None:
    encryption.decrypt(sealed.top / "config.json", sealed.key)
    assert found(sealed) == {"invalid signature": {"config.json"}}
    said = run("verify", "--dir", sealed.top, "--public-key", sealed.public, status=1)
    assert "not the ciphertext that was signed: decrypted, or changed" in said.stdout


def test_a_hidden_file_is_never_encrypted_and_so_was_tampered_with(sealed: Signed) -> None:
    alter(sealed.top / ".hidden")
    encryption.decrypt(sealed.top, sealed.key)
    assert found(sealed)["tampered"] == {".hidden"}


def test_with_the_key_what_is_not_the_plaintext_of_it_is_tampered(sealed: Signed) -> None:
    encryption.decrypt(sealed.top, sealed.key)
    alter(sealed.top / WEIGHTS)
    keys = ("--public-key", sealed.public, "--encryption-key", sealed.key)
    said = run("verify+decrypt", "key", *keys, sealed.top, status=1)
    assert "tampered" in said.stdout


def test_a_line_that_is_added_to_a_file_in_clear_is_tampered(clear: Signed) -> None:
    alter(clear.top / "config.json")
    assert found(clear) == {"tampered": {"config.json"}}
    encryption.encrypt(clear.top / WEIGHTS, clear.key)
    assert found(clear) == {"tampered": {"config.json"}, "not materialised": {WEIGHTS}}


def test_of_a_single_file_it_is_said_what_else_it_may_be(signed: Signed) -> None:
    for name in VISIBLE - {WEIGHTS}:
        (signed.top / name).unlink()
    encryption.encrypt(signed.top, signed.key)
    sign(signed)
    encryption.decrypt(signed.top, signed.key)
    assert found(signed) == {"tampered": {WEIGHTS}}
    said = run("verify", "--dir", signed.top, "--public-key", signed.public, status=1)
    assert "if it was ciphertext that was signed, `git model verify+decrypt`" in said.stderr

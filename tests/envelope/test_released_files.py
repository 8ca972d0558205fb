"""Envelopes and bundles of every release of git-model stay good."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from git_model_security.envelope import Key, decrypt
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.by_key import KeyVerifier
from git_model_security.signing.roles import CIPHERTEXT, PLAINTEXT, TREE_ITEM, Subject

RELEASES = sorted((Path(__file__).parents[1] / "compat" / "git-model").glob("v*"))
FILES = ("config.json", "weights.bin")


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
@pytest.mark.parametrize("name", FILES)
def test_an_envelope_of_a_release_opens(release: Path, name: str) -> None:
    key = Key(bytes.fromhex((release / "aes256.hex").read_text()))
    opened = io.BytesIO()
    decrypt({key.id: key}, io.BytesIO((release / f"{name}.sealed").read_bytes()), opened)
    assert opened.getvalue() == (release / name).read_bytes()


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_the_bundles_of_a_release_verify(release: Path) -> None:
    verifier = KeyVerifier.from_file(release / "signer.pub")
    for role, bundle, suffix in (
        (PLAINTEXT, "model.sig", ""),
        (CIPHERTEXT, "model-encrypted.sig", ".sealed"),
    ):
        data = (release / bundle).read_bytes()
        opened = open_bundle(data, [verifier], expected=Subject(role))
        for name in FILES:
            content = (release / f"{name}{suffix}").read_bytes()
            assert opened.manifest.items[name] == hashlib.sha256(content).digest()
        assert (TREE_ITEM in opened.manifest.items) == (role == CIPHERTEXT)

from __future__ import annotations

import pytest

from git_model_security.errors import PolicyError
from git_model_security.signing import roles
from git_model_security.signing.manifest import (
    Manifest,
    ciphertext_manifest,
    plaintext_manifest,
)

ONE, TWO = b"\1" * 32, b"\2" * 32


def test_the_fingerprint_does_not_depend_on_order() -> None:
    first = Manifest("m", "sha256", {"a": ONE, "b": TWO}, ("x", "y"))
    second = Manifest("m", "sha256", {"b": TWO, "a": ONE}, ("y", "x"))
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        Manifest("n", "sha256", {"a": ONE}),
        Manifest("m", "blake3", {"a": ONE}),
        Manifest("m", "sha256", {"a": TWO}),
        Manifest("m", "sha256", {"b": ONE}),
        Manifest("m", "sha256", {"a": ONE}, ("x",)),
    ],
)
def test_the_fingerprint_covers_everything_that_is_signed(other: Manifest) -> None:
    assert Manifest("m", "sha256", {"a": ONE}).fingerprint != other.fingerprint


def test_a_plaintext_manifest_leaves_out_what_stock_leaves_out() -> None:
    items = [(b"a/w.bin", ONE), (b"model.sig", ONE), (b".gitmodel", ONE), (b".github/x", TWO)]
    made = plaintext_manifest("models/a", "blake3", items)
    assert str(made.subject) == "git-model/v1/plaintext:models/a"
    assert made.items == {"a/w.bin": ONE}
    assert made.digest == "blake3"
    assert made.ignore_paths == roles.ignore_paths()


@pytest.mark.parametrize(
    ("root", "top", "name"),
    [
        ("models/bert", "clone", "bert"),
        ("bert", "", "bert"),
        (".", "clone", "clone"),
        (".", "git-model", "git-model"),
        (".", "", "model"),
        (".", "caf\udce9", "model"),
    ],
)
def test_a_model_is_named_after_its_directory(root: str, top: str, name: str) -> None:
    made = plaintext_manifest(root, "sha256", [(b"w.bin", ONE)], top=top)
    assert made.name == name
    # Which says nothing of what is signed: each clone may have it elsewhere.
    assert made.fingerprint == made._replace(name="other").fingerprint


def test_what_everybody_can_read_names_no_directory_of_the_signers() -> None:
    assert ciphertext_manifest("m/bert", [], b"").name == "bert"
    assert ciphertext_manifest(".", [], b"").name == "model"


def test_a_root_without_files_has_nothing_to_sign() -> None:
    with pytest.raises(PolicyError, match="nothing to sign"):
        plaintext_manifest(".", "sha256", [(b"model.sig", ONE)])


@pytest.mark.parametrize("path", [b"caf\xe9.bin", b"../up", b"a/.git/tree"])
def test_a_name_that_cannot_be_signed_is_an_error_of_the_signer(path: bytes) -> None:
    with pytest.raises(PolicyError, match="cannot be signed"):
        plaintext_manifest(".", "sha256", [(path, ONE)])
    with pytest.raises(PolicyError, match="cannot be signed"):
        ciphertext_manifest(".", [(path, ONE)], b"")


def test_a_ciphertext_manifest_covers_the_tree_listing() -> None:
    one = ciphertext_manifest(".", [(b"w.bin", ONE)], b"100644 blob 1\tw.bin\0")
    two = ciphertext_manifest(".", [(b"w.bin", ONE)], b"100755 blob 1\tw.bin\0")
    assert one.items.keys() == two.items.keys()
    assert one.items[roles.TREE_ITEM] != two.items[roles.TREE_ITEM]
    assert one.ignore_paths == ()


def test_a_root_is_signed_beside_the_digest_of_its_file() -> None:
    entries, listing = [(b"m/w.bin", ONE), (b"c.json", ONE)], b"100644 blob 1\tw.bin\0"
    before = ciphertext_manifest(".", entries, listing)
    made = ciphertext_manifest(".", entries, listing, {b"m/w.bin": bytes(32)})
    assert made.items == before.items
    assert made.resources == {**before.items, ".git/root/m/w.bin": bytes(32)}
    other = made._replace(roots={"m/w.bin": ONE})
    assert len({one.fingerprint for one in (before, made, other)}) == 3


def test_a_ciphertext_manifest_needs_no_files() -> None:
    assert set(ciphertext_manifest(".", [], b"").items) == {roles.TREE_ITEM}

"""With stock model_signing, both ways, and with bundles of other people's software."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import Reason, VerificationError
from git_model_security.signing import keys
from git_model_security.signing.bundle import Opened, open_bundle
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from git_model_security.signing.manifest import ciphertext_manifest, plaintext_manifest
from tests.fixtures.bundles import Pair, make_pair
from tests.fixtures.processes import execute, need

if TYPE_CHECKING:
    import subprocess

FILES = {
    "model.safetensors": b"\0" * 5000,
    "config.json": b"{}\n",
    "tokenizer/vocab é.txt": "é\n".encode(),
    "tokenizer/.gitattributes": b"nested ones are signed\n",
    'odd "name"\n.bin': b"odd",
    "empty": b"",
}
OURS = (".gitmodel", ".gitattributes", ".model-encrypted.sig", ".github/ci.yml", ".gitignore")
STOCK = (sys.executable, "-m", "model_signing")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path / "key.pem")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model in a Git work tree, with our files and Git's."""
    directory = tmp_path / "model"
    execute("git", "init", "--quiet", directory)
    for name in (*FILES, *OURS):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES.get(name, b"ours\n"))
    return directory


def digests(algorithm: str = "sha256") -> list[tuple[bytes, bytes]]:
    if algorithm == "blake3":
        from blake3 import blake3 as new
    else:
        new = hashlib.sha256
    return [(name.encode(), new(content).digest()) for name, content in FILES.items()]


def stock_verify(
    model: Path, pair: Pair, name: str = "model.sig"
) -> subprocess.CompletedProcess[str]:
    public = model.parent / "pub.pem"
    public.write_bytes(pair.public)
    options = ("--signature", name, "--public_key", public)
    return execute(*STOCK, "verify", "key", *options, ".", cwd=model, check=False)


def foreign(kind: str) -> Path:
    """The directory of a bundle made by released model_signing, with what it signs."""
    return Path(__file__).parents[1] / "compat" / "oms" / f"v1.1.0-{kind}"


@pytest.mark.parametrize("name", ["model.sig", "signed.json"])
def test_the_stock_command_verifies_a_work_tree_that_we_signed(
    name: str, model: Path, pair: Pair
) -> None:
    manifest = plaintext_manifest(".", "sha256", digests(), name)
    (model / name).write_bytes(KeySigner(pair.private).sign(manifest))
    done = stock_verify(model, pair, name)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("damage", ["changed", "missing", "extra"])
def test_the_stock_command_sees_damage_under_our_signature(
    damage: str, model: Path, pair: Pair
) -> None:
    manifest = plaintext_manifest(".", "sha256", digests())
    (model / "model.sig").write_bytes(KeySigner(pair.private).sign(manifest))
    if damage == "changed":
        (model / "config.json").write_bytes(b"{ }\n")
    elif damage == "missing":
        (model / "empty").unlink()
    else:
        (model / "backdoor.py").write_bytes(b"")
    assert stock_verify(model, pair).returncode == 1


@pytest.mark.parametrize(
    "curve", ["prime256v1", "secp384r1", "secp521r1"], ids=["P-256", "P-384", "P-521"]
)
def test_every_curve_works_both_ways(curve: str, model: Path, tmp_path: Path) -> None:
    need("openssl")
    private = tmp_path / "openssl.pem"
    execute("openssl", "ecparam", "-name", curve, "-genkey", "-out", private)
    pair = Pair(private)
    manifest = plaintext_manifest(".", "sha256", digests())
    (model / "model.sig").write_bytes(KeySigner(private).sign(manifest))
    assert stock_verify(model, pair).returncode == 0


def test_an_encrypted_key_signs_what_stock_verifies(model: Path, tmp_path: Path) -> None:
    need("openssl")
    pair = make_pair(tmp_path / "clear.pem")
    locked = tmp_path / "locked.pem"
    command = ("pkcs8", "-topk8", "-in", pair.private, "-out", locked, "-passout", "pass:word")
    execute("openssl", *command)
    manifest = plaintext_manifest(".", "sha256", digests())
    (model / "model.sig").write_bytes(KeySigner(locked, b"word").sign(manifest))
    assert stock_verify(model, pair).returncode == 0


@pytest.fixture
def stock_bundle(model: Path, pair: Pair) -> bytes:
    options = ("--signature", "model.sig", "--private_key", pair.private)
    execute(*STOCK, "sign", "key", *options, ".", cwd=model)
    return (model / "model.sig").read_bytes()


def test_we_read_what_the_stock_command_signed(stock_bundle: bytes, pair: Pair) -> None:
    opened = open_bundle(stock_bundle, [KeyVerifier(pair.public)])
    signed = {name.decode(): digest for name, digest in digests()}
    ours = {".gitmodel", ".model-encrypted.sig"}
    assert {name: opened.manifest.items[name] for name in signed} == signed
    assert set(opened.manifest.items) == set(signed) | ours
    assert opened.subject is None
    assert "model.sig" in opened.manifest.ignore_paths


def test_a_stock_bundle_of_another_signer_is_untrusted(
    stock_bundle: bytes, tmp_path: Path
) -> None:
    other = make_pair(tmp_path / "other.pem")
    with pytest.raises(VerificationError) as refused:
        open_bundle(stock_bundle, [KeyVerifier(other.public)])
    assert refused.value.reason is Reason.UNTRUSTED


def test_a_blake3_bundle_is_ours_to_verify(pair: Pair) -> None:
    manifest = plaintext_manifest(".", "blake3", digests("blake3"))
    opened = open_bundle(KeySigner(pair.private).sign(manifest), [KeyVerifier(pair.public)])
    assert opened.manifest == manifest


def test_a_bundle_over_ten_thousand_files_opens(pair: Pair) -> None:
    entries = [(f"layer/{number}.bin".encode(), bytes(32)) for number in range(10_000)]
    manifest = ciphertext_manifest(".", entries, b"")
    opened = open_bundle(KeySigner(pair.private).sign(manifest), [KeyVerifier(pair.public)])
    assert opened.manifest == manifest


def open_foreign(kind: str) -> Opened:
    directory = foreign(kind)
    public = directory.parent / "trust" / "signing-key-pub.pem"
    return open_bundle((directory / "model.sig").read_bytes(), [KeyVerifier.from_file(public)])


def test_a_released_bundle_by_key_verifies() -> None:
    opened = open_foreign("elliptic-key")
    directory = foreign("elliptic-key")
    assert set(opened.manifest.items) == {"signme-1", "signme-2"}
    for name, digest in opened.manifest.items.items():
        assert hashlib.sha256((directory / name).read_bytes()).digest() == digest
    public = (directory.parent / "trust" / "signing-key-pub.pem").read_bytes()
    assert opened.signer.fingerprint == KeyVerifier(public).identity.fingerprint


@pytest.mark.parametrize("kind", ["certificate", "sigstore"])
def test_a_released_bundle_by_another_method_is_not_taken_for_a_key(kind: str) -> None:
    with pytest.raises(VerificationError) as refused:
        open_foreign(kind)
    assert refused.value.reason is Reason.WRONG_KEY
    assert f"signed by a {kind}" in str(refused.value)


def test_our_keys_are_openssls_keys(tmp_path: Path) -> None:
    need("openssl")
    keys.generate(tmp_path / "key.pem")
    pair = Pair(tmp_path / "key.pem")
    done = execute("openssl", "pkey", "-in", pair.private, "-pubout")
    assert done.stdout.encode() == pair.public

"""`sign+encrypt`: what was interrupted goes on, and no signature is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.directories import (
    encryption,
    selection,
    signed_encryption,
    signing,
)
from git_model_security.directories import model as models
from git_model_security.directories.outputs import Run
from git_model_security.signing import keys
from git_model_security.signing.by_key import KeySigner
from tests.directories.conftest import FILES, HIDDEN
from tests.directories.test_verbs import ENCRYPTED, Method, is_sealed, method, run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.directories.conftest import Signed

__all__ = ["method"]


def own(signed: Signed) -> tuple[object, ...]:
    return ("key", "--private-key", signed.private, "--encryption-key", signed.key)


def shown(signed: Signed) -> tuple[object, ...]:
    return ("key", "--public-key", signed.public, "--encryption-key", signed.key)


def mallory(signed: Signed) -> KeySigner:
    keys.generate(signed.private.with_name("mallory.pem"))
    return KeySigner(signed.private.with_name("mallory.pem"))


def test_what_was_interrupted_goes_on_under_the_same_signature(signed: Signed) -> None:
    signing.sign(models.find(signed.top), KeySigner(signed.private))
    bundle = (signed.top / "model.sig").read_bytes()
    encryption.encrypt(signed.top / "config.json", signed.key)
    said = run("sign+encrypt", *own(signed), signed.top).stdout
    assert "signed already: 5 files" in said
    assert "encrypted 2 files" in said
    assert (signed.top / "model.sig").read_bytes() == bundle
    assert is_sealed(signed) == ENCRYPTED
    run("decrypt+verify", *shown(signed), signed.top)
    assert signed.read() == FILES | HIDDEN


def test_a_second_run_has_nothing_left_to_do(signed: Signed, method: Method) -> None:
    words = (method.name, *method.signing, "--encryption-key", signed.key, signed.top)
    run("sign+encrypt", *words)
    before = signed.read()
    if method.name in {"certificate", "pkcs11-certificate", "sigstore"}:
        # No root was given, nor has the token been used: nobody can verify what stands there.
        said = run("sign+encrypt", *words, status=1).stderr
        assert "this signer cannot be told before it signs" in said
        assert signed.read() == before
        return
    said = run("sign+encrypt", *words).stdout
    assert "nothing was left to encrypt: 3 files encrypted already" in said
    assert signed.read() == before


def test_one_file_goes_on_as_well(signed: Signed) -> None:
    file = signed.top / "model.safetensors"
    run("sign+encrypt", *own(signed), file)
    said = run("sign+encrypt", *own(signed), file).stdout
    assert "signed already: 1 file" in said
    run("decrypt+verify", *shown(signed), file)
    assert signed.read() == FILES | HIDDEN


def test_what_is_no_signature_is_not_lost_for_one(signed: Signed, tmp_path: Path) -> None:
    before = signed.read()
    sign = ("sign", "key", "--private-key", signed.private)
    for place in (signed.private, signed.key, signed.top / "model.safetensors"):
        content = place.read_bytes()
        for verb in (sign, ("sign+encrypt", *own(signed))):
            said = run(*verb, "--signature", place, signed.top, status=1).stderr
            assert "what is no signature stands there already, and would be lost" in said
        assert place.read_bytes() == content
    assert signed.read() == before
    (tmp_path / "made-by-mktemp").touch()
    run(*sign, "--signature", tmp_path / "made-by-mktemp", signed.top)
    run(*sign, "--signature", tmp_path / "made-by-mktemp", signed.top)


@pytest.mark.parametrize("change", ["content", "extra", "signer", "ciphertext"])
def test_a_signature_that_does_not_hold_is_neither_believed_nor_lost(
    signed: Signed, change: str
) -> None:
    signer = mallory(signed) if change == "signer" else KeySigner(signed.private)
    if change == "ciphertext":
        encryption.encrypt(signed.top, signed.key)
    signing.sign(models.find(signed.top), signer)
    encryption.encrypt(signed.top / "config.json", signed.key)
    if change == "content":
        (signed.top / "tokenizer/vocab é.txt").write_bytes(b"changed")
    elif change == "extra":
        (signed.top / "evil.py").write_bytes(b"import os\n")
    bundle, before = (signed.top / "model.sig").read_bytes(), signed.read()
    said = run("sign+encrypt", *own(signed), signed.top, status=1).stderr
    assert "is encrypted already, and" in said
    assert "model.sig does not hold for it" in said
    assert "encrypt+sign" not in said
    assert (signed.top / "model.sig").read_bytes() == bundle
    assert signed.read() == before


def test_to_another_directory_goes_all_of_it_and_nothing_here(
    signed: Signed, tmp_path: Path
) -> None:
    before, out = signed.read(), tmp_path / "out"
    said = run("sign+encrypt", *own(signed), "--output", out, signed.top)
    assert str(out / "model.sig") in said.stdout
    assert signed.read() == before
    assert not (signed.top / "model.sig").exists()
    again, plain = signed._replace(top=out), tmp_path / "plain"
    assert is_sealed(again) == ENCRYPTED
    assert again.read().keys() == before.keys()
    run("decrypt+verify", *shown(signed), "--output", plain, out)
    assert signed._replace(top=plain).read() == before
    run("verify", "--dir", plain, "--public-key", signed.public)


def test_one_file_goes_to_another_directory_with_its_bundle(
    signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(signed.top)
    run("sign+encrypt", *own(signed), "--output", "../out", "model.safetensors")
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["model.safetensors", "model.safetensors.sig"]
    assert not (signed.top / "model.safetensors.sig").exists()
    run("decrypt+verify", *shown(signed), "--output", "../o", "../out/model.safetensors")
    run("verify", "key", "--public-key", signed.public, "../o/model.safetensors")


def test_ciphertext_is_signed_in_another_directory_and_nothing_changes_here(
    signed: Signed, tmp_path: Path
) -> None:
    before, out = signed.read(), tmp_path / "out"
    said = run("encrypt+sign", *own(signed), "--output", out, signed.top)
    assert str(out / "model.sig") in said.stdout
    assert signed.read() == before
    assert not (signed.top / "model.sig").exists()
    again, plain = signed._replace(top=out), tmp_path / "plain"
    assert is_sealed(again) == ENCRYPTED
    assert again.read().keys() == before.keys()
    run("verify", "key", "--public-key", signed.public, "--signature", "model.sig", out)
    run("verify+decrypt", *shown(signed), "--output", plain, out)
    assert signed._replace(top=plain).read() == before


def test_the_ciphertext_of_one_file_is_signed_in_another_directory(
    signed: Signed, tmp_path: Path
) -> None:
    file, out = signed.top / "model.safetensors", tmp_path / "out"
    run("encrypt+sign", *own(signed), "--output", out, file)
    assert {path.name for path in out.iterdir()} == {file.name, f"{file.name}.sig"}
    run("verify", "key", "--public-key", signed.public, out / file.name)


def test_an_output_that_is_not_complete_is_not_signed_and_goes_on(
    signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    words = (models.find(signed.top), KeySigner(signed.private), bytes(range(32)))

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(signing, "make", stop)
        with pytest.raises(KeyboardInterrupt):
            signed_encryption.encrypt_and_sign(*words, run=Run(output=out))
    assert not (out / "model.sig").exists()
    said = run("sign", *own(signed)[:3], out, status=1).stderr
    assert "is not complete" in said
    run("encrypt+sign", *own(signed), "--output", out, signed.top)
    run("verify", "--public-key", signed.public, "--dir", out)


def test_what_was_interrupted_goes_to_another_directory_under_its_signature(
    signed: Signed, tmp_path: Path
) -> None:
    run("sign+encrypt", *own(signed), signed.top)
    encryption.decrypt(signed.top / "config.json", signed.key)
    run("sign+encrypt", *own(signed), "--output", tmp_path / "out", signed.top)
    run("decrypt+verify", *shown(signed), tmp_path / "out")
    assert signed._replace(top=tmp_path / "out").read() == FILES | HIDDEN


def test_a_bundle_in_the_directory_stays_clear_and_is_found_by_its_name(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = signed.top / "my.bundle"
    run("sign+encrypt", *own(signed), "--signature", bundle, signed.top)
    assert bundle.read_bytes().startswith(b"{")
    monkeypatch.chdir(signed.top.parent)
    named = ("--signature", "my.bundle", "granite")
    run("decrypt+verify", *shown(signed), *named)
    public = ("--public-key", signed.public)
    run("verify", "key", *public, *named)
    run("verify", "key", *public, "--dir", "granite", "--signature", "my.bundle")


def test_ciphertext_is_signed_a_second_time_where_its_bundle_lies_in_it(signed: Signed) -> None:
    bundle = ("--signature", signed.top / "my.bundle", signed.top)
    for _ in range(2):
        run("encrypt+sign", *own(signed), *bundle)
        run("verify", "--public-key", signed.public, *bundle)


@pytest.mark.parametrize("verb", ["sign", "sign+encrypt", "encrypt+sign"])
def test_the_bundle_of_another_signer_is_not_overwritten(
    signed: Signed, verb: str, tmp_path: Path
) -> None:
    signing.sign(models.find(signed.top), mallory(signed))
    bundle = (signed.top / "model.sig").read_bytes()
    words = own(signed) if verb != "sign" else own(signed)[:3]
    said = run(verb, *words, signed.top, status=1).stderr
    assert "model.sig: a signature by key" in said
    assert "would be lost" in said
    assert (signed.top / "model.sig").read_bytes() == bundle
    run(verb, *words, "--signature", tmp_path / "other.sig", signed.top)
    assert (signed.top / "model.sig").read_bytes() == bundle


def test_whoever_signs_a_second_time_replaces_the_own_bundle(
    signed: Signed, method: Method
) -> None:
    for _ in range(2):
        run("sign", method.name, *method.signing, signed.top)
    run("verify", *method.verifying, "--dir", signed.top)
    if method.name == "key":
        return
    key = ("--private-key", signed.private)
    said = run("sign", "key", *key, signed.top, status=1).stderr
    assert "model.sig: a signature by" in said


def test_the_own_bundle_is_replaced_and_so_is_what_is_none(signed: Signed) -> None:
    for content in (b"", b"no bundle\n", b"{}"):
        (signed.top / "model.sig").write_bytes(content)
        run("sign", *own(signed)[:3], signed.top)
    run("sign", *own(signed)[:3], signed.top)
    run("verify", "--dir", signed.top, "--public-key", signed.public)


def test_a_copied_header_before_plaintext_is_not_signed_as_ciphertext(signed: Signed) -> None:
    sealed = signed.top.parent / "sealed"
    sealed.write_bytes(b"x")
    encryption.encrypt(sealed, signed.key)
    secret = sealed.read_bytes()[:64] + b"secret weights" * 1000
    (signed.top / "secret.bin").write_bytes(secret)
    before = signed.read()
    for verb in ("encrypt", "encrypt+sign", "sign+encrypt"):
        words = own(signed) if verb != "encrypt" else own(signed)[3:]
        said = run(verb, *words, signed.top, status=1).stderr
        assert "secret.bin" in said
        assert "encrypted already" in said
        assert signed.read() == before
        assert not (signed.top / "model.sig").exists()


def test_the_directory_is_looked_through_once_for_what_is_encrypted(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    select = selection.select

    def count(path: Path, *more: Iterable[Path]) -> selection.Selection:
        looked.append(path)
        return select(path, *more)

    monkeypatch.setattr(selection, "select", count)
    by = KeySigner(signed.private)
    signed_encryption.sign_and_encrypt(models.find(signed.top), by, bytes(range(32)))
    assert looked == [signed.top]

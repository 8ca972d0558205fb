"""What becomes of the model.sig beside the files of IBM's model-encryption."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.directories import enc_import, encryption
from git_model_security.directories.enc_signature import Signature, Signs
from git_model_security.directories.outputs import Run
from git_model_security.errors import ConfigError, PolicyError, Reason, VerificationError
from git_model_security.signing.by_key import KeyVerifier
from git_model_security.verification import directory_check, file_digests
from git_model_security.verification.scope import Scope
from tests.fixtures.bundles import Pair, make_pair, signed, statement
from tests.vectors.enc import forge
from tests.vectors.enc.forge import MATERIAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAIN = {"a.bin": b"weights", "config.json": b"{}", "sub/w.bin": b"more", "empty": b""}


@pytest.fixture(scope="module")
def ada(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("ada") / "ada.pem")


def _sign(top: Path, pair: Pair) -> None:
    """Signs what is there, as model_signing does."""
    files = sorted(path for path in top.rglob("*") if path.is_file())
    items = {
        path.relative_to(top).as_posix(): hashlib.sha256(path.read_bytes()).digest()
        for path in files
    }
    bundle = signed(pair, statement(items, ignored=("model.sig", ".git")))
    (top / "model.sig").write_text(json.dumps(bundle))


def _fill(top: Path) -> Path:
    for name, content in ({".hidden": b"h"} | PLAIN).items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    return top


def _encrypt(top: Path) -> None:
    """Encrypts what is there, as the tool does: all that is not hidden."""
    for path in sorted(top.rglob("[!.]*")):
        if path.is_file():
            forge.encrypt_file(path)


@pytest.fixture
def encrypt_sign(tmp_path: Path, ada: Pair) -> Path:
    top = _fill(tmp_path / "model")
    _encrypt(top)
    _sign(top, ada)
    return top


@pytest.fixture
def sign_encrypt(tmp_path: Path, ada: Pair) -> Path:
    top = _fill(tmp_path / "model")
    _sign(top, ada)
    _encrypt(top)
    return top


def _verifiers(pair: Pair) -> list[KeyVerifier]:
    return [KeyVerifier(pair.public, explicit=True)]


def _by(pair: Pair, word: str | None = None) -> Signature:
    return Signature(word, _verifiers(pair))


def test_a_signature_of_the_plaintext_comes_along_and_holds(
    sign_encrypt: Path, ada: Pair
) -> None:
    assert (sign_encrypt / "model.sig.enc").exists()
    enc_import.take_over(sign_encrypt, MATERIAL)
    assert b"dsseEnvelope" not in (sign_encrypt / "model.sig").read_bytes()
    encryption.decrypt(sign_encrypt, MATERIAL)
    assert directory_check.check(sign_encrypt, _verifiers(ada), Scope()).good


@pytest.mark.parametrize("is_in_place", [True, False])
def test_one_of_the_plaintext_in_clear_stays_in_clear(
    sign_encrypt: Path, ada: Pair, tmp_path: Path, is_in_place: bool
) -> None:
    (sign_encrypt / "model.sig.enc").unlink()
    _sign(_fill(tmp_path / "clear"), ada)
    (sign_encrypt / "model.sig").write_bytes((tmp_path / "clear/model.sig").read_bytes())
    output = sign_encrypt if is_in_place else tmp_path / "out"
    found = enc_import.take_over(
        sign_encrypt, MATERIAL, run=Run(output=None if is_in_place else output)
    )
    assert found.signs is Signs.PLAINTEXT
    assert b"dsseEnvelope" in (output / "model.sig").read_bytes()
    encryption.decrypt(output, MATERIAL)
    (output / ".hidden").write_bytes(b"h")
    assert directory_check.check(output, _verifiers(ada), Scope()).good


def test_one_of_the_ciphertext_is_not_lost_in_silence(encrypt_sign: Path, ada: Pair) -> None:
    with pytest.raises(PolicyError, match=r"model\.sig signs the \.enc files") as raised:
        enc_import.take_over(encrypt_sign, MATERIAL)
    assert "--public-key" in str(raised.value.hint)
    assert not (encrypt_sign / "a.bin").exists()
    found = enc_import.take_over(encrypt_sign, MATERIAL, signature=_by(ada))
    assert (found.signs, found.done.files) == (Signs.CIPHERTEXT, len(PLAIN))
    assert not (encrypt_sign / "a.bin.enc").exists()


def test_to_another_directory_it_stays_with_what_it_signs(
    encrypt_sign: Path, tmp_path: Path
) -> None:
    found = enc_import.take_over(encrypt_sign, MATERIAL, run=Run(output=tmp_path / "out"))
    assert found.signs is Signs.CIPHERTEXT
    assert (encrypt_sign / "model.sig").exists()
    assert not (tmp_path / "out/model.sig").exists()


@pytest.mark.parametrize("is_inside", [True, False])
def test_a_signature_of_another_name_is_found_where_it_is_named(
    encrypt_sign: Path, ada: Pair, is_inside: bool
) -> None:
    place = encrypt_sign / "bert.sig" if is_inside else encrypt_sign.parent / "bert.sig"
    (encrypt_sign / "model.sig").rename(place)
    name = "bert.sig" if is_inside else str(place)
    with pytest.raises(PolicyError, match=r"signs the \.enc files"):
        enc_import.take_over(encrypt_sign, MATERIAL, signature=Signature(word=name))
    with pytest.raises(ConfigError, match=r"lost\.sig: cannot be read"):
        enc_import.take_over(encrypt_sign, MATERIAL, signature=Signature(word="lost.sig"))
    output = encrypt_sign.parent / "out"
    enc_import.take_over(
        encrypt_sign, MATERIAL, signature=Signature(word=name), run=Run(output=output)
    )
    assert not (output / "bert.sig").exists()
    found = enc_import.take_over(encrypt_sign, MATERIAL, signature=_by(ada, name))
    assert (found.done.files, found.clear) == (len(PLAIN), [])


def test_somebody_else_did_not_sign_them(
    encrypt_sign: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    eve = make_pair(tmp_path_factory.mktemp("eve") / "eve.pem")
    with pytest.raises(VerificationError, match="signed by key"):
        enc_import.take_over(encrypt_sign, MATERIAL, signature=_by(eve))
    assert (encrypt_sign / "a.bin.enc").exists()


def _swap(top: Path) -> None:
    """Both stay authentic under the key, which says nothing of their names."""
    (top / "a.bin.enc").rename(top / "kept")
    (top / "config.json.enc").rename(top / "a.bin.enc")
    (top / "kept").rename(top / "config.json.enc")


def _remove(top: Path) -> None:
    (top / "a.bin.enc").unlink()


def _empty(top: Path) -> None:
    _remove(top)
    (top / "a.bin").write_bytes(b"")


def _add(top: Path) -> None:
    (top / "added.enc").write_bytes(forge.encrypt(b"added"))


def _add_clear(top: Path) -> None:
    (top / "added.py").write_bytes(b"added")


def _change_hidden(top: Path) -> None:
    (top / ".hidden").write_bytes(b"other")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_swap, Reason.TAMPERED),
        (_remove, Reason.MISSING),
        (_empty, Reason.MISSING),
        (_add, Reason.EXTRA),
        (_add_clear, Reason.EXTRA),
        (_change_hidden, Reason.TAMPERED),
    ],
)
def test_what_is_not_as_it_was_signed_is_not_taken_over(
    encrypt_sign: Path, ada: Pair, change: Callable[[Path], None], reason: Reason
) -> None:
    change(encrypt_sign)
    with pytest.raises(VerificationError) as raised:
        enc_import.take_over(encrypt_sign, MATERIAL, signature=_by(ada))
    assert raised.value.reason is reason
    assert (encrypt_sign / "sub/w.bin.enc").exists()


def _interrupted(top: Path, ada: Pair) -> None:
    """Takes over some of the files, as a run that somebody stops."""

    def stop(done: int, _: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        enc_import.take_over(
            top, MATERIAL, signature=_by(ada), run=Run(threads=1, progress=stop)
        )


def test_an_interrupted_run_is_verified_again_and_goes_on(
    encrypt_sign: Path, ada: Pair
) -> None:
    theirs = sorted(encrypt_sign.rglob("*.enc"))
    _interrupted(encrypt_sign, ada)
    assert sorted(encrypt_sign.rglob("*.enc")) == theirs
    assert (encrypt_sign / "a.bin").exists()
    found = enc_import.take_over(encrypt_sign, MATERIAL, signature=_by(ada))
    assert found.done.files == len(PLAIN)
    assert not list(encrypt_sign.rglob("*.enc"))
    encryption.decrypt(encrypt_sign, MATERIAL)
    assert (encrypt_sign / "a.bin").read_bytes() == PLAIN["a.bin"]


def _forged(top: Path, name: str) -> None:
    """Puts what nobody signed in a file's place, as who has the key can."""
    (top / name).write_bytes(b"forged by who has the key")
    encryption.encrypt(top / name, MATERIAL)


def test_what_an_interrupted_run_left_is_not_believed(encrypt_sign: Path, ada: Pair) -> None:
    _interrupted(encrypt_sign, ada)
    _forged(encrypt_sign, "a.bin")
    with pytest.raises(PolicyError, match=r"a\.bin is there too"):
        enc_import.take_over(encrypt_sign, MATERIAL, signature=_by(ada))
    assert (encrypt_sign / "a.bin.enc").exists()
    assert (encrypt_sign / "sub/w.bin.enc").exists()


@pytest.mark.parametrize("is_in_place", [True, False])
def test_an_envelope_in_the_place_of_a_file_that_was_signed_proves_nothing(
    encrypt_sign: Path, ada: Pair, tmp_path: Path, is_in_place: bool
) -> None:
    (encrypt_sign / "a.bin.enc").unlink()
    _forged(encrypt_sign, "a.bin")
    output = None if is_in_place else tmp_path / "out"
    with pytest.raises(VerificationError, match=r"a\.bin\.enc: signed and not there") as raised:
        enc_import.take_over(encrypt_sign, MATERIAL, signature=_by(ada), run=Run(output=output))
    assert raised.value.reason is Reason.MISSING
    assert "bring it back" in str(raised.value.hint)
    assert (encrypt_sign / "sub/w.bin.enc").exists()
    # The other way that the hint says.
    (encrypt_sign / "model.sig").unlink()
    assert enc_import.take_over(encrypt_sign, MATERIAL).done.files == len(PLAIN) - 1


@pytest.mark.parametrize("is_one", [True, False])
def test_a_part_of_what_was_signed_is_not_taken_over_in_place(
    encrypt_sign: Path, ada: Pair, tmp_path: Path, is_one: bool
) -> None:
    path = encrypt_sign / "a.bin.enc" if is_one else encrypt_sign
    ignored = () if is_one else (encrypt_sign / "sub",)
    with pytest.raises(PolicyError, match="is signed too, and not taken over"):
        enc_import.take_over(path, MATERIAL, ignored=ignored, signature=_by(ada))
    assert not (encrypt_sign / "a.bin").exists()
    out = tmp_path / "out"
    enc_import.take_over(
        path, MATERIAL, ignored=ignored, signature=_by(ada), run=Run(output=out)
    )
    assert (out / "a.bin").exists()


def test_what_the_signer_left_out_is_not_taken_over(encrypt_sign: Path, ada: Pair) -> None:
    bundle = encrypt_sign / "model.sig"
    text = json.loads(bundle.read_text())
    payload = json.loads(base64.b64decode(text["dsseEnvelope"]["payload"]))
    payload["predicate"]["serialization"]["ignore_paths"].append("more")
    bundle.write_text(json.dumps(signed(ada, payload)))
    enc = encrypt_sign / "more" / "x.enc"
    enc.parent.mkdir()
    enc.write_bytes(forge.encrypt(b"nobody signed this"))
    with pytest.raises(VerificationError, match=r"more/x\.enc: there and not signed"):
        enc_import.take_over(encrypt_sign, MATERIAL, signature=_by(ada))
    assert enc.exists()


@pytest.mark.parametrize("is_long", [True, False])
def test_what_is_sealed_is_what_was_signed_though_directories_are_exchanged(
    encrypt_sign: Path,
    ada: Pair,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_long: bool,
) -> None:
    """The forged one is there when files are looked at, and again when they are sealed."""
    content = b"forged" * (2 << 20 if is_long else 1)
    honest, forged, place = (tmp_path / name for name in ("honest", "forged", "aside"))
    sub = encrypt_sign / "sub"
    shutil.copytree(sub, honest)
    (sub / "w.bin.enc").write_bytes(forge.encrypt(content))
    real = file_digests.digests

    def exchanged(*arguments: Any, **named: Any) -> dict[bytes, bytes]:
        sub.rename(forged)
        honest.rename(sub)
        found = real(*arguments, **named)
        sub.rename(place)
        forged.rename(sub)
        return found

    monkeypatch.setattr(file_digests, "digests", exchanged)
    with pytest.raises(VerificationError, match=r"w\.bin\.enc: was exchanged") as raised:
        enc_import.take_over(encrypt_sign, MATERIAL, signature=_by(ada))
    assert raised.value.reason is Reason.TAMPERED
    assert not (sub / "w.bin").exists()
    assert len(list(encrypt_sign.rglob("*.enc"))) == len(PLAIN)


def test_a_signer_who_signed_no_ciphertext_is_told(sign_encrypt: Path, ada: Pair) -> None:
    with pytest.raises(PolicyError, match=r"no model\.sig signs the \.enc files"):
        enc_import.take_over(sign_encrypt, MATERIAL, signature=_by(ada))
    assert (sign_encrypt / "a.bin.enc").exists()


@pytest.mark.parametrize("content", [b"", b"no bundle", b"{}"])
def test_a_file_of_that_name_that_is_no_bundle_stops_nothing(
    sign_encrypt: Path, content: bytes
) -> None:
    (sign_encrypt / "model.sig.enc").unlink()
    (sign_encrypt / "model.sig").write_bytes(content)
    found = enc_import.take_over(sign_encrypt, MATERIAL)
    assert found.signs is Signs.NOTHING
    assert (sign_encrypt / "model.sig").read_bytes() == content

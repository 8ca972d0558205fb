"""What is decrypted by the verbs that verify: all of it verified, or nothing at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.directories import encryption, selection, signing, verified
from git_model_security.directories import model as models
from git_model_security.directories.outputs import Run
from git_model_security.directories.reading import Opened
from git_model_security.envelope.root import of_ends
from git_model_security.errors import (
    EnvelopeError,
    GitError,
    KeyNotFoundError,
    PolicyError,
)
from git_model_security.keyring import key_material
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from tests.directories.conftest import FILES, HIDDEN, Signed
from tests.fixtures.bundles import Pair, encoded, statement
from tests.fixtures.bundles import signed as by_hand

if TYPE_CHECKING:
    from git_model_security.directories.verified import Decrypted
    from git_model_security.directories.writing import Done

OTHER = bytes(32)
FORMS = ("decrypt+verify", "verify+decrypt")


def prepare(signed: Signed, form: str) -> None:
    """Encrypts and signs a model for one of the forms."""
    signer = KeySigner(signed.private)
    if form == "decrypt+verify":
        signing.sign(models.find(signed.top), signer)
        encryption.encrypt(signed.top, signed.key)
    else:
        encryption.encrypt(signed.top, signed.key)
        signing.sign(models.find(signed.top), signer)


def decrypt(
    signed: Signed, form: str, key: bytes | None = None, output: Path | None = None
) -> Decrypted:
    work = verified.decrypt_and_verify if form == FORMS[0] else verified.verify_and_decrypt
    held = key_material.of(key or signed.key)
    accepted = [KeyVerifier.from_file(signed.public)]
    return work(models.find(signed.top), held, accepted, run=Run(output=output))


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, signed: Signed) -> str:
    prepare(signed, request.param)
    return str(request.param)


def reasons(found: Decrypted) -> set[str]:
    assert found.done is None
    return {finding.reason.name for finding in found.verdict.findings}


def flip(path: Path, at: int = 200) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_changed_byte_of_ciphertext_is_found_and_nothing_written(
    signed: Signed, form: str
) -> None:
    flip(signed.top / "model.safetensors")
    before = signed.read()
    assert reasons(decrypt(signed, form)) == {"TAMPERED"}
    assert signed.read() == before


@pytest.mark.parametrize("change", ["missing", "extra", "link", "hidden", "swapped"])
def test_whatever_differs_stops_all_of_it(signed: Signed, form: str, change: str) -> None:
    weights, config = signed.top / "model.safetensors", signed.top / "config.json"
    if change == "missing":
        weights.unlink()
    elif change == "extra":
        (signed.top / "evil.py").write_bytes(b"import os\n")
    elif change == "link":
        weights.rename(signed.top.parent / "w")
        weights.symlink_to(signed.top.parent / "w")
    elif change == "hidden":
        (signed.top / ".hidden").write_bytes(b"changed\n")
    else:
        content = weights.read_bytes()
        weights.write_bytes(config.read_bytes())
        config.write_bytes(content)
    before = signed.read()
    assert not decrypt(signed, form).verdict.good
    assert signed.read() == before


def test_another_key_is_named_and_nothing_written(signed: Signed, form: str) -> None:
    before = signed.read()
    with pytest.raises(KeyNotFoundError, match="under another key"):
        decrypt(signed, form, OTHER)
    assert signed.read() == before


def test_tampered_ciphertext_is_tampered_under_whatever_key(signed: Signed) -> None:
    prepare(signed, "verify+decrypt")
    flip(signed.top / "config.json")
    assert reasons(decrypt(signed, "verify+decrypt", OTHER)) == {"TAMPERED"}


def test_another_signer_is_not_believed(signed: Signed, form: str, tmp_path: Path) -> None:
    from git_model_security.signing import keys

    keys.generate(tmp_path / "mallory.pem")
    (signed.top / "model.sig").unlink()
    signing.sign(models.find(signed.top), KeySigner(tmp_path / "mallory.pem"))
    assert reasons(decrypt(signed, form)) == {"WRONG_KEY"}


def test_the_bundle_of_another_directory_is_none_of_this(
    signed: Signed, form: str, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "weights.bin").write_bytes(b"other weights")
    done = signing.sign(models.find(other), KeySigner(signed.private))
    (signed.top / "model.sig").write_bytes(done.signature.read_bytes())
    before = signed.read()
    assert reasons(decrypt(signed, form)) >= {"MISSING"}
    assert signed.read() == before


def test_without_a_bundle_nothing_is_decrypted(signed: Signed, form: str) -> None:
    (signed.top / "model.sig").unlink()
    before = signed.read()
    found = decrypt(signed, form)
    assert reasons(found) == {"UNSIGNED"}
    assert found.verdict.status == 1
    assert signed.read() == before


def test_what_was_interrupted_goes_on(signed: Signed, form: str) -> None:
    encryption.decrypt(signed.top / "model.safetensors", signed.key)
    done = decrypt(signed, form).done
    assert done is not None
    assert done.files == 2
    assert signed.read() == FILES | HIDDEN
    again = decrypt(signed, form)
    assert again.verdict.good
    assert again.done is not None
    assert again.done.files == 0


def test_what_was_interrupted_goes_to_another_directory_as_a_whole(
    signed: Signed, form: str, tmp_path: Path
) -> None:
    encryption.decrypt(signed.top / "model.safetensors", signed.key)
    found = decrypt(signed, form, output=tmp_path / "out")
    assert found.verdict.good
    assert signed._replace(top=tmp_path / "out").read() == FILES | HIDDEN


def test_what_a_killed_run_left_is_no_file_of_the_model(signed: Signed, form: str) -> None:
    left = signed.top / "tokenizer" / f".git-model-partial-{'0' * 16}"
    left.write_bytes(b"plaintext")
    assert decrypt(signed, form).verdict.good
    assert signed.read() == FILES | HIDDEN


@pytest.mark.parametrize("is_one", [True, False])
def test_the_plaintext_comes_with_its_bundle(
    signed: Signed, tmp_path: Path, is_one: bool
) -> None:
    path = signed.top / "model.safetensors" if is_one else signed.top
    made = signing.sign(models.find(path), KeySigner(signed.private)).signature
    encryption.encrypt(path, signed.key)
    held, out = key_material.of(signed.key), tmp_path / "out"
    accepted = [KeyVerifier.from_file(signed.public)]
    verified.decrypt_and_verify(models.find(path), held, accepted, run=Run(output=out))
    assert (out / made.name).read_bytes() == made.read_bytes()
    plain = models.find(out / "model.safetensors" if is_one else out)
    assert verified.check(plain, accepted).good


def test_a_bundle_elsewhere_stays_there(signed: Signed, tmp_path: Path) -> None:
    bundle, out = tmp_path / "elsewhere.sig", tmp_path / "out"
    model = models.find(signed.top, bundle)
    signing.sign(model, KeySigner(signed.private))
    encryption.encrypt(signed.top, signed.key)
    held = key_material.of(signed.key)
    accepted = [KeyVerifier.from_file(signed.public)]
    assert verified.decrypt_and_verify(model, held, accepted, run=Run(output=out)).verdict.good
    assert not list(out.rglob("*.sig"))


def test_of_what_was_decrypted_already_a_change_is_found(signed: Signed, form: str) -> None:
    decrypt(signed, form)
    (signed.top / "config.json").write_bytes(b'{"changed": 1}\n')
    found = decrypt(signed, form)
    assert reasons(found) == {"TAMPERED"}
    (finding,) = found.verdict.findings
    assert finding.names == ("config.json",)


def test_a_file_exchanged_after_it_was_verified_is_not_written(
    signed: Signed, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = signed.top / "model.safetensors"
    forged = signed.top.parent / "forged"
    forged.write_bytes(b"forged weights")
    encryption.encrypt(forged, signed.key)
    write = encryption.decrypt_found

    def exchange(*arguments: object, **named: object) -> Done:
        weights.write_bytes(forged.read_bytes())
        done: Done = write(*arguments, **named)  # type: ignore[arg-type]
        return done

    monkeypatch.setattr(encryption, "decrypt_found", exchange)
    with pytest.raises(GitError, match="exchanged after it was verified"):
        decrypt(signed, form)
    assert weights.read_bytes() == forged.read_bytes()


def test_a_clear_file_exchanged_after_it_was_verified_is_not_copied(
    signed: Signed, form: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write = encryption.decrypt_found

    def exchange(*arguments: object, **named: object) -> Done:
        (signed.top / ".hidden").write_bytes(b"forged")
        done: Done = write(*arguments, **named)  # type: ignore[arg-type]
        return done

    monkeypatch.setattr(encryption, "decrypt_found", exchange)
    with pytest.raises(GitError, match="exchanged after it was verified"):
        decrypt(signed, form, output=tmp_path / "out")
    assert not (tmp_path / "out" / ".hidden").exists()


def test_to_another_directory_goes_what_is_signed_and_no_more(
    signed: Signed, form: str, tmp_path: Path
) -> None:
    (signed.top / ".gitattributes").write_bytes(b"nobody signed this\n")
    before = signed.read()
    decrypt(signed, form, output=tmp_path / "out")
    assert signed.read() == before
    there = Signed(tmp_path / "out", signed.key, signed.private, signed.public)
    assert there.read() == FILES | HIDDEN


@pytest.mark.parametrize("form_of_signing", FORMS)
def test_the_other_form_says_which_is_right(signed: Signed, form_of_signing: str) -> None:
    prepare(signed, form_of_signing)
    wrong = next(one for one in FORMS if one != form_of_signing)
    found = decrypt(signed, wrong)
    assert reasons(found) == {"INVALID"}
    (finding,) = found.verdict.findings
    assert finding.hint is not None
    assert f"`git model {form_of_signing}`" in finding.hint


def test_what_is_read_leaves_no_plaintext_behind(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(signed, "decrypt+verify")
    flip(signed.top / "config.json", 100)
    opened: list[str] = []
    real = os.open

    def watched(path: str, flags: int, *rest: object, **named: object) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            opened.append(os.fspath(path))
        return real(path, flags, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", watched)
    assert not decrypt(signed, "decrypt+verify").verdict.good
    assert opened == []


def test_a_link_or_a_pipe_is_never_signed(signed: Signed) -> None:
    (signed.top / "link").symlink_to("config.json")
    with pytest.raises(PolicyError, match="a symbolic link, which nobody can sign"):
        signing.make_manifest(models.find(signed.top))
    (signed.top / "link").unlink()
    os.mkfifo(signed.top / "pipe")
    with pytest.raises(PolicyError, match="no regular file"):
        signing.make_manifest(models.find(signed.top))
    ignored = models.find(signed.top, ignored=[signed.top / "pipe"])
    assert "pipe" in signing.make_manifest(ignored).ignore_paths


def test_an_empty_directory_is_no_model(tmp_path: Path, signed: Signed) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(PolicyError, match="nothing to sign"):
        signing.sign(models.find(tmp_path / "none"), KeySigner(signed.private))


def test_the_model_of_a_repository_is_signed_by_git_commit(signed: Signed) -> None:
    (signed.top / ".gitmodel").write_bytes(b"")
    with pytest.raises(PolicyError, match="of a git-model repository"):
        signing.sign(models.find(signed.top), KeySigner(signed.private))


def test_what_is_encrypted_is_not_signed_as_plaintext(signed: Signed) -> None:
    from tests.directories.test_verbs import run

    encryption.encrypt(signed.top / "config.json", signed.key)
    own = ("--private_key", signed.private, "--encryption-key", signed.key)
    said = run("sign+encrypt", "key", *own, signed.top, status=1).stderr
    assert "config.json: is encrypted already" in said
    assert not (signed.top / "model.sig").exists()


@pytest.mark.parametrize("digest", ["sha256", "blake3"])
def test_a_bundle_over_either_digest_is_verified(signed: Signed, digest: str) -> None:
    model = models.find(signed.top)
    signing.sign(model, KeySigner(signed.private), digest)  # type: ignore[arg-type]
    encryption.encrypt(signed.top, signed.key)
    assert decrypt(signed, "decrypt+verify").verdict.good


def test_a_directory_is_named_as_it_is_called(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(signed.top)
    assert models.find(".").name == "granite"
    assert signing.make_manifest(models.find(".")).name == "granite"


def test_reading_keeps_what_stands_for_each_file(signed: Signed) -> None:
    prepare(signed, "decrypt+verify")
    reading = Opened(key_material.of(signed.key))
    model = models.find(signed.top)
    verified.check(model, [KeyVerifier.from_file(signed.public)], reading=reading)
    assert reading.seen.keys() == {name.encode() for name in (FILES | HIDDEN)}


def sign_as_other_software(
    signed: Signed, items: dict[str, bytes], **serialization: object
) -> None:
    """Signs these names in a way that no command of ours does."""
    payload = statement(items, "granite", ("model.sig",))
    payload["predicate"]["serialization"] |= serialization
    bundle = encoded(by_hand(Pair(signed.private), payload))
    (signed.top / "model.sig").write_bytes(bundle)


def digests(signed: Signed) -> dict[str, bytes]:
    return {name: hashlib.sha256(data).digest() for name, data in signed.read().items()}


@pytest.mark.parametrize("verb", FORMS)
def test_what_a_link_leads_to_is_not_written_elsewhere_under_a_name_nobody_signed(
    signed: Signed, verb: str, tmp_path: Path
) -> None:
    items = digests(signed) if verb == FORMS[0] else {}
    encryption.encrypt(signed.top, signed.key)
    sign_as_other_software(signed, items or digests(signed), allow_symlinks=True)
    config = signed.top / "config.json"
    (signed.top / "plugins").mkdir()
    config.rename(signed.top / "plugins" / "config.json")
    config.symlink_to("plugins/config.json")
    with pytest.raises(PolicyError, match=r"config\.json: a link leads to what was signed"):
        decrypt(signed, verb, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    done = decrypt(signed, verb).done
    assert done is not None
    assert done.files == 3
    assert config.read_bytes() == FILES["config.json"]


@pytest.mark.parametrize("change", ["gone", "a link"])
def test_a_file_that_goes_after_it_was_verified_is_missed(
    signed: Signed, form: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: str
) -> None:
    select = selection.select
    hidden = signed.top / ".hidden"

    def gone(*arguments: Any, **named: Any) -> selection.Selection:
        hidden.unlink(missing_ok=True)
        if change == "a link":
            hidden.symlink_to("config.json")
        return select(*arguments, **named)

    monkeypatch.setattr(selection, "select", gone)
    with pytest.raises(GitError, match=r"\.hidden: was exchanged after it was verified"):
        decrypt(signed, form, output=tmp_path / "out")


def test_a_bundle_that_nobody_signed_goes_nowhere(signed: Signed, tmp_path: Path) -> None:
    encryption.encrypt(signed.top, signed.key)
    items = {}
    for name, data in signed.read().items():
        for start in range(0, len(data), 1000):
            part = data[start : start + 1000]
            items[f"{name}:{start}:{start + len(part)}"] = hashlib.sha256(part).digest()
    sign_as_other_software(signed, items, method="shards", shard_size=1000)
    (signed.top / "evil.sig").write_bytes((signed.top / "model.sig").read_bytes())
    assert decrypt(signed, "verify+decrypt", output=tmp_path / "out").verdict.good
    there = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert there == {Path(name).name for name in FILES | HIDDEN} - {"empty"}


@pytest.mark.parametrize("in_place", [True, False])
def test_what_was_signed_and_no_envelope_is_so_long_as_is_said_and_nothing_written(
    signed: Signed, tmp_path: Path, in_place: bool
) -> None:
    encryption.encrypt(signed.top, signed.key)
    config = signed.top / "config.json"
    config.write_bytes(config.read_bytes()[:100])
    signing.sign(models.find(signed.top), KeySigner(signed.private))
    before = signed.read()
    with pytest.raises(EnvelopeError, match=r"config\.json: begins as ciphertext"):
        decrypt(signed, "verify+decrypt", output=None if in_place else tmp_path / "out")
    assert signed.read() == before
    assert not (tmp_path / "out").exists()


def test_what_was_decrypted_already_goes_along_to_another_directory(
    signed: Signed, tmp_path: Path
) -> None:
    prepare(signed, "verify+decrypt")
    encryption.decrypt(signed.top / "config.json", signed.key)
    decrypt(signed, "verify+decrypt", output=tmp_path / "out")
    there = Signed(tmp_path / "out", signed.key, signed.private, signed.public)
    assert there.read() == FILES | HIDDEN


def test_a_file_whose_digest_is_the_root_of_an_envelope_is_not_that_envelope(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Header, length and footer, one after the other, are what a root is the SHA-256 of."""
    weights = signed.top / "model.safetensors"
    encryption.encrypt(weights, signed.key)
    envelope = weights.read_bytes()
    length = len(FILES["model.safetensors"]).to_bytes(8, "little")
    alike = envelope[:64] + length + envelope[-88:]
    assert hashlib.sha256(alike).digest() == of_ends(
        envelope[:64], envelope[-88:], len(envelope)
    )
    weights.write_bytes(alike)
    signing.sign(models.find(signed.top), KeySigner(signed.private))
    select = selection.select

    def exchange(*arguments: Any, **named: Any) -> selection.Selection:
        weights.write_bytes(envelope)
        return select(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(selection, "select", exchange)
        with pytest.raises(EnvelopeError):
            decrypt(signed, "verify+decrypt")
    assert weights.read_bytes() == envelope

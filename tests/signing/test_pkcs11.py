"""Signatures by keys in a token: a real SoftHSM, and stock model_signing."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import ConfigError, KeyNotFoundError
from git_model_security.signing import keys, pem, pkcs11_uri
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.by_certificate import CertificateVerifier
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from git_model_security.signing.by_pkcs11 import Pkcs11CertificateSigner, Pkcs11Signer
from git_model_security.signing.manifest import plaintext_manifest
from git_model_security.signing.token import Token
from tests.fixtures.chains import IDENTITY
from tests.fixtures.processes import execute
from tests.fixtures.tokens import LABEL, PIN, SoftToken

if TYPE_CHECKING:
    from tests.fixtures.chains import Chains
    from tests.fixtures.repositories import Repository

WEIGHTS = b"\0" * 5000
MANIFEST = plaintext_manifest(".", "sha256", [(b"w.bin", hashlib.sha256(WEIGHTS).digest())])
STOCK = (sys.executable, "-m", "model_signing")


def by_key(chains: Chains, name: str = "good") -> KeyVerifier:
    return KeyVerifier(pem.public_pem(keys.load_private(chains[name].key)))


def by_certificate(chains: Chains) -> CertificateVerifier:
    return CertificateVerifier.from_files([chains.root], IDENTITY)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    directory.mkdir()
    (directory / "w.bin").write_bytes(WEIGHTS)
    return directory


def test_stock_verifies_a_signature_of_a_token(
    token: SoftToken, chains: Chains, model: Path
) -> None:
    signer = Pkcs11Signer(token.uri(), pin=PIN.encode())
    (model / "model.sig").write_bytes(signer.sign(MANIFEST))
    public = model.parent / "public.pem"
    public.write_bytes(by_key(chains).pin.content)
    options = ("--signature", "model.sig", "--public_key", public)
    execute(*STOCK, "verify", "key", *options, ".", cwd=model)
    assert signer.identity == KeySigner(chains["good"].key).identity


def test_we_verify_what_stock_signed_with_the_same_uri(
    token: SoftToken, chains: Chains, model: Path
) -> None:
    uri = token.uri("release", f"pin-value={PIN}")
    execute(
        *STOCK, "sign", "pkcs11-key", "--pkcs11_uri", uri, "--signature", "s", ".", cwd=model
    )
    data = (model / "s").read_bytes()
    assert open_bundle(data, [by_key(chains)]).manifest.items == MANIFEST.items
    assert open_bundle(Pkcs11Signer(uri).sign(MANIFEST), [by_key(chains)])


def test_a_key_of_no_whole_number_of_bytes_signs(token: SoftToken, chains: Chains) -> None:
    data = Pkcs11Signer(token.uri("P-521"), pin=PIN.encode()).sign(MANIFEST)
    assert open_bundle(data, [by_key(chains, "P-521")])


def test_a_certificate_for_a_key_in_a_token_signs(token: SoftToken, chains: Chains) -> None:
    good = chains["good"].certificate
    signer = Pkcs11CertificateSigner(token.uri(), good, chains.chain("good"), pin=PIN.encode())
    opened = open_bundle(signer.sign(MANIFEST), [by_certificate(chains)])
    assert opened.signer == signer.identity


def test_a_certificate_for_another_key_signs_nothing(token: SoftToken, chains: Chains) -> None:
    other = chains["renewed"].certificate
    signer = Pkcs11CertificateSigner(token.uri(), other, pin=PIN.encode())
    with pytest.raises(ConfigError, match="signs with another key than expected"):
        signer.sign(MANIFEST)
    expired = Pkcs11CertificateSigner(token.uri(), chains["expired"].certificate)
    with pytest.raises(ConfigError, match="expired on"):
        expired.sign(MANIFEST)


def test_the_pin_is_asked_for_when_it_signs_and_not_before(
    token: SoftToken, chains: Chains
) -> None:
    asked: list[str] = []

    def ask(what: str) -> bytes:
        asked.append(what)
        return PIN.encode()

    signer = Pkcs11Signer(token.uri(), pin=ask)
    assert signer.identity.fingerprint == by_key(chains).identity.fingerprint
    assert asked == []
    assert open_bundle(signer.sign(MANIFEST), [by_key(chains)])
    assert asked == [LABEL]


def test_a_key_that_wants_its_pin_each_time_gets_it(token: SoftToken) -> None:
    signer = Pkcs11Signer(token.uri("always"), pin=PIN.encode())
    for _ in range(2):
        assert open_bundle(signer.sign(MANIFEST), [signer.verifier()]).signer == signer.identity


def test_a_key_is_named_by_its_id_where_its_label_is_not_enough(
    token: SoftToken, chains: Chains
) -> None:
    with pytest.raises(ConfigError, match="2 public keys of that name") as refused:
        Pkcs11Signer(token.uri("twice"), pin=PIN.encode()).sign(MANIFEST)
    assert "id=" in str(refused.value.hint)
    uri = token.uri("twice").replace("?", ";id=%A4?")
    data = Pkcs11Signer(uri, pin=PIN.encode()).sign(MANIFEST)
    assert open_bundle(data, [by_key(chains, "renewed")])


def test_the_module_can_be_said_beside_the_uri(token: SoftToken, chains: Chains) -> None:
    uri = token.uri().partition("?")[0]
    data = Pkcs11Signer(uri, [Path(token.module)], PIN.encode()).sign(MANIFEST)
    assert open_bundle(data, [by_key(chains)])


@pytest.mark.parametrize("pin", [b"4712-secret", b"1", b"x" * 300])
def test_a_wrong_pin_is_said_and_not_shown(pin: bytes, token: SoftToken) -> None:
    with pytest.raises(ConfigError, match="the PIN is wrong") as refused:
        Pkcs11Signer(token.uri(), pin=pin).sign(MANIFEST)
    assert LABEL in str(refused.value)
    assert pin.decode() not in f"{refused.value}{refused.value.hint}".replace(LABEL, "")


def test_without_a_pin_the_ways_to_give_one_are_named(token: SoftToken) -> None:
    for pin in (None, lambda _: None):
        with pytest.raises(ConfigError, match="wants a PIN") as refused:
            Pkcs11Signer(token.uri(), pin=pin).sign(MANIFEST)
        assert "GIT_MODEL_PKCS11_PIN" in str(refused.value.hint)


def test_an_rsa_key_is_named_as_such(token: SoftToken) -> None:
    with pytest.raises(ConfigError, match="a key of the kind RSA; a signing key is"):
        _ = Pkcs11Signer(token.uri("RSA")).identity


def test_what_is_not_in_a_token_is_said(token: SoftToken) -> None:
    with pytest.raises(KeyNotFoundError, match="no such public key in the token"):
        Pkcs11Signer(token.uri("none"), pin=PIN.encode()).sign(MANIFEST)


def test_a_token_that_is_gone_is_said_with_those_present(
    token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyNotFoundError, match=f"no such token is present; there is '{LABEL}'"):
        Pkcs11Signer(token.uri(token="lost"), pin=PIN.encode()).sign(MANIFEST)
    signer = Pkcs11Signer(token.uri(), pin=PIN.encode())
    assert signer.identity
    empty = tmp_path / "softhsm2.conf"
    empty.write_text(f"directories.tokendir = {tmp_path}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(empty))
    with pytest.raises(KeyNotFoundError, match="no such token is present; there is none"):
        signer.sign(MANIFEST)


def test_a_file_that_is_no_module_is_said(token: SoftToken, tmp_path: Path) -> None:
    file = tmp_path / "module.so"
    file.write_text("no module")
    with pytest.raises(ConfigError, match="cannot be loaded as a PKCS #11 module"):
        _ = Pkcs11Signer(token.uri().replace(token.module, str(file))).identity


def test_a_locked_token_is_said_before_a_pin_is_asked_for() -> None:
    # SoftHSM locks no token, so the flag that others set is set here.
    library = pytest.importorskip("PyKCS11")
    info = SimpleNamespace(flags=library.CKF_USER_PIN_LOCKED, label="locked one")
    locked = Token(library, None, pkcs11_uri.parse("pkcs11:object=k"), info)
    with pytest.raises(ConfigError, match="it is locked: too many wrong PINs"):
        locked.login(lambda _: pytest.fail("asked for a PIN"))


def test_a_missing_package_is_said(token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PyKCS11", None)
    with pytest.raises(ConfigError, match="needs the Python package pykcs11") as refused:
        _ = Pkcs11Signer(token.uri()).identity
    assert "pip install pykcs11" in str(refused.value.hint)


@pytest.fixture
def own(softhsm: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftToken:
    """An empty place for tokens, of this test alone."""
    made = SoftToken(softhsm.module, tmp_path / "softhsm2.conf", tmp_path / "tokens")
    made.tokens.mkdir()
    made.config.write_text(f"directories.tokendir = {made.tokens}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(made.config))
    monkeypatch.setenv("GIT_MODEL_PKCS11_PIN", PIN)
    return made


def put(key: Path) -> None:
    """Makes one more token of the same label, with a key of the same label."""
    pins = ("--pin", PIN, "--so-pin", "security-officer")
    said = execute("softhsm2-util", "--init-token", "--free", "--label", LABEL, *pins).stdout
    slot = said.strip().rpartition(" ")[2]
    what = ("--import", key, "--label", "release", "--id", "A0", "--pin", PIN)
    execute("softhsm2-util", *what, "--slot", slot)


def test_of_two_tokens_of_one_label_none_is_taken(
    own: SoftToken, chains: Chains, repo: Repository
) -> None:
    repo.write("weights.bin", b"weights")
    put(chains["good"].key)
    put(chains["renewed"].key)
    by = ("init", "--sign-with", "pkcs11-key", "--pkcs11-uri")
    refused = repo.model(*by, own.uri(), check=False)
    assert refused.returncode == 1
    assert "2 tokens are named so; their serial numbers are " in refused.stderr
    assert "hint: say which in the URI as well: serial=NUMBER" in refused.stderr
    serial = refused.stderr.partition("serial numbers are ")[2].split(",")[0]
    repo.model(*by, own.uri().replace("pkcs11:", f"pkcs11:serial={serial};"))


def test_a_clone_signs_with_the_key_that_the_token_held_when_it_was_set_up(
    own: SoftToken, chains: Chains, repo: Repository
) -> None:
    repo.write("weights.bin", b"weights")
    put(chains["good"].key)
    repo.model("init", "--sign-with", "pkcs11-key", "--pkcs11-uri", own.uri())
    kept = repo.git("config", "git-model.pkcs11Key")
    assert kept == pem.fingerprint(pem.public_pem(keys.load_private(chains["good"].key)))
    repo.commit("By the first")
    trusted = repo.model("trust", "list").stdout
    shutil.rmtree(own.tokens)
    own.tokens.mkdir()
    put(chains["renewed"].key)
    repo.write("weights.bin", b"other weights")
    repo.git("add", ".")
    refused = repo.model("sign", check=False)
    assert refused.returncode == 1
    assert f"this clone was set up to sign with {kept[:16]}" in refused.stderr
    assert repo.model("trust", "list").stdout == trusted
    repo.model("config", "pkcs11Uri", own.uri())
    repo.model("sign")
    assert repo.git("config", "git-model.pkcs11Key") != kept

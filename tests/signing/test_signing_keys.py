from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from git_model_security.errors import ConfigError, KeyNotFoundError, UsageError
from git_model_security.keyring import key_files
from git_model_security.signing import keys, methods, pem
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from git_model_security.signing.keys import KeyStore
from tests.fixtures.processes import execute, need

if TYPE_CHECKING:
    from pathlib import Path

ELLIPTIC = {
    "as the model-encryption README makes it": "ecparam -name prime256v1 -genkey",
    "SEC1": "ecparam -name prime256v1 -genkey -noout",
    "P-384": "ecparam -name secp384r1 -genkey",
    "P-521": "ecparam -name secp521r1 -genkey -noout",
    "PKCS#8": "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
}

OTHERS = {
    "genrsa": "kind RSA",
    "genpkey -algorithm ed25519": "kind Ed25519",
    "genpkey -algorithm x25519": "kind X25519",
    "ecparam -name secp256k1 -genkey -noout": "curve secp256k1",
    "ecparam -name prime256v1": "holds 'EC PARAMETERS', not a private key",
}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    keys.generate(path)
    return path


def openssl(command: str, output: Path) -> Path:
    need("openssl")
    execute("openssl", *command.split(), "-out", output)
    return output


@pytest.mark.parametrize("command", ELLIPTIC.values(), ids=ELLIPTIC)
def test_an_elliptic_key_of_openssl_can_sign(command: str, tmp_path: Path) -> None:
    path = openssl(command, tmp_path / "key.priv")
    assert pem.is_fingerprint(KeySigner(path).identity.fingerprint)


@pytest.mark.parametrize("command", OTHERS)
def test_another_kind_of_key_is_named(command: str, tmp_path: Path) -> None:
    path = openssl(command, tmp_path / "key.priv")
    with pytest.raises(ConfigError, match=OTHERS[command]) as refused:
        keys.load_private(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a PEM file"),
        (b"\x80" * 32, "as an AES-256 key has"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "CERTIFICATE"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "an OpenSSH key"),
        (b"x" * 100_000, "too long"),
    ],
)
def test_what_is_no_key_is_said(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        keys.load_private(path)


def test_a_missing_key_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the key: no such file"):
        keys.load_private(tmp_path / "none")


def test_a_public_key_cannot_sign(key: Path, tmp_path: Path) -> None:
    public = tmp_path / "key.pub"
    public.write_bytes(pem.public_pem(keys.load_private(key)))
    with pytest.raises(ConfigError, match="holds 'PUBLIC KEY', not a private key"):
        keys.load_private(public)


def test_a_private_key_is_no_public_key(key: Path) -> None:
    with pytest.raises(ConfigError, match="a private key where the public one is wanted"):
        KeyVerifier.from_file(key)


@pytest.mark.parametrize("form", ["ec -in {key} -aes256", "pkcs8 -topk8 -in {key}"])
def test_an_encrypted_key_asks_for_its_password(form: str, key: Path, tmp_path: Path) -> None:
    locked = openssl(form.format(key=key) + " -passout pass:word", tmp_path / "locked.pem")
    with pytest.raises(ConfigError, match="is encrypted") as refused:
        keys.load_private(locked)
    assert "GIT_MODEL_SIGNING_KEY_PASSWORD" in str(refused.value.hint)
    with pytest.raises(ConfigError, match="the password does not open"):
        keys.load_private(locked, b"other")
    assert KeySigner(locked, b"word").identity == KeySigner(key).identity


def test_a_password_for_another_key_does_no_harm(key: Path) -> None:
    assert KeySigner(key, b"word").identity == KeySigner(key).identity


def test_a_key_can_be_given_as_pem(key: Path) -> None:
    assert KeySigner(key.read_bytes()).identity == KeySigner(key).identity


def test_a_new_key_is_private_and_on_p256(key: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert isinstance(keys.load_private(key).curve, ec.SECP256R1)
    assert not key_files.is_exposed(key)
    key.chmod(0o640)
    assert key_files.is_exposed(key)


def test_a_key_file_is_never_overwritten(key: Path) -> None:
    before = key.read_bytes()
    with pytest.raises(ConfigError, match="never overwritten"):
        keys.generate(key)
    assert key.read_bytes() == before


def test_a_public_key_is_canonical_whatever_stands_around_it(key: Path) -> None:
    public = pem.public_pem(keys.load_private(key))
    assert KeyVerifier(b"Public Key Information:\r\n" + public).identity.fingerprint == (
        pem.fingerprint(public)
    )


def test_of_several_keys_in_a_file_none_is_taken(key: Path, tmp_path: Path) -> None:
    private, public = key.read_bytes(), pem.public_pem(keys.load_private(key))
    other = tmp_path / "other"
    keys.generate(other)
    for second in (pem.public_pem(keys.load_private(other)), public):
        both = tmp_path / "both.pub"
        both.write_bytes(public + second)
        with pytest.raises(ConfigError, match=r"both.pub: holds 2 keys, where one is wanted"):
            KeyVerifier.from_file(both)
    both = tmp_path / "both.pem"
    both.write_bytes(private + other.read_bytes())
    with pytest.raises(ConfigError, match=r"both.pem: holds 2 keys, where one is wanted"):
        keys.load_private(both)


def test_the_store_keeps_keys_private_and_once(key: Path, tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "config" / "signing")
    key.chmod(0o644)
    text, private = key.read_bytes(), keys.load_private(key)
    fingerprint = store.keep(text, private)
    assert store.keep(text, private) == fingerprint
    new = keys.new()
    created = store.keep(pem.private_pem(new), new)
    assert store.fingerprints() == sorted([fingerprint, created])
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(store.path(fingerprint).stat().st_mode) == 0o600
    assert store.path(fingerprint).read_bytes() == key.read_bytes()
    assert len(list(store.directory.iterdir())) == 2


def test_the_store_keeps_an_encrypted_key_encrypted(key: Path, tmp_path: Path) -> None:
    locked = openssl(f"pkcs8 -topk8 -in {key} -passout pass:word", tmp_path / "locked.pem")
    store = KeyStore(tmp_path / "signing")
    private = keys.load_private(locked, b"word")
    kept = store.path(store.keep(locked.read_bytes(), private))
    with pytest.raises(ConfigError, match="is encrypted"):
        keys.load_private(kept)


@pytest.mark.parametrize("fingerprint", ["0" * 64, "../../etc/passwd", ""])
def test_the_store_says_when_it_has_no_such_key(fingerprint: str, tmp_path: Path) -> None:
    with pytest.raises(KeyNotFoundError, match="is not in"):
        KeyStore(tmp_path).path(fingerprint)


def test_methods_are_known_by_name_with_underscores_too() -> None:
    assert methods.canonical("pkcs11_key") == "pkcs11-key"
    with pytest.raises(UsageError, match="no signing method 'blood'"):
        methods.canonical("blood")

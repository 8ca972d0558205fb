from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import ConfigError
from git_model_security.signing import pkcs11_uri

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "4711-secret"


def test_a_uri_names_token_and_key() -> None:
    uri = pkcs11_uri.parse("pkcs11:token=My%20token;object=k;id=%01%AF;type=private")
    assert uri.path == {
        "token": b"My token",
        "object": b"k",
        "id": b"\x01\xaf",
        "type": b"private",
    }
    assert uri.pin() is None
    assert str(uri) == "pkcs11:token=My%20token;object=k;id=%01%AF;type=private"


def test_what_only_describes_the_module_is_passed_over() -> None:
    uri = pkcs11_uri.parse("pkcs11:library-manufacturer=x;slot-description=y;slot-id=3;id=k")
    assert uri.path == {"slot-id": b"3", "id": b"k"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begins with pkcs11:"),
        (f"object=k?pin-value={SECRET}", "begins with pkcs11:"),
        ("pkcs11:", "names no key"),
        (f"pkcs11:token=t?pin-value={SECRET}", "names no key"),
        (f"pkcs11:object=k;{SECRET}", "is malformed"),
        (f"pkcs11:object=k?{SECRET}", "is malformed"),
        (f"pkcs11:object=k;pin-value={SECRET}", "not known here: pin-value"),
        ("pkcs11:object=k?x-option=1", "not known here: x-option"),
        ("pkcs11:object=k;objekt=2", "not known here: objekt"),
        ("pkcs11:object=k;object=l", "is malformed"),
        ("pkcs11:object=k;type=cert", "something else than a private key"),
        ("pkcs11:object=k;slot-id=one", "no number"),
    ],
)
def test_what_chooses_no_key_is_refused_without_its_pin(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        pkcs11_uri.parse(text)
    assert SECRET not in f"{refused.value} {refused.value.hint}"


def test_a_pin_in_a_uri_is_used_and_never_shown() -> None:
    text = f"pkcs11:object=k?module-path=/m.so&pin-value={SECRET}"
    uri = pkcs11_uri.parse(text)
    assert uri.pin() == SECRET.encode()
    assert SECRET not in f"{uri} {uri!r}"


@pytest.mark.parametrize("scheme", ["", "file:", "file://"])
def test_a_pin_is_read_from_the_file_that_the_uri_names(scheme: str, tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.write_text(f"{SECRET}\n")
    uri = pkcs11_uri.parse(f"pkcs11:object=k?pin-source={scheme}{file}")
    assert uri.pin() == SECRET.encode()
    file.unlink()
    with pytest.raises(ConfigError, match="cannot read the PIN: no such file"):
        uri.pin()


@pytest.mark.parametrize("place", ["pin", "|cat%20/pin", "https://example.com/pin"])
def test_a_pin_is_read_from_nothing_else(place: str) -> None:
    with pytest.raises(ConfigError, match="not the path of a file"):
        pkcs11_uri.parse(f"pkcs11:object=k?pin-source={place}").pin()


def test_a_module_is_found_by_path_by_name_or_where_it_was_said(tmp_path: Path) -> None:
    module = tmp_path / "libToken.so.2"
    module.touch()
    (tmp_path / "libtokens.so").touch()

    def found(query: str, *places: Path) -> Path:
        return pkcs11_uri.parse(f"pkcs11:object=k{query}").module(places)

    assert found(f"?module-path={module}") == module
    assert found(f"?module-path={tmp_path}&module-name=token") == module
    assert found("?module-name=libtoken", tmp_path) == module
    assert found("", tmp_path, module) == module
    for query, places in (
        (f"?module-path={tmp_path}/none.so", [module]),
        ("?module-path=libToken.so.2", [module]),
        ("?module-name=other", [tmp_path]),
    ):
        with pytest.raises(ConfigError, match="no PKCS #11 module"):
            found(query, *places)
    with pytest.raises(ConfigError, match="names no module"):
        found("", tmp_path)

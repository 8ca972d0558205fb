"""OIDC tokens: read strictly, kept privately, and never shown."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import PersonNeededError, SigningError, UsageError
from git_model_security.signing import oidc
from git_model_security.signing.by_sigstore import SigstoreVerifier
from git_model_security.signing.oidc import Source, TokenStore, read
from git_model_security.signing.sigstore_instance import Instance
from tests.fixtures.sigstore_loopback import token

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ISSUER = "https://login.example.com"
FAR = 4102444800


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenStore:
    for name in ("CI", oidc.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    return TokenStore(tmp_path / "git-model" / "tokens")


def test_a_good_token_is_read() -> None:
    assert read(f"{token()}\n", "sigstore", "here").lasts()
    assert read(token(aud=["other", "sigstore"]), "sigstore", "here").lasts()
    assert not read(token(seconds=8), "sigstore", "here").lasts()


# Made in the test: what a module makes when it is collected may have expired by then.
@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: "", "here: not an OIDC token"),
        (lambda: "a.b", "here: not an OIDC token"),
        (lambda: "a.é.c", "here: not an OIDC token"),
        (lambda: "a.W10.c", "here: not an OIDC token"),
        (lambda: token(exp=None), "here: the OIDC token does not say when it ends"),
        (lambda: token(exp=1), "here: the OIDC token expired at 1970-01-01 00:00:01 UTC"),
        (lambda: token(exp=-1e300), "here: the OIDC token expired at a time that is none"),
        (lambda: token(nbf=FAR), "begins at 2100-01-01 00:00:00 UTC, which is still to come"),
        (lambda: token(iat=FAR), "begins at 2100-01-01 00:00:00 UTC, which is still to come"),
        (lambda: token(aud="another"), "here: the OIDC token is not for 'sigstore'"),
        (lambda: token(aud=["another"]), "here: the OIDC token is not for 'sigstore'"),
    ],
)
def test_a_token_that_cannot_be_used_is_told_and_not_shown(
    made: Callable[[], str], message: str
) -> None:
    text = made()
    with pytest.raises(SigningError) as refused:
        read(text, "sigstore", "here")
    assert message in str(refused.value)
    assert refused.value.__cause__ is None
    assert not text or text not in f"{refused.value} {refused.value.hint}"


def test_a_token_is_no_part_of_what_is_printed_of_it() -> None:
    secret = token()
    shown = repr((read(secret, "sigstore", "here"), Source(secret, client_secret="hush")))
    assert secret not in shown
    assert "hush" not in shown


def test_the_order_is_given_then_variable_then_kept(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, variable, kept = (token(f"{name}@example.com") for name in "abc")
    store.put(ISSUER, "sigstore", kept)
    assert Source(store=store).token(ISSUER).text == kept
    monkeypatch.setenv(oidc.VARIABLE, variable)
    assert Source(store=store).token(ISSUER).text == variable
    assert Source(given, store=store).token(ISSUER).text == given


def test_a_kept_token_is_for_its_issuer_and_client_only(store: TokenStore) -> None:
    store.put(ISSUER, "sigstore", token())
    for source, issuer in (
        (Source(store=store), "https://other.example.com"),
        (Source(store=store, client_id="other"), ISSUER),
    ):
        with pytest.raises(PersonNeededError):
            source.token(issuer)


@pytest.mark.parametrize(
    "made", [lambda: token(seconds=-5), lambda: token(seconds=5), lambda: "nonsense"]
)
def test_a_kept_token_that_is_over_is_removed(
    made: Callable[[], str], store: TokenStore
) -> None:
    store.put(ISSUER, "sigstore", made())
    with pytest.raises(PersonNeededError) as refused:
        Source(store=store).token(ISSUER)
    assert "no OIDC token available" in str(refused.value)
    assert list(store.directory.iterdir()) == []


def test_a_token_is_kept_for_its_owner_alone(store: TokenStore) -> None:
    store.put(ISSUER, "sigstore", "old")
    store.put(ISSUER, "sigstore", "new")
    (kept,) = store.directory.iterdir()
    assert store.get(ISSUER, "sigstore") == "new"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("which", ["file", "directory", "above", "link"])
def test_a_token_that_others_could_have_touched_is_not_used(
    which: str, store: TokenStore, tmp_path: Path
) -> None:
    store.put(ISSUER, "sigstore", token())
    (kept,) = store.directory.iterdir()
    if which == "file":
        kept.chmod(0o640)
    elif which == "directory":
        store.directory.chmod(0o750)
    elif which == "above":
        store.directory.parent.chmod(0o777)
    else:
        kept.rename(tmp_path / "elsewhere")
        kept.symlink_to(tmp_path / "elsewhere")
    assert store.get(ISSUER, "sigstore") is None


def test_a_token_that_cannot_be_kept_is_not(store: TokenStore, tmp_path: Path) -> None:
    store.directory.parent.mkdir()
    store.directory.parent.chmod(0o755)
    store.put(ISSUER, "sigstore", token())
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]
    TokenStore(tmp_path / "file" / "x" / "y").directory.parents[1].write_text("no directory")
    TokenStore(tmp_path / "file" / "x" / "y").put(ISSUER, "sigstore", token())


def test_the_session_directory_comes_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert oidc.place() == tmp_path / "git-model" / "tokens"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    assert oidc.place() == tmp_path / "cache" / "git-model" / "tokens"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert oidc.place().is_absolute()


def test_one_instance_at_a_time() -> None:
    with pytest.raises(UsageError):
        Instance(b"{}", is_staging=True)


def test_a_pin_is_the_identity_at_one_instance() -> None:
    public = SigstoreVerifier("ada@example.com", ISSUER)
    staging = SigstoreVerifier("ada@example.com", ISSUER, Instance(is_staging=True))
    assert public.identity.name == staging.identity.name == f"ada@example.com ({ISSUER})"
    assert public.identity.fingerprint != staging.identity.fingerprint
    again = SigstoreVerifier.from_pin(staging.pin.content, "the pin")
    assert again.identity == staging.identity
    assert not again.explicit

"""Errors of the API: each names its file, and its hint is what a program can do."""

from __future__ import annotations

import errno
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

import git_model_security as gm
from git_model_security.errors import ConfigError, KeyNotFoundError, PolicyError, Reason
from git_model_security.git import worktree
from git_model_security.loading import safetensors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "aes256.bin"
TRUST: dict[str, Any] = {"public_key": "key.pub"}


def test_a_bundle_that_is_not_there_is_named(here: Path) -> None:
    for call in (gm.load, lambda path, key, **given: gm.verify(path, key=key, **given)):
        with pytest.raises(gm.VerificationError, match=r"^granite/model\.sig: there is no"):
            call("granite", KEY, **TRUST)
        with pytest.raises(
            gm.VerificationError, match=r"^granite/mode\.sig: there is no"
        ) as one:
            call("granite", KEY, signature="granite/mode.sig", **TRUST)
        assert one.value.gate_status == 4
        assert "`signature=`" in (one.value.hint or "")
    assert here


def test_a_bundle_that_does_not_hold_is_named(here: Path) -> None:
    (here / "granite" / "model.sig").write_bytes(b"{}")
    with pytest.raises(gm.VerificationError, match=r"^granite/model\.sig: ") as raised:
        gm.load("granite", KEY, **TRUST)
    assert raised.value.reason is Reason.MALFORMED


def test_another_key_is_told_as_a_program_can_use_it(here: Path) -> None:
    (here / "other.bin").write_bytes(bytes(32))
    gm.sign("granite", private_key="key.priv")
    gm.encrypt("granite", KEY)
    for call in (
        lambda: gm.open_encrypted("granite/config.json", "other.bin"),
        lambda: gm.load("granite", "other.bin", **TRUST).open("config.json"),
        lambda: gm.verify("granite", key="other.bin", **TRUST),
        lambda: gm.decrypt("granite", "other.bin"),
    ):
        with pytest.raises(KeyNotFoundError, match=r"config\.json") as raised:
            call()
        assert "the key that it was encrypted with" in (raised.value.hint or "")
        assert "unlock" not in (raised.value.hint or "")


def test_who_names_nobody_is_told_how_to(here: Path) -> None:
    gm.sign("granite", private_key="key.priv")
    for call in (lambda: gm.load("granite", KEY), lambda: gm.verify("granite")):
        with pytest.raises(ConfigError, match="nobody is trusted") as raised:
            call()
        assert raised.value.hint == "say who must have signed, such as `public_key=FILE`"
    assert here


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("verify", lambda said: gm.verify("granite", **said)),
        ("verify", lambda said: gm.Repository("clone").verify(**said)),
        ("load", lambda said: gm.load("granite", KEY, **said)),
        ("load", lambda said: gm.load("clone", KEY, revision="HEAD", **said)),
        ("sign", lambda said: gm.sign("granite", **said)),
    ],
)
def test_an_unknown_option_is_one_of_what_was_called(
    here: Path, name: str, call: Callable[[dict[str, str]], object]
) -> None:
    if name != "sign":
        gm.sign("granite", private_key="key.priv")
    with pytest.raises(TypeError, match=rf"^{name}\(\) got an unexpected keyword.*'pubkey'"):
        call({"pubkey": "key.pub"})
    assert here


def test_an_output_that_is_a_file_is_an_error_of_ours(here: Path) -> None:
    gm.encrypt("granite", KEY)
    (here / "taken").write_bytes(b"")
    with pytest.raises(gm.Error, match=r"^taken: something stands there already"):
        gm.decrypt("granite", KEY, output="taken")


def test_a_key_that_no_path_leads_to_is_an_error_of_ours(here: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the key"):
        gm.encrypt("granite", "a\0b")
    assert here


def test_nothing_is_said_to_be_tampered_with_that_was_compared_with_nothing(here: Path) -> None:
    (here / "empty").mkdir()
    for call, kind in (
        (lambda: gm.encrypt("empty", KEY), PolicyError),
        (lambda: gm.open_encrypted("granite/config.json", KEY), gm.Error),
        (lambda: gm.sign("granite", method="foo"), gm.Error),
        (lambda: safetensors.load_file("granite/config.json", KEY, "np"), gm.Error),
    ):
        with pytest.raises(kind) as raised:
            call()
        assert not hasattr(raised.value, "reason"), raised.value


def test_a_verdict_says_what_it_is(here: Path) -> None:
    gm.sign("granite", private_key="key.priv")
    assert repr(gm.verify("granite", **TRUST)) == "<Verdict on granite: good>"
    assert here


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
def test_a_library_that_is_not_installed_is_named_with_its_extra(here: Path) -> None:
    gm.encrypt("granite", KEY)
    with pytest.raises(ConfigError, match="torch is not installed") as raised:
        safetensors.load_file("granite/model.safetensors", KEY)
    assert raised.value.hint == "`pip install 'git-model[torch]'`"
    assert here


def test_one_path_is_not_taken_for_its_letters(here: Path) -> None:
    config = here / "granite" / "config.json"
    done = gm.encrypt("granite", KEY, ignore_paths="granite/config.json")
    assert done.files == 1
    assert config.read_bytes() == b"{}\n"
    gm.decrypt("granite", KEY, ignore_paths=config)
    without = gm.digest("granite", ignore_paths=config)
    config.unlink()
    assert gm.digest("granite") == without


def test_who_signs_with_nothing_is_told_how_to(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIGNING_PRIVATE_KEY", raising=False)
    with pytest.raises(KeyNotFoundError) as raised:
        gm.sign(here / "granite")
    assert "`private_key=FILE`" in (raised.value.hint or "")


def test_a_file_that_nobody_may_read_is_an_error_of_ours(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(worktree, "head", refuse)  # root reads all
    for call in (gm.encrypt, gm.decrypt):
        with pytest.raises(ConfigError, match=r"config\.json: cannot read it") as raised:
            call(here / "granite", KEY)
        assert f"--ignore-paths {here / 'granite' / 'config.json'}" in (raised.value.hint or "")

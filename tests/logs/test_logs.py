"""The lines of the log: what they show, and what never stands in one."""

from __future__ import annotations

import logging

import pytest

from git_model_security.logs import _lines

TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ."


def line(text: str, *arguments: object, name: str = "git_model_security") -> str:
    record = logging.LogRecord(name, logging.INFO, "", 0, text, arguments, None)
    return _lines._Lines().format(record)


@pytest.mark.parametrize(
    "words",
    [
        ("git", "clone", "https://ada:s3cret@forge.example/model"),
        ("git", "clone", "https://s3cret@forge.example/model"),
        ("git", "fetch", "https://forge.example/model?token=s3cret&x=1"),
        ("git", "-c", "http.extraHeader=Authorization: Basic s3cret", "fetch"),
        ("git", "config", "http.https://forge.example.extraHeader", "X-Token: s3cret"),
        ("program", "--pin", "s3cret"),
        ("program", "--pin=s3cret more"),
        ("program", "--identity-token", "s3cret"),
        ("program", "--client_secret=s3cret"),
        ("git", "config", "git-model.pkcs11uri", "pkcs11:object=k?pin-value=s3cret"),
        ("git", "config", "git-model.pkcs11uri", "pkcs11:object=k;pin-value=s3cret"),
    ],
    ids=" ".join,
)
def test_a_command_line_shows_no_secret(words: tuple[str, ...]) -> None:
    shown = line("run %s", _lines.command_line(words))
    assert "s3cret" not in shown
    assert shown.startswith(f"git-model: info: run {words[0]} ")


def test_a_command_line_stays_what_it_is_otherwise() -> None:
    words = (
        "git",
        "ls-tree",
        "-rz",
        "HEAD^{tree}",
        b"--",
        b"a b\xff",
        "https://forge.example/x",
    )
    expected = "git ls-tree -rz 'HEAD^{tree}' -- 'a b?' https://forge.example/x"
    assert line("run %s", _lines.command_line(words)).endswith(expected)


def test_a_line_is_one_line_that_moves_no_cursor() -> None:
    assert line("a\nb\x1b[2J") == "git-model: info: a?b?[2J"


def test_a_library_says_no_token_and_not_whole_statements() -> None:
    assert TOKEN not in line("token is %s", TOKEN, name="sigstore.oidc")
    assert "code=abc" not in line("GET: /auth/callback?code=abc with {}", name="sigstore.oauth")
    told = line("DSSE PAE: %r", b"x" * 1000, name="sigstore.dsse")
    assert told.startswith("git-model: info: sigstore: DSSE PAE: b'xxx")
    assert len(told) < 200

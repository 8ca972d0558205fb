from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import GitError
from git_model_security.git import askpass
from git_model_security.signatures.questions import Passphrases
from tests.fixtures.hooks import script
from tests.fixtures.processes import execute

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("environment", "configured", "chosen"),
    [
        ({}, None, None),
        ({"SSH_ASKPASS": "ssh"}, None, "ssh"),
        ({"SSH_ASKPASS": "ssh"}, "core", "core"),
        ({"SSH_ASKPASS": "ssh", "GIT_ASKPASS": "git"}, "core", "git"),
        # As in git's prompt.c: set and empty means that none is asked.
        ({"SSH_ASKPASS": "ssh", "GIT_ASKPASS": ""}, "core", None),
        ({"SSH_ASKPASS": "ssh"}, "", None),
    ],
)
def test_the_program_is_the_one_that_git_would_ask(
    environment: dict[str, str], configured: str | None, chosen: str | None
) -> None:
    if configured is not None:
        execute("git", "config", "--global", "core.askPass", configured)
    assert askpass.program(environment) == chosen


@pytest.mark.parametrize(
    ("value", "allowed"),
    [(None, True), ("1", True), ("true", True), ("0", False), ("no", False)],
)
def test_the_terminal_is_left_alone_where_git_would_leave_it(
    value: str | None, allowed: bool
) -> None:
    environment = {} if value is None else {"GIT_TERMINAL_PROMPT": value}
    assert askpass.may_use_terminal(environment) is allowed


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that notes what it is asked, and answers what stands in a file."""
    path = tmp_path / "ask pass"
    script(path, f'printf "%s\\n" "$1" >>"{tmp_path}/asked"; cat "{tmp_path}/answer"\n')
    monkeypatch.setenv("GIT_ASKPASS", str(path))
    return path


@pytest.mark.parametrize(
    ("answer", "secret"),
    [("word\n", b"word"), ("two words\r\nmore\n", b"two words"), ("", None), ("\n", None)],
)
def test_the_answer_is_one_line(answer: str, secret: bytes | None, program: Path) -> None:
    program.with_name("answer").write_text(answer)
    assert askpass.ask(str(program), "For what?") == secret
    assert program.with_name("asked").read_text() == "For what?\n"


def test_who_cancels_gives_no_answer(program: Path) -> None:
    script(program, "echo half; exit 1\n")
    assert askpass.ask(str(program), "For what?") is None


def test_a_program_that_cannot_be_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="cannot ask for a password: no such file"):
        askpass.ask(str(tmp_path / "none"), "For what?")


def test_the_program_gets_no_other_secret(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(program, "env\n")
    for name in ("GIT_MODEL_PKCS11_PIN", "GIT_MODEL_SIGNING_KEY_PASSWORD", "GIT_MODEL_KEY"):
        monkeypatch.setenv(name, "other-secret")
    script(program, "env | grep --count other-secret\n")
    assert askpass.ask(str(program), "For what?") is None


def test_a_secret_is_asked_for_once_and_by_what_it_opens(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.with_name("answer").write_text("word\n")
    secrets = Passphrases()
    assert [secrets.for_key("a.pem"), secrets.for_key("a.pem")] == [b"word"] * 2
    assert secrets.for_token("card") == b"word"
    asked = program.with_name("asked").read_text().splitlines()
    assert asked == ["Passphrase for the signing key a.pem: ", "PIN of the token card: "]


def test_the_environment_comes_before_any_question(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_MODEL_SIGNING_KEY_PASSWORD", "word ü")
    monkeypatch.setenv("GIT_MODEL_PKCS11_PIN", "1234")
    secrets = Passphrases()
    assert secrets.for_key("a.pem") == os.fsencode("word ü")
    assert secrets.for_token("card") == b"1234"
    assert not program.with_name("asked").exists()


def test_with_nobody_to_ask_there_is_no_secret() -> None:
    # The tests set GIT_TERMINAL_PROMPT=0.
    assert Passphrases().for_key("a.pem") is None

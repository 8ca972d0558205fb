"""The form of what git-model says to a person."""

from __future__ import annotations

import sys

import pytest

from git_model_security import messages
from git_model_security.errors import ConfigError


def test_each_hint_is_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    messages.tell(ConfigError("it is wrong", hint="do this\nthen that"), "a file")
    messages.tell(OSError("it is wrong"), level="warning")
    messages.warn("look")
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "git-model: error: a file: it is wrong",
        "git-model: hint: do this",
        "git-model: hint: then that",
        "git-model: warning: it is wrong",
        "git-model: warning: look",
    ]
    assert not said.out


@pytest.mark.parametrize(
    ("names", "said"), [("", ""), ("a", "a"), ("ab", "a, b"), ("abcde", "a, b and 3 more")]
)
def test_a_sentence_names_the_first_and_counts_the_rest(names: str, said: str) -> None:
    assert messages.listed(list(names), 2) == said


def test_a_list_is_cut_only_where_it_is_longer() -> None:
    assert messages.shortened(["a", "b"], 2) == ["a", "b"]
    assert messages.shortened(["a", "b", "c"], 2) == ["a", "b", "… and 1 more"]


def test_at_a_terminal_a_message_is_80_columns_wide(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "look at these, and " * 5 + "then `git model sign --adopt PATH` and commit"
    messages.warn(text)
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    messages.warn(f"{text}\n  {'a/' * 50}")
    first, *more, path = capsys.readouterr().err.splitlines()
    assert path == f"  {'a/' * 50}"
    assert max(map(len, (first, *more))) <= 80
    assert " ".join(map(str.strip, (first, *more))) == f"git-model: warning: {text}"
    assert sum("`git model sign --adopt PATH`" in line for line in (first, *more)) == 1


def test_no_name_writes_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    messages.warn("x\x1b[2K\rVerified\u202e", "a\nb\udcff")
    assert capsys.readouterr().err == (
        "git-model: warning: x\\x1b[2K\\rVerified\\u202e\ngit-model: hint: a\n"
        "git-model: hint: b\\udcff\n"
    )

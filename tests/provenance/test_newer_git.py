"""Commands that newer versions of Git have rewrite one's own work without a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.processes import execute
from tests.provenance.scenes import (
    CODE,
    EVIL_LINE,
    MODEL,
    SIGNED,
    append,
    asked,
    commit,
    prepend,
    push,
    readme,
    sign,
    verdict,
    weights,
)

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository


def require(command: str) -> None:
    """Skips where Git has no such command; CI has the Git of its system, so it may skip."""
    known = execute("git", "--list-cmds=builtins").stdout.split()
    if command not in known:
        version = execute("git", "--version").stdout.strip()
        pytest.skip(f"{version} has no `git {command}`")


def test_a_fixup_of_history_is_signed(ada: Repository) -> None:
    require("history")
    prepend(ada, CODE, "one\n")
    ada.write(MODEL, weights(30))
    ada.commit("one")
    readme(ada)
    ada.commit("two")
    ada.write(CODE, ada.read(CODE).replace(b"one\n", b"ONE\n", 1))
    ada.git("add", "--all")
    ada.git("history", "fixup", "HEAD~1")
    assert verdict(ada, sign(ada)) == SIGNED


def test_a_commit_after_a_reword_of_history_is_signed(ada: Repository) -> None:
    require("history")
    ada.write(MODEL, weights(30))
    ada.commit("one")
    readme(ada)
    ada.commit("two")
    editor = {"GIT_EDITOR": "sh -c 'echo new > \"$1\"' --"}
    ada.git("history", "reword", "HEAD~1", env=editor)
    assert ada.git("log", "-1", "--format=%s", "HEAD~1") == "new"
    readme(ada, "q")
    assert verdict(ada, commit(ada)) == SIGNED


def test_a_commit_after_a_replay_is_signed(ada: Repository) -> None:
    require("replay")
    ada.git("switch", "--create", "topic")
    prepend(ada, "README.md", "top\n")
    ada.write(MODEL, weights(30))
    ada.commit()
    ada.git("switch", "main")
    readme(ada)
    ada.commit()
    ada.git("replay", "--onto", "main", "main..topic")
    ada.git("switch", "topic")
    readme(ada, "q")
    assert verdict(ada, commit(ada)) == SIGNED


def test_a_strangers_commit_that_is_replayed_on_one_of_the_same_subject(
    ada: Repository, mallory: Repository
) -> None:
    require("replay")
    prepend(mallory, CODE, EVIL_LINE)
    push(mallory, "evil", message="Tune")
    append(ada, CODE, "own\n")
    ada.git("commit", "--all", "--message", "Tune")
    ada.git("fetch")
    ada.git("replay", "--advance", "main", "main..origin/evil")
    ada.git("reset", "--hard")
    assert EVIL_LINE.encode() in ada.read(CODE)
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(CODE)

"""What this clone has sealed or opened does not leave it in clear under another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.guard import finding, staged
from git_model_security.guard.knowledge import Knowledge
from tests.fixtures.histories import History
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository

TOKENIZER = b'{"version": "1.0", "model": {"vocab": {"a": 0, "b": 1}, "merges": []}}\n' * 2


def _refused(repo: Repository, *words: str) -> str:
    done = repo.git.run(*words, check=False)
    assert done.returncode == 1
    assert "that this clone has encrypted, in clear" in done.stderr
    return str(done.stderr)


def test_a_renamed_file_is_refused_by_commit_and_by_push(project: Project) -> None:
    ada = project.ada
    ada.write("tokenizer.json", TOKENIZER)
    ada.commit("Tokenizer")
    ada.git("mv", "tokenizer.json", "tok2.txt")
    ada.git("add", "--all")
    assert ada.blob(":tok2.txt") == TOKENIZER
    assert "tok2.txt: content" in _refused(ada, "commit", "--quiet", "--message", "Rename")
    ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "Rename")
    _refused(ada, "push", "--quiet")


def test_a_copy_of_what_a_colleague_encrypted_is_refused_once_it_was_opened(
    project: Project, person: PersonFactory
) -> None:
    project.ada.write("tokenizer.json", TOKENIZER)
    project.ada.commit("Tokenizer")
    project.ada.git("push", "--quiet")
    bob = project.unlocked(person("bob"))
    bob.write("notes.txt", bob.read("tokenizer.json"))
    bob.git("add", "notes.txt")
    _refused(bob, "commit", "--quiet", "--message", "Notes")


def test_what_was_never_encrypted_may_be_copied(project: Project) -> None:
    project.ada.write("code.py", "print('a line of code')\n" * 9)
    project.ada.commit("Code")
    project.ada.write("copy.py", "print('a line of code')\n" * 9)
    project.ada.commit("Copy")
    project.ada.git("push", "--quiet")


@pytest.mark.parametrize(("size", "mode"), [(64, "100644"), (64, "120000"), (70_000, "100755")])
def test_only_what_is_new_and_long_enough_is_hashed(
    repo: Repository, size: int, mode: str
) -> None:
    history = History(repo, "*.bin filter=git-model\n")
    asked: list[tuple[int, bool]] = []

    def sealed_before(length: int, digests: Mapping[str, bytes] | None) -> bool:
        asked.append((length, digests is None))
        return True

    history.stage("old.txt", b"o" * size)
    history.commit()
    history.stage("new.txt", b"n" * size, mode=mode)
    history.stage("short.txt", b"n" * 63)
    found = staged.findings(history.facts, Knowledge(sealed_before=sealed_before))
    assert [(one.rule, one.path) for one in found] == [(finding.COPY, b"new.txt")]
    assert asked == [(size, True), (size, False)]

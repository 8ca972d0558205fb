"""A repository that git-model never set up: each command says so, and what would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import FAILED, UNCHECKED

if TYPE_CHECKING:
    from tests.fixtures.repositories import CloneFactory, Repository

COMMANDS = [
    ("verify",),
    ("verify", "HEAD"),
    ("verify", "--encrypted"),
    ("verify", "HEAD..HEAD"),
    ("sign",),
    ("sign", "--amend"),
    ("sign", "--adopt", "file"),
    ("lock",),
    ("checkout",),
    ("unlock",),
    ("track", "file"),
    ("untrack", "file"),
    ("repair",),
    ("key", "export", "../key"),
    ("config", "signing.when", "push"),
]


@pytest.mark.parametrize("has_commit", [False, True])
def test_each_command_names_what_is_missing(repo: Repository, has_commit: bool) -> None:
    repo.write("file", "text\n")
    if has_commit:
        repo.commit()
    for command in COMMANDS:
        refused = repo.model(*command, check=False)
        status = UNCHECKED if command[0] == "verify" else FAILED
        assert refused.returncode == status, command
        assert "no .gitmodel" in refused.stderr, command
        assert "hint: `git model init` makes it one\n" in refused.stderr, command
    document = json.loads(repo.model("verify", "--json", check=False).stdout)
    assert document["exit_status"] == UNCHECKED
    assert "no .gitmodel" in document["error"]["message"]


def test_another_commit_may_have_the_policy(repo: Repository, clone: CloneFactory) -> None:
    repo.write(".keep", "text\n")
    repo.commit()
    repo.git("switch", "--quiet", "--create", "model")
    repo.write("model.bin", b"weights")
    repo.model("init")
    repo.commit()
    repo.git("switch", "--quiet", "main")
    plain = clone(repo.path)
    assert "no .gitmodel" in plain.model("verify", "HEAD", check=False).stderr
    said = plain.model("verify", "origin/model", check=False).stderr
    assert "this clone trusts no signer yet" in said

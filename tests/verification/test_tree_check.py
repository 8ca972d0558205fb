"""Whether a tree holds, which hooks ask of every commit that they meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.clone.clone import Clone
from git_model_security.content import reader
from git_model_security.errors import Reason
from git_model_security.git import index
from git_model_security.git.repository import Repository as Facts
from git_model_security.trust import pinned_trust
from git_model_security.verification import tree_check
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from tests.fixtures.people import Project


def test_of_a_tree_that_is_another_one_than_was_signed_no_blob_is_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.ada.write("notes.txt", b"nobody signed this\n")
    project.ada.git("add", "notes.txt")
    project.ada.git(*NO_HOOKS, "commit", "--message", "Unsigned")
    with Clone(Facts.discover(project.ada.path, local=False)) as clone:
        tree = index.require(clone.repo, "HEAD^{tree}")
        verifiers = pinned_trust.pinned(clone.repo).verifiers()
        found = tree_check.check(clone, tree, verifiers).findings
        assert Reason.EXTRA in {one.reason for one in found}

        def read(*_: object) -> bytes:
            pytest.fail("a blob was read")

        monkeypatch.setattr(reader, "ciphertext", read)
        assert not tree_check.holds(clone, tree)
        assert not pinned_trust.is_known_good(clone, tree)

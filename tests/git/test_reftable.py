"""Refs and reflogs in tables (git 2.45), where pseudo-refs such as ORIG_HEAD are no files.

The whole suite runs so with `GIT_DEFAULT_REF_FORMAT=reftable`; this is what broke.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.git import history
from git_model_security.git.repository import Repository as Facts
from tests.fixtures.people import assert_signed, founded

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import CloneFactory, Repository

PLAIN = b"weights in clear\n" * 200


@pytest.fixture
def ada(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Ada's repository in tables, with one commit in clear."""
    monkeypatch.setenv("GIT_DEFAULT_REF_FORMAT", "reftable")
    repo = founded(tmp_path)
    if not repo.has_ref_tables:
        pytest.skip(f"{repo.git('version')} keeps no refs in tables")
    repo.write("model.safetensors", PLAIN)
    repo.write("train.py", "print('train')\n")
    repo.commit("In clear")
    return repo


@pytest.fixture
def protected(ada: Repository) -> Repository:
    """The same, encrypted from now on, with two signed commits on a branch."""
    ada.model("init", "--accept-plaintext-history")
    ada.commit("Encrypted")
    ada.git("switch", "--quiet", "--create", "series")
    for number in range(2):
        ada.write("config.json", f'{{"number": {number}}}\n')
        ada.write("train.py", f"print({number})\n")
        ada.commit(f"Step {number}")
    return ada


def test_ones_own_work_needs_nobodys_leave(protected: Repository) -> None:
    ada = protected
    ada.git("reset", "--quiet", "--soft", "HEAD~2")
    ada.commit("Both steps")
    assert_signed(ada)
    ada.git("reset", "--quiet", "--hard", "ORIG_HEAD")
    ada.git("switch", "--quiet", "main")
    ada.git("cherry-pick", "series~1")
    ada.model("sign", "--amend")
    assert_signed(ada)
    ada.git("reset", "--quiet", "--hard", "HEAD~1")
    ada.write("README.md", "main went on\n")
    ada.commit("Elsewhere")
    ada.git("switch", "--quiet", "series")
    ada.git("rebase", "--quiet", "--exec", "git model sign --amend", "main")
    for commit in ("HEAD", "HEAD~1"):
        assert_signed(ada, commit)


def test_a_pseudo_ref_is_no_tag_of_its_name(ada: Repository) -> None:
    facts = Facts.discover(ada.path)
    first = ada.git("rev-parse", "HEAD")
    ada.git("tag", "CHERRY_PICK_HEAD")
    assert history.pseudo_ref(facts, "CHERRY_PICK_HEAD") == []
    ada.write("train.py", "print('more')\n")
    second = ada.commit("More")
    ada.git("reset", "--quiet", "--hard", first)
    ada.git("tag", "ORIG_HEAD")
    assert history.pseudo_ref(facts, "ORIG_HEAD") == [second]


@pytest.mark.parametrize("what", ["cherry-pick", "revert"])
def test_nothing_is_migrated_while_it_is_under_way(ada: Repository, what: str) -> None:
    for text in ("one", "two"):
        ada.write("train.py", f"print('{text}')\n")
        ada.commit(text)
    if what == "cherry-pick":
        ada.git("switch", "--quiet", "--create", "side", "HEAD~2")
    conflicting = "main" if what == "cherry-pick" else "HEAD~1"
    assert ada.git.run(what, conflicting, check=False).returncode
    ada.git("checkout", "--quiet", "HEAD", "--", ".")
    done = ada.model("migrate", "--yes", check=False)
    assert done.returncode == 1
    assert f"a {what} is under way" in done.stderr


def test_purge_leaves_nothing_of_the_old_history(ada: Repository, clone: CloneFactory) -> None:
    ada.write("train.py", "print('more')\n")
    ada.commit("More")
    ada.git("branch", "gone")
    work = clone(ada.path)
    olds = work.git("rev-list", "--objects", "--no-object-names", "--all").splitlines()
    work.git("reset", "--quiet", "--hard", "HEAD~1")
    work.git("reset", "--quiet", "--hard", "ORIG_HEAD")
    # A reflog of what is no longer there, and one that no branch of ours has.
    work.git("symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    assert "refs/remotes/origin/HEAD" in work.git("reflog", "list").splitlines()
    done = work.model("migrate", "--yes", "--profile", "all", "--purge")
    assert "Nothing of the old history is left" in done.stdout
    blob = work.git("hash-object", "--stdin", stdin=PLAIN)
    assert blob in olds
    assert work.git.run("cat-file", "-e", blob, check=False).returncode
    assert work.git.run("show-ref", "--verify", "ORIG_HEAD", check=False).returncode
    assert "origin" not in work.git("reflog", "list")

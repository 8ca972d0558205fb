"""Somebody lets a part alone of what a colleague signed on a branch (clauses 2 and 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provenance.scenes import (
    CODE,
    MODEL,
    NEW,
    SIGNED,
    asked,
    commit,
    prepend,
    readme,
    send,
    verdict,
)

if TYPE_CHECKING:
    from tests.fixtures.repository import Repository


def _take_back(mallory: Repository, *paths: str) -> None:
    mallory.git("fetch")
    mallory.git("switch", "--detach", "origin/draft")
    for path in paths:
        if path == NEW:
            mallory.git("rm", "--quiet", path)
        else:
            mallory.git("checkout", "origin/main", "--", path)
    mallory.git("commit", "--message", "Tidy")


@pytest.mark.usefixtures("draft")
@pytest.mark.parametrize("path", [MODEL, CODE, NEW])
@pytest.mark.parametrize("how", ["host", "merge", "squash"])
def test_a_part_of_a_signed_branch(
    ada: Repository, mallory: Repository, path: str, how: str
) -> None:
    _take_back(mallory, path)
    if how == "host":
        tip = mallory.git("rev-parse", "HEAD")
        mallory.git("switch", "--detach", "origin/main")
        mallory.git("merge", "--no-ff", "--no-edit", tip)
        send(mallory, "main")
        ada.git("pull")
        said = None
    else:
        send(mallory, "refs/heads/topic")
        readme(ada)
        commit(ada)
        ada.git("fetch")
        words = ("--squash",) if how == "squash" else ("--no-edit",)
        said = ada.git.run("merge", *words, "origin/topic")
    if how != "merge":
        ada.write("notes.md", "what we tried\n")
        said = commit(ada)
    assert said is not None
    assert verdict(ada, said) == asked(path)
    ada.model("sign", "--adopt", path)
    readme(ada, "y")
    assert verdict(ada, commit(ada)) == SIGNED


@pytest.mark.usefixtures("draft")
def test_a_part_of_a_signed_branch_by_a_merge_of_main_into_it(
    ada: Repository, mallory: Repository
) -> None:
    mallory.git("fetch")
    mallory.git("switch", "--detach", "origin/main")
    prepend(mallory, "README.md", "new words\n")
    mallory.git("add", "README.md")
    mallory.git("commit", "--message", "Words")
    base = mallory.git("rev-parse", "HEAD")
    mallory.git("switch", "--detach", "origin/draft")
    mallory.git("merge", "--no-commit", base)
    mallory.git("checkout", base, "--", MODEL)
    mallory.git("commit", "--message", "Merge main")
    tip = mallory.git("rev-parse", "HEAD")
    mallory.git("switch", "--detach", base)
    mallory.git("merge", "--no-ff", "--no-edit", tip)
    send(mallory, "main")
    ada.git("pull")
    ada.write("notes.md", "what we tried\n")
    assert verdict(ada, commit(ada)) == asked(MODEL, "README.md")


def test_work_that_gave_way_to_what_main_had_meanwhile(
    ada: Repository, mallory: Repository
) -> None:
    mallory.git("switch", "--create", "topic")
    prepend(mallory, CODE, "her way\n")
    mallory.git("commit", "--all", "--message", "Her way")
    prepend(ada, CODE, "our way\n")
    commit(ada)
    ada.git("push")
    mallory.git("fetch")
    mallory.git.run("merge", "origin/main", check=False)
    mallory.git("checkout", "--theirs", "--", CODE)
    mallory.write("docs.md", "her pages\n" * 9)
    mallory.git("add", ".")
    mallory.git("commit", "--message", "Merge main")
    send(mallory, "refs/heads/topic")
    ada.git("fetch")
    readme(ada)
    commit(ada)
    assert verdict(ada, ada.git.run("merge", "--no-edit", "origin/topic")) == asked("docs.md")

"""Signed states that were seen before, or come with a copy; and parts taken by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provenance.placing import goto, put, record, send_to, step, topic_without_model
from tests.provenance.scenes import (
    CODE,
    MODEL,
    NEW,
    SIGNED,
    append,
    asked,
    commit,
    prepend,
    readme,
    send,
    sign,
    verdict,
    weights,
)

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository


@pytest.mark.parametrize("how", ["line", "merged"])
def test_an_older_state_that_has_another_name(
    ada: Repository, mallory: Repository, how: str
) -> None:
    tip = mallory.git("rev-parse", "origin/main")
    goto(mallory, f"{tip}~1")
    append(mallory, ".model-encrypted.sig", " ")
    disguised = record(mallory)
    placed = put(mallory, disguised, tip)
    goto(mallory, placed)
    mallory.git("checkout", tip, "--", MODEL)
    mixed = record(mallory)
    if how == "merged":
        mixed = put(mallory, mixed, tip, mixed)
    send_to(mallory, mixed)
    ada.git("pull")
    assert CODE in step(ada).paths


@pytest.mark.usefixtures("draft")
@pytest.mark.parametrize("date", ["2001-01-01T00:00:00Z", "2037-01-01T00:00:00Z"])
@pytest.mark.parametrize("how", ["line", "merged"])
def test_a_draft_that_comes_together_with_a_strangers_copy(
    ada: Repository, mallory: Repository, date: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mallory.git("fetch")
    monkeypatch.setenv("GIT_COMMITTER_DATE", date)
    tip = mallory.git("rev-parse", "origin/main")
    base = put(mallory, "origin/main", tip)
    placed = put(mallory, "origin/draft", base)
    goto(mallory, placed)
    mallory.git("checkout", tip, "--", MODEL, CODE)
    mixed = record(mallory)
    if how == "merged":
        mixed = put(mallory, mixed, tip, mixed)
    monkeypatch.delenv("GIT_COMMITTER_DATE")
    send_to(mallory, mixed)
    ada.git("pull")
    assert NEW in ada.git("ls-files")
    assert {MODEL, CODE} & step(ada).paths


@pytest.mark.usefixtures("draft")
@pytest.mark.parametrize(
    "words",
    [
        ("reset", "--soft", "main"),
        ("reset", "--mixed", "main"),
        ("checkout", "origin/topic", "--", "."),
        ("restore", "--source", "origin/topic", "--staged", "--worktree", "."),
        ("read-tree", "-m", "-u", "HEAD", "origin/topic"),
        ("stash",),
    ],
    ids=" ".join,
)
def test_a_part_of_a_signed_branch_taken_by(
    ada: Repository, mallory: Repository, words: tuple[str, ...]
) -> None:
    topic_without_model(mallory)
    ada.git("fetch")
    if words[0] == "reset":
        ada.git("switch", "--create", "topic", "origin/topic")
    if words[0] == "stash":
        ada.git("merge", "--squash", "origin/topic")
    ada.git(*words)
    if words[0] == "stash":
        ada.git("stash", "pop", "--index")
    said = commit(ada)
    assert NEW in ada.git("ls-files")
    assert MODEL in verdict(ada, said).paths


@pytest.mark.parametrize("author", ["ada", "bob"])
def test_two_signed_commits_that_a_host_squashes_before_a_typo_is_mended(
    ada: Repository, bob: Repository, mallory: Repository, author: str
) -> None:
    worker = ada if author == "ada" else bob
    worker.git("switch", "--create", "topic")
    worker.write(MODEL, weights(7))
    worker.commit()
    prepend(worker, CODE, "the code for these weights\n")
    worker.commit()
    worker.git("push", "origin", "topic")
    if author == "bob":
        ada.git("fetch")
    mallory.git("fetch")
    goto(mallory, "origin/main")
    mallory.git("merge", "--squash", "origin/topic")
    record(mallory)
    append(mallory, "README.md", "a typo\n")
    record(mallory)
    send(mallory, "main")
    ada.git("switch", "main")
    ada.git("pull")
    assert step(ada) == asked("README.md")


def test_a_colleague_who_squashes_his_branch_which_a_host_merges(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    bob.git("switch", "--create", "topic")
    bob.write(MODEL, weights(7))
    bob.commit()
    prepend(bob, CODE, "the code for these weights\n")
    bob.commit()
    bob.git("push", "origin", "topic")
    ada.git("fetch")
    readme(ada)
    commit(ada)
    ada.git("push")
    bob.git("-c", "sequence.editor=sed -i 2s/pick/fixup/", "rebase", "-i", "main")
    sign(bob)
    bob.git("push", "--force", "origin", "topic")
    mallory.git("fetch")
    goto(mallory, "origin/main")
    mallory.git("merge", "--no-edit", "origin/topic")
    send(mallory, "main")
    ada.git("pull")
    assert step(ada) == SIGNED


def test_an_older_draft_with_other_words_that_was_cleaned_away(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    bob.git("switch", "--create", "draft")
    prepend(bob, CODE, "a line for the next release\n")
    bob.commit()
    bob.git("push", "origin", "draft")
    ada.git("fetch")
    bob.git("commit", "--amend", "--message", "In other words")
    bob.git("push", "--force", "origin", "draft")
    ada.git("fetch")
    ada.git("reflog", "expire", "--expire=now", "--all")
    ada.git("gc", "--prune=now")
    readme(ada)
    commit(ada)
    ada.git("push")
    mallory.git("fetch")
    goto(mallory, "origin/main")
    mallory.git("merge", "--no-edit", "origin/draft")
    mallory.git("push", "--no-verify", "origin", "HEAD:main")
    ada.git("pull")
    assert step(ada) == SIGNED


def test_an_edit_of_what_was_adopted_just_before(ada: Repository, mallory: Repository) -> None:
    prepend(mallory, CODE, "a line of hers, which is fine\n")
    record(mallory)
    send(mallory)
    ada.git("pull")
    ada.model("sign", "--adopt", CODE)
    append(ada, CODE, "own line here\n")
    assert verdict(ada, commit(ada)) == SIGNED

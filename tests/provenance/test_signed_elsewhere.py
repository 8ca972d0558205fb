"""Signed states that a stranger puts elsewhere or lets in by part; and a host's merges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provenance.placing import goto, put, record, send_to, step, topic_without_model
from tests.provenance.scenes import (
    CODE,
    EVIL_LINE,
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


def test_evil_code_that_a_return_says_stood_there_before(
    ada: Repository, mallory: Repository
) -> None:
    main = mallory.git("rev-parse", "origin/main")
    goto(mallory, main)
    append(mallory, CODE, EVIL_LINE)
    evil = record(mallory)
    back = put(mallory, main, evil)
    send_to(mallory, put(mallory, evil, back))
    ada.git("pull")
    assert EVIL_LINE.encode() in ada.read(CODE)
    assert step(ada) == asked(CODE)


def test_a_squash_of_evil_above_a_return(ada: Repository, mallory: Repository) -> None:
    main = mallory.git("rev-parse", "origin/main")
    goto(mallory, main)
    append(mallory, CODE, EVIL_LINE)
    evil = record(mallory)
    goto(mallory, put(mallory, main, evil))
    mallory.write("docs.md", "her pages\n" * 9)
    send_to(mallory, record(mallory))
    goto(mallory, main)
    append(mallory, CODE, EVIL_LINE)
    send_to(mallory, record(mallory), "evil")
    ada.git("pull")
    ada.git("cherry-pick", "--no-commit", "origin/evil")
    assert EVIL_LINE.encode() in ada.read(CODE)
    ada.model("sign", "--adopt", "docs.md", check=False)
    assert CODE in verdict(ada, commit(ada)).paths


@pytest.mark.parametrize("how", ["line", "merged", "here"])
def test_an_older_state_that_is_put_on_top_two_times_in_a_row(
    ada: Repository, mallory: Repository, how: str
) -> None:
    tip = mallory.git("rev-parse", "origin/main")
    placed = put(mallory, f"{tip}~1", put(mallory, f"{tip}~1", tip))
    goto(mallory, placed)
    mallory.git("checkout", tip, "--", MODEL)
    mixed = record(mallory)
    if how == "merged":
        mixed = put(mallory, mixed, tip, mixed)
    send_to(mallory, mixed, "evil" if how == "here" else "main")
    if how == "here":
        readme(ada)
        commit(ada)
        ada.git("fetch")
        assert CODE in verdict(ada, ada.git.run("merge", "--no-edit", "origin/evil")).paths
        return
    ada.git("pull")
    assert CODE in step(ada).paths


@pytest.mark.parametrize("lots", [600])
def test_a_long_line_of_returns_ends_in_no_traceback(
    ada: Repository, mallory: Repository, lots: int
) -> None:
    tip = mallory.git("rev-parse", "origin/main")
    goto(mallory, tip)
    append(mallory, CODE, EVIL_LINE)
    evil = record(mallory)
    one = evil
    for number in range(lots):
        one = put(mallory, (tip, evil)[number % 2], one)
    send_to(mallory, one)
    ada.git("pull")
    assert CODE in step(ada).paths


def test_a_strangers_change_that_was_taken_back_to_a_signed_state(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    append(mallory, CODE, EVIL_LINE)
    record(mallory)
    send(mallory)
    bob.git("pull")
    bob.git("revert", "--no-edit", "HEAD")
    bob.git("push")
    mallory.git("pull")
    mallory.write("docs.md", "her pages\n" * 9)
    record(mallory)
    send(mallory)
    ada.git("pull")
    assert EVIL_LINE.encode() not in ada.read(CODE)
    assert step(ada) == asked("docs.md")


@pytest.mark.parametrize("author", ["ada", "bob"])
def test_two_signed_commits_that_a_host_merges_before_a_typo_is_mended(
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
    mallory.git("merge", "--no-ff", "--no-edit", "origin/topic")
    append(mallory, "README.md", "a typo\n")
    record(mallory)
    send(mallory, "main")
    ada.git("switch", "main")
    ada.git("pull")
    assert step(ada) == asked("README.md")


def test_ones_own_draft_that_is_put_on_main(ada: Repository, mallory: Repository) -> None:
    ada.git("switch", "--create", "draft")
    ada.write(NEW, "print('it works')\n" * 9)
    prepend(ada, CODE, "a line that is not ready\n")
    commit(ada)
    ada.git("push", "origin", "draft")
    ada.git("switch", "main")
    ada.git("branch", "--delete", "--force", "draft")
    mallory.git("fetch")
    tip = mallory.git("rev-parse", "origin/main")
    goto(mallory, put(mallory, "origin/draft", put(mallory, tip, tip)))
    mallory.git("checkout", tip, "--", CODE)
    send_to(mallory, record(mallory))
    ada.git("pull")
    assert NEW in ada.git("ls-files")
    assert NEW in step(ada).paths


@pytest.mark.usefixtures("draft")
@pytest.mark.parametrize("how", ["merge", "squash", "host"])
def test_a_part_of_a_signed_branch_that_is_as_main_has_it_now(
    ada: Repository, mallory: Repository, how: str
) -> None:
    ada.write(MODEL, weights(40))
    commit(ada)
    ada.git("push")
    topic_without_model(mallory)
    if how == "host":
        tip = mallory.git("rev-parse", "HEAD")
        goto(mallory, "origin/main")
        mallory.git("merge", "--no-ff", "--no-edit", tip)
        send(mallory, "main")
        ada.git("pull")
        said = None
    else:
        ada.git("fetch")
        words = ("--squash",) if how == "squash" else ("--no-edit",)
        said = ada.git.run("merge", *words, "origin/topic", check=False)
    if how != "merge":
        ada.write("notes.md", "what we tried\n")
        said = commit(ada)
    assert NEW in ada.git("ls-files")
    assert MODEL in verdict(ada, said).paths


@pytest.mark.usefixtures("draft")
def test_a_fixup_that_lets_a_part_of_a_signed_branch_alone(
    ada: Repository, mallory: Repository
) -> None:
    mallory.git("fetch")
    goto(mallory, "origin/draft")
    mallory.git("checkout", "origin/main", "--", MODEL)
    subject = mallory.git("log", "-1", "--format=%s", "origin/draft")
    send_to(mallory, record(mallory, f"fixup! {subject}"), "topic")
    ada.git("fetch")
    ada.git("switch", "--create", "topic", "origin/topic")
    ada.git("-c", "sequence.editor=true", "rebase", "--interactive", "--autosquash", "main")
    assert ada.git("rev-list", "--count", "main..HEAD") == "1"
    assert MODEL in verdict(ada, sign(ada)).paths


@pytest.mark.usefixtures("draft")
@pytest.mark.parametrize("way", ["rebase", "rebase of both as one", "pick", "pick -n", "amend"])
def test_a_part_of_a_signed_branch_taken_by(
    ada: Repository, mallory: Repository, way: str
) -> None:
    topic_without_model(mallory)
    ada.git("fetch")
    if way in {"rebase", "amend"}:
        readme(ada)
        commit(ada)
    if way.startswith("rebase"):
        ada.git("switch", "--create", "topic", "origin/topic")
    if way == "rebase":
        ada.git("rebase", "main")
    elif way == "rebase of both as one":
        editor = "sequence.editor=sed -i 2s/pick/fixup/"
        ada.git("-c", editor, "rebase", "--interactive", "main")
    elif way == "pick":
        ada.git("cherry-pick", "main..origin/topic")
    elif way == "pick -n":
        ada.git("cherry-pick", "--no-commit", "main..origin/topic")
    else:
        ada.git("merge", "--squash", "origin/topic")
    if way == "pick -n":
        said = commit(ada)
    else:
        said = ada.git.run("commit", "--amend", "--no-edit") if way == "amend" else sign(ada)
    assert NEW in ada.git("ls-files")
    assert MODEL in verdict(ada, said).paths


def test_a_part_of_a_branch_above_an_unsigned_base_that_its_signer_adopted(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    goto(mallory, "origin/main")
    prepend(mallory, CODE, "a line of hers, which is fine\n")
    base = record(mallory, "Base")
    send_to(mallory, base)
    bob.git("pull")
    bob.model("sign", "--adopt", ".")
    bob.write("bob.txt", "bob was here\n" * 9)
    assert verdict(bob, commit(bob)) == SIGNED
    bob.git("push")
    bob.git("switch", "--create", "draft", base)
    bob.model("sign", "--adopt", ".")
    bob.write("bob2.txt", "bob was there\n" * 9)
    assert verdict(bob, commit(bob)) == SIGNED
    prepend(bob, CODE, "check_signature()\n")
    bob.write(NEW, "print('it works')\n" * 9)
    assert verdict(bob, commit(bob)) == SIGNED
    bob.git("push", "origin", "draft")
    mallory.git("fetch")
    goto(mallory, "origin/draft")
    mallory.git("checkout", base, "--", CODE)
    send_to(mallory, record(mallory), "topic")
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == SIGNED
    said = ada.git.run("merge", "--no-edit", "origin/topic", check=False)
    assert NEW in ada.git("ls-files")
    assert verdict(ada, said) == asked(CODE)


def test_own_fixup_of_ones_own_weights(ada: Repository) -> None:
    ada.git("switch", "--create", "topic")
    ada.write(MODEL, weights(7))
    prepend(ada, CODE, "mine\n")
    commit(ada)
    ada.git("checkout", "main", "--", MODEL)
    commit(ada)
    editor = "sequence.editor=sed -i '2,$s/pick/fixup/'"
    ada.git("-c", editor, "rebase", "--interactive", "main")
    assert verdict(ada, sign(ada)) == SIGNED


def test_a_rebase_of_picks_of_a_strangers_that_main_has_in_part(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    """A series of three: a change, its revert, and pages, squashed; only the pages are new."""
    goto(mallory, "origin/main")
    prepend(mallory, CODE, "her way\n")
    one = record(mallory, "Way")
    mallory.write("docs.md", "her pages\n" * 9)
    record(mallory, "Pages")
    mallory.git("revert", "--no-edit", one)
    send_to(mallory, "HEAD", "topic")
    ada.git("fetch")
    ada.git("switch", "--create", "topic", "origin/topic")
    editor = "sequence.editor=sed -i '2,$s/pick/fixup/'"
    ada.git("-c", editor, "rebase", "--interactive", "main")
    assert verdict(ada, sign(ada)) == asked("docs.md")


def test_a_release_branch_of_unsigned_picks_that_is_merged_back(
    ada: Repository, mallory: Repository
) -> None:
    ada.git("push", "origin", "main~1:refs/heads/release")
    mallory.git("fetch")
    goto(mallory, "origin/release")
    mallory.git("cherry-pick", "-X", "theirs", "origin/main")
    append(mallory, "README.md", "release\n")
    send_to(mallory, record(mallory), "release")
    readme(ada)
    prepend(ada, "README.md", "top\n")
    ada.git("fetch")
    ada.git("checkout", "README.md")
    append(ada, "old.txt", "mine\n")
    commit(ada)
    said = ada.git.run("merge", "--no-edit", "origin/release", check=False)
    assert verdict(ada, said) == asked("README.md")


def test_a_contributor_who_reverts_the_own_change_on_a_long_branch(
    ada: Repository, mallory: Repository
) -> None:
    goto(mallory, "origin/main")
    prepend(mallory, CODE, "her way\n")
    record(mallory, "Her way")
    ada.write(MODEL, weights(40))
    append(ada, "old.txt", "x\n")
    commit(ada)
    ada.git("push")
    mallory.git("fetch")
    mallory.git("merge", "--no-edit", "origin/main")
    mallory.git("checkout", "origin/main", "--", CODE)
    mallory.write("docs.md", "her pages\n" * 9)
    send_to(mallory, record(mallory), "topic")
    ada.git("fetch")
    readme(ada)
    commit(ada)
    said = ada.git.run("merge", "--no-edit", "origin/topic")
    assert verdict(ada, said) == asked("docs.md")


@pytest.mark.usefixtures("draft")
def test_a_part_of_a_signed_branch_by_a_colleague_in_between(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    """Who goes on from the branch, and takes back only what was her own, has left it whole."""
    mallory.git("fetch")
    goto(mallory, "origin/draft")
    mallory.write("docs.md", "her pages\n" * 9)
    append(mallory, CODE, "hers\n")
    record(mallory)
    mallory.git("revert", "--no-edit", "HEAD")
    mallory.write("docs.md", "her pages\n" * 19)
    send_to(mallory, record(mallory), "topic")
    append(ada, "old.txt", "mine\n")
    commit(ada)
    ada.git("fetch")
    said = ada.git.run("merge", "--no-edit", "origin/topic")
    assert verdict(ada, said) == asked("docs.md")


def test_a_strangers_branch_whose_change_a_colleague_took_over(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    """She changed a file as main has it by now; and a colleague had picked that."""
    goto(mallory, "origin/main")
    prepend(mallory, CODE, "a better way\n")
    one = record(mallory, "Better")
    mallory.write("docs.md", "her pages\n" * 9)
    record(mallory, "Pages")
    send_to(mallory, mallory.git("rev-parse", "HEAD"), "topic")
    bob.git("fetch")
    bob.git("cherry-pick", one)
    bob.model("sign", "--adopt", ".")
    bob.write("bob.txt", "bob was here\n" * 9)
    assert verdict(bob, commit(bob)) == SIGNED
    bob.git("push")
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == SIGNED
    said = ada.git.run("merge", "--no-edit", "origin/topic")
    assert verdict(ada, said) == asked("docs.md")

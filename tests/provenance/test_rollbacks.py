"""A stranger who brings a signed version back is not signed: old content is a choice, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provenance.scenes import (
    MODEL,
    asked,
    commit,
    lose_memory,
    push,
    readme,
    send,
    verdict,
    weights,
)

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository


def roll_back(stranger: Repository, *branches: str) -> None:
    """Publishes the first version of the weights, which was signed, once more."""
    stranger.git("checkout", "HEAD~1", "--", MODEL)
    push(stranger, *branches)


def test_an_older_version_that_was_pulled(ada: Repository, mallory: Repository) -> None:
    roll_back(mallory, "main")
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_an_older_version_whose_commit_was_taken_apart_and_is_added_again(
    ada: Repository, mallory: Repository
) -> None:
    roll_back(mallory, "main")
    ada.git("pull")
    ada.git("reset", "HEAD~1")
    assert verdict(ada, commit(ada)) == asked(MODEL)


@pytest.mark.parametrize(
    "command",
    [("merge", "--squash"), ("cherry-pick", "--no-commit")],
    ids=" ".join,
)
def test_an_older_version_that_was_taken_without_a_commit(
    command: tuple[str, ...], ada: Repository, mallory: Repository
) -> None:
    roll_back(mallory, "evil")
    ada.git("fetch")
    ada.git(*command, "origin/evil")
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_two_signed_files_that_were_swapped(ada: Repository, mallory: Repository) -> None:
    one = mallory.read(MODEL)
    other = mallory.read("other.bin")
    mallory.write(MODEL, other)
    mallory.write("other.bin", one)
    push(mallory, "evil")
    ada.git("fetch")
    ada.git("merge", "--squash", "origin/evil")
    assert verdict(ada, commit(ada)) == asked(MODEL, "other.bin")


def test_a_strangers_merge_of_two_signed_branches_that_chose_the_older_version(
    ada: Repository, mallory: Repository
) -> None:
    ada.git("switch", "--create", "side", "HEAD~1")
    readme(ada)
    ada.commit()
    ada.git("push", "origin", "side")
    ada.git("switch", "main")
    mallory.git("fetch")
    mallory.git("merge", "--no-edit", "origin/side")
    mallory.git("checkout", "origin/side", "--", MODEL)
    mallory.git("commit", "--amend", "--no-edit")
    send(mallory)
    ada.git("pull")
    ada.write("train.py", "x\n")
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_a_draft_that_was_withdrawn_and_a_stranger_brought_to_main(
    ada: Repository, mallory: Repository
) -> None:
    ada.git("switch", "--create", "draft")
    ada.write(MODEL, weights(40))
    ada.commit()
    ada.git("push", "origin", "draft")
    ada.git("switch", "main")
    mallory.git("fetch")
    mallory.git("checkout", "origin/draft", "--", MODEL)
    push(mallory)
    ada.git("push", "origin", ":draft")
    ada.git("branch", "--delete", "--force", "draft")
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(MODEL)


def _brings_back(mallory: Repository, ada: Repository) -> None:
    mallory.git("checkout", "HEAD~1", "--", MODEL)
    push(mallory, "evil")
    ada.git("fetch")


@pytest.mark.parametrize("look", ["checkout", "both ways", "worktree"])
@pytest.mark.parametrize("way", ["merge --squash", "cherry-pick"])
def test_a_look_at_an_old_version_is_no_decision_for_it(
    ada: Repository, mallory: Repository, look: str, way: str
) -> None:
    readme(ada)
    commit(ada)
    _brings_back(mallory, ada)
    if look == "worktree":
        ada.git("worktree", "add", ada.path.parent / "old", "HEAD~2")
    else:
        for commit_ in ("HEAD~2", "main", "main~1")[: 1 if look == "checkout" else 3]:
            ada.git("checkout", "--detach", commit_)
        ada.git("switch", "main")
    ada.git(*way.split(), "origin/evil")
    readme(ada, "y")
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_a_look_at_an_old_version_of_a_clone_without_a_record_is_none_either(
    ada: Repository, mallory: Repository
) -> None:
    lose_memory(ada)
    _brings_back(mallory, ada)
    ada.git("checkout", "--detach", "HEAD~1")
    ada.git("switch", "main")
    ada.git("merge", "--squash", "origin/evil")
    assert verdict(ada, commit(ada)) == asked(MODEL)

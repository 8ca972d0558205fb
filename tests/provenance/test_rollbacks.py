"""A stranger who brings a signed version back is not signed: old content is a choice, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provenance.scenes import (
    CODE,
    MODEL,
    SIGNED,
    TEXT,
    asked,
    commit,
    lose_memory,
    prepend,
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


def _on_main(mallory: Repository, state: str, path: str) -> tuple[str, str]:
    """Puts a signed state on top of main, and takes one file of it into what main has.

    Returns:
        That commit, and a merge of it into main.
    """
    tip = mallory.git("rev-parse", "origin/main")
    placed = mallory.git("commit-tree", f"{state}^{{tree}}", "-p", tip, "-m", "Old")
    mallory.git("checkout", "--quiet", "--detach", tip)
    mode, _, oid, _ = mallory.git("ls-tree", state, path).split(maxsplit=3)
    mallory.git("update-index", "--cacheinfo", f"{mode},{oid},{path}")
    tree = mallory.git("write-tree")
    mixed = mallory.git("commit-tree", tree, "-p", placed, "-m", "Tidy")
    merged = mallory.git("commit-tree", tree, "-p", tip, "-p", mixed, "-m", "Merge topic")
    mallory.git("reset", "--hard")
    return mixed, merged


def _send_to(mallory: Repository, oid: str, branch: str) -> None:
    mallory.git("push", "--no-verify", "--force", "origin", f"{oid}:refs/heads/{branch}")


@pytest.mark.parametrize("is_merged", [False, True], ids=["in a line", "merged"])
def test_one_file_out_of_an_older_state_that_a_stranger_put_on_top(
    is_merged: bool, ada: Repository, mallory: Repository
) -> None:
    _send_to(mallory, _on_main(mallory, "origin/main~1", CODE)[is_merged], "main")
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(CODE)


@pytest.mark.parametrize("is_changed", [False, True], ids=["as it is", "changed here"])
def test_one_file_out_of_an_older_state_that_is_merged_here(
    is_changed: bool, ada: Repository, mallory: Repository
) -> None:
    _send_to(mallory, _on_main(mallory, "origin/main~1", CODE)[0], "evil")
    if is_changed:
        prepend(ada, CODE, "own line at the top\n")
    readme(ada)
    assert verdict(ada, commit(ada)) == SIGNED
    ada.git("fetch")
    said = ada.git.run("merge", "--no-edit", "origin/evil")
    assert verdict(ada, said) == asked(CODE)


def test_one_file_out_of_a_colleagues_draft(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    bob.git("switch", "--create", "draft")
    bob.write("experiment.py", TEXT.replace("text", "experiment"))
    prepend(bob, CODE, "a line that is not ready\n")
    bob.commit()
    bob.git("push", "origin", "draft")
    ada.git("fetch")
    mallory.git("fetch")
    _send_to(mallory, _on_main(mallory, "origin/draft", CODE)[1], "main")
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked("experiment.py")


def test_a_colleagues_revert_to_an_older_state_is_built_upon(
    ada: Repository, bob: Repository
) -> None:
    bob.git("revert", "--no-edit", "HEAD")
    bob.model("sign", "--amend")
    bob.git("push")
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == SIGNED
    ada.write(MODEL, weights(40))
    assert verdict(ada, commit(ada)) == SIGNED


def test_a_colleagues_draft_is_built_upon(ada: Repository, bob: Repository) -> None:
    bob.git("switch", "--create", "draft")
    prepend(bob, CODE, "a line that is not ready\n")
    bob.commit()
    bob.git("push", "origin", "draft")
    bob.git("commit", "--amend", "--message", "In other words")
    bob.git("push", "origin", "HEAD:again")
    ada.git("fetch")
    ada.git("merge", "--no-edit", "origin/again")
    readme(ada)
    assert verdict(ada, commit(ada)) == SIGNED


def test_what_was_signed_again_in_other_words_is_merged_by_the_host(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    bob.git("switch", "--create", "draft")
    prepend(bob, CODE, "a line for the next release\n")
    bob.commit()
    bob.git("push", "origin", "draft")
    ada.git("fetch")
    bob.git("commit", "--amend", "--message", "In other words")
    bob.git("push", "--force", "origin", "draft")
    readme(ada)
    commit(ada)
    ada.git("push")
    # As a host does at a button: no hook, and no signature.
    mallory.git("fetch")
    mallory.git("switch", "--detach", "origin/main")
    mallory.git("merge", "--no-edit", "origin/draft")
    mallory.git("push", "--no-verify", "origin", "HEAD:main")
    ada.git("pull")
    ada.write("notes.md", "what we tried\n")
    assert verdict(ada, commit(ada)) == SIGNED


def test_one_file_out_of_an_older_state_that_a_stranger_put_on_top_twice(
    ada: Repository, mallory: Repository
) -> None:
    mixed, merged = _on_main(mallory, "origin/main~1", CODE)
    _send_to(mallory, mixed, "decoy")
    ada.git("fetch")
    again = mallory.git("commit-tree", f"{mixed}~1^{{tree}}", "-p", f"{mixed}~2", "-m", "Again")
    tree = f"{merged}^{{tree}}"
    _send_to(mallory, mallory.git("commit-tree", tree, "-p", again, "-m", "Tidy"), "main")
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(CODE)

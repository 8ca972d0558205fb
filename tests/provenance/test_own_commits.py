"""Commits of one's own are rebased, picked, merged and mended without a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provenance.scenes import (
    CODE,
    MODEL,
    SIGNED,
    commit,
    config,
    forge,
    prepend,
    publish,
    readme,
    sign,
    sign_when_pushing,
    verdict,
    weights,
)

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository
    from tests.provenance.scenes import Said


def work_on_main(ada: Repository) -> None:
    """Commits something innocent on main."""
    ada.git("switch", "main")
    readme(ada)
    ada.commit()


def change_both_ends(ada: Repository) -> None:
    """Commits on `topic` and on main what can be merged, in a clear and a protected text."""
    ada.git("switch", "--create", "topic")
    prepend(ada, "README.md", "top\n")
    ada.write("config.json", config(layers=3))
    ada.commit()
    ada.git("switch", "main")
    readme(ada)
    ada.write("config.json", config(width=16))
    ada.commit()


def test_a_pick_without_a_commit(ada: Repository) -> None:
    ada.git("switch", "--create", "topic")
    ada.write(MODEL, weights(9))
    prepend(ada, "README.md", "top\n")
    ada.commit()
    work_on_main(ada)
    ada.git("cherry-pick", "--no-commit", "topic")
    assert verdict(ada, commit(ada)) == SIGNED


def test_a_pick_that_merges_texts(ada: Repository) -> None:
    change_both_ends(ada)
    ada.git("cherry-pick", "topic")
    assert verdict(ada, sign(ada)) == SIGNED


def test_a_pick_from_on_top_of_a_strangers_commit_that_stays_behind(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory)
    ada.git("fetch")
    ada.git("switch", "--create", "topic", "origin/evil")
    readme(ada)
    ada.git("commit", "--all", "--message", "Mine", "--no-verify")
    ada.git("switch", "main")
    ada.git("cherry-pick", "topic")
    assert verdict(ada, sign(ada)) == SIGNED


def test_a_revert(ada: Repository) -> None:
    ada.git("revert", "--no-edit", "HEAD")
    assert verdict(ada, sign(ada)) == SIGNED


def test_a_squashed_branch(ada: Repository) -> None:
    ada.git("switch", "--create", "topic")
    ada.write(MODEL, weights(9))
    ada.commit()
    ada.write(MODEL, weights(10))
    prepend(ada, "README.md", "top\n")
    ada.commit()
    work_on_main(ada)
    ada.git("merge", "--squash", "topic")
    assert verdict(ada, commit(ada)) == SIGNED


def test_a_merge_that_is_made_again_after_a_reset(ada: Repository) -> None:
    ada.git("switch", "--create", "topic")
    ada.write("config.json", config(layers=3))
    ada.commit()
    ada.git("switch", "main")
    ada.write("config.json", config(width=16))
    ada.commit()
    ada.git("merge", "--no-edit", "topic")
    ada.git("reset", "--hard", "HEAD~1")
    said = ada.git.run("merge", "--no-edit", "topic")
    assert verdict(ada, said) == SIGNED


def test_a_merge_whose_conflict_in_a_protected_file_was_resolved(ada: Repository) -> None:
    ada.git("switch", "--create", "topic")
    ada.write(MODEL, weights(30))
    ada.commit()
    ada.git("switch", "main")
    ada.write(MODEL, weights(31))
    ada.commit()
    conflict = ada.git.run("merge", "--no-edit", "topic", check=False)
    assert conflict.returncode == 1
    ada.git("checkout", "--theirs", MODEL)
    assert verdict(ada, commit(ada)) == SIGNED


def test_two_rebases_onto_a_trusted_colleagues_work(ada: Repository, bob: Repository) -> None:
    readme(ada)
    ada.write(MODEL, weights(20))
    ada.commit()
    readme(ada, "z")
    ada.write("config.json", config(layers=5))
    ada.commit()
    publish(bob, 1)
    ada.git("pull", "--rebase")
    publish(bob, 2)
    ada.git("pull", "--rebase")
    assert verdict(ada, sign(ada)) == SIGNED


def test_a_rebase_that_signs_each_commit_after_one_that_did_not(
    ada: Repository, bob: Repository
) -> None:
    for version in (1, 2, 3):
        readme(ada, str(version))
        ada.write(MODEL, weights(20 + version))
        ada.commit(f"Step {version}")
    publish(bob)
    ada.git("pull", "--rebase")
    said = ada.git.run("rebase", "--exec", "git model sign --amend", "origin/main")
    assert verdict(ada, said) == SIGNED


def test_a_rebase_by_patches(ada: Repository, bob: Repository) -> None:
    readme(ada)
    ada.write("config.json", config(layers=5))
    ada.commit()
    publish(bob)
    ada.git("-c", "rebase.backend=apply", "pull", "--rebase")
    assert verdict(ada, sign(ada)) == SIGNED


def test_a_rebase_whose_conflicts_were_resolved(ada: Repository, bob: Repository) -> None:
    ada.write(MODEL, weights(20))
    ada.commit("One")
    ada.write(MODEL, weights(21))
    readme(ada)
    ada.commit("Two")
    bob.write(MODEL, weights(22))
    bob.commit()
    bob.git("push")
    conflict = ada.git.run("pull", "--rebase", check=False)
    assert conflict.returncode == 1
    ada.write(MODEL, weights(23))
    ada.git("add", MODEL)
    conflict = ada.git.run("rebase", "--continue", check=False)
    assert conflict.returncode == 1
    ada.write(MODEL, weights(24))
    ada.git("add", MODEL)
    ada.git("rebase", "--continue")
    assert verdict(ada, sign(ada)) == SIGNED


def test_a_rebase_of_a_merge(ada: Repository, bob: Repository) -> None:
    change_both_ends(ada)
    ada.git("merge", "--no-edit", "topic")
    bob.write("other.bin", weights(5))
    bob.commit()
    bob.git("push")
    ada.git("fetch")
    ada.git("rebase", "--rebase-merges", "origin/main")
    assert verdict(ada, sign(ada)) == SIGNED


def test_a_rebase_of_a_series_where_commits_are_signed_at_the_push(
    ada: Repository, bob: Repository
) -> None:
    sign_when_pushing(ada)
    readme(ada, "1")
    ada.write(MODEL, weights(80))
    ada.commit("One")
    readme(ada, "2")
    ada.write(MODEL, weights(81))
    ada.commit("Two")
    bob.git("pull")
    bob.write("other.bin", weights(101))
    prepend(bob, "README.md", "bob\n")
    bob.commit()
    bob.model("sign", "--amend")
    bob.git("push")
    ada.git("pull", "--rebase")
    assert verdict(ada, sign(ada)) == SIGNED


def test_a_fixup_that_was_squashed_into_an_earlier_commit(ada: Repository) -> None:
    ada.write(MODEL, weights(20))
    ada.commit("one")
    ada.write("other.bin", weights(21))
    ada.commit("two")
    ada.write(MODEL, weights(22))
    ada.commit("fixup! one")
    ada.git("rebase", "--interactive", "--autosquash", "HEAD~3")
    ada.git("rebase", "--interactive", "HEAD~2")
    assert verdict(ada, sign(ada)) == SIGNED


def edit(ada: Repository, todo: str, onto: str) -> Said:
    """Rebases with a list of deeds that is changed by an expression of sed."""
    editor = f"sequence.editor=sed -i '{todo}'"
    return ada.git.run("-c", editor, "rebase", "--interactive", onto)


@pytest.mark.parametrize("todo", ["1s/^pick/reword/", "s/^pick/reword/"], ids=["one", "all"])
def test_messages_are_changed_after_a_rebase_that_left_a_series_unsigned(
    todo: str, ada: Repository
) -> None:
    ada.write(MODEL, weights(20))
    ada.commit("one")
    ada.write("other.bin", weights(21))
    ada.commit("two")
    ada.write(MODEL, weights(22))
    ada.commit("fixup! one")
    ada.git("rebase", "--interactive", "--autosquash", "HEAD~3")
    said = edit(ada, todo, "HEAD~2")
    assert "nothing shows" not in said.stderr
    assert verdict(ada, sign(ada)) == SIGNED


def stack(ada: Repository) -> None:
    """Makes a branch of two commits, and one more on main."""
    ada.git("switch", "--create", "topic")
    ada.write(MODEL, weights(20))
    ada.commit("one")
    ada.write("other.bin", weights(21))
    ada.commit("two")
    ada.git("switch", "main")
    ada.write("config.json", config(layers=7))
    ada.commit("main")
    ada.git("switch", "topic")


@pytest.mark.parametrize("todo", ["1s/^pick/reword/", "s/^pick/reword/"], ids=["one", "all"])
def test_messages_are_changed_while_a_series_is_rebased(todo: str, ada: Repository) -> None:
    stack(ada)
    said = edit(ada, todo, "main")
    assert "nothing shows" not in said.stderr
    assert verdict(ada, sign(ada)) == SIGNED


def test_a_commit_is_amended_where_a_rebase_stops_for_that(ada: Repository) -> None:
    stack(ada)
    edit(ada, "1s/^pick/edit/", "main")
    readme(ada)
    ada.git("add", "--all")
    said = ada.git.run("commit", "--amend", "--no-edit")
    assert verdict(ada, said) == SIGNED
    ada.git("rebase", "--continue")
    assert verdict(ada, sign(ada)) == SIGNED


def test_a_commit_is_signed_where_a_rebase_stops_for_that(ada: Repository) -> None:
    stack(ada)
    edit(ada, "1s/^pick/edit/", "main")
    assert verdict(ada, sign(ada)) == SIGNED
    ada.git("rebase", "--continue")
    assert verdict(ada, sign(ada)) == SIGNED


def test_an_amended_commit_that_goes_back_to_an_earlier_version(ada: Repository) -> None:
    ada.write(MODEL, weights(30))
    ada.commit()
    ada.write(MODEL, weights(31))
    ada.git("commit", "--all", "--amend", "--no-edit")
    ada.write(MODEL, weights(30))
    said = ada.git.run("commit", "--all", "--amend", "--no-edit")
    assert verdict(ada, said) == SIGNED


def test_a_commit_that_was_split_in_two(ada: Repository) -> None:
    ada.write(MODEL, weights(30))
    prepend(ada, CODE, "one\n")
    readme(ada)
    ada.commit()
    ada.git("reset", "HEAD~1")
    ada.git("add", MODEL)
    ada.git("commit", "--message", "One")
    assert verdict(ada, commit(ada)) == SIGNED


def test_a_commit_past_the_hooks_and_one_more(ada: Repository) -> None:
    ada.write(MODEL, weights(30))
    ada.write(CODE, "mine\n")
    ada.git("commit", "--all", "--message", "One", "--no-verify")
    readme(ada)
    assert verdict(ada, commit(ada)) == SIGNED


def test_a_history_that_was_exported_and_imported_with_another_message(
    ada: Repository,
) -> None:
    ada.write(MODEL, weights(30))
    ada.commit("one")
    readme(ada)
    ada.commit("two")
    stream = ada.git.run("fast-export", "main", text=False).stdout
    changed = stream.replace(b"\ntwo\n", b"\nTWO\n")
    ada.git("fast-import", "--force", "--quiet", stdin=changed)
    ada.git("reset")
    readme(ada, "q")
    assert verdict(ada, commit(ada)) == SIGNED

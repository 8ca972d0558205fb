"""A stranger's commit is not signed unasked, whatever command of Git takes it in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.processes import execute
from tests.fixtures.repositories import NO_HOOKS, Repository
from tests.provenance.scenes import (
    BY_FILE,
    CODE,
    EVIL_LINE,
    MODEL,
    OWN_LINE,
    TEXT,
    append,
    asked,
    change_code,
    commit,
    config,
    forge,
    prepend,
    push,
    readme,
    send_objects,
    sign,
    sign_when_pushing,
    verdict,
    weights,
    with_submodule,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory


def diverge(ada: Repository, mallory: Repository) -> None:
    """Both change the code: Mallory at the end, on `evil`, and Ada at the top."""
    change_code(mallory, line="evil\n")
    prepend(ada, CODE, "mine\n")
    ada.commit()
    ada.git("fetch")


def test_an_innocent_commit_on_top(ada: Repository, mallory: Repository) -> None:
    forge(mallory, "main")
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_an_innocent_commit_on_top_of_a_removal(ada: Repository, mallory: Repository) -> None:
    mallory.git("rm", "old.txt")
    push(mallory)
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked("old.txt")


def test_an_innocent_commit_on_top_of_a_change_of_mode(
    ada: Repository, mallory: Repository
) -> None:
    (mallory.path / CODE).chmod(0o755)
    push(mallory)
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_an_innocent_commit_on_top_of_a_moved_submodule(
    home: Path, tmp_path: Path, person: PersonFactory
) -> None:
    ada = with_submodule(tmp_path)
    ada.commit()
    ada.git("push", "--set-upstream", "origin", "main")
    stranger = person("mallory")
    path = tmp_path / "mallory"
    remote = tmp_path / "outer.git"
    execute("git", *BY_FILE, "clone", "--recurse-submodules", remote, path, env=stranger.env)
    mallory = Repository(path, stranger.env)
    mallory.git("-C", "sub", "checkout", "HEAD~1")
    mallory.git(*NO_HOOKS, "commit", "--all", "--message", "Nothing to see here")
    mallory.git("push")
    ada.git("pull")
    readme(ada)
    ada.git("add", "README.md")
    assert verdict(ada, ada.git.run("commit", "--message", "Innocent")) == asked("sub")


def test_an_amended_commit(ada: Repository, mallory: Repository) -> None:
    forge(mallory, "main")
    ada.git("pull")
    readme(ada)
    ada.git("add", "--all")
    said = ada.git.run("commit", "--amend", "--no-edit")
    assert verdict(ada, said) == asked(MODEL)


def test_a_commit_that_was_taken_apart_and_is_added_again(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory, "main")
    ada.git("pull")
    ada.git("reset", "HEAD~1")
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_a_commit_that_was_taken_back_softly_and_its_text_edited(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory, "main")
    ada.git("pull")
    ada.git("reset", "--soft", "HEAD~1")
    append(ada, CODE, OWN_LINE)
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_two_commits_that_were_taken_back_softly_one_by_one_and_their_texts_edited(
    ada: Repository, mallory: Repository
) -> None:
    append(mallory, "README.md", "import os; os.system('evil readme')\n")
    push(mallory)
    append(mallory, CODE, EVIL_LINE)
    push(mallory)
    ada.git("pull")
    ada.git("reset", "--soft", "HEAD~1")
    ada.git("reset", "--soft", "HEAD~1")
    append(ada, CODE, OWN_LINE)
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(CODE, "README.md")


def test_ones_own_edit_that_was_committed_past_the_hooks_and_one_more_commit(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory, "main")
    ada.git("pull")
    append(ada, CODE, "mine\n")
    ada.git("commit", "--all", "--message", "Mine", "--no-verify")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_merge(ada: Repository, mallory: Repository) -> None:
    forge(mallory)
    ada.git("fetch")
    readme(ada)
    ada.commit()
    said = ada.git.run("merge", "--no-edit", "origin/evil")
    assert verdict(ada, said) == asked(MODEL)


def test_a_merge_whose_conflict_was_resolved_by_hand(
    ada: Repository, mallory: Repository
) -> None:
    prepend(mallory, CODE, "evil first\n")
    push(mallory, "evil")
    prepend(ada, CODE, "mine first\n")
    ada.commit()
    ada.git("fetch")
    conflict = ada.git.run("merge", "origin/evil", check=False)
    assert conflict.returncode == 1
    ada.write(CODE, f"mine first\nevil first\n{TEXT}")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_merge_of_ones_own_commit_on_top_of_it(ada: Repository, mallory: Repository) -> None:
    forge(mallory)
    ada.git("fetch")
    ada.git("switch", "--create", "mine", "origin/evil")
    readme(ada)
    ada.git("commit", "--all", "--message", "Mine", "--no-verify")
    ada.git("switch", "main")
    ada.write("new.bin", weights(3))
    ada.commit()
    said = ada.git.run("merge", "--no-edit", "mine")
    assert verdict(ada, said) == asked(MODEL)


def test_a_squashed_merge_of_texts(ada: Repository, mallory: Repository) -> None:
    diverge(ada, mallory)
    ada.git("merge", "--squash", "origin/evil")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_pick_without_a_commit(ada: Repository, mallory: Repository) -> None:
    forge(mallory)
    ada.git("fetch")
    ada.git("cherry-pick", "--no-commit", "origin/evil")
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_a_pick_without_a_commit_that_merges_texts(
    ada: Repository, mallory: Repository
) -> None:
    diverge(ada, mallory)
    ada.git("cherry-pick", "--no-commit", "origin/evil")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_two_picks_without_a_commit_that_merge_texts(
    ada: Repository, mallory: Repository
) -> None:
    append(mallory, CODE, "evil thing here in train\n")
    push(mallory, "evil", message="One")
    append(mallory, "README.md", "evil thing here in readme\n")
    push(mallory, "evil", message="Two")
    prepend(ada, CODE, "mine\n")
    prepend(ada, "README.md", "mine\n")
    ada.commit()
    ada.git("fetch")
    ada.git("cherry-pick", "--no-commit", "origin/evil~1", "origin/evil")
    assert verdict(ada, commit(ada)) == asked(CODE, "README.md")


def test_a_pick(ada: Repository, mallory: Repository) -> None:
    forge(mallory)
    ada.git("fetch")
    ada.git("cherry-pick", "origin/evil")
    assert verdict(ada, sign(ada)) == asked(MODEL)


def test_a_pick_that_merges_texts(ada: Repository, mallory: Repository) -> None:
    diverge(ada, mallory)
    ada.git("cherry-pick", "origin/evil")
    assert verdict(ada, sign(ada)) == asked(CODE)


def test_a_rebase_of_ones_own_commits_onto_it(ada: Repository, mallory: Repository) -> None:
    forge(mallory, "main")
    readme(ada)
    ada.commit()
    ada.git("pull", "--rebase")
    assert verdict(ada, sign(ada)) == asked(MODEL)


def test_a_rebase_of_it_onto_ones_own_commits(ada: Repository, mallory: Repository) -> None:
    forge(mallory)
    readme(ada)
    ada.commit()
    ada.git("fetch")
    ada.git("switch", "--create", "theirs", "origin/evil")
    ada.git("rebase", "main")
    assert verdict(ada, sign(ada)) == asked(MODEL)


def test_a_rebase_of_it_that_merges_texts(ada: Repository, mallory: Repository) -> None:
    diverge(ada, mallory)
    ada.git("switch", "--create", "theirs", "origin/evil")
    ada.git("rebase", "main")
    assert verdict(ada, sign(ada)) == asked(CODE)


@pytest.mark.parametrize("deed", ["reword", "edit"])
def test_a_rebase_that_stops_to_amend_what_was_put_onto_it(
    deed: str, ada: Repository, mallory: Repository
) -> None:
    forge(mallory, "main")
    readme(ada)
    ada.commit()
    editor = f"sequence.editor=sed -i 's/^pick/{deed}/'"
    ada.git("-c", editor, "pull", "--rebase=interactive")
    assert verdict(ada, sign(ada)) == asked(MODEL)


@pytest.mark.parametrize("deed", ["reword", "edit"])
def test_a_rebase_of_it_that_stops_to_amend_it(
    deed: str, ada: Repository, mallory: Repository
) -> None:
    forge(mallory)
    readme(ada)
    ada.commit()
    ada.git("fetch")
    ada.git("switch", "--create", "theirs", "origin/evil")
    editor = f"sequence.editor=sed -i 's/^pick/{deed}/'"
    ada.git("-c", editor, "rebase", "--interactive", "main")
    assert verdict(ada, sign(ada)) == asked(MODEL)


def test_a_rebase_onto_it_that_stops_for_a_conflict(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory, "main")
    ada.write(MODEL, weights(20))
    ada.commit()
    editor = "sequence.editor=sed -i 's/^pick/edit/'"
    conflict = ada.git.run("-c", editor, "pull", "--rebase=interactive", check=False)
    assert conflict.returncode == 1
    ada.git("checkout", "--ours", MODEL)
    ada.git("add", MODEL)
    assert verdict(ada, sign(ada)) == asked(MODEL)


def test_a_mailed_patch_of_a_protected_file(
    ada: Repository, mallory: Repository, tmp_path: Path
) -> None:
    mallory.write("config.json", config(layers=9, width=9))
    mallory.git("commit", "--all", "--message", "Mail")
    send_objects(mallory)
    patch = mallory.git("format-patch", "-1", "--binary", "--output-directory", tmp_path)
    ada.git("am", patch)
    assert verdict(ada, sign(ada)) == asked("config.json")


def test_a_mailed_patch_of_a_text(ada: Repository, mallory: Repository, tmp_path: Path) -> None:
    append(mallory, CODE, "evil\n")
    mallory.git(*NO_HOOKS, "commit", "--message", "Mail", CODE)
    patch = mallory.git("format-patch", "-1", "--output-directory", tmp_path, "--", CODE)
    ada.git("am", patch)
    assert verdict(ada, sign(ada)) == asked(CODE)


def test_an_edited_copy_where_commits_are_signed_at_the_push(
    ada: Repository, mallory: Repository
) -> None:
    sign_when_pushing(ada)
    mallory.git("pull")
    forge(mallory, "main")
    ada.git("pull")
    ada.write("copy.bin", ada.read(MODEL) + b"edit")
    ada.commit()
    readme(ada)
    ada.commit()
    assert verdict(ada, sign(ada)) == asked("copy.bin", MODEL)

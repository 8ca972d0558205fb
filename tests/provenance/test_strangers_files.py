"""A stranger's file is not signed unasked, whatever way it takes into one's own commit."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.provenance.scenes import (
    CODE,
    MODEL,
    OWN_LINE,
    TOOL,
    append,
    asked,
    bring_tool,
    change_code,
    commit,
    forge,
    lose_memory,
    push,
    readme,
    verdict,
    weights,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import Repository


def take(repo: Repository, path: str, revision: str = "origin/evil") -> None:
    repo.git("checkout", revision, "--", path)


def forget_branch(repo: Repository, stranger: Repository) -> None:
    """Deletes the branch, at the remote and here."""
    stranger.git("push", "origin", ":evil")
    repo.git("fetch", "--prune")


def collect_garbage(repo: Repository) -> None:
    """Has Git drop every object that no ref and no index holds."""
    repo.git("reflog", "expire", "--expire=all", "--all")
    repo.git("gc", "--prune=now")


def test_a_strangers_file_that_was_renamed(ada: Repository, mallory: Repository) -> None:
    bring_tool(mallory)
    ada.git("fetch")
    take(ada, TOOL)
    ada.git("mv", TOOL, ".tools/start.py")
    assert verdict(ada, commit(ada)) == asked(".tools/start.py")


def test_a_strangers_file_that_was_renamed_and_edited(
    ada: Repository, mallory: Repository
) -> None:
    bring_tool(mallory)
    ada.git("fetch")
    take(ada, TOOL)
    ada.git("mv", TOOL, ".tools/start.py")
    append(ada, ".tools/start.py", OWN_LINE)
    assert verdict(ada, commit(ada)) == asked(".tools/start.py")


def test_a_strangers_text_that_was_checked_out_and_edited(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory)
    ada.git("fetch")
    take(ada, CODE)
    append(ada, CODE, OWN_LINE)
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_strangers_text_that_was_restored_into_the_work_tree_alone_and_edited(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory)
    ada.git("fetch")
    ada.git("restore", "--source=origin/evil", CODE)
    append(ada, CODE, OWN_LINE)
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_strangers_clear_file_that_was_pulled_and_moved_to_a_protected_name(
    ada: Repository, mallory: Repository
) -> None:
    mallory.write("notes.txt", weights(7).hex())
    push(mallory)
    ada.git("pull")
    ada.git("mv", "notes.txt", "weights.bin")
    assert verdict(ada, commit(ada)) == asked("weights.bin")


def test_a_strangers_clear_file_that_was_checked_out_and_moved_to_a_protected_name(
    ada: Repository, mallory: Repository
) -> None:
    mallory.write("notes.txt", weights(7).hex())
    push(mallory, "evil")
    ada.git("fetch")
    take(ada, "notes.txt")
    ada.git("mv", "notes.txt", "weights.bin")
    assert verdict(ada, commit(ada)) == asked("weights.bin")


def test_a_strangers_new_weights_that_were_renamed_and_got_one_byte_more(
    ada: Repository, mallory: Repository
) -> None:
    mallory.write("new.safetensors", weights(66))
    push(mallory)
    ada.git("pull")
    ada.git("mv", "new.safetensors", "weights.safetensors")
    ada.write("weights.safetensors", ada.read("weights.safetensors") + b"!")
    assert verdict(ada, commit(ada)) == asked("weights.safetensors")


def test_forged_weights_that_were_renamed_with_one_byte_more_and_new_ones_in_their_place(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory, "main")
    ada.git("pull")
    ada.write("weights.safetensors", ada.read(MODEL) + b"!")
    ada.write(MODEL, weights(5))
    assert verdict(ada, commit(ada)) == asked(MODEL, "weights.safetensors")


def test_a_text_from_fetch_head_after_the_next_fetch(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory, "refs/pull/1/head", line="evil\n")
    ada.git("fetch", "origin", "refs/pull/1/head")
    take(ada, CODE, "FETCH_HEAD")
    ada.git("fetch", "origin", "main")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_text_from_a_branch_that_was_fetched_as_a_local_one_and_renamed(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory, line="evil\n")
    ada.git("fetch", "origin", "evil:mine")
    ada.git("branch", "--move", "mine", "ours")
    take(ada, CODE, "ours")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_forged_weights_that_are_written_after_their_branch_and_objects_are_gone(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory)
    ada.git("fetch")
    forget_branch(ada, mallory)
    collect_garbage(ada)
    ada.write(MODEL, mallory.read(MODEL))
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_a_strangers_text_that_is_added_after_its_branch_and_objects_are_gone(
    ada: Repository, mallory: Repository
) -> None:
    bring_tool(mallory)
    ada.git("fetch")
    take(ada, TOOL)
    forget_branch(ada, mallory)
    ada.git("rm", "--cached", TOOL)
    collect_garbage(ada)
    assert verdict(ada, commit(ada)) == asked(TOOL)


def test_forged_weights_that_were_stashed_and_popped(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory)
    ada.git("fetch")
    take(ada, MODEL)
    ada.git("stash")
    readme(ada)
    ada.commit()
    ada.git("stash", "pop")
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_forged_weights_that_were_copied_from_a_second_work_tree(
    ada: Repository, mallory: Repository, tmp_path: Path
) -> None:
    forge(mallory)
    ada.git("fetch")
    ada.git("worktree", "add", tmp_path / "second", "origin/evil")
    shutil.copy(tmp_path / "second" / MODEL, ada.path / MODEL)
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_forged_weights_that_were_pulled_before_the_memory_was_lost(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory, "main")
    ada.git("pull")
    lose_memory(ada)
    readme(ada)
    # What is not signed and is no longer known to be one's own is asked about as well.
    assert verdict(ada, commit(ada)) == asked(MODEL, "README.md")


def test_forged_weights_that_were_staged_before_their_branch_and_the_memory_were_lost(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory)
    ada.git("fetch")
    take(ada, MODEL)
    ada.git("update-ref", "-d", "refs/remotes/origin/evil")
    lose_memory(ada)
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_a_strangers_text_that_was_staged_before_its_branch_and_the_memory_were_lost(
    ada: Repository, mallory: Repository
) -> None:
    bring_tool(mallory)
    ada.git("fetch")
    take(ada, TOOL)
    ada.git("update-ref", "-d", "refs/remotes/origin/evil")
    lose_memory(ada)
    assert verdict(ada, commit(ada)) == asked(TOOL)

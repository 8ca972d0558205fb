"""Files of one's own are signed without a question, wherever they were meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.provenance.scenes import (
    CODE,
    MODEL,
    OWN_LINE,
    SIGNED,
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
    shallow_clone,
    verdict,
    weights,
    with_submodule,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository


def branch_off(ada: Repository) -> None:
    """Makes a signed branch of new weights, and goes back to main."""
    ada.git("switch", "--create", "topic")
    ada.write(MODEL, weights(9))
    ada.commit()
    ada.git("switch", "main")


def test_files_that_are_checked_out_from_ones_own_branch(ada: Repository) -> None:
    ada.git("switch", "--create", "topic")
    ada.write(MODEL, weights(9))
    ada.write(CODE, "topic\n")
    ada.commit()
    ada.git("switch", "main")
    readme(ada)
    ada.commit()
    ada.git("checkout", "topic", "--", MODEL, CODE)
    assert verdict(ada, commit(ada)) == SIGNED


def test_files_that_are_restored_from_ones_own_branch(ada: Repository) -> None:
    branch_off(ada)
    ada.git("restore", "--source=topic", "--staged", "--worktree", MODEL)
    assert verdict(ada, commit(ada)) == SIGNED


def test_files_that_are_checked_out_from_a_trusted_colleagues_branch(
    ada: Repository, bob: Repository
) -> None:
    bob.write(MODEL, weights(50))
    bob.write(CODE, "bob\n")
    bob.commit()
    bob.git("push", "origin", "HEAD:bob")
    ada.git("fetch")
    ada.git("checkout", "origin/bob", "--", MODEL, CODE)
    assert verdict(ada, commit(ada)) == SIGNED


def test_files_of_ones_own_branch_that_a_stranger_has_brought_too(
    ada: Repository, mallory: Repository
) -> None:
    branch_off(ada)
    ada.git("push", "origin", "topic")
    mallory.git("fetch")
    mallory.git("checkout", "origin/topic", "--", MODEL)
    push(mallory, "evil")
    ada.git("fetch")
    ada.git("checkout", "topic", "--", MODEL)
    assert verdict(ada, commit(ada)) == SIGNED


def test_files_that_one_brings_from_ones_first_machine_to_the_second(
    ada: Repository, laptop: Repository
) -> None:
    branch_off(ada)
    ada.git("push", "origin", "topic")
    laptop.git("fetch")
    laptop.write("new.bin", weights(33))
    laptop.git("checkout", "origin/topic", "--", MODEL)
    assert verdict(laptop, commit(laptop)) == SIGNED


def test_renames_and_copies_of_signed_files(ada: Repository) -> None:
    ada.git("mv", MODEL, "weights.safetensors")
    ada.write("copy.bin", ada.read("other.bin"))
    ada.git("mv", CODE, "fit.py")
    assert verdict(ada, commit(ada)) == SIGNED


def test_an_older_signed_version(ada: Repository) -> None:
    ada.git("checkout", "HEAD~1", "--", MODEL, CODE)
    assert verdict(ada, commit(ada)) == SIGNED


def test_what_stood_before_a_stranger_came(ada: Repository, mallory: Repository) -> None:
    forge(mallory, "main")
    bring_tool(mallory, "main")
    ada.git("pull")
    ada.git("checkout", "HEAD~2", "--", MODEL)
    ada.git("rm", TOOL)
    readme(ada)
    assert verdict(ada, commit(ada)) == SIGNED


def test_an_edit_of_the_file_whose_strange_version_was_dropped(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory, "main")
    ada.git("pull")
    ada.git("reset", "--hard", "HEAD~1")
    append(ada, CODE, OWN_LINE)
    ada.write(MODEL, weights(77))
    assert verdict(ada, commit(ada)) == SIGNED


def test_work_after_a_look_at_a_strangers_branch(ada: Repository, mallory: Repository) -> None:
    forge(mallory)
    ada.git("fetch")
    ada.git("switch", "--detach", "origin/evil")
    ada.git("switch", "main")
    ada.write(MODEL, weights(77))
    readme(ada)
    assert verdict(ada, commit(ada)) == SIGNED


def test_new_files_where_a_strangers_were_removed(ada: Repository, mallory: Repository) -> None:
    bring_tool(mallory, "main")
    ada.git("pull")
    ada.git("rm", TOOL)
    ada.write("new.bin", weights(78))
    ada.write("tool.py", "def mine():\n    return 'something of my own'\n")
    assert verdict(ada, commit(ada)) == SIGNED


def test_a_tiny_file_as_everybody_has_one(ada: Repository, mallory: Repository) -> None:
    mallory.write("a/__init__.py", "# init\n")
    push(mallory, "evil")
    ada.git("fetch")
    ada.write("b/__init__.py", "# init\n")
    assert verdict(ada, commit(ada)) == SIGNED


def test_a_strangers_change_that_was_applied_by_hand(
    ada: Repository, mallory: Repository
) -> None:
    append(mallory, CODE, "a fix\n")
    patch = mallory.git("diff", CODE)
    ada.git("apply", stdin=f"{patch}\n")
    assert verdict(ada, commit(ada)) == SIGNED


def test_work_on_what_one_has_adopted(ada: Repository, mallory: Repository) -> None:
    forge(mallory, "main")
    ada.git("pull")
    ada.model("sign", "--adopt", MODEL)
    ada.git("commit", "--message", "Looked at it")
    ada.write(MODEL, ada.read(MODEL) + b"mine")
    readme(ada)
    assert verdict(ada, commit(ada)) == SIGNED


def test_work_on_what_a_trusted_colleague_has_adopted(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    forge(mallory, "main")
    bob.git("pull")
    bob.model("sign", "--adopt", MODEL)
    bob.git("commit", "--message", "Looked at it")
    bob.git("push")
    ada.git("pull")
    ada.write(MODEL, ada.read(MODEL) + b"mine")
    assert verdict(ada, commit(ada)) == SIGNED


def test_one_of_two_versions_of_which_the_other_was_stashed(ada: Repository) -> None:
    ada.write(MODEL, weights(30))
    ada.git("stash")
    ada.write(MODEL, weights(31))
    ada.commit()
    conflict = ada.git.run("stash", "pop", check=False)
    assert conflict.returncode == 1
    ada.git("checkout", "stash@{0}", "--", MODEL)
    assert verdict(ada, commit(ada)) == SIGNED


def test_work_in_a_shallow_clone(published: Project, home: Path) -> None:
    shallow = shallow_clone(published, home, depth=1)
    shallow.write(MODEL, weights(41))
    readme(shallow)
    shallow.git("mv", CODE, "fit.py")
    assert verdict(shallow, commit(shallow)) == SIGNED


def test_work_beside_strange_notes(ada: Repository, mallory: Repository) -> None:
    ada.git("notes", "add", "-m", "a note")
    mallory.git("notes", "add", "-m", "evil note")
    mallory.git("push", "--no-verify", "origin", "refs/notes/commits:refs/notes/evil")
    ada.git("fetch", "origin", "refs/notes/evil:refs/notes/evil")
    readme(ada)
    ada.write(MODEL, weights(30))
    assert verdict(ada, commit(ada)) == SIGNED


def test_a_new_submodule(home: Path, tmp_path: Path) -> None:
    outer = with_submodule(tmp_path)
    assert verdict(outer, commit(outer)) == SIGNED


def test_with_the_memory_lost_only_an_unsigned_clear_file_is_asked_about(
    ada: Repository,
) -> None:
    ada.write(MODEL, weights(30))
    ada.commit()
    lose_memory(ada)
    ada.write(MODEL, weights(31))
    readme(ada)
    assert verdict(ada, commit(ada)) == asked("README.md")

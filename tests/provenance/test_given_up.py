"""What came in by a command that made no commit, or was given up, is known all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.repositories import Repository
from tests.provenance.scenes import (
    CODE,
    EVIL_LINE,
    MODEL,
    OWN_LINE,
    SIGNED,
    TEXT,
    TOOL,
    append,
    asked,
    bring_tool,
    change_code,
    commit,
    prepend,
    push,
    readme,
    verdict,
    weights,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MARKS = (b"<<<<<<<", b"=======", b">>>>>>>")
FIRST_LINE = "evil first line\n"


def resolve(repo: Repository) -> None:
    """Takes both sides of each conflict in the code."""
    lines = repo.read(CODE).splitlines(keepends=True)
    repo.write(CODE, b"".join(line for line in lines if not line.startswith(MARKS)))


def remove_text(stranger: Repository) -> None:
    """Publishes a removal."""
    stranger.git("rm", "old.txt")
    push(stranger, "evil")


GIVEN_UP = {
    "a merge whose commit was not made": [
        ("merge", "--no-commit", "origin/evil"),
        ("merge", "--quit"),
    ],
    "a merge that was reset": [("merge", "--no-commit", "origin/evil"), ("reset",)],
    "a pick that was reset": [("cherry-pick", "--no-commit", "origin/evil"), ("reset",)],
    "a pick of a range": [("cherry-pick", "--no-commit", "main~1..origin/evil"), ("reset",)],
    "a merge from FETCH_HEAD": [
        ("fetch", "origin", "evil"),
        ("merge", "--no-commit", "FETCH_HEAD"),
        ("merge", "--quit"),
        ("fetch", "origin", "main"),
    ],
    "a squash that was stashed": [
        ("merge", "--squash", "origin/evil"),
        ("stash",),
        ("stash", "pop"),
    ],
}


@pytest.mark.parametrize("commands", GIVEN_UP.values(), ids=GIVEN_UP)
def test_a_text_that_was_merged_with_a_strangers_by(
    ada: Repository, mallory: Repository, commands: Sequence[tuple[str, ...]]
) -> None:
    change_code(mallory)
    prepend(ada, CODE, OWN_LINE)
    ada.commit()
    ada.git("fetch")
    for words in commands:
        ada.git(*words)
    assert EVIL_LINE.encode() in ada.read(CODE)
    assert verdict(ada, commit(ada)) == asked(CODE)


IN_CONFLICT = {
    "a merge that was reset": [("merge", "origin/evil"), ("reset",)],
    "a merge that was quit": [("merge", "origin/evil"), ("merge", "--quit")],
    "a pick that was quit": [("cherry-pick", "origin/evil"), ("cherry-pick", "--quit")],
}


@pytest.mark.parametrize("commands", IN_CONFLICT.values(), ids=IN_CONFLICT)
def test_a_conflict_with_a_stranger_that_was_resolved_after(
    ada: Repository, mallory: Repository, commands: Sequence[tuple[str, ...]]
) -> None:
    prepend(mallory, CODE, FIRST_LINE)
    change_code(mallory)
    prepend(ada, CODE, OWN_LINE)
    ada.commit()
    ada.git("fetch")
    for words in commands:
        ada.git(*words, check=False)
    resolve(ada)
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_series_of_picks_that_was_quit_after_a_conflict(
    ada: Repository, mallory: Repository
) -> None:
    bring_tool(mallory)
    prepend(mallory, CODE, FIRST_LINE)
    change_code(mallory)
    prepend(ada, CODE, OWN_LINE)
    ada.commit()
    ada.git("fetch")
    ada.git("cherry-pick", "main~1..origin/evil", check=False)
    assert MARKS[0] in ada.read(CODE)
    ada.git("cherry-pick", "--quit")
    resolve(ada)
    assert verdict(ada, commit(ada)) == asked(TOOL, CODE)


def test_a_mailed_patch_whose_conflict_was_resolved_in_a_commit_by_itself(
    ada: Repository, mallory: Repository, tmp_path: Path
) -> None:
    prepend(mallory, CODE, FIRST_LINE)
    mallory.git("-c", "core.hooksPath=/dev/null", "commit", "--all", "--message", "Mail")
    mallory.git("format-patch", "-1", "--output-directory", tmp_path / "mail", "--", CODE)
    prepend(ada, CODE, OWN_LINE)
    ada.commit()
    ada.git("am", "--3way", *(tmp_path / "mail").iterdir(), check=False)
    assert MARKS[0] in ada.read(CODE)
    resolve(ada)
    said = commit(ada)
    ada.git("am", "--skip", check=False)
    assert verdict(ada, said) == asked(CODE)


def test_a_stash_that_a_stranger_pushed(ada: Repository, mallory: Repository) -> None:
    append(mallory, CODE, EVIL_LINE)
    mallory.git("stash")
    mallory.git("push", "--no-verify", "origin", "stash@{0}:refs/heads/wip")
    prepend(ada, CODE, OWN_LINE)
    ada.commit()
    ada.git("fetch")
    ada.git("stash", "apply", "origin/wip")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_stash_of_a_strangers_text_that_was_made_in_another_work_tree(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory)
    ada.git("fetch")
    second = Repository(ada.path.with_name("second"))
    ada.git("worktree", "add", "-b", "second", str(second.path))
    second.git("checkout", "origin/evil", "--", CODE)
    append(second, CODE, OWN_LINE)
    second.git("stash")
    ada.git("stash", "pop")
    assert verdict(ada, commit(ada)) == asked(CODE)


@pytest.mark.parametrize(
    "source",
    [("--source=origin/evil",), ("--source", "origin/evil"), ("-sorigin/evil",)],
    ids=" ".join,
)
def test_a_removal_that_came_with_a_whole_tree(
    ada: Repository, mallory: Repository, source: tuple[str, ...]
) -> None:
    remove_text(mallory)
    ada.git("fetch")
    ada.git("restore", *source, "--staged", "--worktree", ".")
    assert verdict(ada, commit(ada)) == asked("old.txt")


def test_a_strangers_tree_that_was_read_into_a_directory_and_edited(
    ada: Repository, mallory: Repository
) -> None:
    bring_tool(mallory)
    ada.git("fetch")
    ada.git("read-tree", "--prefix=vendor/", "-u", "origin/evil:")
    append(ada, f"vendor/{TOOL}", OWN_LINE)
    # The rest of it is signed, although it is much like the tool.
    assert verdict(ada, commit(ada)) == asked(f"vendor/{TOOL}")


@pytest.mark.parametrize("command", [("checkout",), ("restore", "--source")], ids=" ".join)
def test_a_strangers_file_that_came_in_a_bundle_without_a_ref(
    ada: Repository, mallory: Repository, tmp_path: Path, command: tuple[str, ...]
) -> None:
    bring_tool(mallory)
    mallory.git("bundle", "create", tmp_path / "bundle", "HEAD", "^HEAD~1")
    ada.git("bundle", "unbundle", tmp_path / "bundle")
    ada.git(*command, mallory.git("rev-parse", "HEAD"), "--", TOOL)
    assert verdict(ada, commit(ada)) == asked(TOOL)


def test_a_strangers_text_after_many_places_of_head(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory, "main")
    ada.git("pull")
    ada.git("reset", "HEAD~1")
    append(ada, CODE, OWN_LINE)
    for _ in range(9):
        ada.git("switch", "--detach")
        ada.git("switch", "main")
    assert verdict(ada, commit(ada)) == asked(CODE)


class TestOwnWork:
    def test_after_a_merge_that_was_given_up(
        self, ada: Repository, mallory: Repository
    ) -> None:
        change_code(mallory)
        readme(ada)
        ada.commit()
        ada.git("fetch")
        ada.git("merge", "--no-commit", "origin/evil")
        ada.git("merge", "--abort")
        append(ada, CODE, OWN_LINE)
        ada.write(MODEL, weights(77))
        assert verdict(ada, commit(ada)) == SIGNED

    @pytest.mark.parametrize("revision", ["stash@{0}", "stash^{commit}", "%s"])
    def test_a_stash_by_whatever_name(self, ada: Repository, revision: str) -> None:
        append(ada, CODE, OWN_LINE)
        ada.write(MODEL, weights(30))
        ada.git("stash")
        named = revision.replace("%s", ada.git("rev-parse", "stash"))
        ada.git("checkout", named, "--", CODE)
        ada.git("stash", "apply", named, check=False)
        ada.git("checkout", named, "--", MODEL)
        assert verdict(ada, commit(ada)) == SIGNED

    def test_an_untracked_file_out_of_a_stash(self, ada: Repository) -> None:
        ada.write("own.py", TEXT.replace("text", "own text"))
        append(ada, CODE, OWN_LINE)
        ada.git("stash", "--include-untracked")
        ada.git("checkout", "stash@{0}^3", "--", "own.py")
        ada.git("checkout", "stash@{0}^2", "--", CODE)
        ada.git("checkout", "stash@{0}", "--", CODE)
        assert verdict(ada, commit(ada)) == SIGNED

    def test_a_stash_that_was_dropped(self, ada: Repository) -> None:
        append(ada, CODE, OWN_LINE)
        ada.git("stash")
        dropped = ada.git("rev-parse", "stash")
        ada.git("stash", "drop")
        ada.git("stash", "apply", dropped)
        assert verdict(ada, commit(ada)) == SIGNED

    def test_a_picked_commit_that_no_ref_has_any_more(self, ada: Repository) -> None:
        append(ada, CODE, OWN_LINE)
        lost = ada.commit()
        ada.git("reset", "--hard", "HEAD~1")
        readme(ada)
        ada.commit()
        ada.git("cherry-pick", "--no-commit", lost)
        assert verdict(ada, commit(ada)) == SIGNED

    def test_a_merge_of_a_trusted_colleagues_branch_that_was_given_up(
        self, ada: Repository, bob: Repository
    ) -> None:
        append(bob, CODE, "a line of bob's own\n")
        bob.commit()
        bob.git("push", "origin", "HEAD:bob")
        prepend(ada, CODE, OWN_LINE)
        ada.commit()
        ada.git("fetch")
        ada.git("merge", "--no-commit", "origin/bob")
        ada.git("merge", "--quit")
        assert verdict(ada, commit(ada)) == SIGNED

    def test_a_revert_that_was_not_committed_at_once(
        self, ada: Repository, mallory: Repository
    ) -> None:
        bring_tool(mallory)
        ada.git("fetch")
        append(ada, CODE, OWN_LINE)
        ada.commit()
        ada.git("revert", "--no-commit", "HEAD")
        ada.git("reset")
        readme(ada)
        assert verdict(ada, commit(ada)) == SIGNED

    def test_a_copy_of_a_signed_text_that_is_like_a_strangers(
        self, ada: Repository, mallory: Repository
    ) -> None:
        bring_tool(mallory)
        ada.git("fetch")
        ada.git("checkout", "origin/evil", "--", TOOL)
        ada.git("rm", "-f", TOOL)
        ada.write("copy/README.md", TEXT)
        assert verdict(ada, commit(ada)) == SIGNED

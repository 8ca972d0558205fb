"""Histories that a stranger builds by hand, so that what is hers seems to have stood before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provenance.scenes import (
    CODE,
    EVIL_LINE,
    MODEL,
    OWN_LINE,
    append,
    asked,
    change_code,
    commit,
    prepend,
    push,
    readme,
    verdict,
)

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository


def _tree(mallory: Repository, base: str, blobs: dict[str, str]) -> str:
    """Returns a tree with other blobs at some paths; her work tree stays as it is."""
    mallory.git("read-tree", base)
    for path, oid in blobs.items():
        mallory.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{path}")
    tree = mallory.git("write-tree")
    mallory.git("read-tree", "HEAD")
    return tree


def _made(mallory: Repository, tree: str, *parents: str) -> str:
    above = [word for parent in parents for word in ("-p", parent)]
    return mallory.git("commit-tree", tree, *above, "-m", "Nothing to see here")


def _send(mallory: Repository, oid: str, branch: str = "main") -> None:
    mallory.git("push", "--no-verify", "--force", "origin", f"{oid}:refs/heads/{branch}")


def _next(ada: Repository) -> object:
    ada.git("pull", "--no-edit")
    readme(ada)
    return verdict(ada, commit(ada))


def test_an_octopus_after_which_the_stranger_sets_her_own_back(
    ada: Repository, mallory: Repository
) -> None:
    stood = mallory.git("rev-parse", "HEAD")
    other = mallory.git("rev-parse", "HEAD:other.bin")
    append(mallory, CODE, EVIL_LINE)
    mallory.git("commit", "--all", "--message", "Evil")
    evil = mallory.git("rev-parse", "HEAD")
    empty = _made(mallory, f"{stood}^{{tree}}", stood)
    octopus = _made(mallory, _tree(mallory, stood, {CODE: other}), stood, empty, evil)
    _send(mallory, _made(mallory, f"{evil}^{{tree}}", octopus))
    assert _next(ada) == asked(CODE)


def test_a_merge_with_a_rename_after_which_she_sets_her_own_back(
    ada: Repository, mallory: Repository
) -> None:
    ada.git("switch", "--create", "renamed")
    ada.git("mv", MODEL, "weights.safetensors")
    commit(ada)
    ada.git("push", "origin", "renamed")
    ada.git("switch", "main")
    mallory.write(MODEL, b"forged" * 1000)
    mallory.git("commit", "--all", "--message", "Evil")
    mallory.git("fetch")
    other, forged = (mallory.git("rev-parse", f"HEAD:{path}") for path in ("other.bin", MODEL))
    merged = _tree(mallory, "origin/renamed", {"weights.safetensors": other})
    merge = _made(mallory, merged, "HEAD", "origin/renamed")
    _send(
        mallory, _made(mallory, _tree(mallory, merge, {"weights.safetensors": forged}), merge)
    )
    assert _next(ada) == asked("weights.safetensors")


def test_a_merge_of_an_old_line_after_which_one_file_is_as_it_was_then(
    ada: Repository, mallory: Repository
) -> None:
    stood, old = (mallory.git("rev-parse", name) for name in ("HEAD", "HEAD~1"))
    other = mallory.git("rev-parse", "HEAD:other.bin")
    side = _made(mallory, _tree(mallory, old, {MODEL: other}), old)
    merge = _made(mallory, _tree(mallory, stood, {MODEL: other}), stood, side)
    before = mallory.git("rev-parse", f"{old}:{MODEL}")
    _send(mallory, _made(mallory, _tree(mallory, stood, {MODEL: before}), merge))
    assert _next(ada) == asked(MODEL)


def test_a_policy_that_names_a_file_as_its_signature(
    ada: Repository, mallory: Repository
) -> None:
    policy = mallory.read(".gitmodel").replace(
        b"signature = model.sig", b"signature = train.py"
    )
    mallory.write(".gitmodel", policy)
    mallory.write(CODE, EVIL_LINE * 9)
    push(mallory)
    ada.git("pull")
    ada.git("checkout", "HEAD~1", "--", ".gitmodel")
    assert verdict(ada, commit(ada)) == asked(CODE)


@pytest.mark.parametrize("is_picked", [False, True])
def test_ones_own_rename_that_meets_a_return_to_an_older_version(
    ada: Repository, mallory: Repository, is_picked: bool
) -> None:
    mallory.git("checkout", "HEAD~1", "--", CODE)
    push(mallory, "evil" if is_picked else "main")
    ada.git("mv", CODE, "fit.py")
    commit(ada)
    ada.git("fetch")
    ada.git(*("cherry-pick", "origin/evil") if is_picked else ("merge", "origin/main"))
    readme(ada)
    assert verdict(ada, commit(ada)) == asked("fit.py")


def test_ones_own_rename_that_meets_a_strangers_mode(
    ada: Repository, mallory: Repository
) -> None:
    (mallory.path / CODE).chmod(0o755)
    push(mallory, "evil")
    ada.git("fetch")
    ada.git("checkout", "origin/evil", "--", CODE)
    ada.git("mv", CODE, "fit.py")
    assert verdict(ada, commit(ada)) == asked("fit.py")


def test_a_revert_to_the_other_side_of_a_merge(ada: Repository, mallory: Repository) -> None:
    stood = mallory.git("rev-parse", "HEAD")
    append(mallory, CODE, EVIL_LINE)
    mallory.git("commit", "--all", "--message", "Evil")
    _send(mallory, _made(mallory, f"{stood}^{{tree}}", stood, "HEAD"))
    ada.git("pull")
    prepend(ada, CODE, OWN_LINE)
    commit(ada)
    ada.git("revert", "--no-edit", "--mainline", "2", "HEAD~1")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_strangers_stash_that_was_stored_and_popped(
    ada: Repository, mallory: Repository
) -> None:
    append(mallory, CODE, EVIL_LINE)
    mallory.git("stash")
    mallory.git("push", "--no-verify", "origin", "stash@{0}:refs/heads/wip")
    prepend(ada, CODE, OWN_LINE)
    commit(ada)
    ada.git("fetch")
    ada.git("stash", "store", "--message", "wip", ada.git("rev-parse", "origin/wip"))
    ada.git("stash", "pop")
    assert verdict(ada, commit(ada)) == asked(CODE)


@pytest.mark.parametrize("named", ["-SWsorigin/evil", "--source=:/Nothing to see"])
def test_a_removal_from_a_commit_that_is_named_in_another_way(
    ada: Repository, mallory: Repository, named: str
) -> None:
    mallory.git("rm", "old.txt")
    push(mallory, "evil")
    ada.git("fetch")
    ada.git("restore", named, "--staged", "--worktree", ".")
    assert verdict(ada, commit(ada)) == asked("old.txt")


def test_a_pick_by_subject_whose_result_is_kept(ada: Repository, mallory: Repository) -> None:
    change_code(mallory)
    prepend(ada, CODE, OWN_LINE)
    commit(ada)
    ada.git("fetch")
    ada.git("cherry-pick", "--no-commit", ":/Nothing to see")
    ada.git("reset")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_ones_own_short_line_that_a_stranger_wrote_too_at_another_path(
    ada: Repository, mallory: Repository
) -> None:
    mallory.write("log.py", "import logging\n")
    push(mallory, "feature")
    ada.git("fetch")
    ada.git("switch", "--detach", "origin/feature")
    ada.git("switch", "main")
    ada.write("own.py", "import logging\n\nlogging.info('mine')\n")
    assert verdict(ada, commit(ada)).is_signed


def test_a_strangers_tag_that_is_called_as_a_file_of_ones_own(
    ada: Repository, mallory: Repository
) -> None:
    header = "# a licence that each file has, in a line or two\n" * 4
    mallory.write("theirs.py", f"{header}print('theirs')\n")
    push(mallory, "feature")
    mallory.git("tag", "README.md")
    mallory.git("push", "--no-verify", "origin", "README.md")
    ada.git("fetch")
    readme(ada)
    ada.git("restore", "README.md")
    ada.write("own.py", f"{header}print('mine')\n")
    assert verdict(ada, commit(ada)).is_signed

"""Signed states that are mixed over a base that somebody made up; and bases that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provenance.scenes import (
    CODE,
    MODEL,
    OWN_LINE,
    SIGNED,
    TEXT,
    append,
    asked,
    change_code,
    commit,
    prepend,
    readme,
    sign,
    verdict,
    weights,
)

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository

CHECKED = TEXT.replace("number 17", "check signature 17")


def _made(mallory: Repository, tree: str, *parents: str) -> str:
    """Commits a tree that somebody signed, with parents of her choice."""
    above = [word for parent in parents for word in ("-p", parent)]
    return mallory.git("commit-tree", f"{tree}^{{tree}}", *above, "-m", "Fix")


def _send(mallory: Repository, oid: str, branch: str = "main") -> None:
    mallory.git("push", "--no-verify", "--force", "origin", f"{oid}:refs/heads/{branch}")


def _next(ada: Repository) -> object:
    readme(ada)
    return verdict(ada, commit(ada))


@pytest.fixture
def head(ada: Repository, mallory: Repository) -> str:
    """Main with a newest version, which added a check to the code."""
    ada.write(CODE, CHECKED.replace("number 2 ", "NUMBER 2 ") + "more\n")
    commit(ada)
    ada.git("push")
    mallory.git("pull")
    return mallory.git("rev-parse", "HEAD")


@pytest.fixture
def base(mallory: Repository, head: str) -> str:
    """An unsigned commit that differs from the first version by the check alone."""
    mallory.git("switch", "--detach", f"{head}~2")
    mallory.write(CODE, CHECKED)
    mallory.git("commit", "--all", "--message", "Base")
    return mallory.git("rev-parse", "HEAD")


@pytest.mark.parametrize("disguised", [False, True])
def test_lines_of_two_signed_versions(
    ada: Repository, mallory: Repository, head: str, base: str, disguised: bool
) -> None:
    old = f"{head}~2"
    if disguised:  # the same is signed, and the tree has another name
        mallory.git("switch", "--detach", old)
        append(mallory, ".model-encrypted.sig", " ")
        mallory.git("commit", "--all", "--message", "Nothing to see here")
        old = mallory.git("rev-parse", "HEAD")
    mallory.git("switch", "--detach", _made(mallory, head, base, head))
    mallory.git("merge", "--no-edit", _made(mallory, old, base))
    _send(mallory, "HEAD")
    ada.git("pull")
    assert b"check" not in ada.read(CODE)
    assert CODE in verdict(ada, ada.git.run("commit", "--allow-empty", "-m", "Own")).paths


def test_weights_of_one_signed_version_beside_the_code_of_another(
    ada: Repository, mallory: Repository
) -> None:
    head = mallory.git("rev-parse", "HEAD")
    mallory.git("switch", "--detach", f"{head}~1")
    mallory.git("checkout", head, "--", MODEL)
    mallory.git("commit", "--message", "Base")
    base = mallory.git("rev-parse", "HEAD")
    mallory.git("switch", "--detach", _made(mallory, head, base, head))
    mallory.git("merge", "--no-edit", _made(mallory, f"{head}~1", base))
    _send(mallory, "HEAD")
    ada.git("pull")
    assert ada.read(MODEL) == weights(1)
    assert _next(ada) == asked(MODEL)


def test_a_pick_of_a_signed_version_on_top_of_it(
    ada: Repository, mallory: Repository, head: str, base: str
) -> None:
    _send(mallory, _made(mallory, f"{head}~2", base), "fix")
    ada.git("fetch")
    ada.git("cherry-pick", "origin/fix")
    assert b"check" not in ada.read(CODE)
    assert _next(ada) == asked(CODE)


@pytest.mark.parametrize("squash", [False, True])
def test_a_merge_made_here(
    ada: Repository, mallory: Repository, head: str, base: str, squash: bool
) -> None:
    _send(mallory, _made(mallory, head, head, base))
    _send(mallory, _made(mallory, f"{head}~2", base), "fix")
    ada.git("pull")
    ada.git("merge", *(("--squash",) if squash else ("--no-edit",)), "origin/fix")
    assert b"check" not in ada.read(CODE)
    assert _next(ada) == asked(CODE)


@pytest.fixture
def adopted(ada: Repository, bob: Repository, mallory: Repository) -> str:
    """An unsigned commit on main that Ada and Bob adopted, each on a branch of their own."""
    change_code(mallory, "main", line="her line, which is fine\n")
    for one in (ada, bob):
        one.git("pull")
        one.git("switch", "--create", "topic")
        one.model("sign", "--adopt", ".")
        one.write(f"{one.path.name}.txt", TEXT)
        assert verdict(one, commit(one)) == SIGNED
    return mallory.git("rev-parse", "HEAD")


@pytest.mark.parametrize("is_adas", [True, False])
def test_ones_own_edit_of_what_was_adopted_stays_so_in_a_merge(
    ada: Repository, bob: Repository, adopted: str, is_adas: bool
) -> None:
    editor = ada if is_adas else bob
    prepend(editor, CODE, OWN_LINE)
    assert verdict(editor, commit(editor)) == SIGNED
    bob.git("push", "origin", "topic")
    ada.git("fetch")
    said = ada.git.run("merge", "--no-edit", "origin/topic", check=False)
    assert ada.git("merge-base", "HEAD^1", "HEAD^2") == adopted
    assert OWN_LINE.encode() in ada.read(CODE)
    assert verdict(ada, said) == SIGNED, said.stderr


def test_ones_own_edit_of_what_was_adopted_can_be_picked(
    ada: Repository, bob: Repository, adopted: str
) -> None:
    prepend(bob, CODE, OWN_LINE)
    assert verdict(bob, commit(bob)) == SIGNED
    bob.git("push", "origin", "HEAD:topic")
    ada.git("fetch")
    ada.git("cherry-pick", "origin/topic")
    assert OWN_LINE.encode() in ada.read(CODE)
    assert verdict(ada, sign(ada)) == SIGNED

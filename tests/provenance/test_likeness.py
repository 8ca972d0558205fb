"""What is left of a stranger's content in one's own, where it is next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.provenance.scenes import (
    CODE,
    OWN_LINE,
    SIGNED,
    append,
    asked,
    commit,
    prepend,
    push,
    verdict,
)

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository


def cut_tail(repo: Repository) -> None:
    """Deletes the last lines of the code, which adds nothing to it."""
    repo.write(CODE, b"".join(repo.read(CODE).splitlines(keepends=True)[:-3]))


def test_a_fix_that_a_stranger_took_back_and_an_own_line(
    ada: Repository, mallory: Repository
) -> None:
    mallory.git("checkout", "HEAD~1", "--", CODE)
    push(mallory, "evil")
    ada.git("fetch")
    ada.git("checkout", "origin/evil", "--", CODE)
    append(ada, CODE, OWN_LINE)
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_lines_that_a_stranger_deleted_and_a_soft_reset(
    ada: Repository, mallory: Repository
) -> None:
    cut_tail(mallory)
    push(mallory)
    ada.git("pull")
    ada.git("reset", "--soft", "HEAD~1")
    prepend(ada, CODE, OWN_LINE)
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_lines_that_a_stranger_deleted_in_a_merge_that_was_taken_back(
    ada: Repository, mallory: Repository
) -> None:
    cut_tail(mallory)
    push(mallory, "evil")
    prepend(ada, CODE, OWN_LINE)
    ada.commit()
    ada.git("fetch")
    ada.git("merge", "--no-edit", "origin/evil")
    ada.git("reset", "--soft", "HEAD~1")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_strangers_mode_on_an_own_edit(ada: Repository, mallory: Repository) -> None:
    (mallory.path / CODE).chmod(0o755)
    push(mallory, "evil")
    ada.git("fetch")
    ada.git("checkout", "origin/evil", "--", CODE)
    append(ada, CODE, OWN_LINE)
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_strangers_tiny_file_that_was_renamed(ada: Repository, mallory: Repository) -> None:
    mallory.write("a.py", "import evil")
    push(mallory)
    ada.git("pull")
    ada.git("mv", "a.py", "b.py")
    assert verdict(ada, commit(ada)) == asked("b.py")


class TestOwnWork:
    def test_a_text_that_is_written_anew_after_a_stranger_shortened_it(
        self, ada: Repository, mallory: Repository
    ) -> None:
        cut_tail(mallory)
        push(mallory)
        ada.git("pull")
        ada.git("reset", "--hard", "HEAD~1")
        ada.write(CODE, "".join(f"words of one's own, number {n}\n" for n in range(40)))
        assert verdict(ada, commit(ada)) == SIGNED

    def test_other_lines_that_are_deleted_after_a_stranger_deleted_some(
        self, ada: Repository, mallory: Repository
    ) -> None:
        cut_tail(mallory)
        push(mallory)
        ada.git("pull")
        ada.git("reset", "--hard", "HEAD~1")
        ada.write(CODE, b"".join(ada.read(CODE).splitlines(keepends=True)[3:]))
        assert verdict(ada, commit(ada)) == SIGNED

    def test_the_mode_that_a_stranger_chose_too(
        self, ada: Repository, mallory: Repository
    ) -> None:
        (mallory.path / CODE).chmod(0o755)
        push(mallory, "evil")
        ada.git("fetch")
        (ada.path / CODE).chmod(0o755)
        append(ada, CODE, OWN_LINE)
        assert verdict(ada, commit(ada)) == SIGNED

    def test_a_tiny_file_as_a_stranger_has_one_who_was_pulled(
        self, ada: Repository, mallory: Repository
    ) -> None:
        mallory.write("a/__init__.py", "# init\n")
        push(mallory)
        ada.git("pull")
        ada.model("sign", "--amend", "--adopt", ".")
        ada.write("b/__init__.py", "# init\n")
        assert verdict(ada, commit(ada)) == SIGNED

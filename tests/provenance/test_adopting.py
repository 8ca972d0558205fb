"""Which paths `git model sign --adopt` takes, and where the signature goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provenance.scenes import (
    CODE,
    EVIL_LINE,
    MODEL,
    append,
    change_code,
    commit,
    forge,
    push,
    readme,
    weights,
)

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository

EDIT_SECOND = {"GIT_SEQUENCE_EDITOR": "sed -i 2s/pick/edit/"}


def series(ada: Repository) -> None:
    """Makes three commits of Ada's own, of a file each."""
    for number in range(3):
        ada.write(f"step{number}.py", f"own step {number}\n")
        ada.commit(f"Step {number}")


def test_a_glob_adopts_what_was_removed(ada: Repository, mallory: Repository) -> None:
    mallory.git("mv", "other.bin", "other3.bin")
    push(mallory)
    ada.git("pull")
    readme(ada)
    commit(ada)
    said = ada.model("sign", "--adopt", "other*")
    assert "adopted other.bin\n" in said.stderr
    assert "adopted other3.bin\n" in said.stderr
    ada.model("verify", "HEAD")


def test_a_glob_is_of_the_directory_where_the_user_stands(
    ada: Repository, mallory: Repository
) -> None:
    for path in ("sub/one.bin", "sub/two.bin", "one.bin"):
        ada.write(path, weights(len(path)))
    ada.commit()
    ada.git("push")
    mallory.git("pull")
    mallory.git("rm", "sub/one.bin", "one.bin")
    push(mallory)
    ada.git("pull")
    said = ada.model("sign", "--adopt", "*one.bin", cwd=ada.path / "sub", check=False)
    assert "adopted sub/one.bin\n" in said.stderr
    assert "adopted one.bin\n" not in said.stderr


def test_several_paths_may_follow_one_option(ada: Repository, mallory: Repository) -> None:
    forge(mallory, "main")
    change_code(mallory, "main")
    ada.git("pull")
    said = ada.model("sign", "--adopt", MODEL, CODE)
    assert f"adopted {MODEL}\n" in said.stderr
    assert f"adopted {CODE}\n" in said.stderr


def test_a_path_alone_is_no_method(ada: Repository) -> None:
    said = ada.model("sign", CODE, check=False)
    assert said.returncode == 2
    assert f"{CODE} is no signing method, and paths go with --adopt" in said.stderr


def test_adopting_where_a_rebase_stops_signs_the_commit_there(
    ada: Repository, mallory: Repository
) -> None:
    series(ada)
    forge(mallory, "main")
    ada.git("fetch")
    ada.git("rebase", "--interactive", "origin/main", env=EDIT_SECOND)
    said = ada.model("sign", "--adopt", MODEL)
    assert said.stdout == "Signed HEAD anew: the signatures went into it\n"
    assert ada.status() == ""
    assert ada.git("log", "-1", "--format=%s") == "Step 1"
    ada.model("verify", "HEAD")
    ada.git("rebase", "--continue")
    assert ada.git("log", "-3", "--format=%s").splitlines() == ["Step 2", "Step 1", "Step 0"]


def test_a_rebase_that_signs_goes_on_after_adopting(
    ada: Repository, mallory: Repository
) -> None:
    series(ada)
    forge(mallory, "main")
    ada.git("fetch")
    words = ("rebase", "origin/main", "--exec", "git model sign --amend")
    assert ada.git.run(*words, check=False).returncode != 0
    ada.model("sign", "--adopt", MODEL)
    ada.git("rebase", "--continue")
    ada.model("verify", "origin/main..HEAD")


def test_why_a_head_that_others_have_stays_as_it_is(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory, "main")
    ada.git("pull")
    said = ada.model("sign", "--adopt", MODEL)
    assert "`git commit` commits them" in said.stdout
    assert "HEAD stays as it is, without a signature of yours: a remote has it" in said.stderr


def test_why_a_head_stays_as_it_is_where_more_is_staged(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory, "main")
    ada.git("pull")
    readme(ada)
    commit(ada)
    readme(ada, "y")
    ada.git("add", "README.md")
    said = ada.model("sign", "--adopt", MODEL)
    assert "`git commit` commits them" in said.stdout
    assert "README.md is staged" in said.stderr


@pytest.mark.parametrize("how", ["moved", "copied"])
@pytest.mark.parametrize("path", [MODEL, CODE])
def test_what_was_adopted_may_be_moved(
    ada: Repository, mallory: Repository, path: str, how: str
) -> None:
    forge(mallory, "main")
    change_code(mallory, "main")
    ada.git("pull")
    readme(ada)
    commit(ada)
    ada.model("sign", "--adopt", ".")
    if how == "moved":
        ada.git("mv", path, f"new-{path}")
    else:
        ada.write(f"new-{path}", ada.read(path))
    commit(ada)
    ada.model("verify", "HEAD")


def test_adopting_a_published_head_says_how_it_goes_on(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory, "main")
    ada.git("pull")
    said = ada.model("sign", "--amend", check=False).stderr
    assert "`git model sign --adopt PATH` (`.` for all) and commit" in said
    said = ada.model("sign", "--adopt", ".", "--amend").stderr
    assert "a remote has the commit that was here: this one takes its place" in said


def test_what_is_adopted_is_told_no_more(ada: Repository, mallory: Repository) -> None:
    append(mallory, CODE, EVIL_LINE)
    forge(mallory, "main")
    ada.git("pull")
    readme(ada)
    commit(ada)
    ada.model("sign", "--adopt", MODEL, check=False)
    for words in (("verify", "HEAD"), ("status",)):
        said = ada.model(*words, check=False).stdout
        assert "Nobody vouches for (1):" in said
        assert f"  {CODE}  (" in said


def test_who_brought_it_is_named_below_ones_own_edits(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory, "main")
    ada.git("pull")
    for number in range(3):
        append(ada, CODE, f"# own line {number}\n")
        said = ada.git.run("commit", "--all", "--message", f"Own {number}").stderr
        assert '"Nothing to see here" by mallory' in said
    assert '"Nothing to see here" by mallory' in ada.model("verify", "HEAD", check=False).stdout

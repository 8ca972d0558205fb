"""What Git itself names while it picks, reverts or merges below a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provenance.scenes import SIGNED, TEXT, asked, commit, readme, send, verdict

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository

NOTES = "README.md"
LIBRARY = {"x.py": TEXT, "gone.txt": TEXT.replace("text", "gone"), "kept.txt": TEXT + "kept\n"}


@pytest.fixture(params=["of the same subject", "in another encoding"])
def stranger(request: pytest.FixtureRequest, ada: Repository, mallory: Repository) -> None:
    """An unsigned commit on some branch, which changed the file that Ada works on."""
    mallory.write(NOTES, TEXT.replace("number 15", "numero 15"))
    encoding = "UTF-16" if request.param == "in another encoding" else "UTF-8"
    words = ("-c", f"i18n.commitEncoding={encoding}", "commit", "--all", "--message", "wip")
    mallory.git(*words)
    send(mallory, "evil")
    ada.git("fetch")


@pytest.mark.usefixtures("stranger")
def test_a_pick_of_ones_own_that_stopped_is_ones_own(ada: Repository) -> None:
    ada.git("switch", "--create", "topic")
    ada.write(NOTES, "top\n" + TEXT)
    ada.git("commit", "--all", "--message", "wip")
    ada.git("switch", "main")
    ada.write(NOTES, "other\n" + TEXT)
    commit(ada)
    assert ada.git.run("cherry-pick", "topic", check=False).returncode == 1
    ada.write(NOTES, "other\ntop\n" + TEXT)
    ada.git("add", "--all")
    said = ada.git.run("cherry-pick", "--continue")
    assert verdict(ada, said) == SIGNED


@pytest.mark.usefixtures("stranger")
def test_a_revert_of_ones_own_that_stopped_is_ones_own(ada: Repository) -> None:
    for line in ("top\n", "topper\n"):
        ada.write(NOTES, line + TEXT)
        ada.git("commit", "--all", "--message", "wip")
    assert ada.git.run("revert", "--no-edit", "HEAD~1", check=False).returncode == 1
    ada.write(NOTES, TEXT + "z\n")
    ada.git("add", "--all")
    said = ada.git.run("revert", "--continue")
    assert verdict(ada, said) == SIGNED


def _publish(stranger: Repository) -> None:
    stranger.git("add", "--all")
    stranger.git("commit", "--message", "Nothing to see here")
    stranger.git("push", "--no-verify", "origin", "HEAD:up")


@pytest.fixture
def library(ada: Repository, mallory: Repository) -> Repository:
    """A stranger's library, whose history Ada joined with what she has in `lib`."""
    for name, text in LIBRARY.items():
        ada.write(f"lib/{name}", text)
    commit(ada)
    ada.git("push")
    mallory.git("switch", "--orphan", "up")
    for name, text in LIBRARY.items():
        mallory.write(name, text)
    _publish(mallory)
    ada.git("fetch")
    joined = ("--strategy", "ours", "--allow-unrelated-histories", "--no-edit")
    ada.git("merge", *joined, "origin/up")
    return mallory


def test_a_removal_below_another_directory(ada: Repository, library: Repository) -> None:
    library.git("rm", "gone.txt")
    _publish(library)
    said = ada.git.run(
        "pull", "--quiet", "--no-rebase", "--no-edit", "-X", "subtree=lib", "origin", "up"
    )
    assert not (ada.path / "lib" / "gone.txt").exists()
    assert verdict(ada, said) == asked("lib/gone.txt")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked("lib/gone.txt")


def test_ones_own_removal_beside_such_a_merge(ada: Repository, library: Repository) -> None:
    library.write("x.py", TEXT + "more of it\n")
    _publish(library)
    ada.git("rm", "lib/kept.txt")
    assert verdict(ada, commit(ada)) == SIGNED
    said = ada.git.run(
        "pull", "--quiet", "--no-rebase", "--no-edit", "-X", "subtree=lib", "origin", "up"
    )
    assert verdict(ada, said) == asked("lib/x.py")

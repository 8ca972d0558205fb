"""`git am` of a commit with large files: the patch has their pointers, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.lfs_projects import LARGE_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.lfs_projects import LfsProject
    from tests.fixtures.people import PersonFactory
    from tests.fixtures.repositories import Repository

PATH = "shards/a.safetensors"
NEW = bytes(range(256)) * (LARGE_BYTES // 256)


@pytest.fixture
def bob(pushed_lfs_project: LfsProject, person: PersonFactory) -> Repository:
    return pushed_lfs_project.unlocked(person("bob"))


@pytest.fixture
def patch(pushed_lfs_project: LfsProject, bob: Repository, tmp_path: Path) -> str:
    """Ada's next commit as a mail; the clone of Bob is older."""
    ada = pushed_lfs_project.ada
    ada.write(PATH, NEW)
    ada.write("new.safetensors", NEW[::-1])
    ada.commit("Mailed")
    # Signatures are made anew where it is applied.
    words = ("--no-signature", "-1", "--output-directory", str(tmp_path))
    signatures = (":(exclude)model.sig", ":(exclude).model-encrypted.sig")
    return ada.git("format-patch", *words, "--", ".", *signatures)


def test_objects_that_the_remote_has_are_fetched(
    pushed_lfs_project: LfsProject, bob: Repository, patch: str
) -> None:
    pushed_lfs_project.ada.git("push", "--quiet", "origin", "main:elsewhere")
    bob.git("am", "--quiet", patch)
    assert bob.read(PATH) == NEW
    assert bob.read("new.safetensors") == NEW[::-1]
    assert bob.status() == ""


def test_objects_that_nobody_has_are_named_and_it_goes_on_when_they_come(
    pushed_lfs_project: LfsProject, bob: Repository, patch: str
) -> None:
    refused = bob.git.run("am", patch, check=False)
    assert refused.returncode != 0
    oid = pushed_lfs_project.ada.blob(f"HEAD:{PATH}").split()[4].decode()[7:]
    assert f"{PATH}: a pointer that nobody checked: its git-lfs object {oid[:12]}" in (
        refused.stderr
    )
    assert "`git model checkout` or `git lfs fetch --all` brings it" in refused.stderr
    assert "mktree" not in refused.stderr
    pushed_lfs_project.ada.git("push", "--quiet", "origin", "main:elsewhere")
    bob.model("checkout")
    assert bob.read(PATH) == NEW
    bob.git("am", "--continue")
    assert bob.git("log", "-1", "--format=%s") == "Mailed"
    assert bob.status() == ""


def test_giving_up_leaves_all_as_it_was(
    pushed_lfs_project: LfsProject, bob: Repository, patch: str
) -> None:
    assert bob.git.run("am", patch, check=False).returncode != 0
    bob.git("am", "--abort")
    pushed_lfs_project.assert_complete(bob)
    assert bob.status() == ""

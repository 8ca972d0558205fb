"""The commands of stock git-lfs in a repository whose objects git-model sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.lfs_projects import FILES
from tests.fixtures.people import assert_clean

if TYPE_CHECKING:
    from tests.fixtures.lfs_projects import LfsProject, LfsProjectFactory


@pytest.fixture
def project(lfs_project: LfsProjectFactory) -> LfsProject:
    return lfs_project()


def test_ls_files_lists_every_large_file(project: LfsProject) -> None:
    lines = project.ada.git("lfs", "ls-files", "--long").splitlines()
    listed = {path: oid for oid, _, path in (line.split(" ", 2) for line in lines)}
    assert listed == project.objects


def test_fsck_is_content(project: LfsProject) -> None:
    assert "OK" in project.ada.git("lfs", "fsck")


def test_fsck_names_a_damaged_object(project: LfsProject) -> None:
    stored = project.stored(project.ada, FILES[0])
    stored.chmod(0o644)
    stored.write_bytes(b"x" + stored.read_bytes()[1:])
    done = project.ada.git.run("lfs", "fsck", "--dry-run", check=False)
    assert done.returncode != 0
    assert FILES[0] in done.stdout + done.stderr


def test_prune_never_loses_an_object_that_was_not_pushed(project: LfsProject) -> None:
    project.push()
    for path in FILES[:2]:
        # Two versions that only this clone has: the last one and one before it.
        for version in (b"1", b"2"):
            project.ada.write(path, (path.encode() + version) * 10_000)
            project.ada.commit(f"{path}, {version!r}")
    before = set(project.ada.path.glob(".git/lfs/objects/??/??/*"))
    for setting in ("lfs.fetchrecentrefsdays", "lfs.fetchrecentcommitsdays"):
        project.ada.git("config", setting, "0")
    project.ada.git("config", "lfs.pruneoffsetdays", "0")
    project.ada.git("lfs", "prune", "--verify-remote")
    lost = {path.name for path in before - set(project.ada.path.glob(".git/lfs/objects/*/*/*"))}
    pushed = {path.name for path in project.remote.path.glob("lfs/objects/??/??/*")}
    assert lost <= pushed
    project.push()


def test_what_prune_removed_comes_back(project: LfsProject) -> None:
    project.push()
    old = project.stored(project.ada, FILES[0])
    project.ada.write(FILES[0], b"other" * 100_000)
    project.ada.commit("Other")
    project.push()
    project.ada.git("config", "lfs.fetchrecentrefsdays", "0")
    project.ada.git("config", "lfs.pruneoffsetdays", "0")
    project.ada.git("lfs", "prune")
    assert not old.exists()
    project.ada.git("checkout", "--quiet", "HEAD~1")
    project.assert_complete(project.ada)
    assert_clean(project.ada)


def test_migrate_info_looks_without_changing_anything(project: LfsProject) -> None:
    before = project.ada.git("rev-parse", "HEAD")
    said = project.ada.git("lfs", "migrate", "info", "--everything", "--pointers=follow")
    assert "LFS Objects" in said
    assert project.ada.git("rev-parse", "HEAD") == before
    assert_clean(project.ada)


def test_checkout_and_pull_of_git_lfs_leave_decrypted_files_alone(project: LfsProject) -> None:
    project.push()
    project.ada.git("lfs", "checkout")
    project.ada.git("lfs", "pull")
    project.assert_complete(project.ada)
    assert_clean(project.ada)

"""Objects of git-lfs and their servers: a real one over HTTP, paths, and one that fails."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.lfs_faults import Fault
from tests.fixtures.lfs_projects import FILES
from tests.fixtures.people import assert_clean, assert_signed, is_sealed
from tests.fixtures.processes import need
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.fixtures.giftless import LfsServer
    from tests.fixtures.lfs_faults import FaultyServer
    from tests.fixtures.lfs_projects import LfsProject, LfsProjectFactory, LfsPublication
    from tests.fixtures.people import Person, PersonFactory

SKIP = {"GIT_MODEL_SKIP_SMUDGE": "1"}


def plain_lfs(repo: Repository, content: bytes) -> str:
    """Commits a file with stock git-lfs alone and returns its oid."""
    need("git-lfs")
    repo.git("lfs", "install", "--local", "--skip-repo")
    repo.write(".gitattributes", "*.bin filter=lfs -text\n")
    repo.write("a.bin", content)
    repo.commit()
    return hashlib.sha256(content).hexdigest()


def test_the_server_admits_only_who_has_a_token(
    repo: Repository, remote: Repository, lfs_server: LfsServer, home: Path
) -> None:
    oid = plain_lfs(repo, os.urandom(100_000))
    repo.git("config", "lfs.url", lfs_server.url)
    repo.git("remote", "add", "origin", str(remote.path))
    refused = repo.git.run("lfs", "push", "origin", "main", check=False)
    assert refused.returncode != 0
    assert "redentials" in refused.stderr
    assert lfs_server.objects() == set()
    lfs_server.admit(home)
    repo.git("lfs", "push", "origin", "main")
    assert lfs_server.objects() == {oid}


# One that stays open in the middle takes as long as one that never answers, which is here.
FAULTS = [
    pytest.param(fault, marks=pytest.mark.long if fault is Fault.STALLED else ())
    for fault in Fault
]


@pytest.mark.parametrize("fault", FAULTS)
def test_stock_git_lfs_fails_at_the_faulty_server_and_then_succeeds(
    fault: Fault, repo: Repository, faulty_server: FaultyServer
) -> None:
    content = os.urandom(100_000)
    oid = plain_lfs(repo, content)
    stored = repo.path / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid
    faulty_server.objects.mkdir()
    stored.rename(faulty_server.objects / oid)
    faulty_server.serve(repo)
    faulty_server.fault = fault
    repo.git("remote", "add", "origin", str(repo.path))
    assert repo.git.run("lfs", "fetch", "origin", "main", check=False).returncode != 0
    assert not stored.exists()
    faulty_server.recover(repo)
    repo.git("lfs", "fetch", "origin", "main")
    assert stored.read_bytes() == content


def test_a_push_uploads_every_object_sealed(
    lfs_project: LfsProjectFactory, lfs_server: LfsServer, home: Path
) -> None:
    project = lfs_project(lfs_server.url)
    lfs_server.admit(home)
    project.push()
    assert lfs_server.objects() == set(project.objects.values())
    for path in lfs_server.storage.iterdir():
        assert is_sealed(path.read_bytes())


def test_a_push_that_the_server_refuses_moves_no_branch_and_can_be_repeated(
    lfs_project: LfsProjectFactory, lfs_server: LfsServer, home: Path
) -> None:
    project = lfs_project(lfs_server.url)
    refused = project.ada.git.run("push", "origin", "main", check=False)
    assert refused.returncode != 0
    assert "redentials" in refused.stderr
    assert project.remote.git("for-each-ref") == ""
    lfs_server.admit(home)
    project.push()
    assert project.remote.git("rev-parse", "main") == project.ada.git("rev-parse", "main")


@pytest.mark.parametrize("command", ["git clone", "git model clone"])
def test_a_second_person_gets_everything_over_http(
    command: str,
    lfs_project: LfsProjectFactory,
    lfs_server: LfsServer,
    home: Path,
    person: PersonFactory,
) -> None:
    project, ben = lfs_project(lfs_server.url), person("ben")
    for admitted in (home, ben.home):
        lfs_server.admit(admitted)
    project.push()
    clone = project.unlocked(ben) if command == "git clone" else model_clone(project, ben)
    project.assert_complete(clone)
    assert_clean(clone)
    assert_signed(clone)


def test_what_the_second_person_pushes_comes_back(
    lfs_project: LfsProjectFactory, lfs_server: LfsServer, home: Path, person: PersonFactory
) -> None:
    project, ben = lfs_project(lfs_server.url), person("ben")
    for admitted in (home, ben.home):
        lfs_server.admit(admitted)
    project.push()
    clone = project.signing(ben)
    content = os.urandom(300_000)
    clone.write(FILES[0], content)
    clone.commit("Fine-tuned")
    clone.git("push", "--quiet")
    project.ada.git("pull", "--quiet")
    assert project.ada.read(FILES[0]) == content
    assert_clean(project.ada)


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_remote_that_is_a_directory_keeps_the_objects(
    scheme: str, lfs_project: LfsProjectFactory, person: PersonFactory
) -> None:
    project = lfs_project()
    project.ada.git("remote", "set-url", "origin", f"{scheme}{project.remote.path}")
    project.push()
    kept = {path.name for path in project.remote.path.glob("lfs/objects/??/??/*")}
    assert kept == set(project.objects.values())
    clone = model_clone(project, person("ben"), f"{scheme}{project.remote.path}")
    project.assert_complete(clone)
    assert_clean(clone)


@pytest.fixture(scope="module")
def stranding(
    pushed_lfs_publication: LfsPublication, tmp_path_factory: pytest.TempPathFactory
) -> LfsPublication:
    """A project whose objects are in a directory aside, and Ben's clone with pointers."""
    made = pushed_lfs_publication.again(tmp_path_factory.mktemp("stranding"))
    project = made.project
    (project.remote.path / "lfs" / "objects").rename(made.directory / "objects")
    clone = made.person("ben").clone(project.remote)
    clone.model("unlock", *project.keys, env=SKIP)
    return made


@pytest.fixture
def stranded(
    stranding: LfsPublication,
    faulty_server: FaultyServer,
    person: PersonFactory,
    home: Path,
    tmp_path: Path,
) -> tuple[LfsProject, Repository]:
    """A project whose objects only the server has, and an unlocked clone with pointers."""
    project = stranding.copy(tmp_path, home)
    shutil.copytree(stranding.directory / "objects", faulty_server.objects)
    clone = stranding.clone(person("ben"), project)
    faulty_server.serve(clone)
    assert_intact(clone)
    return project, clone


def test_an_unlock_that_writes_no_file_asks_the_server_for_nothing(
    pushed_lfs_project: LfsProject, faulty_server: FaultyServer, person: PersonFactory
) -> None:
    project = pushed_lfs_project
    (project.remote.path / "lfs" / "objects").rename(faulty_server.objects)
    clone = person("ben").clone(project.remote)
    faulty_server.serve(clone)
    clone.model("unlock", *project.keys, env=SKIP)
    assert faulty_server.batches == 0
    assert_intact(clone)


def test_a_checkout_asks_the_server_once_for_all_files(
    stranded: tuple[LfsProject, Repository], faulty_server: FaultyServer
) -> None:
    project, clone = stranded
    filtered(clone)
    project.assert_complete(clone)
    assert (faulty_server.batches, faulty_server.asked) == (1, len(FILES))


def test_git_model_checkout_asks_the_server_once_for_all_files(
    stranded: tuple[LfsProject, Repository], faulty_server: FaultyServer
) -> None:
    project, clone = stranded
    clone.model("checkout")
    project.assert_complete(clone)
    assert (faulty_server.batches, faulty_server.asked) == (1, len(FILES))


@pytest.mark.parametrize("fault", FAULTS)
def test_git_model_checkout_survives_a_server_that_fails(
    fault: Fault, stranded: tuple[LfsProject, Repository], faulty_server: FaultyServer
) -> None:
    project, clone = stranded
    faulty_server.fault = fault
    failed = clone.model("checkout", check=False)
    assert failed.returncode == 1
    assert "git-model: error:" in failed.stderr
    assert "git-model: hint:" in failed.stderr
    assert_survives(project, clone, faulty_server, failed.stderr)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_checkout_through_the_filter_survives_a_server_that_fails(
    fault: Fault, stranded: tuple[LfsProject, Repository], faulty_server: FaultyServer
) -> None:
    project, clone = stranded
    faulty_server.fault = fault
    failed = filtered(clone)
    assert "git model checkout" in failed.stderr
    assert_survives(project, clone, faulty_server, failed.stderr)


def test_a_missing_object_stops_the_push_and_is_named(
    lfs_project: LfsProjectFactory, lfs_server: LfsServer, home: Path
) -> None:
    project = lfs_project(lfs_server.url)
    lfs_server.admit(home)
    stored = project.stored(project.ada, FILES[1])
    aside = stored.rename(stored.with_name("aside"))
    refused = project.ada.git.run("push", "origin", "main", check=False)
    assert refused.returncode != 0
    assert FILES[1] in refused.stderr
    assert project.remote.git("for-each-ref") == ""
    aside.rename(stored)
    project.push()


def model_clone(project: LfsProject, who: Person, url: str | None = None) -> Repository:
    """Clones with `git model clone` for somebody who has the key and trusts Ada."""
    path = who.home.parent / f"{who.name}-clone"
    source = url or str(project.remote.path)
    Repository(who.home, who.env).model("clone", *project.keys, source, str(path))
    return Repository(path, who.env)


def filtered(clone: Repository) -> subprocess.CompletedProcess[str]:
    """Has Git write the files anew."""
    for path in FILES:
        (clone.path / path).unlink()
    return clone.git.run("checkout", "--force", "main", check=False)


def assert_intact(clone: Repository) -> None:
    """Fails unless pointers stand for the files, and Git takes nothing for changed."""
    for path in FILES:
        assert clone.read(path) == clone.blob(f"HEAD:{path}")
    clone.git("fsck", "--strict")
    assert clone.status() == ""


def assert_survives(
    project: LfsProject, clone: Repository, server: FaultyServer, said: str
) -> None:
    """Fails unless a fault named files and left pointers, and the next try completes."""
    assert "Traceback" not in said
    assert any(path in said for path in FILES)
    assert_intact(clone)
    server.recover(clone)
    clone.model("checkout")
    project.assert_complete(clone)
    assert_clean(clone)

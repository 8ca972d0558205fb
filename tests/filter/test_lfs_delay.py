"""Checking out through the filter what has to be fetched: one batch, file by file."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import UNCHECKED
from tests.fixtures.people import Publication, founded
from tests.fixtures.processes import need

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository

FILES = {f"part-{number}.bin": os.urandom(100_000 + number) for number in range(5)}
LONG = {"long.bin": os.urandom((5 << 20) + 1)}


@pytest.fixture(scope="module")
def publication(tmp_path_factory: pytest.TempPathFactory) -> Publication:
    need("git-lfs")
    directory = tmp_path_factory.mktemp("delayed")
    repo = founded(directory)
    repo.model("init", "--profile", "all", "--storage", "lfs", "--threshold", "64k")
    for name, content in {**FILES, **LONG}.items():
        repo.write(name, content)
    repo.commit()
    repo.model("key", "export", "../aes256.bin")
    repo.model("key", "export", "--public", "../ada.pub")
    repo.git("push", "--quiet", "--set-upstream", "origin", "main")
    return Publication(directory)


@pytest.fixture
def published(project: Project) -> Repository:
    """A model that was pushed to a path, and whose objects are then gone from here."""
    return project.ada


def forget(repo: Repository, *, objects: bool = True) -> None:
    """Removes the work tree, the objects, and what this clone knows of them."""
    if objects:
        shutil.rmtree(repo.path / ".git" / "lfs" / "objects")
    for name in {**FILES, **LONG}:
        (repo.path / name).unlink()


def stored(repo: Repository, name: str, directory: str = ".") -> Path:
    oid = repo.blob(f"HEAD:{name}").decode().split("sha256:")[1][:64]
    return repo.path / directory / "lfs" / "objects" / oid[:2] / oid[2:4] / oid


def downloads(repo: Repository, trace: Path) -> int:
    """Checks everything out; returns how often git-lfs was started for that."""
    repo.git("checkout", "--", ".", env={"GIT_TRACE": str(trace)})
    return trace.read_text().count("run_command: git-lfs fetch")


def test_what_is_missing_is_fetched_in_one_batch(published: Repository, tmp_path: Path) -> None:
    forget(published)
    assert downloads(published, tmp_path / "trace") == 1
    for name, content in {**FILES, **LONG}.items():
        assert published.read(name) == content
    assert published.status() == ""


def test_nothing_is_asked_for_where_all_is_here(published: Repository, tmp_path: Path) -> None:
    forget(published, objects=False)
    assert downloads(published, tmp_path / "trace") == 0
    for name, content in {**FILES, **LONG}.items():
        assert published.read(name) == content


def test_what_the_server_lost_stays_a_pointer_and_the_rest_is_written(
    published: Repository, remote: Repository
) -> None:
    forget(published)
    lost = stored(published, "part-3.bin", ".git")
    kept = remote.path / "lfs" / "objects" / lost.relative_to(lost.parents[2])
    kept.rename(remote.path / "aside")
    done = published.git.run("checkout", "--", ".")
    assert "part-3.bin" in done.stderr
    assert "`git model checkout`" in done.stderr
    assert published.read("part-3.bin") == published.blob("HEAD:part-3.bin")
    for name, content in {**FILES, **LONG}.items():
        assert name == "part-3.bin" or published.read(name) == content
    assert published.status() == ""
    (remote.path / "aside").rename(kept)
    published.git("checkout-index", "--force", "--", "part-3.bin")
    (published.path / "part-3.bin").unlink()
    published.git("checkout", "--", "part-3.bin")
    assert published.read("part-3.bin") == FILES["part-3.bin"]


def test_a_tampered_object_is_an_error_that_names_the_file(published: Repository) -> None:
    forget(published, objects=False)
    target = stored(published, "long.bin", ".git")
    damaged = bytearray(target.read_bytes())
    damaged[-200] ^= 1
    target.chmod(0o644)
    target.write_bytes(damaged)
    done = published.git.run("checkout", "--", ".", check=False)
    assert done.returncode
    assert "long.bin" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (published.path / "long.bin").exists()


def test_an_object_that_is_cut_is_told_from_one_that_is_not_here(published: Repository) -> None:
    forget(published, objects=False)
    target = stored(published, "long.bin", ".git")
    target.chmod(0o644)
    target.write_bytes(target.read_bytes()[:-1])
    done = published.git.run("checkout", "--", "long.bin")
    # git-lfs looks at the length as well, and fetches it again.
    assert published.read("long.bin") in (LONG["long.bin"], published.blob("HEAD:long.bin"))
    assert "Traceback" not in done.stderr


def test_nothing_is_smudged_where_that_was_asked_for(published: Repository) -> None:
    forget(published)
    published.git("checkout", "--", ".", env={"GIT_MODEL_SKIP_SMUDGE": "1"})
    for name in {**FILES, **LONG}:
        assert published.read(name) == published.blob(f"HEAD:{name}")
    assert published.status() == ""


def test_without_git_lfs_the_pointers_stay_and_it_is_said_how_to_get_it(
    published: Repository, tmp_path: Path
) -> None:
    forget(published)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("git", "sh"):
        (programs / name).symlink_to(need(name))
    done = published.git.run("checkout", "--", ".", env={"PATH": str(programs)})
    assert "git-lfs is not installed" in done.stderr
    assert published.status() == ""


def test_the_plaintext_digest_is_computed_once(published: Repository) -> None:
    """Deleting the memory makes checkout compute it; `verify` then needs no object."""
    forget(published, objects=False)
    for file in (published.path / ".git" / "git-model").glob("memory*"):
        file.unlink()
    published.git("checkout", "--", ".")
    shutil.rmtree(published.path / ".git" / "lfs" / "objects")
    assert published.model("verify", "HEAD").returncode == 0


def test_verify_tells_what_was_not_fetched_from_what_was_tampered_with(
    published: Repository,
) -> None:
    forget(published, objects=False)
    for file in (published.path / ".git" / "git-model").glob("memory*"):
        file.unlink()
    shutil.rmtree(published.path / ".git" / "lfs" / "objects")
    done = published.model("verify", "HEAD", check=False)
    assert done.returncode == UNCHECKED
    assert "not fetched: long.bin: its git-lfs object" in done.stdout
    assert "tampered" not in done.stdout
    assert "git model checkout" in done.stderr


@pytest.mark.parametrize("are_here", [True, False], ids=["here", "fetched"])
def test_one_process_delays_again_for_each_commit_that_it_replays(
    are_here: bool, published: Repository
) -> None:
    for round_ in (b"second", b"third"):
        published.write("part-0.bin", round_ * 20_000)
        published.write("part-1.bin", round_ * 30_000)
        published.commit(round_.decode())
    published.git("push", "--quiet")
    if not are_here:
        shutil.rmtree(published.path / ".git" / "lfs" / "objects")
    published.git("revert", "--no-edit", "HEAD", "HEAD~1")
    for name in ("part-0.bin", "part-1.bin"):
        assert published.read(name) == FILES[name]
    assert published.status() == ""


def test_a_rebase_carries_many_commits_of_one_file(published: Repository) -> None:
    published.git("switch", "--quiet", "--create", "topic")
    for number in range(3):
        published.write("part-0.bin", bytes([number]) * 100_000)
        published.commit(f"step {number}")
    published.git("switch", "--quiet", "main")
    published.write("other.bin", os.urandom(70_000))
    published.commit("main goes on")
    published.git("rebase", "--quiet", "main", "topic")
    assert published.read("part-0.bin") == bytes([2]) * 100_000
    subjects = published.git("log", "--format=%s", "-3").splitlines()
    assert subjects == ["step 2", "step 1", "step 0"]

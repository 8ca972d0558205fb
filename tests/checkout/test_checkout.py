"""`git model checkout`: decrypted files, directly into the work tree."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.lfs_projects import FILES, SMALL
from tests.fixtures.people import assert_clean, is_sealed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.lfs_projects import LfsProject, LfsProjectFactory
    from tests.fixtures.people import PersonFactory
    from tests.fixtures.repositories import Repository

SKIP = {"GIT_MODEL_SKIP_SMUDGE": "1"}
NO_FILTER = ("-c", "filter.git-model.process=false")
"""With it, whatever Git would clean or smudge is an error."""


@pytest.fixture
def project(lfs_project: LfsProjectFactory) -> LfsProject:
    return lfs_project()


@pytest.fixture
def pointers(project: LfsProject) -> Repository:
    """Ada's repository, where all large files stand as pointers."""
    for path in FILES:
        (project.ada.path / path).unlink()
    project.ada.git("checkout", "--", ".", env=SKIP)
    for path in FILES:
        assert project.ada.read(path) == project.ada.blob(f":{path}")
    return project.ada


def test_pointers_become_files_and_git_takes_nothing_for_changed(
    project: LfsProject, pointers: Repository
) -> None:
    said = pointers.model("checkout")
    project.assert_complete(pointers)
    assert said.stdout.startswith("3 files written")
    for path in FILES:
        assert pointers.git(*NO_FILTER, "diff-files", "--", path) == ""
    pointers.git("fsck", "--strict")
    assert_clean(pointers)


def test_missing_files_come_back_whatever_their_storage(project: LfsProject) -> None:
    for path in (*FILES, SMALL):
        (project.ada.path / path).unlink()
    (project.ada.path / "shards").rmdir()
    project.ada.model("checkout")
    project.assert_complete(project.ada)
    assert_clean(project.ada)


def test_again_it_writes_nothing(project: LfsProject, pointers: Repository) -> None:
    pointers.model("checkout")
    before = {path: _made(pointers.path / path) for path in FILES}
    assert pointers.model("checkout").stdout.startswith("0 files written")
    assert {path: _made(pointers.path / path) for path in FILES} == before


def _made(file: Path) -> tuple[int, ...]:
    """Returns what is the same as long as nobody writes a file; to read it dates the access."""
    facts = file.stat()
    return (*facts[:7], facts.st_mtime_ns, facts.st_ctime_ns)


def test_pathspecs_choose_and_are_relative_to_where_the_user_stands(
    project: LfsProject, pointers: Repository
) -> None:
    pointers.model("checkout", "a.*", cwd=pointers.path / "shards")
    assert pointers.read(FILES[0]) == project.content[FILES[0]]
    assert pointers.read(FILES[1]) == pointers.blob(f":{FILES[1]}")
    pointers.model("checkout", ":(top)c.*", cwd=pointers.path / "shards")
    assert pointers.read(FILES[2]) == project.content[FILES[2]]
    pointers.model("checkout", cwd=pointers.path / "shards")
    project.assert_complete(pointers)


def test_a_pathspec_that_matches_nothing_is_an_error(pointers: Repository) -> None:
    refused = pointers.model("checkout", "shards", "nothing*", check=False)
    assert refused.returncode == 1
    assert "git-model: error: pathspec 'nothing*' did not match" in refused.stderr
    assert pointers.read(FILES[0]) == pointers.blob(f":{FILES[0]}")


def test_the_work_of_a_person_is_left_alone(project: LfsProject, pointers: Repository) -> None:
    pointers.write(FILES[0], b"trained further")
    pointers.write(FILES[1], pointers.read(FILES[1]) + b"\n")
    (pointers.path / FILES[2]).unlink()
    (pointers.path / FILES[2]).symlink_to("/etc/passwd")
    pointers.model("checkout")
    assert pointers.read(FILES[0]) == b"trained further"
    assert pointers.read(FILES[1]) == pointers.blob(f":{FILES[1]}") + b"\n"
    assert (pointers.path / FILES[2]).is_symlink()


def test_a_link_in_the_place_of_a_directory_is_not_followed(
    project: LfsProject, pointers: Repository
) -> None:
    outside = pointers.path.parent / "outside"
    (pointers.path / "shards").rename(outside)
    (pointers.path / "shards").symlink_to(outside)
    (outside / "b.safetensors").unlink()
    failed = pointers.model("checkout", check=False)
    assert failed.returncode == 1
    assert FILES[0] in failed.stderr
    assert FILES[1] in failed.stderr
    assert "link" in failed.stderr
    assert [file.name for file in outside.iterdir()] == ["a.safetensors"]
    assert b"git-lfs" in (outside / "a.safetensors").read_bytes()
    assert pointers.read(FILES[2]) == project.content[FILES[2]]


def test_an_executable_file_is_executable_again(project: LfsProject) -> None:
    ada = project.ada
    (ada.path / FILES[0]).chmod(0o755)
    ada.commit()
    (ada.path / FILES[0]).unlink()
    ada.model("checkout")
    assert stat.S_IMODE((ada.path / FILES[0]).stat().st_mode) & 0o100
    assert not stat.S_IMODE((ada.path / FILES[1]).stat().st_mode) & 0o111
    assert_clean(ada)


def test_a_locked_clone_is_told_to_unlock_first(
    project: LfsProject, person: PersonFactory
) -> None:
    project.push()
    clone = person("ben").clone(project.remote)
    refused = clone.model("checkout", check=False)
    assert refused.returncode == 1
    assert "git-model: error: this clone is locked" in refused.stderr
    assert "git-model: hint: `git model unlock --key FILE`, or without --key" in refused.stderr


def test_a_sparse_checkout_stays_sparse(project: LfsProject) -> None:
    project.ada.git("sparse-checkout", "set", "--no-cone", "/*", "!shards/")
    project.ada.model("checkout")
    assert not (project.ada.path / "shards").exists()


def test_objects_that_nobody_has_are_named_and_the_rest_is_written(
    project: LfsProject, pointers: Repository
) -> None:
    project.stored(pointers, FILES[1]).unlink()
    pointers.git("remote", "set-url", "origin", "/nowhere")
    failed = pointers.model("checkout", check=False)
    assert failed.returncode == 1
    assert f"git-model: error: {FILES[1]}: " in failed.stderr
    assert "git-model: hint: " in failed.stderr
    assert FILES[0] not in failed.stderr
    assert pointers.read(FILES[0]) == project.content[FILES[0]]
    assert pointers.read(FILES[1]) == pointers.blob(f":{FILES[1]}")
    assert pointers.status() == ""


def test_the_signature_holds_for_what_was_written(
    project: LfsProject, person: PersonFactory
) -> None:
    """The digest of a file that this clone never had is learnt while it is written."""
    project.push()
    clone = project.unlocked(person("ben"))
    project.assert_complete(clone)
    clone.model("verify", "HEAD")
    clone.model("verify")


def test_while_another_process_holds_the_index_files_are_written_all_the_same(
    project: LfsProject, pointers: Repository
) -> None:
    lock = pointers.path / ".git" / "index.lock"
    lock.touch()
    said = pointers.model("checkout")
    assert "git-model: warning: another git process holds the index" in said.stderr
    project.assert_complete(pointers)
    lock.unlink()
    pointers.model("checkout")
    assert_clean(pointers)


def test_status_shows_what_is_a_pointer_missing_here_or_pushed(
    project: LfsProject, pointers: Repository
) -> None:
    import json

    def states() -> dict[str, dict[str, object]]:
        files = json.loads(pointers.model("status", "--json", check=False).stdout)["files"]
        return {file["path"]: file for file in files}

    found = states()
    assert {found[path]["work_tree"] for path in FILES} == {"pointer"}
    assert {found[path]["storage"] for path in FILES} == {"lfs"}
    assert found[SMALL]["storage"] == "inline"
    assert found[FILES[0]]["size"] == len(project.content[FILES[0]])
    assert not any(file["pushed"] for file in found.values())
    assert all(file["here"] for file in found.values())
    project.push()
    assert all(file["pushed"] for file in states().values())
    pointers.model("checkout", FILES[0])
    project.stored(pointers, FILES[1]).unlink()
    (pointers.path / FILES[2]).unlink()
    found = states()
    assert found[FILES[0]]["work_tree"] == "decrypted"
    assert not found[FILES[1]]["here"]
    assert found[FILES[2]]["work_tree"] == "missing"


def test_names_that_a_file_system_takes_for_one_are_refused(
    project: LfsProject, pointers: Repository
) -> None:
    oid = pointers.git("rev-parse", f":{FILES[2]}")
    name = FILES[2].upper()
    pointers.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{name}")
    pointers.git("config", "core.ignoreCase", "true")
    failed = pointers.model("checkout", check=False)
    assert failed.returncode == 1
    assert name in failed.stderr
    assert "same name to this file system" in failed.stderr
    assert pointers.read(FILES[0]) == project.content[FILES[0]]
    assert not (pointers.path / name).exists()


def test_ciphertext_of_a_locked_time_is_decrypted_too(
    project: LfsProject, person: PersonFactory
) -> None:
    clone_of = project.ada
    blob = clone_of.blob(f":{SMALL}")
    assert is_sealed(blob)
    clone_of.write(SMALL, blob)
    clone_of.model("checkout")
    project.assert_complete(clone_of)
    assert_clean(clone_of)

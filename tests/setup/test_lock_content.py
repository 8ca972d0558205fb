"""`git model lock` asks what files hold, not what Git was told to think of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import GitError
from git_model_security.git.repository import Repository as Facts
from git_model_security.setup import lock
from tests.fixtures.histories import MODEL
from tests.fixtures.people import assert_clean, is_sealed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures.lfs_projects import LfsProject, LfsProjectFactory
    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository

FLAGS = ("assume-unchanged", "skip-worktree")
WORK = b"hours of training"


@pytest.fixture
def ada(project: Project) -> Repository:
    return project.ada


def flags(repo: Repository) -> str:
    return repo.git("ls-files", "-v", "config.json", "model.safetensors")


@pytest.mark.parametrize("flag", FLAGS)
def test_a_changed_file_that_git_does_not_look_at_is_not_overwritten(
    ada: Repository, flag: str
) -> None:
    ada.git("update-index", f"--{flag}", "model.safetensors")
    ada.write("model.safetensors", WORK)

    refused = ada.model("lock", check=False)

    assert refused.returncode == 1
    assert "would lose changes" in refused.stderr
    assert "model.safetensors" in refused.stderr
    assert ada.read("model.safetensors") == WORK
    assert not is_sealed(ada.read("config.json"))
    assert f"`git update-index --no-{flag} FILE`" in refused.stderr
    ada.git("update-index", f"--no-{flag}", "model.safetensors")
    ada.git("add", "model.safetensors")
    ada.model("lock")
    assert is_sealed(ada.read("model.safetensors"))
    ada.model("unlock")
    assert ada.read("model.safetensors") == WORK


@pytest.mark.parametrize("flag", FLAGS)
def test_an_unchanged_file_that_git_does_not_look_at_is_sealed_and_opened(
    ada: Repository, flag: str
) -> None:
    ada.git("update-index", f"--{flag}", "model.safetensors", "config.json")
    before = flags(ada)

    ada.model("lock")

    assert is_sealed(ada.read("model.safetensors"))
    assert is_sealed(ada.read("config.json"))
    assert flags(ada) == before
    assert ada.status() == ""
    ada.model("unlock")
    assert ada.read("model.safetensors") == MODEL
    assert ada.status() == ""


def test_what_a_sparse_checkout_leaves_out_stays_out(ada: Repository) -> None:
    ada.write("shards/one.bin", b"one")
    ada.commit()
    ada.git("sparse-checkout", "set", "--cone", "--sparse-index", "elsewhere")
    ada.write("shards/one.bin", b"one")  # somebody put it there again
    assert not (ada.path / "shards" / "two.bin").exists()

    ada.model("lock")

    assert is_sealed(ada.read("shards/one.bin"))
    assert is_sealed(ada.read("model.safetensors"))
    (ada.path / "shards" / "one.bin").unlink()
    ada.model("unlock")
    assert not (ada.path / "shards" / "one.bin").exists()
    assert ada.read("model.safetensors") == MODEL


def test_a_change_with_the_length_and_the_date_of_before_is_seen(ada: Repository) -> None:
    ada.git("config", "core.trustctime", "false")
    ada.git("config", "core.checkStat", "minimal")
    file = ada.path / "model.safetensors"
    os.utime(file, (1, 1))
    ada.git("update-index", "--refresh")
    changed = bytes(reversed(MODEL))
    file.write_bytes(changed)
    os.utime(file, (1, 1))
    assert ada.status() == ""

    assert ada.model("lock", check=False).returncode == 1
    assert file.read_bytes() == changed


def test_more_files_than_a_command_line_holds_are_no_crash(ada: Repository) -> None:
    directory = "/".join([letter * 240 for letter in "abcd"])
    (ada.path / directory).mkdir(parents=True)
    oid = ada.git("rev-parse", "HEAD:config.json")
    names = [f"{directory}/{number:04}.bin" for number in range(2_200)]  # over 2 MiB
    for name in names:
        (ada.path / name).symlink_to("elsewhere")
    staged = "".join(f"100644 {oid} 0\t{name}\n" for name in names)
    ada.git("update-index", "--add", "--index-info", stdin=staged)
    ada.git("update-index", "--assume-unchanged", names[0])
    refused = ada.model("lock", check=False)
    assert refused.returncode == 1
    assert "would lose changes" in refused.stderr
    assert "`git update-index --no-assume-unchanged FILE`" in refused.stderr


def test_permissions_stay_as_they_are(ada: Repository) -> None:
    (ada.path / "config.json").chmod(0o600)
    (ada.path / "model.safetensors").chmod(0o755)
    ada.model("lock")
    assert (ada.path / "config.json").stat().st_mode & 0o777 == 0o600
    assert ada.status() == " M model.safetensors"
    assert ada.git("diff", "--raw").startswith(":100644 100755 ")


def edit(file: Path) -> None:
    file.write_bytes(WORK)


def edit_alike(file: Path) -> None:
    changed = bytes(reversed(file.read_bytes()))
    facts = file.stat()
    file.write_bytes(changed)
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def replace_by_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("README.md")


@pytest.mark.parametrize("change", [edit, edit_alike, replace_by_link])
def test_what_changes_between_the_look_and_the_write_is_kept(
    ada: Repository, change: Callable[[Path], None]
) -> None:
    found = lock.find(Facts.discover(ada.path))
    file = ada.path / "model.safetensors"
    change(file)
    changed = (file.is_symlink(), file.read_bytes())

    with pytest.raises(GitError, match=r"model\.safetensors: it was changed just now"):
        lock.reseal(found)

    assert (file.is_symlink(), file.read_bytes()) == changed
    assert ada.git("config", "git-model.keyId")
    ada.model("checkout")
    assert b"layers" in ada.read("config.json")


def test_a_lock_that_was_killed_is_finished_by_the_next(ada: Repository) -> None:
    lock.reseal(lock.find(Facts.discover(ada.path)))
    assert ada.model("lock").stdout == "Locked: 0 files are ciphertext again\n"
    assert is_sealed(ada.read("model.safetensors"))
    assert_clean(ada)


def test_while_git_holds_the_index_nothing_is_changed(ada: Repository) -> None:
    lock = ada.path / ".git" / "index.lock"
    lock.touch()
    refused = ada.model("lock", check=False)
    assert refused.returncode == 1
    assert "another git process holds the index" in refused.stderr
    assert ada.read("model.safetensors") == MODEL
    assert lock.exists()
    lock.unlink()
    ada.model("lock")
    assert_clean(ada)


def test_one_changed_file_in_a_linked_worktree_keeps_all_others_open(
    ada: Repository, tmp_path: Path
) -> None:
    ada.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    changed = tmp_path / "linked" / "config.json"
    changed.write_bytes(WORK)
    refused = ada.model("lock", check=False)
    assert refused.returncode == 1
    assert str(tmp_path / "linked") in refused.stderr
    assert changed.read_bytes() == WORK
    assert ada.read("model.safetensors") == MODEL


def test_a_conflicted_file_is_somebodys_work(ada: Repository) -> None:
    ada.git("checkout", "--quiet", "-b", "other")
    ada.write("config.json", "theirs\n")
    ada.commit()
    ada.git("checkout", "--quiet", "main")
    ada.write("config.json", "ours\n")
    ada.commit()
    assert ada.git.run("merge", "--quiet", "other", check=False).returncode == 1
    mixed = ada.read("config.json")
    refused = ada.model("lock", check=False)
    assert refused.returncode == 1
    assert "config.json" in refused.stderr
    assert ada.read("config.json") == mixed


def test_an_object_that_git_lfs_put_there_becomes_its_pointer(
    pushed_lfs_project: LfsProject,
) -> None:
    ada = pushed_lfs_project.ada
    path, oid = "c.safetensors", pushed_lfs_project.objects["c.safetensors"]
    ada.write(path, pushed_lfs_project.stored(ada, path).read_bytes())
    ada.model("lock")
    assert oid.encode() in ada.read(path)
    assert_clean(ada)


@pytest.mark.parametrize("left", [None, b"damaged"])
def test_an_object_that_only_the_work_tree_has_goes_back_into_the_store(
    lfs_project: LfsProjectFactory, left: bytes | None
) -> None:
    """`git lfs checkout` puts it there; it was never pushed."""
    project = lfs_project()
    ada, path = project.ada, "c.safetensors"
    stored = project.stored(ada, path)
    content = stored.read_bytes()
    ada.write(path, content)
    stored.chmod(0o644)
    stored.unlink()
    if left is not None:
        stored.write_bytes(left.ljust(len(content)))

    ada.model("lock")

    assert stored.read_bytes() == content
    assert project.objects[path].encode() in ada.read(path)
    assert_clean(ada)
    ada.model("unlock")
    project.assert_complete(ada)

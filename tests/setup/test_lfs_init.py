"""`git model init` and git-lfs: the choice of storage, and taking over what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import assert_clean, is_sealed
from tests.fixtures.processes import need

if TYPE_CHECKING:
    from tests.fixtures.people import PersonFactory
    from tests.fixtures.repositories import CloneFactory, Repository

MIB = 1 << 20
LARGE = bytes(range(256)) * 8 * 1024
"""2 MiB, which git-lfs takes by default."""
SMALL = bytes(range(256)) * 4

VERSION = b"version https://git-lfs.github.com/spec/v1\n"


def setting(repo: Repository, name: str) -> str:
    """Returns what the clone's configuration says, or nothing."""
    return repo.git.run("config", "--local", f"git-model.{name}", check=False).stdout.strip()


def storage(repo: Repository) -> tuple[str, str, str]:
    """Returns what the filter reads, having checked that the committed policy agrees."""
    found = tuple(setting(repo, name) for name in ("storage", "threshold", "limit"))
    keys = ("storage.engine", "storage.threshold", "storage.limit")
    policy = [
        repo.git.run("config", "--file", ".gitmodel", key, check=False).stdout.strip()
        for key in keys
    ]
    assert found == tuple(policy)
    return found[0], found[1], found[2]


@pytest.fixture
def earlier(repo: Repository, remote: Repository) -> Repository:
    """A published repository whose models are in git-lfs, in clear."""
    need("git-lfs")
    repo.git("lfs", "install", "--local")
    repo.git("lfs", "track", "*.bin")
    repo.write("large.bin", LARGE)
    repo.write("small.bin", SMALL)
    repo.write("README.md", "# A model\n")
    repo.commit("Before")
    repo.git("remote", "add", "origin", str(remote.path))
    repo.git("push", "--quiet", "--set-upstream", "origin", "main")
    return repo


def test_with_git_lfs_large_files_go_there(repo: Repository) -> None:
    need("git-lfs")
    done = repo.model("init")
    assert "git-lfs, for files of 1.0 MiB and over" in done.stdout
    assert storage(repo) == ("lfs", str(MIB), "")
    repo.write("large.bin", LARGE)
    repo.write("small.bin", SMALL)
    repo.commit()
    assert repo.blob("HEAD:large.bin").startswith(VERSION)
    assert is_sealed(repo.blob("HEAD:small.bin"))
    assert_clean(repo)


def test_the_threshold_can_be_chosen(repo: Repository) -> None:
    need("git-lfs")
    repo.model("init", "--threshold", "4KiB")
    assert storage(repo) == ("lfs", "4096", "")
    repo.write("below.bin", b"\0" * 4095)
    repo.write("at.bin", b"\0" * 4096)
    repo.commit()
    assert is_sealed(repo.blob("HEAD:below.bin"))
    assert repo.blob("HEAD:at.bin").startswith(VERSION)


@pytest.mark.parametrize("size", ["0", "-1", "much", "1.5MiB", "9999999999999t"])
def test_a_threshold_that_is_no_size_is_wrong_usage(repo: Repository, size: str) -> None:
    done = repo.model("init", "--threshold", size, check=False)
    assert done.returncode == 2
    assert "no size" in done.stderr
    assert not (repo.path / ".gitmodel").exists()


@pytest.mark.parametrize("url", ["https://huggingface.co/me/model", "git@hf.co:me/model"])
def test_for_the_hub_everything_encrypted_goes_to_git_lfs(repo: Repository, url: str) -> None:
    need("git-lfs")
    repo.git("remote", "add", "hub", url)
    done = repo.model("init")
    assert "Hugging Face Hub" in done.stdout
    assert storage(repo) == ("lfs", "1", "")
    repo.write("config.json", "{}")
    repo.git("add", "config.json")
    assert repo.blob(":config.json").startswith(VERSION)


def test_without_git_lfs_files_are_inline_and_not_too_long(
    repo: Repository, path_without_lfs: str
) -> None:
    done = repo.model("init", env={"PATH": path_without_lfs})
    assert "git-lfs is not installed" in done.stderr
    assert "apt install git-lfs" in done.stderr
    assert storage(repo) == ("inline", "", str(64 * MIB))
    with (repo.path / "long.bin").open("wb") as file:
        file.truncate(64 * MIB + 1)
    refused = repo.git.run("add", "long.bin", check=False)
    assert refused.returncode != 0
    assert "long.bin" in refused.stderr
    assert "install git-lfs" in refused.stderr


def test_without_git_lfs_a_tracked_file_that_is_too_long_stops_init(
    repo: Repository, path_without_lfs: str
) -> None:
    with (repo.path / "long.bin").open("wb") as file:
        file.truncate(64 * MIB + 1)
    repo.git("add", "long.bin")
    refused = repo.model("init", env={"PATH": path_without_lfs}, check=False)
    assert refused.returncode == 1
    assert "long.bin" in refused.stderr
    assert not (repo.path / ".gitmodel").exists()


def test_inline_that_was_asked_for_has_no_limit(repo: Repository) -> None:
    repo.model("init", "--storage", "inline")
    assert storage(repo) == ("inline", "", "")
    repo.write("large.bin", LARGE)
    repo.git("add", "large.bin")
    assert is_sealed(repo.blob(":large.bin"))


def test_git_lfs_that_is_asked_for_and_missing_changes_nothing(
    repo: Repository, path_without_lfs: str
) -> None:
    env = {"PATH": path_without_lfs}
    done = repo.model("init", "--storage", "lfs", env=env, check=False)
    assert done.returncode == 1
    assert "git-lfs is not installed" in done.stderr
    assert "apt install git-lfs" in done.stderr
    assert not (repo.path / ".gitmodel").exists()


def test_storage_can_be_changed_later_and_no_file_changes(repo: Repository) -> None:
    need("git-lfs")
    repo.model("init", "--storage", "inline")
    repo.write("large.bin", LARGE)
    repo.commit()
    done = repo.model("init", "--storage", "lfs")
    assert "commit .gitmodel" in done.stderr
    assert storage(repo) == ("lfs", str(MIB), "")
    assert repo.git("diff", "--cached", "--name-only") == ".gitmodel"
    repo.commit("To git-lfs")
    assert_clean(repo)
    repo.write("new.bin", LARGE + b"new")
    repo.commit()
    assert repo.blob("HEAD:new.bin").startswith(VERSION)
    assert is_sealed(repo.blob("HEAD:large.bin"))
    repo.model("verify", "HEAD")


def test_init_again_keeps_the_storage(repo: Repository, path_without_lfs: str) -> None:
    need("git-lfs")
    repo.model("init", "--threshold", "5")
    done = repo.model("init", env={"PATH": path_without_lfs})
    assert "git-lfs, which is not installed" in done.stderr
    assert storage(repo) == ("lfs", "5", "")


def test_what_is_not_asked_for_stays(repo: Repository) -> None:
    need("git-lfs")
    repo.model("init", "--threshold", "5")
    repo.model("init", "--storage", "lfs")
    assert storage(repo) == ("lfs", "5", "")
    repo.model("init", "--threshold", "6")
    assert storage(repo) == ("lfs", "6", "")


def test_a_threshold_without_git_lfs_is_wrong_usage(repo: Repository) -> None:
    done = repo.model("init", "--storage", "inline", "--threshold", "5", check=False)
    assert done.returncode == 2
    assert "--storage lfs" in done.stderr


def test_unlock_takes_the_storage_over_and_says_when_git_lfs_is_missing(
    repo: Repository, clone: CloneFactory, person: PersonFactory, path_without_lfs: str
) -> None:
    need("git-lfs")
    repo.model("init", "--threshold", "1MiB")
    repo.model("key", "export", "../aes256.bin")
    repo.write("small.bin", SMALL)
    repo.commit()
    other = clone(repo.path)
    done = other.model("unlock", "--key", "../aes256.bin", env={"PATH": path_without_lfs})
    assert "git-lfs, which is not installed" in done.stderr
    assert storage(other) == ("lfs", str(MIB), "")
    assert other.read("small.bin") == SMALL
    told = other.model("doctor", env={"PATH": path_without_lfs}, check=False)
    assert told.returncode == 1
    assert "git-lfs, which is not installed" in told.stdout


def test_doctor_names_files_that_the_host_does_not_take(repo: Repository) -> None:
    need("git-lfs")
    repo.model("init")
    repo.write("large.bin", LARGE)
    repo.write("inline.bin", b"\0" * 5000)
    repo.commit()
    assert repo.model("doctor").stdout == "Nothing is wrong\n"
    repo.git("config", "git-model.maxFileSize", "1m")
    done = repo.model("doctor", check=False)
    assert done.returncode == 1
    assert "large.bin" in done.stdout
    assert "inline.bin" not in done.stdout


def test_history_in_clear_git_lfs_is_told_before_anything_is_written(
    earlier: Repository,
) -> None:
    done = earlier.model("init", check=False)
    assert done.returncode == 1
    assert "large.bin: plaintext" in done.stdout
    assert "git-lfs object" in done.stdout
    assert not (earlier.path / ".gitmodel").exists()


def test_what_git_lfs_had_in_clear_is_encrypted_and_goes_on(earlier: Repository) -> None:
    done = earlier.model("init", "--accept-plaintext-history")
    assert "2 files were in git-lfs in clear" in done.stderr
    assert "git model audit" in done.stderr
    assert earlier.blob(":large.bin").startswith(VERSION)
    assert earlier.blob(":large.bin") != earlier.blob("HEAD:large.bin")
    assert is_sealed(earlier.blob(":small.bin"))
    assert (earlier.read("large.bin"), earlier.read("small.bin")) == (LARGE, SMALL)
    earlier.git("commit", "--quiet", "--message", "Encrypted")
    assert_clean(earlier)
    earlier.git("push", "--quiet")
    earlier.model("verify", "HEAD")
    earlier.git("lfs", "fsck")
    report = earlier.model("audit", check=False)
    assert report.stdout.count(", in the git-lfs object") == 2


def test_a_change_that_was_not_added_stays_unadded(earlier: Repository) -> None:
    earlier.write("small.bin", b"changed")
    earlier.model("init", "--accept-plaintext-history")
    assert earlier.read("small.bin") == b"changed"
    assert "MM small.bin" in earlier.status()
    earlier.git("commit", "--quiet", "--message", "Encrypted")
    earlier.git("checkout", "--quiet", "--", "small.bin")
    assert earlier.read("small.bin") == SMALL


def _with_pointers(source: Repository, clone: CloneFactory, *, fetched: bool) -> Repository:
    """Clones as `GIT_LFS_SKIP_SMUDGE` does, with the objects or without."""
    other = clone(source.path / "../remote.git", "pointers")
    other.git("config", "lfs.url", f"file://{source.path.parent / 'remote.git'}")
    if fetched:
        other.git("lfs", "fetch")
    assert other.read("large.bin").startswith(VERSION)
    return other


def test_pointers_in_the_work_tree_become_files_where_the_objects_are_here(
    earlier: Repository, clone: CloneFactory
) -> None:
    other = _with_pointers(earlier, clone, fetched=True)
    other.model("init", "--accept-plaintext-history")
    assert (other.read("large.bin"), other.read("small.bin")) == (LARGE, SMALL)
    other.git("commit", "--quiet", "--message", "Encrypted")
    assert_clean(other)


def test_an_object_that_is_not_here_stops_init_with_the_command_that_brings_it(
    earlier: Repository, clone: CloneFactory
) -> None:
    other = _with_pointers(earlier, clone, fetched=False)
    done = other.model("init", "--accept-plaintext-history", check=False)
    assert done.returncode == 1
    assert "large.bin" in done.stderr
    assert "git lfs pull" in done.stderr
    assert not (other.path / ".gitmodel").exists()
    assert setting(other, "keyid") == ""


def test_a_file_in_the_work_tree_stands_in_for_its_object(
    earlier: Repository, clone: CloneFactory
) -> None:
    other = _with_pointers(earlier, clone, fetched=False)
    other.write("large.bin", LARGE)
    other.write("small.bin", SMALL)
    other.model("init", "--accept-plaintext-history")
    assert is_sealed(other.blob(":small.bin"))
    other.git("commit", "--quiet", "--message", "Encrypted")
    assert_clean(other)


def test_attributes_in_a_directory_that_name_git_lfs_are_told_of(repo: Repository) -> None:
    need("git-lfs")
    repo.write("sub/.gitattributes", "*.pt filter=lfs diff=lfs merge=lfs -text\n")
    repo.write("docs/.gitattributes", "# filter=lfs no more\n*.md text\n")
    repo.git("add", ".")
    done = repo.model("init")
    assert "sub/.gitattributes sends files to git-lfs" in done.stderr
    assert "docs/.gitattributes" not in done.stderr
    repo.write("sub/a.pt", SMALL)
    repo.commit()
    assert is_sealed(repo.blob("HEAD:sub/a.pt"))


def test_files_that_are_excluded_and_leave_git_lfs_are_told_of(earlier: Repository) -> None:
    done = earlier.model("init", "--exclude", "small.bin", "--accept-plaintext-history")
    assert "small.bin and whatever else is excluded and was in git-lfs (1 files)" in done.stderr


def test_a_pointer_that_is_not_canonical_stops_init(repo: Repository) -> None:
    repo.write(
        "a.bin", f"version https://git-lfs.github.com/spec/v1\r\noid sha256:{'0' * 64}\r\n"
    )
    repo.git("add", "a.bin")
    done = repo.model("init", check=False)
    assert done.returncode == 1
    assert "a.bin" in done.stderr
    assert not (repo.path / ".gitmodel").exists()


def test_a_large_tracked_file_becomes_an_object(repo: Repository) -> None:
    need("git-lfs")
    repo.write("large.bin", LARGE)
    repo.git("add", "large.bin")
    repo.model("init")
    assert repo.blob(":large.bin").startswith(VERSION)
    repo.commit()
    assert_clean(repo)

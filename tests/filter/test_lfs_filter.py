"""Large files through `git add`, `git status` and `git checkout`, with real git-lfs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.processes import need

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import Repository

SEGMENT = 1 << 20
LARGE = os.urandom(3 * SEGMENT + 17)
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"


@pytest.fixture
def lfs(repo: Repository) -> Repository:
    """A model whose files of 64 KiB and more are objects of git-lfs."""
    need("git-lfs")
    repo.model("init", "--profile", "all", "--storage", "lfs", "--threshold", "64k")
    return repo


def objects(repo: Repository) -> set[Path]:
    """Returns the files in the store of git-lfs, complete or not."""
    return {path for path in (repo.path / ".git" / "lfs").rglob("*") if path.is_file()}


def made(file: Path) -> tuple[int, int]:
    """Returns what is another one for a file that was written anew."""
    return file.stat().st_ino, file.stat().st_mtime_ns


def oid_of(pointer: bytes) -> str:
    return pointer.decode().split("sha256:")[1][:64]


def test_a_long_file_is_an_object_and_a_pointer_that_git_lfs_knows(lfs: Repository) -> None:
    lfs.write("w.bin", LARGE)
    lfs.write("short.bin", LARGE[:1000])
    lfs.commit()
    pointer = lfs.blob("HEAD:w.bin")
    (stored,) = objects(lfs)
    assert pointer.decode() == POINTER.format(oid=stored.name, size=stored.stat().st_size)
    assert LARGE[:64] not in stored.read_bytes()
    assert lfs.git("lfs", "ls-files", "--long").startswith(stored.name)
    assert "Git LFS fsck OK" in lfs.git("lfs", "fsck", "--objects")
    assert lfs.status() == ""


@pytest.mark.parametrize(("size", "count"), [(65535, 0), (65536, 1)])
def test_the_threshold_is_a_length_of_plaintext(lfs: Repository, size: int, count: int) -> None:
    lfs.write("w.bin", LARGE[:size])
    lfs.git("add", "w.bin")
    assert len(objects(lfs)) == count


@pytest.mark.parametrize("size", [1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT])
def test_every_length_comes_back(repo: Repository, size: int) -> None:
    need("git-lfs")
    repo.model("init", "--profile", "all", "--storage", "lfs", "--threshold", "1")
    repo.write("w.bin", LARGE[:size])
    repo.commit()
    assert len(objects(repo)) >= 1
    (repo.path / "w.bin").unlink()
    repo.git("checkout", "--", "w.bin")
    assert repo.read("w.bin") == LARGE[:size]
    assert repo.status() == ""


def test_a_signature_is_no_object_whatever_the_index_has_of_it(repo: Repository) -> None:
    """Git compares a file with an index that is on no disk yet, in a rebase."""
    need("git-lfs")
    repo.model("init", "--storage", "lfs", "--threshold", "1")
    repo.write("model.safetensors", b"weights")
    repo.commit("First")
    signed = repo.git("rev-parse", ":model.sig")
    repo.git("rm", "--quiet", "--cached", "model.sig")
    assert repo.git("hash-object", "--path", "model.sig", "model.sig") == signed


def test_touching_a_file_changes_nothing_and_seals_nothing(lfs: Repository) -> None:
    file = lfs.write("w.bin", LARGE)
    lfs.commit()
    (stored,) = objects(lfs)
    before = made(stored)
    os.utime(file)
    assert lfs.status() == ""
    lfs.git("add", "w.bin")
    assert lfs.status() == ""
    assert made(stored) == before


@pytest.mark.parametrize(
    "at",
    [
        0,
        *(
            pytest.param(at, marks=pytest.mark.long)
            for at in (SEGMENT - 1, SEGMENT, 2 * SEGMENT + 5)
        ),
        3 * SEGMENT + 16,
    ],
)
def test_one_byte_changed_in_a_file_of_the_same_length_is_seen(
    lfs: Repository, at: int
) -> None:
    lfs.write("w.bin", LARGE)
    lfs.commit()
    changed = bytearray(LARGE)
    changed[at] ^= 1
    file = lfs.write("w.bin", bytes(changed))
    assert lfs.status() == " M w.bin"
    lfs.commit()
    file.unlink()
    lfs.git("checkout", "--", "w.bin")
    assert lfs.read("w.bin") == changed
    lfs.git("checkout", "--quiet", "HEAD~1", "--", "w.bin")
    assert lfs.read("w.bin") == LARGE


@pytest.mark.parametrize(
    "size",
    [
        SEGMENT,
        pytest.param(2 * SEGMENT, marks=pytest.mark.long),
        pytest.param(3 * SEGMENT + 16, marks=pytest.mark.long),
        3 * SEGMENT + 18,
    ],
)
def test_a_file_that_became_shorter_or_longer_is_seen(lfs: Repository, size: int) -> None:
    lfs.write("w.bin", LARGE)
    lfs.commit()
    lfs.write("w.bin", (LARGE + b"+")[:size])
    assert lfs.status() == " M w.bin"
    lfs.commit()
    assert lfs.status() == ""


def test_a_damaged_object_does_not_vouch_for_a_file(lfs: Repository) -> None:
    file = lfs.write("w.bin", LARGE)
    lfs.commit()
    (stored,) = objects(lfs)
    good = stored.read_bytes()
    stored.chmod(0o644)
    stored.write_bytes(good[:-1])
    os.utime(file)
    assert lfs.status() == ""
    assert stored.read_bytes() == good, "clean made the object anew"


def test_content_stays_where_it_is_when_the_storage_changes(repo: Repository) -> None:
    need("git-lfs")
    repo.model("init", "--profile", "all", "--storage", "inline")
    file = repo.write("w.bin", LARGE)
    repo.commit()
    inline = repo.git("rev-parse", "HEAD:w.bin")
    repo.model("init", "--storage", "lfs", "--threshold", "64k")
    os.utime(file)
    repo.git("add", "w.bin")
    assert repo.git("rev-parse", ":w.bin") == inline
    assert not objects(repo)
    repo.write("w.bin", LARGE + b"!")
    repo.commit()
    pointer = repo.git("rev-parse", "HEAD:w.bin")
    repo.model("init", "--storage", "inline")
    os.utime(file)
    repo.git("add", "w.bin")
    assert repo.git("rev-parse", ":w.bin") == pointer


def test_another_clone_makes_the_same_pointer(lfs: Repository, repo: Repository) -> None:
    lfs.write("a.bin", LARGE)
    lfs.write("b.bin", LARGE)
    lfs.commit()
    assert lfs.blob("HEAD:a.bin") == lfs.blob("HEAD:b.bin")
    assert len(objects(lfs)) == 1
    assert lfs.status() == ""


def test_ciphertext_in_the_work_tree_gives_the_same_pointer(lfs: Repository) -> None:
    """Old versions of `git lfs checkout` write there what the pointer stands for."""
    lfs.write("w.bin", LARGE)
    lfs.commit()
    (stored,) = objects(lfs)
    lfs.write("w.bin", stored.read_bytes())
    lfs.git("add", "w.bin")
    assert lfs.status() == ""


def test_a_pointer_in_the_work_tree_is_no_change(lfs: Repository) -> None:
    lfs.write("w.bin", LARGE)
    lfs.commit()
    lfs.write("w.bin", lfs.blob("HEAD:w.bin"))
    lfs.git("add", "w.bin")
    assert lfs.status() == ""
    lfs.write("copy.bin", lfs.blob("HEAD:w.bin"))
    lfs.git("add", "copy.bin")
    assert lfs.git("rev-parse", ":copy.bin") == lfs.git("rev-parse", ":w.bin")


def refused(repo: Repository, content: bytes) -> str:
    repo.write("p.bin", content)
    done = repo.git.run("add", "p.bin", check=False)
    assert done.returncode
    assert "p.bin" in done.stderr
    assert "hint:" in done.stderr
    assert repo.git("ls-files", "p.bin") == ""
    return str(done.stderr)


def test_a_pointer_to_an_object_that_is_nowhere_is_refused(lfs: Repository) -> None:
    pointer = POINTER.format(oid="a" * 64, size=5).encode()
    assert "is not on this machine" in refused(lfs, pointer)


def test_a_pointer_to_plaintext_is_refused(lfs: Repository) -> None:
    stored = lfs.path / ".git/lfs/objects/aa/aa" / ("a" * 64)
    stored.parent.mkdir(parents=True)
    stored.write_bytes(LARGE)
    pointer = POINTER.format(oid="a" * 64, size=len(LARGE)).encode()
    assert "not encrypted" in refused(lfs, pointer)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"git-lfs.github.com", b"hawser.github.com"),
        lambda text: b"\n" + text,
        lambda text: text.rstrip(b"\n"),
        lambda text: text + b"x-extra 1\n",
        lambda text: text.replace(b"size ", b"size 0"),
        lambda text: text.replace(b"size ", b"size  "),
    ],
)
def test_what_git_lfs_would_take_for_a_pointer_is_never_content(
    lfs: Repository, change: object
) -> None:
    lfs.write("w.bin", LARGE)
    lfs.commit()
    assert callable(change)
    assert "pointer" in refused(lfs, change(lfs.blob("HEAD:w.bin")))


def test_linked_work_trees_share_the_objects(lfs: Repository, tmp_path: Path) -> None:
    lfs.write("w.bin", LARGE)
    lfs.commit()
    lfs.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    assert (tmp_path / "linked" / "w.bin").read_bytes() == LARGE
    (tmp_path / "linked" / "v.bin").write_bytes(LARGE[:-1])
    lfs.git("-C", str(tmp_path / "linked"), "add", "v.bin")
    assert len(objects(lfs)) == 2


@pytest.mark.parametrize("place", ["elsewhere", "absolute"])
def test_the_place_that_git_lfs_is_told_is_used(
    lfs: Repository, tmp_path: Path, place: str
) -> None:
    directory = tmp_path / "store" if place == "absolute" else lfs.path / ".git" / "elsewhere"
    lfs.git("config", "lfs.storage", str(directory) if place == "absolute" else place)
    lfs.write("w.bin", LARGE)
    lfs.commit()
    assert not objects(lfs)
    oid = oid_of(lfs.blob("HEAD:w.bin"))
    assert (directory / "objects" / oid[:2] / oid[2:4] / oid).is_file()
    assert "fsck OK" in lfs.git("lfs", "fsck", "--objects")
    (lfs.path / "w.bin").unlink()
    lfs.git("checkout", "--", "w.bin")
    assert lfs.read("w.bin") == LARGE


def test_blake3_is_the_only_digest_where_it_is_chosen(repo: Repository) -> None:
    need("git-lfs")
    options = ("--storage", "lfs", "--threshold", "64k", "--digest", "blake3")
    repo.model("init", "--profile", "all", *options)
    repo.write("w.bin", LARGE)
    repo.commit()
    assert "Verified" in repo.model("verify").stdout
    (repo.path / "w.bin").write_bytes(LARGE[:-1] + bytes((LARGE[-1] ^ 1,)))
    assert repo.model("verify", check=False).returncode == 1


def test_what_the_host_does_not_take_is_said_when_it_is_added(lfs: Repository) -> None:
    lfs.git("config", "git-model.maxFileSize", "2m")
    lfs.write("w.bin", LARGE)
    said = lfs.git.run("add", "w.bin").stderr
    assert "w.bin: 3145745 bytes are more than the 2097152" in said
    assert "smaller shards" in said
    (lfs.path / "w.bin").touch()
    assert "more than" not in lfs.git.run("status").stderr


def test_a_long_file_is_refused_where_git_lfs_was_only_missing(repo: Repository) -> None:
    repo.model("init", "--profile", "all", "--storage", "inline")
    repo.git("config", "git-model.limit", str(2 << 20))
    repo.write("w.bin", LARGE)
    done = repo.git.run("add", "w.bin", check=False)
    assert done.returncode
    assert "w.bin: 3145745 bytes are more than the 2097152" in done.stderr
    assert "--storage inline" in done.stderr
    repo.git("config", "--unset", "git-model.limit")
    repo.git("add", "w.bin")

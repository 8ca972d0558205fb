"""Files of the work tree that are replaced as a whole, with and without a name meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_model_security import files
from git_model_security.errors import GitError
from git_model_security.git import replacement, worktree
from git_model_security.git.replacement import Replacement


@pytest.fixture(params=["nameless", "named"])
def top(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A work tree; on some file systems every file has a name."""
    if request.param == "named":
        monkeypatch.setattr(replacement, "_NAMELESS", None)
    return tmp_path


def names(top: Path) -> set[str]:
    return {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}


def test_a_file_appears_when_it_is_complete(top: Path) -> None:
    (top / "a").write_bytes(b"old")
    with Replacement(top, b"a", size=3) as new:
        files.write_at(new.descriptor, b"w", 2)
        files.write_at(new.descriptor, b"ne", 0)
        assert (top / "a").read_bytes() == b"old"
        facts = new.commit()
    assert facts == (top / "a").stat()  # before it is read, which dates the access
    assert (top / "a").read_bytes() == b"new"
    assert names(top) == {"a"}


def test_what_is_not_committed_is_gone(top: Path) -> None:
    with Replacement(top, b"sub/a") as new:
        files.write_at(new.descriptor, b"secret", 0)
    assert names(top) == set()


def test_a_settled_file_is_older_than_its_index(top: Path) -> None:
    with Replacement(top, b"a") as new:
        new.settle(1000)
        assert new.commit().st_mtime_ns == 999 * 10**9


def test_permissions_are_those_of_the_umask(top: Path) -> None:
    before = os.umask(0o027)
    try:
        worktree.write(top, b"a", b"", 0o777)
        assert (top / "a").stat().st_mode & 0o777 == 0o750
    finally:
        os.umask(before)


@pytest.mark.parametrize("path", [b"\x1b[31m", b"caf\xe9", b"a\nb", b"a\\b"])
def test_names_that_git_writes_are_written(top: Path, path: bytes) -> None:
    worktree.write(top, path, b"content")
    assert (top / os.fsdecode(path)).read_bytes() == b"content"


UNSAFE = [b"../a", b".git/a", b".GIT/a", b"a//b", b"/a", b"a/git~1", b".git\\a", b"a\\.git"]


@pytest.mark.parametrize("path", UNSAFE)
def test_names_that_are_not_safe_are_refused(top: Path, path: bytes) -> None:
    with pytest.raises(GitError, match="not a path that can be written safely"):
        Replacement(top, path)
    assert names(top) == set()


def test_no_link_is_followed(top: Path) -> None:
    (top / "outside").mkdir()
    (top / "link").symlink_to("outside")
    with pytest.raises(GitError, match="a link or a file stands"):
        worktree.write(top, b"link/a", b"")
    assert names(top) == set()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_a_file_is_not_swept_on_its_way_to_its_place(top: Path) -> None:
    partial = ".git-model-partial-0123456789abcdef"
    directory = os.open(top, os.O_RDONLY)
    try:
        with Replacement(top, b"a") as new:
            # What `commit` does first, where the file has no name.
            os.link(f"/proc/self/fd/{new.descriptor}", partial, dst_dir_fd=directory)
            replacement.sweep(top, [b""], ())
            assert partial in names(top)
    finally:
        os.close(directory)


def test_left_overs_are_swept_but_not_those_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacement, "_NAMELESS", None)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".git-model-partial-0123456789abcdef").write_bytes(
        b"of a killed process"
    )
    users = {".git-model-experiment-notes", ".git-model-partial-experiment-notes"}
    tracked = ".git-model-partial-00000000aaaaaaaa"
    for name in (*users, tracked):
        (tmp_path / "sub" / name).write_bytes(b"of the user")
    with Replacement(tmp_path, b"sub/a") as new:
        directories = [b"", b"sub", b"gone"]
        replacement.sweep(tmp_path, directories, {b"sub/" + tracked.encode()})
        assert len(names(tmp_path)) == 4
        new.commit()
    assert names(tmp_path) == {"sub/a", *(f"sub/{name}" for name in (*users, tracked))}

"""What somebody tried against objects and pointers, and no longer gets through with."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key, encrypt
from git_model_security.errors import UNCHECKED
from tests.fixtures.processes import execute
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from tests.fixtures.lfs_projects import LfsProject
    from tests.fixtures.people import PersonFactory
    from tests.fixtures.repositories import Repository

SHARD = "c.safetensors"
TOLERATED = (
    b"version https://git-lfs.github.com/spec/v1\r\noid sha256:%s\r\nsize %d\r\n",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d",
    b"\nversion https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n",
    b"version http://git-media.io/v/2\noid sha256:%s\nsize %d\n",
    b"version https://hawser.github.com/spec/v1\noid sha256:%s\nsize %d\n",
    b"version https://git-lfs.github.com/spec/v1\next-0-x sha256:" + b"0" * 64 + b"\n"
    b"oid sha256:%s\nsize %d\n",
)


@pytest.fixture
def project(pushed_lfs_project: LfsProject) -> LfsProject:
    return pushed_lfs_project


def keep(repo: Repository, content: bytes) -> str:
    """Puts content into the store of git-lfs, as plain git-lfs does; returns its oid."""
    oid = hashlib.sha256(content).hexdigest()
    file = repo.path / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return oid


@pytest.mark.parametrize("form", TOLERATED)
@pytest.mark.parametrize("as_tag", [False, True])
def test_a_pointer_that_only_git_lfs_takes_for_one_uploads_nothing(
    project: LfsProject, form: bytes, *, as_tag: bool
) -> None:
    ada = project.ada
    oid = keep(ada, b"the model in clear" * 10_000)
    pointer = form % (oid.encode(), 180_000)
    if as_tag:
        blob = ada.git("hash-object", "-w", "--stdin", stdin=pointer)
        ada.git(*NO_HOOKS, "tag", "old", blob)
        done = ada.git.run("push", "origin", "old", check=False)
    else:
        ada.write(".cache/old", pointer)
        ada.git("add", "--force", ".cache")
        assert ada.git.run("commit", "--message", "x", check=False).returncode
        ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "x")
        done = ada.git.run("push", "origin", "main", check=False)
    assert done.returncode
    assert "pointer that is not written as git-lfs does" in done.stderr
    assert not list(project.remote.path.rglob(oid))
    if not as_tag:
        assert ada.model("audit", check=False).returncode == 1


def test_a_size_that_nothing_has_is_a_finding_and_no_crash(project: LfsProject) -> None:
    ada = project.ada
    form = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"
    ada.write(".cache/huge", form % (b"a" * 64, 10**19 - 1))
    ada.git("add", "--force", ".cache")
    done = ada.git.run("commit", "--message", "x", check=False)
    assert done.returncode
    assert "Traceback" not in done.stderr
    assert "pointer that is not written as git-lfs does" in done.stderr


@pytest.mark.parametrize("shape", ["inline over the threshold", "a pointer under it"])
def test_what_came_in_the_other_shape_is_not_made_here(
    project: LfsProject, person: PersonFactory, shape: str
) -> None:
    """A colleague with the key, who may not sign, chooses how the content is stored."""
    path = SHARD if shape.startswith("inline") else "config.json"
    content = os.urandom(200_000) if path == SHARD else b'{"layers": 666}\n'
    sealed = io.BytesIO()
    encrypt(Key(project.key.read_bytes()), io.BytesIO(content), sealed)
    mallory = person("mallory").clone(project.remote)
    blob = sealed.getvalue()
    if path != SHARD:
        oid = keep(mallory, blob)
        there = project.remote.path / "lfs/objects" / oid[:2] / oid[2:4] / oid
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(blob)
        form = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"
        blob = form % (oid.encode(), len(blob))
    name = mallory.git("hash-object", "-w", "--no-filters", "--stdin", stdin=blob)
    mallory.git("update-index", "--cacheinfo", f"100644,{name},{path}")
    mallory.git(*NO_HOOKS, "commit", "--quiet", "--message", "Improve")
    hidden = ("-c", "core.hooksPath=/dev/null")
    mallory.git(*hidden, "push", "--quiet", "origin", "HEAD:refs/heads/feature")
    ada = project.ada
    ada.git("fetch", "--quiet")
    ada.git("merge", "--squash", "origin/feature")
    (ada.path / ".git" / "SQUASH_MSG").unlink()
    ada.git("reset", "--quiet")
    assert ada.read(path) == content
    ada.git("add", "--all")
    done = ada.git.run("commit", "--quiet", "--message", "Mine")
    assert "this commit is not signed" in done.stderr
    assert f"\n  {path} (" in done.stderr
    assert ada.model("verify", "HEAD", check=False).returncode


def test_an_object_lost_before_the_commit_is_told_and_the_plaintext_kept(
    project: LfsProject,
) -> None:
    ada = project.ada
    content = os.urandom(200_000)
    file = ada.write("new.safetensors", content)
    os.utime(file, (1, 1))  # else Git cleans it once more, which mends it
    ada.git("add", "new.safetensors")
    for stored in (ada.path / ".git/lfs/objects").rglob("*"):
        if stored.is_file() and stored.name not in project.objects.values():
            stored.unlink()
    done = ada.git.run("commit", "--quiet", "--message", "New", check=False)
    assert done.returncode
    assert "new.safetensors" in done.stderr
    refused = ada.model("lock", check=False)
    assert refused.returncode == 1
    assert "new.safetensors" in refused.stderr
    assert ada.read("new.safetensors") == content
    file.touch()
    ada.commit("New")
    ada.git("push", "--quiet")


def test_adding_again_mends_a_damaged_object(project: LfsProject) -> None:
    ada = project.ada
    stored = project.stored(ada, SHARD)
    good = stored.read_bytes()
    stored.chmod(0o644)
    stored.write_bytes(good[:-300] + bytes(len(good) - len(good[:-300])))
    ada.write("copy.safetensors", project.content[SHARD])
    ada.git("add", "copy.safetensors")
    assert stored.read_bytes() == good


def test_plaintext_behind_good_segments_reaches_no_file_of_git(project: LfsProject) -> None:
    ada = project.ada
    marker = b"PLAINTEXT-MARKER" * 4096
    sealed = io.BytesIO()
    encrypt(Key(project.key.read_bytes()), io.BytesIO(os.urandom(12 << 20)), sealed)
    ada.write("torn.safetensors", sealed.getvalue()[: 10 << 20] + marker * 40)
    reached = """
        import os, sys
        from git_model_security.content import sealed as spool
        write = spool.Spooled.write
        def watched(self, data):
            assert b"PLAINTEXT-MARKER" not in bytes(data), "spooled"
            return write(self, data)
        spool.Spooled.write = watched
        from git_model_security.filter import process
        sys.exit(process.main())
    """
    script = ada.write(".git/watch.py", textwrap.dedent(reached))
    ada.git("config", "filter.git-model.process", f"{sys.executable} {script}")
    done = ada.git.run("add", "torn.safetensors", check=False)
    assert done.returncode
    assert "spooled" not in done.stderr
    assert "torn.safetensors" in done.stderr


def test_a_pointer_that_lies_about_a_length_keeps_nobody_from_fetching(
    project: LfsProject, person: PersonFactory
) -> None:
    mallory = person("mallory").clone(project.remote)
    oid = project.objects[SHARD]
    form = "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 5\n"
    name = mallory.git("hash-object", "-w", "--stdin", stdin=form % oid)
    mallory.git("update-index", "--add", "--cacheinfo", f"100644,{name},a.safetensors")
    mallory.git(*NO_HOOKS, "commit", "--quiet", "--message", "x")
    mallory.git("-c", "core.hooksPath=/dev/null", "push", "--quiet")
    bob = person("bob")
    words = project.keys
    execute(
        *("git-model", "clone", str(project.remote.path), str(bob.home / "c"), *words),
        env=bob.env,
        check=False,
    )
    assert (bob.home / "c" / SHARD).read_bytes() == project.content[SHARD]


def test_what_stood_in_an_objects_place_is_forgotten_when_it_is_right_again(
    project: LfsProject,
) -> None:
    ada = project.ada
    stored = project.stored(ada, SHARD)
    other = project.stored(ada, "shards/a.safetensors")
    good = stored.read_bytes()
    stored.chmod(0o644)
    stored.write_bytes(other.read_bytes())
    for file in (ada.path / ".git" / "git-model").glob("memory*"):
        file.unlink()
    (ada.path / SHARD).unlink()
    ada.git("checkout", "--", SHARD)
    assert ada.model("verify", "HEAD", check=False).returncode == 1
    stored.write_bytes(good)
    assert ada.model("verify", "HEAD").returncode == 0


def test_nobodys_home_as_the_store_is_an_error_of_the_settings(project: LfsProject) -> None:
    project.ada.git("config", "lfs.storage", "~nobody-at-all/x")
    done = project.ada.model("status", check=False)
    assert done.returncode == UNCHECKED
    assert "lfs.storage" in done.stderr
    assert "Traceback" not in done.stderr

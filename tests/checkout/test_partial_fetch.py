"""Working with a part of a model: the objects of the others are not on this machine."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import UNCHECKED

if TYPE_CHECKING:
    from tests.fixtures.lfs_projects import LfsProject, LfsProjectFactory
    from tests.fixtures.people import PersonFactory
    from tests.fixtures.repositories import Repository

SHARD = "shards/a.safetensors"


@pytest.fixture
def shared(lfs_project: LfsProjectFactory) -> LfsProject:
    project = lfs_project()
    project.push()
    return project


@pytest.fixture
def bob(shared: LfsProject, person: PersonFactory) -> Repository:
    """Somebody who signs, whom Ada trusts, and who has fetched nothing."""
    who = person("bob")
    clone = who.clone(shared.remote)
    private, public = who.home / "signing.pem", who.home / "signing.pub"
    clone.model("key", "generate-signing", str(private), str(public))
    clone.model("unlock", "--skip-smudge", "--key", str(shared.key))
    clone.model("unlock", "--public-key", str(shared.public), "--signing-key", str(private))
    shared.ada.model("unlock", "--public-key", str(public))
    return clone


def fetched(repo: Repository) -> int:
    return len([path for path in (repo.path / ".git" / "lfs").rglob("*") if path.is_file()])


def test_unlocking_again_downloads_nothing_that_was_not_asked_for(bob: Repository) -> None:
    assert fetched(bob) == 0
    assert bob.read(SHARD) == bob.blob(f"HEAD:{SHARD}")
    bob.model("lock")
    bob.model("unlock")
    assert fetched(bob) == 0
    bob.model("unlock", "--no-skip-smudge")
    assert fetched(bob) == 3


def test_a_signer_commits_beside_what_was_not_fetched(
    shared: LfsProject, bob: Repository
) -> None:
    assert "HEAD verified" in bob.model("status").stdout
    bob.write("config.json", b'{"layers": 3}\n')
    bob.git("mv", "c.safetensors", "renamed.safetensors")
    bob.commit("Three layers")
    bob.git("push", "--quiet")
    assert fetched(bob) == 0
    ada = shared.ada
    ada.git("pull", "--quiet")
    assert "Verified" in ada.model("verify").stdout
    assert "Verified" in ada.model("verify", "HEAD").stdout
    assert ada.read("renamed.safetensors") == shared.content["c.safetensors"]


def test_what_was_not_fetched_and_was_swapped_is_not_signed(
    shared: LfsProject, bob: Repository, person: PersonFactory
) -> None:
    """Somebody who can push swaps two pointers; the next innocent commit must not sign it."""
    mallory = person("mallory").clone(shared.remote)
    first, second = (
        mallory.git("rev-parse", f"HEAD:{name}") for name in shared.objects if name != SHARD
    )
    mallory.git("update-index", "--cacheinfo", f"100644,{first},c.safetensors")
    mallory.git("update-index", "--cacheinfo", f"100644,{second},shards/b.safetensors")
    mallory.git("commit", "--quiet", "--no-verify", "--message", "Improve")
    mallory.git("-c", "core.hooksPath=/dev/null", "push", "--quiet")
    bob.git("pull", "--quiet")
    bob.write("config.json", b'{"layers": 3}\n')
    bob.git("add", "config.json")
    done = bob.git.run("commit", "--quiet", "--message", "Three")
    assert "this commit is not signed" in done.stderr
    assert "\n  c.safetensors (" in done.stderr
    assert bob.model("verify", "--encrypted", "HEAD", check=False).returncode


def test_verify_says_what_is_only_a_pointer(bob: Repository) -> None:
    bob.model("checkout", SHARD)
    done = bob.model("verify", check=False)
    assert done.returncode == UNCHECKED
    assert "not fetched: only a pointer is in the work tree" in done.stdout
    assert SHARD not in done.stdout
    assert "tampered" not in done.stdout
    assert "git model checkout" in done.stderr
    bob.model("checkout")
    assert "Verified" in bob.model("verify").stdout


def test_restoring_from_another_commit_leaves_nothing_half(shared: LfsProject) -> None:
    ada = shared.ada
    ada.write(SHARD, os.urandom(200_000))
    ada.commit("New weights")
    ada.git("config", "git-model.directThreshold", "100k")
    ada.git("restore", "--source=HEAD~1", SHARD)
    ada.model("checkout")
    assert ada.read(SHARD) == shared.content[SHARD]
    assert ada.status() == f" M {SHARD}"


def test_a_conflict_in_an_object_keeps_ours_and_never_merges_pointers(
    shared: LfsProject,
) -> None:
    ada = shared.ada
    theirs, ours = os.urandom(200_000), os.urandom(200_000)
    ada.git("switch", "--quiet", "--create", "other")
    ada.write(SHARD, theirs)
    ada.commit("Theirs")
    ada.git("switch", "--quiet", "main")
    ada.write(SHARD, ours)
    ada.commit("Ours")
    done = ada.git.run("merge", "other", check=False)
    assert done.returncode
    assert ada.read(SHARD) == ours
    ada.git("checkout", "--theirs", SHARD)
    assert ada.read(SHARD) == theirs
    ada.git("add", SHARD)
    ada.git("commit", "--quiet", "--no-edit")
    assert "Verified" in ada.model("verify", "HEAD").stdout


def test_a_text_that_is_an_object_is_merged_as_text(shared: LfsProject) -> None:
    ada = shared.ada
    lines = [f"line {number} {'x' * 20}\n" for number in range(4000)]
    ada.write("notes.txt", "".join(lines))
    ada.commit("Notes")
    ada.git("switch", "--quiet", "--create", "other")
    ada.write("notes.txt", "".join(["first\n", *lines]))
    ada.commit("Theirs")
    ada.git("switch", "--quiet", "main")
    ada.write("notes.txt", "".join([*lines, "last\n"]))
    ada.commit("Ours")
    ada.git("merge", "--quiet", "--no-edit", "other")
    assert ada.read("notes.txt").decode() == "".join(["first\n", *lines, "last\n"])
    assert ada.blob("HEAD:notes.txt").startswith(b"version https://git-lfs")
    assert "Verified" in ada.model("verify", "HEAD").stdout


def test_a_clone_of_a_host_whose_head_is_nowhere_is_no_success(
    shared: LfsProject, person: PersonFactory
) -> None:
    shared.remote.git("symbolic-ref", "HEAD", "refs/heads/gone")
    who = person("carol")
    (who.home / "work").mkdir()
    place = type(shared.remote)(who.home / "work", who.env)
    words = ("clone", str(shared.remote.path), "model", "--key", str(shared.key))
    done = place.model(*words, check=False)
    assert done.returncode == 1
    assert "'main'" in done.stderr
    assert "-b BRANCH" in done.stderr
    shutil.rmtree(place.path / "model")
    place.model(*words, "-b", "main")
    assert (place.path / "model" / SHARD).read_bytes() == shared.content[SHARD]

"""Clones: without a key, without git-model, and `git model clone`, which does it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.histories import MODEL
from tests.fixtures.people import assert_clean, is_sealed
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from tests.fixtures.people import Person, PersonFactory, Project


@pytest.fixture
def bob(person: PersonFactory) -> Person:
    return person("bob")


@pytest.fixture(params=["the global filter", "no git-model at all"])
def keyless(request: pytest.FixtureRequest, project: Project, bob: Person) -> Repository:
    """A clone of somebody who has no key."""
    if request.param == "the global filter":
        bob.install()
    return bob.clone(project.remote)


def test_a_clone_without_a_key_holds_ciphertext_and_is_clean(
    project: Project, keyless: Repository
) -> None:
    for name in ("model.safetensors", "config.json", "model.sig"):
        assert is_sealed(keyless.read(name))
        assert keyless.read(name) == project.ada.blob(f"HEAD:{name}")
    assert keyless.read("train.py") == project.ada.read("train.py")
    assert_clean(keyless)


def test_a_clone_without_a_key_works_on_what_is_clear(
    project: Project, keyless: Repository
) -> None:
    keyless.write("train.py", "print('better')\n")
    keyless.write("new.md", "text\n")
    keyless.commit()
    keyless.git("push", "--quiet")
    assert_clean(keyless)
    assert project.remote.blob("main:train.py") == b"print('better')\n"
    assert is_sealed(project.remote.blob("main:model.safetensors"))


def test_a_clone_without_a_key_switches_merges_and_pulls(
    project: Project, keyless: Repository
) -> None:
    keyless.git("switch", "--quiet", "--create", "side")
    keyless.write("side.md", "text\n")
    keyless.commit()
    keyless.git("switch", "--quiet", "main")
    project.ada.write("model.safetensors", b"version 2")
    project.ada.commit()
    project.ada.git("push", "--quiet")
    keyless.git("pull", "--quiet")
    keyless.git("merge", "--quiet", "--no-edit", "side")
    assert keyless.read("model.safetensors") == project.ada.blob("HEAD:model.safetensors")
    assert_clean(keyless)


def test_adding_a_changed_protected_file_without_a_key_fails_clearly(
    project: Project, bob: Person
) -> None:
    bob.install()
    clone = bob.clone(project.remote)
    for name in ("model.safetensors", "new.bin"):
        clone.write(name, b"in clear")
        refused = clone.git.run("add", name, check=False)
        assert refused.returncode == 128
        assert f"git-model: error: {name}: this clone is locked" in refused.stderr
        assert "git-model: hint: `git model unlock --key FILE`" in refused.stderr
        assert clone.git("diff", "--cached", "--name-only") == ""


def test_a_locked_clone_commits_all_that_is_clear_beside_a_changed_protected_file(
    project: Project, bob: Person
) -> None:
    bob.install()
    clone = bob.clone(project.remote)
    clone.write("model.safetensors", b"in clear")
    clone.write("train.py", "changed\n")
    clone.git("commit", "--quiet", "--message", "Only this", "train.py")
    assert clone.git("show", "--name-only", "--format=") == "train.py"
    assert clone.read("model.safetensors") == b"in clear"


def test_model_clone_does_it_all(project: Project, bob: Person) -> None:
    where = Repository(bob.home, bob.env)
    said = where.model(
        *("clone", str(project.remote.path), "mine"),
        *project.keys,
    )
    clone = Repository(bob.home / "mine", bob.env)
    for name in project.ada.git("ls-files").splitlines():
        assert clone.read(name) == project.ada.read(name)
    assert "is verified: its signatures hold" in said.stderr
    assert_clean(clone)
    clone.model("verify")
    clone.write("model.safetensors", b"version 2")
    clone.commit()
    clone.git("push", "--quiet", "origin", "main:bob")


def test_model_clone_chooses_the_directory_as_git_does(project: Project, bob: Person) -> None:
    Repository(bob.home, bob.env).model(
        "clone", str(project.remote.path), "--key", str(project.key)
    )
    assert (bob.home / "remote" / "model.safetensors").read_bytes() == MODEL


def test_model_clone_takes_a_branch_and_a_depth(project: Project, bob: Person) -> None:
    project.ada.git("switch", "--quiet", "--create", "next")
    project.ada.write("model.safetensors", b"next weights")
    project.ada.commit()
    project.ada.git("push", "--quiet", "origin", "next")
    Repository(bob.home, bob.env).model(
        *("clone", f"file://{project.remote.path}", "mine", "--key", str(project.key)),
        *("--branch", "next", "--depth", "1"),
    )
    clone = Repository(bob.home / "mine", bob.env)
    assert clone.git("branch", "--show-current") == "next"
    assert clone.read("model.safetensors") == b"next weights"
    assert_clean(clone)


def test_model_clone_with_a_wrong_key_leaves_a_locked_clone(
    project: Project, bob: Person
) -> None:
    where = Repository(bob.home, bob.env)
    where.model("key", "generate", "wrong.bin")
    refused = where.model(
        "clone", str(project.remote.path), "mine", "--key", "wrong.bin", check=False
    )
    assert refused.returncode == 1
    assert "wrong key" in refused.stderr
    assert "is cloned, and locked" in refused.stderr
    clone = Repository(bob.home / "mine", bob.env)
    assert is_sealed(clone.read("model.safetensors"))
    assert_clean(clone)
    clone.model("unlock", "--key", str(project.key))
    assert clone.read("model.safetensors") == MODEL


def test_model_clone_of_an_untrusted_model_says_so(project: Project, bob: Person) -> None:
    where = Repository(bob.home, bob.env)
    said = where.model("clone", str(project.remote.path), "mine", "--key", str(project.key))
    assert "is unverified: no trusted signer is pinned" in said.stderr
    assert (bob.home / "mine" / "model.safetensors").read_bytes() == MODEL


def test_model_clone_of_an_empty_repository_says_what_to_do(
    remote: Repository, bob: Person
) -> None:
    said = Repository(bob.home, bob.env).model("clone", str(remote.path), "mine")
    assert "`git model init` it" in said.stderr


def test_model_clone_refuses_a_directory_in_use(project: Project, bob: Person) -> None:
    (bob.home / "mine").mkdir()
    (bob.home / "mine" / "file").write_text("x")
    refused = Repository(bob.home, bob.env).model(
        "clone", str(project.remote.path), "mine", check=False
    )
    assert refused.returncode == 1
    assert "exists and is not empty" in refused.stderr


def test_a_quiet_clone_says_nothing_that_is_not_wrong(project: Project, bob: Person) -> None:
    done = Repository(bob.home, bob.env).model(
        *("clone", "-q", str(project.remote.path), "quiet"),
        *project.keys,
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_model_clone_of_nothing_says_what_git_says(bob: Person) -> None:
    refused = Repository(bob.home, bob.env).model("clone", "/no/such/place", check=False)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "does not exist" in refused.stderr

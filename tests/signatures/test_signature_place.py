"""A signature of somebody else's stays what it is: ours gets another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import PersonFactory, Project, assert_clean, assert_signed
from tests.fixtures.processes import execute, tool
from tests.fixtures.repositories import NO_HOOKS, Repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def downloaded(repo: Repository, tmp_path: Path) -> bytes:
    """A model with the signature of who published it, made by the stock tool."""
    repo.write("model.safetensors", b"weights" * 1000)
    private = tmp_path / "vendor.pem"
    repo.model("key", "generate-signing", str(private), str(tmp_path / "vendor.pub"))
    signature = repo.path / "model.sig"
    execute(
        *(tool("model_signing"), "sign", "key", "--private_key", private),
        *("--signature", signature, "--ignore-git-paths", repo.path),
    )
    return signature.read_bytes()


@pytest.mark.parametrize("is_tracked", [False, True])
def test_init_refuses_says_whose_it_is_and_offers_another_name(
    repo: Repository, downloaded: bytes, is_tracked: bool
) -> None:
    if is_tracked:
        repo.git("add", "model.sig")
        (repo.path / "model.sig").unlink()
    refused = repo.model("init", check=False)
    assert refused.returncode == 1
    assert "model.sig: a signature by key " in refused.stderr
    assert "`--signature NAME`" in refused.stderr
    assert not (repo.path / ".gitmodel").exists()
    if is_tracked:
        repo.git("restore", "model.sig")

    repo.model("init", "--signature", "ours.sig")
    repo.commit()
    assert repo.read("model.sig") == downloaded
    assert repo.read("ours.sig")
    repo.model("verify")
    assert_clean(repo)


@pytest.mark.parametrize("is_added", [False, True])
def test_the_first_signing_refuses_too(
    repo: Repository, downloaded: bytes, is_added: bool
) -> None:
    (repo.path / "model.sig").unlink()
    repo.model("init")
    repo.write("model.sig", downloaded)
    repo.git("add", *(["--all"] if is_added else ["model.safetensors"]))
    refused = repo.git.run("commit", "--quiet", "-m", "First", check=False)
    assert refused.returncode != 0
    assert "model.sig: a signature by key " in refused.stderr
    assert "git model config signing.signature NAME" in refused.stderr
    assert repo.read("model.sig") == downloaded

    repo.model("config", "signing.signature", "ours.sig")
    repo.commit()
    assert repo.read("model.sig") == downloaded
    repo.model("verify")


def test_what_is_no_signature_is_not_overwritten_either(repo: Repository) -> None:
    repo.write("weights.bin", b"weights")
    repo.write("model.sig", "a note of mine")
    refused = repo.model("init", check=False)
    assert "model.sig: a file that is no signature of this repository" in refused.stderr
    (repo.path / "model.sig").unlink()
    repo.write(".model-encrypted.sig", "a note of mine")
    refused = repo.model("init", check=False)
    assert "hint: move it away" in refused.stderr


def test_the_signature_of_a_repository_is_renamed(project: Project) -> None:
    ada = project.ada
    ada.model("config", "signing.signature", "ours.sig")
    assert not (ada.path / "model.sig").exists()
    ada.git("commit", "--quiet", "-m", "Rename")
    names = ada.git("ls-tree", "-r", "--name-only", "HEAD").splitlines()
    assert "ours.sig" in names
    assert "model.sig" not in names
    ada.model("verify")
    ada.model("verify", "HEAD")
    assert_clean(ada)
    # And it goes on under that name.
    ada.write("config.json", "{}")
    ada.commit()
    ada.model("verify", "HEAD")


def test_that_of_a_trusted_signer_is_not_ones_own(
    project: Project, person: PersonFactory, tmp_path: Path
) -> None:
    vendor = project.signing(person("bob"))
    (tmp_path / "own").mkdir()
    own = Repository(tmp_path / "own")
    own.git("init", "--quiet")
    own.write("weights.bin", b"weights")
    own.model("init", "--signature", "mine.sig")
    own.commit()
    public = vendor.path.parent / "home" / "signing.pub"
    own.model("trust", "add", "--yes", "--public-key", str(public))
    vendor.write("config.json", "{}")
    vendor.commit()
    theirs = own.write("model.sig", vendor.read("model.sig")).read_bytes()
    refused = own.model("config", "signing.signature", "model.sig", check=False)
    assert refused.returncode == 1
    assert "model.sig: a signature by key " in refused.stderr
    assert own.read("model.sig") == theirs


def test_no_signature_is_taken_away_where_one_of_several_was_changed(project: Project) -> None:
    ada = project.ada
    ada.write(".model-encrypted.sig", "broken")
    ada.write("model.sig", "changed here")
    before = ada.git("ls-files", "--stage")
    assert ada.model("config", "signing.signature", "x.sig", check=False).returncode == 1
    assert ada.git("ls-files", "--stage") == before
    assert ada.read("model.sig") == b"changed here"


def test_a_repository_that_is_set_up_says_how_the_name_is_changed(project: Project) -> None:
    done = project.ada.model("init", "--signature", "x.sig", check=False)
    assert done.returncode == 2
    assert "git model config signing.signature NAME" in done.stderr


def test_a_signature_of_its_own_that_nothing_tracks_is_made_anew(project: Project) -> None:
    ada = project.ada
    ada.git("rm", "--quiet", "--cached", "model.sig", ".model-encrypted.sig")
    ada.git(*NO_HOOKS, "commit", "--quiet", "-m", "Bare")
    ada.model("sign", "--adopt", ".")
    ada.git("commit", "--quiet", "-m", "Signed")
    assert_signed(ada)


def test_a_signature_that_a_person_broke_is_made_anew(project: Project) -> None:
    ada = project.ada
    ada.write("model.sig", "<<<<<<< conflict")
    ada.commit()
    assert_signed(ada)


@pytest.mark.parametrize("name", ["a/b", ".gitmodel", "-x", ".model-encrypted.sig", "", "\n"])
def test_a_name_that_no_signature_can_have_is_refused(repo: Repository, name: str) -> None:
    repo.write("weights.bin", b"weights")
    refused = repo.model("init", f"--signature={name}", check=False)
    assert refused.returncode != 0 or not name
    assert "Traceback" not in refused.stderr

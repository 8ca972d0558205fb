"""What `git lfs pull` of git-lfs before 3.6 leaves behind: ciphertext in the work tree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.lfs_projects import FILES
from tests.fixtures.people import assert_clean, is_sealed
from tests.fixtures.processes import execute
from tests.fixtures.tracked import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.lfs_projects import LfsProject
    from tests.fixtures.people import Person
    from tests.fixtures.repositories import Repository


@pytest.fixture
def project(pushed_lfs_project: LfsProject) -> LfsProject:
    return pushed_lfs_project


def pull(project: LfsProject, clone: Repository) -> None:
    """Pulls as GitLab's runner does; a newer git-lfs leaves the pointers, an older one not."""
    clone.git("lfs", "install", "--skip-repo")
    clone.git("lfs", "pull")
    for path in FILES:
        if not is_sealed(clone.read(path)):
            clone.write(path, project.stored(clone, path).read_bytes())
            clone.git("add", path)
    assert all(is_sealed(clone.read(path)) for path in FILES)


def findings(clone: Repository, *arguments: str) -> dict[str, list[str]]:
    said = clone.model("verify", "--json", *arguments, check=False)
    return {one["reason"]: one["files"] for one in json.loads(said.stdout)["findings"]}


def test_pulled_ciphertext_is_not_materialised_until_checkout(
    project: LfsProject, ben: Person
) -> None:
    clone = ben.clone(project.remote)
    clone.model("unlock", "--skip-smudge", *project.keys)
    pull(project, clone)
    assert_clean(clone)
    assert findings(clone) == {"not materialised": sorted(FILES)}
    said = clone.model("verify", check=False)
    assert said.returncode != 0
    assert "git model checkout" in said.stderr
    status = clone.model("status", check=False)
    assert f"not materialised: {len(FILES)} files" in status.stderr
    clone.model("checkout", FILES[0])
    assert clone.read(FILES[0]) == project.content[FILES[0]]
    assert is_sealed(clone.read(FILES[1]))
    clone.model("checkout")
    project.assert_complete(clone)
    assert findings(clone) == {}
    assert_clean(clone)


def test_unlock_writes_pulled_ciphertext(project: LfsProject, ben: Person) -> None:
    clone = ben.clone(project.remote)
    clone.model("unlock", "--skip-smudge", *project.keys)
    pull(project, clone)
    clone.model("unlock", "--no-skip-smudge")
    project.assert_complete(clone)
    assert findings(clone) == {}
    assert_clean(clone)


def test_other_ciphertext_in_its_place_is_left_alone(project: LfsProject, ben: Person) -> None:
    clone = ben.clone(project.remote)
    clone.model("unlock", "--skip-smudge", *project.keys)
    pull(project, clone)
    other = clone.read(FILES[1])
    damaged = other[:-1] + bytes([other[-1] ^ 1])
    clone.write(FILES[0], other)
    clone.write(FILES[1], damaged)
    clone.model("checkout")
    assert clone.read(FILES[0]) == other
    assert clone.read(FILES[1]) == damaged
    assert clone.read(FILES[2]) == project.content[FILES[2]]
    assert findings(clone) == {"tampered": sorted(FILES[:2])}


@pytest.mark.parametrize("is_installed", [False, True])
def test_a_locked_clone_with_pulled_ciphertext_verifies_and_unlocks(
    project: LfsProject, ben: Person, is_installed: bool
) -> None:
    if is_installed:
        ben.install()
    clone = ben.clone(project.remote)
    pull(project, clone)
    assert findings(clone, "--encrypted", "key", "--public-key", str(project.public)) == {}
    if is_installed:
        assert_clean(clone)
    clone.model("unlock", *project.keys)
    project.assert_complete(clone)
    assert findings(clone) == {}
    assert_clean(clone)


def staged_raw(project: LfsProject, ben: Person) -> Repository:
    """Clones and pulls where no git-model is, so that the index holds the envelopes."""
    clone = ben.clone(project.remote)
    pull(project, clone)
    assert all(is_sealed(clone.blob(f":{path}")) for path in FILES)
    return clone


def assert_pointers_staged(clone: Repository) -> None:
    assert clone.git("diff", "--cached", "--name-only") == ""
    assert_clean(clone)


@pytest.mark.parametrize("skips", [False, True])
def test_unlock_puts_the_pointers_of_staged_ciphertext_back(
    project: LfsProject, ben: Person, skips: bool
) -> None:
    clone = staged_raw(project, ben)
    said = clone.model("unlock", *project.keys, *["--skip-smudge"] * skips)
    assert "and 2 more: their ciphertext was staged" in said.stderr
    assert_pointers_staged(clone)
    clone.model("checkout")
    project.assert_complete(clone)
    assert_pointers_staged(clone)


def test_checkout_puts_them_back_that_were_staged_after_unlock(
    project: LfsProject, ben: Person
) -> None:
    clone = ben.clone(project.remote)
    clone.model("unlock", *project.keys)
    stage_raw(clone)
    said = clone.model("checkout")
    assert "ciphertext was staged" in said.stderr
    assert_pointers_staged(clone)
    project.assert_complete(clone)


def stage_raw(repo: Repository) -> None:
    """Does to an index what a Git without our filter did."""
    for path in FILES:
        stored = repo.git("lfs", "ls-files", "--long", "--include", path).split()[0]
        file = repo.path / ".git/lfs/objects" / stored[:2] / stored[2:4] / stored
        blob = repo.git("hash-object", "-w", "--no-filters", str(file))
        repo.git("update-index", "--cacheinfo", f"100644,{blob},{path}")


def test_a_commit_never_holds_the_object_in_place_of_its_pointer(project: LfsProject) -> None:
    ada = project.ada
    before = {path: ada.blob(f"HEAD:{path}") for path in FILES}
    stage_raw(ada)
    ada.write("notes.txt", "words\n")
    ada.git("add", "notes.txt")
    done = ada.git.run("commit", "--quiet", "--message", "Notes")
    assert "ciphertext was staged" in done.stderr
    assert {path: ada.blob(f"HEAD:{path}") for path in FILES} == before
    ada.model("verify", "HEAD")
    assert_clean(ada)


def test_adoption_signs_the_pointers(project: LfsProject) -> None:
    ada = project.ada
    stage_raw(ada)
    ada.model("sign", "--adopt", ".")
    assert ada.git("diff", "--cached", "--name-only") == ""


def test_an_envelope_that_is_not_the_object_of_head_stays_staged(project: LfsProject) -> None:
    ada = project.ada
    stage_raw(ada)
    ours, other = ada.git("rev-parse", f":{FILES[0]}", f":{FILES[1]}").split()
    ada.git("update-index", "--cacheinfo", f"100644,{other},{FILES[0]}")
    ada.model("checkout")
    staged = ada.git("rev-parse", *(f":{path}" for path in FILES[:2])).split()
    assert staged[0] == other
    assert staged[1] not in {ours, other}


def test_what_leaves_git_lfs_on_purpose_stays_staged(project: LfsProject) -> None:
    ada = project.ada
    text = b"words\n" * 500
    ada.write(".data", text)
    pointer = ada.git.run("lfs", "clean", stdin=text, text=False).stdout
    ada.write(".data", pointer)
    ada.commit("A pointer of somebody else's")
    ada.write(".data", text)
    ada.git("add", ".data")
    ada.model("checkout")
    assert ada.blob(":.data") == text


def test_the_release_script_commits_pointers(
    project: LfsProject, ben: Person, tmp_path: Path
) -> None:
    clone = staged_raw(project, ben)
    before = {path: clone.blob(f"HEAD:{path}") for path in FILES}
    private = tmp_path / "signing.pem"
    project.ada.model("key", "generate-signing", str(private), str(tmp_path / "signing.pub"))
    secrets = {
        "GIT_MODEL_KEY": project.key.read_bytes().hex(),
        "SIGNING_PRIVATE_KEY": private.read_text(),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    env = {**clone.env, **secrets, "SIGN_ADOPT": "1"}
    execute(ROOT / "ci" / "sign-release.sh", cwd=clone.path, env=env)
    assert {path: clone.blob(f"HEAD:{path}") for path in FILES} == before
    project.assert_complete(clone)

"""A directory that came out of a repository without Git: ciphertext, or decrypted."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.directories.test_verbs import STOCK, run
from tests.fixtures.processes import execute

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.lfs_projects import LfsProject
    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository


def archive(repo: Repository, directory: Path, revision: str = "HEAD") -> Path:
    """Unpacks what `git archive` has of a bare repository, where no filter runs."""
    words = ("archive", "--format=tar", revision)
    made = execute("git", "-C", repo.path, *words, text=False).stdout
    with tarfile.open(fileobj=io.BytesIO(made)) as file:
        file.extractall(directory, filter="data")
    return directory


@pytest.fixture
def archived(project: Project, tmp_path: Path) -> Path:
    return archive(project.remote, tmp_path / "archive", "main")


def keys(project: Project) -> tuple[object, ...]:
    return ("--public-key", project.public, "--encryption-key", project.key)


def test_an_archive_verifies_without_git_and_without_a_key(
    project: Project, archived: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(archived.parent)
    who = ("--public-key", project.public)
    assert "Verified" in run("verify", "--dir", archived, "--encrypted", *who).stdout
    said = run("verify", "--dir", archived, *who, status=4)
    assert "`git model decrypt+verify` opens it with the key" in said.stderr


@pytest.mark.parametrize("verb", ["decrypt+verify", "verify+decrypt"])
def test_an_archive_is_decrypted_once_it_is_verified(
    project: Project, archived: Path, verb: str
) -> None:
    run(verb, "key", *keys(project), archived)
    for name in ("model.safetensors", "config.json", "train.py", "model.sig"):
        assert (archived / name).read_bytes() == project.ada.read(name)
    run("verify", "--dir", archived, "--public-key", project.public)
    bundle = ("--signature", archived / "model.sig", "--public_key", project.public)
    execute(*STOCK, "verify", "key", *bundle, archived)


@pytest.mark.parametrize("verb", ["decrypt+verify", "verify+decrypt"])
@pytest.mark.parametrize("name", ["model.safetensors", "train.py", "new.py"])
def test_an_archive_that_was_changed_stays_as_it_is(
    project: Project, archived: Path, verb: str, name: str
) -> None:
    file = archived / name
    content = file.read_bytes() if file.exists() else b"print('new')\n"
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    before = (archived / "config.json").read_bytes()
    run(verb, "key", *keys(project), archived, status=1)
    assert (archived / "config.json").read_bytes() == before
    said = run(
        *("verify", "--dir", archived, "--encrypted", "--public-key", project.public, "--json"),
        status=1,
    )
    (finding,) = json.loads(said.stdout)["findings"]
    assert finding["files"] == [name]


def test_a_decrypted_directory_is_no_ciphertext(project: Project, archived: Path) -> None:
    run("decrypt", "--encryption-key", project.key, archived)
    who = ("--public-key", project.public)
    said = run("verify", "--dir", archived, "--encrypted", *who, status=1)
    assert "decrypted, where ciphertext was signed" in said.stdout
    assert "leave --encrypted out" in said.stderr
    run("verify", "--dir", archived, *who)


def test_pointers_stand_for_the_objects_that_they_name(
    pushed_lfs_project: LfsProject, tmp_path: Path
) -> None:
    project = pushed_lfs_project
    pointers = archive(project.remote, tmp_path / "pointers", "main")
    who = ("--encrypted", "--public-key", project.public)
    said = run("verify", "--dir", pointers, *who)
    assert "3 of them are pointers" in said.stderr
    run("decrypt+verify", "key", *keys(project), pointers, status=4)
    objects = tmp_path / "objects"
    shutil.copytree(pointers, objects)
    for path in project.objects:
        shutil.copy(project.stored(project.ada, path), objects / path)
    run("verify", "--dir", objects, *who)
    run("decrypt+verify", "key", *keys(project), objects)
    for path, content in project.content.items():
        assert (objects / path).read_bytes() == content
    path = next(iter(project.objects))
    text = (pointers / path).read_bytes()
    (pointers / path).write_bytes(text.replace(b"sha256:", b"sha256:0")[:-1] + b"\n")
    run("verify", "--dir", pointers, *who, status=1)


def test_a_commit_becomes_a_directory(project: Project, archived: Path, tmp_path: Path) -> None:
    ada = project.ada
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    ada.model("export", "HEAD", str(plain))
    ada.model("export", "--encrypted", "HEAD", str(sealed))
    assert tree(sealed) == tree(archived)
    assert tree(plain) == {name: ada.read(name) for name in ada.git("ls-files").splitlines()}
    run("verify", "--dir", plain, "--public-key", project.public)
    said = ada.model("export", "HEAD", str(plain), check=False)
    assert said.returncode != 0
    assert "something stands there already" in said.stderr


def test_an_object_of_git_lfs_is_exported_for_its_pointer(
    pushed_lfs_project: LfsProject, tmp_path: Path
) -> None:
    project = pushed_lfs_project
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    project.ada.model("export", "HEAD", str(plain))
    project.ada.model("export", "--encrypted", "HEAD", str(sealed))
    for path, content in project.content.items():
        assert (plain / path).read_bytes() == content
    for path in project.objects:
        stored = project.stored(project.ada, path).read_bytes()
        assert (sealed / path).read_bytes() == stored
    path = next(reversed(project.objects))
    damaged = project.stored(project.ada, path)
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\0")
    for option in ((), ("--encrypted",)):
        again = tmp_path / f"again{len(option)}"
        said = project.ada.model("export", *option, "HEAD", str(again), check=False)
        assert said.returncode != 0
        assert not again.exists()
    assert f"{path}: its git-lfs object" in said.stderr
    again.mkdir()
    project.ada.model("export", "--encrypted", "HEAD", str(again), check=False)
    assert list(again.iterdir()) == []


@pytest.mark.parametrize("is_bare", [True, False])
def test_without_its_objects_nothing_is_exported_and_a_file_is_named(
    pushed_lfs_project: LfsProject, tmp_path: Path, is_bare: bool
) -> None:
    project = pushed_lfs_project
    repo = project.remote if is_bare else project.ada
    for path in project.objects:
        project.stored(project.ada, path).unlink()
    shutil.rmtree(project.remote.path / "lfs", ignore_errors=True)
    out = tmp_path / "out"
    words = ("export", "--encrypted", "main", str(out))
    said = repo.model(*words, check=False)
    assert said.returncode != 0
    assert not out.exists()
    assert f"{min(project.objects)}: its git-lfs object" in said.stderr
    assert f"; and {len(project.objects) - 1} more" in said.stderr
    assert ("git model checkout" in said.stderr) != is_bare
    assert "git lfs fetch --all" in said.stderr


def test_a_commit_that_does_not_verify_is_not_exported(
    project: Project, tmp_path: Path
) -> None:
    ada = project.ada
    ada.write("train.py", "print('changed')\n")
    ada.git("commit", "--quiet", "--all", "--no-verify", "--message", "Unsigned")
    said = ada.model("export", "HEAD", str(tmp_path / "out"), check=False)
    assert said.returncode == 1
    assert not (tmp_path / "out").exists()
    ada.model("export", "--encrypted", "HEAD", str(tmp_path / "sealed"))


def test_an_encrypted_directory_becomes_a_repository(
    project: Project, tmp_path: Path, home: Path
) -> None:
    from tests.fixtures.repositories import Repository

    top = tmp_path / "new"
    top.mkdir()
    (top / "model.safetensors").write_bytes(b"\x80weights" * 500)
    run("encrypt", "--encryption-key", project.key, top)
    sealed = (top / "model.safetensors").read_bytes()
    repo = Repository(top, project.ada.env)
    repo.git("init", "--quiet")
    repo.model("init", "--profile", "weights", "--key", str(project.key))
    repo.git("add", "--all")
    assert repo.blob(":model.safetensors") == sealed
    repo.git("commit", "--quiet", "--message", "First")
    repo.model("verify", "HEAD")


@pytest.mark.parametrize("is_own", [True, False])
def test_a_signed_and_encrypted_directory_becomes_a_repository(
    project: Project, tmp_path: Path, home: Path, is_own: bool
) -> None:
    from git_model_security.signing import keys
    from tests.fixtures.repositories import Repository

    top, ours, other = (tmp_path / name for name in ("new", "ours.pem", "other.pem"))
    keys.generate(ours)
    keys.generate(other)
    top.mkdir()
    (top / "model.safetensors").write_bytes(b"\x80weights" * 500)
    key = ("--encryption-key", project.key)
    run("sign+encrypt", "key", "--private-key", ours if is_own else other, *key, top)
    sealed = (top / "model.safetensors").read_bytes()
    repo = Repository(top, project.ada.env)
    repo.git("init", "--quiet")
    words = ("init", "--profile", "weights", "--key", str(project.key))
    done = repo.model(*words, "--signing-key", str(ours), check=False)
    if not is_own:
        assert done.returncode == 1
        assert "a signature by key" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    repo.git("add", "--all")
    assert repo.blob(":model.safetensors") == sealed
    repo.git("commit", "--quiet", "--message", "First")
    repo.model("verify", "HEAD")


def test_the_digest_of_a_model_root_needs_no_file(project: Project) -> None:
    ada = project.ada
    said = ada.model("digest", "--rev", "HEAD").stdout
    (ada.path / "model.safetensors").unlink()
    assert ada.model("digest", "--rev", "HEAD").stdout == said
    document = json.loads(ada.model("digest", "--rev", "HEAD", "--manifest").stdout)
    assert said == f"sha256:{document['digest']['sha256']}\n"
    assert "model.safetensors" in document["files"]
    refused = ada.model("digest", "--rev", "HEAD", "elsewhere", check=False)
    assert "is no model root" in refused.stderr


def test_the_digest_of_a_clean_work_tree_is_the_one_of_its_commit(
    project: Project, tmp_path: Path
) -> None:
    ada = project.ada
    said = ada.model("digest", "--rev", "HEAD").stdout
    done = ada.model("digest")
    assert (done.stdout, done.stderr) == (said, "")
    ada.model("export", "HEAD", str(tmp_path / "plain"))
    plain = tmp_path / "plain"
    assert "model.sig is a file of it" in run("digest", plain).stderr
    before = run("digest", plain).stdout
    policy = plain / ".gitmodel"
    policy.write_bytes(policy.read_bytes() + b"[signing]\n\tsignature = train.py\n")
    chosen = run("digest", plain).stdout
    assert chosen != before
    (plain / "train.py").write_bytes(b"changed")
    assert run("digest", plain).stdout != chosen
    ada.write("train.py", "print('changed')\n")
    assert ada.model("digest").stdout != said
    ada.git("checkout", "--quiet", "train.py")
    ada.write("new.py", "print('new')\n")
    assert ada.model("digest").stdout != said
    sealed = tmp_path / "sealed"
    ada.model("export", "--encrypted", "HEAD", str(sealed))
    assert "it is the digest of ciphertext" in run("digest", sealed).stderr


def tree(top: Path) -> dict[str, bytes]:
    return {
        os.fspath(path.relative_to(top)): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file()
    }
